//! A `kid` that names none of the stack's keys: ignored by the Metabase dialect, refused by all other routes.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use vitrine_tests::{Product, SECRET, merge, sign_with};

const UNKNOWN: (u16, &str) = (401, "token_key_unknown");

/// A token of dashboard 1 with a `kid` of the owner's library.
fn token(product: &Product, claims: Value) -> String {
    let mut payload =
        json!({"resource": {"dashboard": 1}, "params": {}, "exp": product.clock.now().unix() + 600});
    merge(&mut payload, claims);
    let header = Header { kid: Some("theirs".to_owned()), ..Header::new(Algorithm::HS256) };
    sign_with(&header, &payload, SECRET)
}

#[tokio::test]
async fn only_the_metabase_dialect_ignores_an_unknown_kid() {
    let product = Product::start().await;
    let x = json!([{"slug": "x", "name": "X", "type": "text", "values": [["a"]]}]);
    let fields = json!({"parameters": x, "embedding_params": {"x": "enabled"}});
    let dashboard = product.publish("dashboard/1", fields).await;
    let public_id = dashboard["public_id"].as_str().unwrap();
    let token = token(&product, json!({"_embedding_params": {"x": "enabled"}}));
    for path in [
        "/api/embed/dashboard/{}",
        "/api/embed/dashboard/{}/params/x/values",
        "/api/embed/dashboard/{}/params/x/search/a",
        "/api/embed/dashboard/{}/params/x/remapping?value=a",
        "/api/preview_embed/dashboard/{}",
        "/api/preview_embed/dashboard/{}/params/x/values",
    ] {
        let answer = product.get(&path.replace("{}", &token)).admin().send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    for path in [
        "/v1/view".to_owned(),
        "/v1/view/dashboard".to_owned(),
        "/v1/view/dashboard/1".to_owned(),
        format!("/api/v1/embed/dashboard/{public_id}"),
        "/api/v1/users/me".to_owned(),
        "/api/v1/app-config".to_owned(),
    ] {
        assert_eq!(product.get(&path).bearer(&token).send().await.refusal(), UNKNOWN, "{path}");
    }
    // The page asks for its view in this way.
    for (path, is_embed_page) in
        [("/v1/view/dashboard", true), ("/v1/view", false), ("/v1/view/dashboard/1", false)]
    {
        let call = product.get(path).bearer(&token).header("prefer", "handling=lenient");
        let expected = if is_embed_page { (200, "(none)") } else { UNKNOWN };
        assert_eq!(call.send().await.refusal(), expected, "{path}");
    }
    let known = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    assert_eq!((known.status.as_u16(), known.json), (200, json!({"active": false})));
}

/// A token that some route accepts can be revoked.
#[tokio::test]
async fn a_token_with_an_unknown_kid_can_be_revoked() {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({})).await;
    let token = token(&product, json!({"jti": "one"}));
    let path = format!("/api/embed/dashboard/{token}");
    assert_eq!(product.get(&path).send().await.status, 200);
    let revoked = product.post("/v1/sessions/revoke", json!({ "session": token })).admin().send().await;
    assert_eq!(revoked.status, 204);
    assert_eq!(product.get(&path).send().await.refusal(), (401, "token_revoked"));
}

/// The resource's own origins may frame the page of such a token.
#[tokio::test]
async fn the_page_of_a_token_with_an_unknown_kid_knows_who_may_frame_it() {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({"allowed_origins": ["https://app.example.com"]})).await;
    let ancestors = async |token: &str| {
        let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
        page.header("content-security-policy").rsplit_once("frame-ancestors ").unwrap().1.to_owned()
    };
    assert_eq!(ancestors(&token(&product, json!({}))).await, "https://app.example.com");
    let header = Header { kid: Some("theirs".to_owned()), ..Header::new(Algorithm::HS256) };
    let payload =
        json!({"resource": {"dashboard": 1}, "params": {}, "exp": product.clock.now().unix() + 600});
    assert_eq!(ancestors(&sign_with(&header, &payload, &"0".repeat(64))).await, "'none'");
}
