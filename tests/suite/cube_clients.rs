//! The sample from Cube's documentation, run as documented: on a server that has the key.

use serde_json::{Value, json};
use vitrine_tests::ADMIN_KEY;

use crate::clients::{Language, Listening, http, stdout};

/// The documented sample, and the parts of it that its reader fills in.
const SAMPLE: &str = include_str!("../cases/cube-generate-session.mjs");
const HOST: &str = "https://your-account.cubecloud.dev";
const KEY: &str = "\"YOUR_API_KEY\"";
const DEPLOYMENT: &str = "DEPLOYMENT_ID = 32";
/// The sample has a plain string instead of a template literal, so it sends the variable's name instead of
/// the key.
const QUOTED: &str = "\"Api-Key ${API_KEY}\"";

fn program(base_url: &str, authorization: &str) -> String {
    assert!([HOST, KEY, DEPLOYMENT, QUOTED].iter().all(|part| SAMPLE.contains(part)));
    let sample = SAMPLE
        .replace(HOST, base_url)
        .replace(KEY, &json!(ADMIN_KEY).to_string())
        .replace(DEPLOYMENT, "DEPLOYMENT_ID = 1")
        .replace(QUOTED, authorization);
    format!("{sample}\nconsole.log(session.status, sessionId ?? JSON.stringify(data));\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_creates_a_session_that_opens_a_view() {
    if !Language::Node.is_here() {
        return;
    }
    let server = Listening::start().await;
    for name in ["city", "department"] {
        server.admin("POST", "/v1/attributes", json!({"name": name, "type": "string"}));
    }
    let content = json!({"type": "html", "html": "<p>hello</p>"});
    let parameter = json!([{"slug": "city", "name": "City", "type": "text"}]);
    let dashboard = json!({
        "title": "Sales", "content": content, "enable_embedding": true, "parameters": parameter,
        "embedding_params": {"city": {"attribute": "city"}},
    });
    let dashboard = server.admin("PUT", "/v1/resources/dashboard/1", dashboard);
    let public_id = dashboard["public_id"].as_str().unwrap();

    let as_printed = Language::Node.run(program(&server.base_url, QUOTED), &[]).await;
    assert!(stdout(&as_printed).starts_with("401 {\"message\":\"Unauthenticated\""), "{as_printed:?}");

    let made = Language::Node.run(program(&server.base_url, "`Api-Key ${API_KEY}`"), &[]).await;
    let printed = stdout(&made);
    let session = printed.strip_prefix("200 ").unwrap_or_else(|| panic!("{made:?}"));
    let page = format!("{}/embed/dashboard/{public_id}?session={session}", server.base_url);
    let (status, page) = http("GET", &page, "none", "");
    assert!(status == 200 && page.starts_with("<!doctype html>"), "{page:.200}");

    let url = format!("{}/api/v1/embed/session/token", server.base_url);
    let body = json!({ "sessionId": session }).to_string();
    let (status, exchanged) = http("POST", &url, "none", &body);
    assert_eq!(status, 200, "{exchanged}");
    let exchanged: Value = serde_json::from_str(&exchanged).unwrap();
    let token = exchanged["token"].as_str().unwrap();
    let url = format!("{}/v1/view/dashboard/{public_id}", server.base_url);
    let (status, view) = http("GET", &url, token, "");
    let view: Value = serde_json::from_str(&view).unwrap();
    assert_eq!((status, &view["content"]), (200, &content));
    assert_eq!(view["viewer"], json!({"id": "user@example.com"}));
    assert_eq!(view["attributes"], json!({"city": "San Francisco"}));
    assert_eq!(
        http("POST", &format!("{}/api/v1/embed/session/token", server.base_url), "none", &body).0,
        401
    );
    server.stop().await;
}
