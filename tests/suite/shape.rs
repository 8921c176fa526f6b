//! The common format of an error in every dialect and from every layer.

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
    let known = ["message", "code", "reason", "request_id", "issues"];
    assert!(members.keys().all(|name| known.contains(&name.as_str())), "{case}: {:.300}", answer.text);
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
    assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{case}");
}
