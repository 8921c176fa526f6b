//! Sessions: created only for views that would open, exchanged once, revoked.

use std::sync::Arc;

use serde_json::{Value, json};
use vitrine_tests::Product;

async fn with_dashboard() -> Product {
    let product = Product::start().await;
    let parameters = json!([
        {"slug": "customer", "name": "Customer", "type": "text"},
        {"slug": "city", "name": "City", "type": "text"},
        {"slug": "year", "name": "Year", "type": "number", "default": 2026},
    ]);
    let policy = json!({"customer": "locked", "city": {"attribute": "city"}, "year": "enabled"});
    product.publish("dashboard/1", json!({"parameters": parameters, "embedding_params": policy})).await;
    product
}

fn wanted() -> Value {
    json!({
        "resource": {"dashboard": 1},
        "params": {"customer": "acme"},
        "viewer": {"id": "alice", "attributes": {"city": "Berlin"}, "groups": ["sales"]},
    })
}

async fn create(product: &Product, fields: Value) -> Value {
    let mut body = wanted();
    vitrine_tests::merge(&mut body, fields);
    let answer = product.post("/v1/sessions", body).admin().header("host", "embed.example.com").send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_reusable_session_is_a_token_that_opens_its_view() {
    let product = with_dashboard().await;
    let session = create(&product, json!({"ttl_seconds": 60})).await;
    assert_eq!(session["redeem_by"], Value::Null);
    let token = session["session"].as_str().unwrap();
    assert!(session["embed_url"].as_str().unwrap().starts_with("https://embed.example.com/embed/dashboard/"));
    assert!(session["embed_url"].as_str().unwrap().ends_with(&format!("#session={token}")));
    for _ in 0..2 {
        let view = product.view(token, "year=2025").await;
        assert_eq!(view.status, 200, "{}", view.text);
        assert_eq!(view.json["viewer"], json!({"id": "alice"}));
        assert_eq!(view.json["parameters"][0]["value"], "2025");
    }
    product.clock.set_offset(60 + 61);
    assert_eq!(product.view(token, "").await.refusal(), (401, "token_expired"));
}

#[tokio::test]
async fn a_single_use_session_becomes_a_token_once() {
    let product = with_dashboard().await;
    let session = create(&product, json!({"single_use": true})).await;
    let id = json!({"session": session["session"]});
    assert!(session["redeem_by"].is_string());
    let redeemed = product.post("/v1/sessions/redeem", id.clone()).send().await;
    assert_eq!((redeemed.status.as_u16(), &redeemed.json["expires_at"]), (200, &session["expires_at"]));
    let view = product.view(redeemed.json["token"].as_str().unwrap(), "").await;
    assert_eq!(view.status, 200, "{}", view.text);
    let again = product.post("/v1/sessions/redeem", id).send().await;
    assert_eq!(again.refusal(), (401, "session_unknown"));
}

#[tokio::test]
async fn used_unknown_expired_and_revoked_sessions_look_the_same() {
    let product = with_dashboard().await;
    let sessions = [
        create(&product, json!({"single_use": true})).await,
        create(&product, json!({"single_use": true})).await,
        create(&product, json!({"single_use": true})).await,
    ];
    let [used, revoked, late] = sessions.map(|session| json!({"session": session["session"]}));
    product.post("/v1/sessions/redeem", used.clone()).send().await;
    assert_eq!(product.post("/v1/sessions/revoke", revoked.clone()).admin().send().await.status, 204);
    let unknown = json!({"session": "A".repeat(43)});
    for session in [used, revoked, unknown] {
        assert_eq!(
            product.post("/v1/sessions/redeem", session).send().await.refusal(),
            (401, "session_unknown")
        );
    }
    product.clock.set_offset(301);
    assert_eq!(product.post("/v1/sessions/redeem", late).send().await.refusal(), (401, "session_unknown"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_exchanges_succeeds() {
    let product = Arc::new(with_dashboard().await);
    for _ in 0..5 {
        let session = create(&product, json!({"single_use": true})).await;
        let mut exchanges = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let (product, id) = (Arc::clone(&product), session["session"].clone());
            exchanges.spawn(async move {
                product.post("/v1/sessions/redeem", json!({"session": id})).send().await
            });
        }
        let answers = exchanges.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.refusal() == (401, "session_unknown")).count(), 39);
    }
}

#[tokio::test]
async fn every_kind_of_token_can_be_revoked() {
    let product = with_dashboard().await;
    let reusable = create(&product, json!({})).await["session"].clone();
    let single = create(&product, json!({"single_use": true})).await["session"].clone();
    let redeemed =
        product.post("/v1/sessions/redeem", json!({"session": single})).send().await.json["token"].clone();
    let payload = json!({"resource": {"dashboard": 1}, "params": {"customer": "acme"}, "viewer": {"attributes": {"city": "x"}}});
    let mut with_id = payload.clone();
    with_id["jti"] = json!("an id from the owner");
    let signed = json!(product.sign(with_id));
    // The revoked credential and the token that ends with it.
    for (credential, token) in [(&reusable, &reusable), (&single, &redeemed), (&signed, &signed)] {
        let token = token.as_str().unwrap();
        assert_eq!(product.view(token, "").await.status, 200);
        let revoked =
            product.post("/v1/sessions/revoke", json!({"session": credential})).admin().send().await;
        assert_eq!(revoked.status, 204, "{}", revoked.text);
        assert_eq!(product.view(token, "").await.refusal(), (401, "token_revoked"));
    }
    let nameless = product.sign(payload);
    let refused = product.post("/v1/sessions/revoke", json!({"session": nameless})).admin().send().await;
    assert_eq!((refused.refusal(), refused.issues()), ((400, "request_invalid"), vec!["session"]));
    for nothing in ["garbage", "a.b.c", ""] {
        let answer = product.post("/v1/sessions/revoke", json!({"session": nothing})).admin().send().await;
        assert_eq!(answer.status, 204, "{nothing}");
    }
}

#[tokio::test]
async fn a_token_of_an_unknown_session_is_refused() {
    let product = with_dashboard().await;
    let token = product.sign_as_minted(
        json!({"resource": {"dashboard": 1}, "params": {"customer": "acme"}, "sid": "invented"}),
    );
    assert_eq!(product.view(&token, "").await.refusal(), (401, "token_revoked"));
}

/// Identity providers put claims of the same names into the tokens that an owner copies claims from.
#[tokio::test]
async fn the_owners_own_claims_do_not_disturb_a_view() {
    let product = with_dashboard().await;
    let foreign = json!({
        "resource": {"dashboard": 1}, "params": {"customer": "acme"}, "viewer": {"attributes": {"city": "Berlin"}}, "sid": "08a5019c", "version": "2.0",
        "account": {"id": 7}, "state": "af0ifjsldkj", "user": "ann", "tenant": 12, "deploymentId": "east",
    });
    let token = product.sign(foreign.clone());
    assert_eq!(product.view(&token, "").await.status, 200);
    assert_eq!(product.get(&format!("/api/embed/dashboard/{token}")).send().await.status, 200);
    let asked = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    assert_eq!(asked.json["active"], true, "{}", asked.text);
    let token = product.sign_as_minted(foreign);
    assert_eq!(product.view(&token, "").await.refusal(), (401, "token_claims"));
}

/// No session is created whose view would be refused.
#[tokio::test]
async fn a_session_whose_view_would_be_refused_is_not_created() {
    let product = with_dashboard().await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
    product.publish("dashboard/3", json!({"archived": true})).await;
    let cases = [
        (json!({"resource": {"dashboard": 9}}), (404, "resource_not_found")),
        (json!({"resource": {"dashboard": 2}}), (403, "resource_not_published")),
        (json!({"resource": {"dashboard": 3}}), (403, "resource_archived")),
        (json!({"resource": {}}), (400, "request_invalid")),
        (json!({"resource": {"dashboard": 1, "question": 1}}), (400, "request_invalid")),
        (json!({"resource": {"dashboard": "1"}}), (400, "request_invalid")),
        (json!({"resource": {"card": 1}}), (400, "request_invalid")),
        (json!({"params": {}}), (400, "parameter_locked_missing")),
        (json!({"params": {"customer": []}}), (400, "parameter_locked_missing")),
        (json!({"params": {"customer": "acme", "planet": 1}}), (400, "parameter_unknown")),
        (json!({"params": []}), (400, "request_invalid")),
        (json!({"viewer": {"id": "bob"}}), (403, "attribute_missing")),
        (json!({"viewer": {"id": " "}}), (400, "request_invalid")),
        (json!({"viewer": {"name": "bob"}}), (400, "request_invalid")),
        (json!({"viewer": {"attributes": {"city": {"a": 1}}}}), (400, "request_invalid")),
        (json!({"viewer": {"attributes": {"city": "x".repeat(5_001)}}}), (400, "request_invalid")),
        (json!({"ttl_seconds": 0}), (400, "request_invalid")),
        (json!({"ttl_seconds": 86_401}), (400, "request_invalid")),
        (json!({"single_use": "yes"}), (400, "request_invalid")),
        (json!({"extra": 1}), (400, "request_invalid")),
    ];
    for (fields, expected) in cases {
        let mut body = wanted();
        vitrine_tests::merge(&mut body, fields.clone());
        let answer = product.post("/v1/sessions", body).admin().send().await;
        assert_eq!(answer.refusal(), expected, "{fields}: {}", answer.text);
    }
}
