//! The snippets from MotherDuck's documentation, run with another host name against a listening server.

use serde_json::{Value, json};

use crate::clients::{Language, Listening, http, stdout};
use crate::motherduck_sessions::opened;

/// The documented snippets and the host name in them.
const NODE: &str = include_str!("../cases/motherduck-embed-session.mjs");
const PYTHON: &str = include_str!("../cases/motherduck-embed-session.py");
const HOST: &str = "https://api.motherduck.com";

/// The part of `httpx` that the snippet needs, so that nothing has to be installed.
const HTTPX: &str = r#"import json as _json
import urllib.error
import urllib.request


class HTTPStatusError(Exception):
    pass


class Response:
    def __init__(self, status_code, body):
        self.status_code, self._body = status_code, body

    def raise_for_status(self):
        if not 200 <= self.status_code < 300:
            raise HTTPStatusError(f"status {self.status_code}")
        return self

    def json(self):
        return _json.loads(self._body)


def post(url, headers, json):
    request = urllib.request.Request(url, data=_json.dumps(json).encode(), headers=headers, method="POST")
    # A proxy of the machine must not be used for the loopback address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return Response(answer.status, answer.read())
    except urllib.error.HTTPError as answer:
        return Response(answer.code, answer.read())
"#;

const BESIDE: &[(&str, &str)] = &[("httpx.py", HTTPX)];

/// The snippet with its placeholders filled in, and a last line that prints the result.
fn program(language: Language, base_url: &str, dive: &str, token: &str, username: &str) -> String {
    let (before, snippet, after) = match language {
        Language::Node => (
            format!(
                "const MOTHERDUCK_TOKEN = {};\nconst SERVICE_ACCOUNT_USERNAME = {};\n",
                json!(token),
                json!(username)
            ),
            NODE,
            "console.log(session);\n",
        ),
        Language::Python => (
            format!("MOTHERDUCK_TOKEN = {}\nSERVICE_ACCOUNT_USERNAME = {}\n", json!(token), json!(username)),
            PYTHON,
            "print(session)\n",
        ),
    };
    assert!(snippet.contains(HOST) && snippet.contains("<your_dive_id>"));
    format!("{before}{}{after}", snippet.replace(HOST, base_url).replace("<your_dive_id>", dive))
}

async fn the_snippet_works(language: Language) {
    if !language.is_here() {
        return;
    }
    let server = Listening::start().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let content = json!({"type": "html", "html": "<p>hello</p>"});
    let dive = server.admin(
        "POST",
        "/v1/dives",
        json!({"title": "Sales", "content": content, "enable_embedding": true}),
    );
    let dive = text(&dive["id"]);
    let mut tokens = Vec::new();
    for (username, role) in [("backend", "admin"), ("viewer", "restricted")] {
        server.admin("POST", "/v1/users", json!({"username": username, "role": role}));
        let made =
            server.admin("POST", &format!("/v1/users/{username}/tokens"), json!({"name": "production"}));
        tokens.push(text(&made["token"]));
    }

    let made = language.run(program(language, &server.base_url, &dive, &tokens[0], "viewer"), BESIDE).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let said = opened(&stdout(&made));
    assert_eq!(said["dive_id"], dive.as_str());
    let view_url = text(&said["view_url"]);
    assert_eq!(view_url, format!("{}/v1/view/dive", server.base_url));
    let (status, body) = http("GET", &view_url, &text(&said["token"]), "");
    assert_eq!(status, 200, "{body}");
    let view: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&view["content"], &view["viewer"]), (&content, &json!({"id": "viewer"})));
    let (status, page) = http("GET", &format!("{}/sandbox/", server.base_url), "none", "");
    assert!(status == 200 && page.starts_with("<!doctype html>"), "{page:.200}");

    // The snippets raise an exception with the status.
    let nowhere = "00000000-0000-4000-8000-000000000000";
    for (status, dive, token, username) in [
        ("401", dive.as_str(), "not-a-token", "viewer"),
        ("403", &dive, &tokens[1], "viewer"),
        ("404", &dive, &tokens[0], "person@example.com"),
        ("404", nowhere, &tokens[0], "viewer"),
        ("400", "<your_dive_id>", &tokens[0], "viewer"),
    ] {
        let failed = language.run(program(language, &server.base_url, dive, token, username), BESIDE).await;
        let error = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(!failed.status.success() && error.contains(status), "{status}: {error}");
        assert_eq!(stdout(&failed), "");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_snippet_creates_a_session_that_opens_a_view() {
    the_snippet_works(Language::Node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_snippet_creates_a_session_that_opens_a_view() {
    the_snippet_works(Language::Python).await;
}
