//! The common format of an error in every dialect and from every layer.

use serde_json::Value;
use vitrine::rules::error::Reason;
use vitrine_tests::Answer;

/// Asserts that a refusal has this format.
pub fn assert_problem(answer: &Answer, case: &str) {
    let status = answer.status.as_u16();
    assert!(status >= 400, "{case}: {status} {:.300}", answer.text);
    let members = answer.json.as_object().unwrap_or_else(|| panic!("{case}: {:.300}", answer.text));
    for name in ["message", "code", "reason", "request_id"] {
        assert!(
            members.get(name).and_then(|value| value.as_str()).is_some_and(|text| !text.is_empty()),
            "{case}: {name}"
        );
    }
    let known = ["message", "code", "reason", "request_id", "issues", "errors"];
    assert!(members.keys().all(|name| known.contains(&name.as_str())), "{case}: {:.300}", answer.text);
    for issue in answer.json["issues"].as_array().into_iter().flatten() {
        assert_issue(issue, case);
    }
    assert_eq!(answer.json["request_id"], answer.header("x-request-id"), "{case}");
    let word = &answer.json["reason"];
    let reason =
        Reason::ALL.iter().find(|reason| word == reason.word()).unwrap_or_else(|| panic!("{case}: {word}"));
    assert_eq!(
        (reason.code().status(), answer.json["code"].as_str()),
        (status, Some(reason.code().word())),
        "{case}"
    );
    assert_eq!(answer.header("content-type"), "application/json", "{case}");
    assert_eq!(answer.header("cache-control"), "no-store", "{case}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{case}");
    assert_eq!(answer.header("www-authenticate") == "Bearer", status == 401, "{case}");
    // The other 429 is a limit that does not pass by itself.
    let passes = status == 503 || word == "sign_in_locked";
    assert_eq!(answer.headers.contains_key("retry-after"), passes, "{case}");
    let is_sign_in = ["password_wrong", "sign_in_locked"].contains(&word.as_str().unwrap_or_default());
    assert_eq!(members.contains_key("errors"), is_sign_in, "{case}");
}

/// Asserts that the message of an issue is understood without its path, because many clients show only the messages.
fn assert_issue(issue: &Value, case: &str) {
    let text = |name: &str| issue[name].as_str().unwrap_or_else(|| panic!("{case}: {issue:.300}"));
    let (path, message) = (text("path"), text("message"));
    let field = path.rsplit('.').next().unwrap_or_default();
    let starts = |end: usize| message.chars().take(end).collect::<String>();
    if path.is_empty() {
        let verbs = ["must ", "is ", "are ", "requires "];
        assert!(!verbs.iter().any(|verb| message.starts_with(verb)), "{case}: {message}");
    } else if field.chars().count() < 60 {
        assert!(starts(162).contains(field), "{case}: {path}: {message:.300}");
    }
    assert!(message.contains(' '), "{case}: {path}: {message:.300}");
}

/// The message of an issue without the names that it begins with, as the tables have it.
pub fn predicate<'a>(path: &str, message: &'a str) -> &'a str {
    let names: Vec<_> = path.rsplitn(3, '.').take(2).collect();
    let field = names.into_iter().rev().collect::<Vec<_>>().join(".");
    if field.is_empty() {
        return message;
    }
    let rest = message.strip_prefix(&*field).and_then(|rest| rest.strip_prefix(' '));
    rest.unwrap_or_else(|| panic!("{message:.300} does not begin with {field:.300}"))
}
