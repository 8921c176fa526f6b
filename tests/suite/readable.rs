//! The payload of each kind of token, which its holder can decode: the table in `infra/content.md`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vitrine_tests::Product;

const LOCKED: &str = "a-locked-value";
const CITY: &str = "an-attribute";
const CONTEXT: &str = "a-security-context";

fn payload(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("{name} in {answer}"))
}

#[tokio::test]
async fn a_token_of_a_native_session_contains_its_locked_values_and_the_viewer() {
    let product = Product::start().await;
    let fields = json!({
        "parameters": [{"slug": "customer", "name": "C", "type": "text"}],
        "embedding_params": {"customer": "locked"},
    });
    product.publish("dashboard/1", fields).await;
    let viewer = json!({"id": "ann", "attributes": {"city": CITY}});
    for single_use in [false, true] {
        let body = json!({
            "resource": {"dashboard": 1}, "params": {"customer": LOCKED}, "viewer": viewer, "single_use": single_use,
        });
        let made = product.post("/v1/sessions", body).admin().send().await.json;
        let session = text(&made, "session").to_owned();
        let token = if single_use {
            assert!(!session.contains('.') && !session.contains(LOCKED), "{session}");
            let redeemed = product.post("/v1/sessions/redeem", json!({ "session": session })).send().await;
            text(&redeemed.json, "token").to_owned()
        } else {
            session
        };
        let readable = payload(&token);
        assert!(readable.contains(LOCKED) && readable.contains(CITY), "{readable}");
        let view = product.view(&token, "").await;
        assert!(
            view.status == 200 && !view.text.contains(LOCKED) && !view.text.contains(CITY),
            "{}",
            view.text
        );
    }
}

#[tokio::test]
async fn a_token_of_an_embed_session_contains_no_attributes_and_no_context() {
    let product = Product::start().await;
    let parameters = json!([{"slug": "city", "name": "C", "type": "text"}]);
    let locked = json!({"parameters": parameters, "embedding_params": {"city": {"attribute": "city"}}});
    product.publish("dashboard/1", locked.clone()).await;
    product.publish("dashboard/2", json!({})).await;
    let attribute = json!({"name": "city", "type": "string"});
    assert_eq!(product.post("/v1/attributes", attribute).admin().send().await.status, 201);
    let body = json!({
        "deploymentId": 1, "externalId": "ann", "securityContext": {"region": CONTEXT},
        "userAttributes": [{"name": "city", "value": CITY}],
    });
    let made = product.post("/api/v1/embed/generate-session", body).admin().send().await.json;
    let exchange = json!({"sessionId": text(&made, "sessionId")});
    let exchanged = product.post("/api/v1/embed/session/token", exchange).send().await.json;
    let token = text(&exchanged, "token");
    let readable = payload(token);
    assert!(!readable.contains(CITY) && !readable.contains(CONTEXT), "{readable}");
    // An attribute that a resource is locked to is part of its view, and of no other.
    for (path, shown) in [("/v1/view/dashboard/1", true), ("/v1/view/dashboard/2", false)] {
        let view = product.get(path).bearer(token).send().await;
        assert_eq!(view.status, 200, "{}", view.text);
        assert_eq!(view.text.contains(CITY), shown, "{path}: {}", view.text);
        assert!(!view.text.contains(CONTEXT), "{}", view.text);
    }
    for path in ["/api/v1/users/me", "/api/v1/app-config"] {
        let answer = product.get(path).bearer(token).send().await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text.contains(CITY) && !answer.text.contains(CONTEXT), "{path}: {}", answer.text);
    }
    let asked = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    assert!(asked.text.contains(CITY) && asked.text.contains(CONTEXT), "{}", asked.text);
}

#[tokio::test]
async fn a_token_of_a_dive_session_contains_no_attributes() {
    let product = Product::start().await;
    let account = json!({"username": "some_account", "attributes": {"city": CITY}});
    assert_eq!(product.post("/v1/users", account).admin().send().await.status, 200);
    let content = json!({"content": {"type": "html", "html": "x"}});
    let dive = product.publish("dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", content).await;
    let path = format!("/v1/dives/{}/embed-session", text(&dive, "id"));
    let made = product.post(&path, json!({"username": "some_account"})).admin().send().await;
    let session = vitrine::dialects::motherduck::SessionString::decode(text(&made.json, "session")).unwrap();
    let readable = payload(&session.token);
    assert!(readable.contains("some_account") && !readable.contains(CITY), "{readable}");
}
