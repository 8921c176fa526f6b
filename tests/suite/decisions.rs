//! Refusal records: an admin looks up the reason for a refused view by the request id that the viewer saw.

use serde_json::{Value, json};
use vitrine_tests::{Product, SECRET, sign};

async fn product() -> Product {
    let product = Product::start().await;
    let parameters = json!([{"slug": "customer", "name": "C", "type": "text"}]);
    product
        .publish("dashboard/1", json!({"parameters": parameters, "embedding_params": {"customer": "locked"}}))
        .await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
    product
}

async fn decision(product: &Product, request_id: &str) -> Value {
    product.wait_for_background_tasks().await;
    let answer = product.get(&format!("/v1/decisions/{request_id}")).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn every_refused_view_can_be_looked_up() {
    let product = product().await;
    let now = product.clock.now().unix();
    let about =
        |dashboard: i64, params: Value| json!({"resource": {"dashboard": dashboard}, "params": params});
    let secret_value = "a-value-that-nobody-may-read";
    let mut late = about(1, json!({"customer": secret_value}));
    late["exp"] = json!(now - 3_600);
    let mut far = about(1, json!({"customer": secret_value}));
    far["exp"] = json!(now + 90_000);
    let good = product.sign(about(1, json!({"customer": secret_value})));
    let cases = [
        ("none".to_owned(), "", "token_malformed", None, false),
        (sign(&json!({"exp": now + 60}), &"a".repeat(64)), "", "token_signature", None, false),
        (sign(&late, SECRET), "", "token_expired", Some("dashboard/1"), true),
        (sign(&far, SECRET), "", "token_lifetime", Some("dashboard/1"), true),
        (product.sign(about(9, json!({}))), "", "resource_not_found", Some("dashboard/9"), false),
        (product.sign(about(2, json!({}))), "", "resource_not_published", Some("dashboard/2"), false),
        (product.sign(about(1, json!({}))), "", "parameter_locked_missing", Some("dashboard/1"), false),
        (
            good.clone(),
            "customer=a-value-that-nobody-may-read",
            "parameter_locked",
            Some("dashboard/1"),
            false,
        ),
        (
            good.clone(),
            "nothing=a-value-that-nobody-may-read",
            "parameter_unknown",
            Some("dashboard/1"),
            false,
        ),
    ];
    for (token, query, reason, resource, is_about_time) in cases {
        let refused = product.view(&token, query).await;
        assert_eq!(refused.json["reason"], reason, "{}", refused.text);
        let request_id = refused.json["request_id"].as_str().unwrap();
        let record = decision(&product, request_id).await;
        assert_eq!(record["reason"], reason);
        assert_eq!(record["status"], refused.status.as_u16());
        assert_eq!(record["request_id"], request_id);
        assert_eq!(record["resource"].as_str(), resource, "{record}");
        assert_eq!(record["signing_key"].is_null(), resource.is_none(), "{record}");
        assert_eq!(record["clock_difference_seconds"].is_i64(), is_about_time, "{record}");
        for member in ["rule", "expected", "actual", "fix"] {
            assert!(!record[member].as_str().unwrap().is_empty(), "{reason}: {member}");
        }
        let text = record.to_string();
        for hidden in [secret_value, SECRET, token.as_str()] {
            assert!(hidden == "none" || !text.contains(hidden), "{text}");
        }
    }
}

#[tokio::test]
async fn the_record_shows_the_difference_of_a_wrong_clock() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}}));
    product.clock.set_offset(1_000);
    let refused = product.view(&token, "").await;
    let record = decision(&product, refused.json["request_id"].as_str().unwrap()).await;
    let difference = record["clock_difference_seconds"].as_i64().unwrap();
    assert!((395..=405).contains(&difference), "{record}");
    assert!(record["actual"].as_str().unwrap().contains("exp"), "{record}");
}

#[tokio::test]
async fn every_route_that_opens_views_records_its_refusals() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 2}, "params": {}}));
    let calls = [
        product.get("/v1/view"),
        product.get(&format!("/api/embed/dashboard/{token}")),
        product.get("/v1/view/dashboard/2").bearer(&token),
        product.get("/api/v1/users/me").bearer(&token),
    ];
    for call in calls {
        let refused = call.send().await;
        let record = decision(&product, refused.json["request_id"].as_str().unwrap()).await;
        assert_eq!(record["reason"], refused.json["reason"]);
    }
    // Introspection says only that a token is inactive; its request id leads to the reason.
    let asked = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    let record = decision(&product, asked.header("x-request-id")).await;
    assert_eq!(record["reason"], "resource_not_published");

    let event = json!({"headers": {"authorization": format!("Bearer {token}")}, "requestContext": {"requestId": "gateway-1"}});
    let event = serde_json::from_value(event).unwrap();
    authorize_request::authorize(&product.authorize_request, event).await.unwrap();
    assert_eq!(decision(&product, "gateway-1").await["reason"], "resource_not_published");
}

#[tokio::test]
async fn records_are_for_admins_and_expire_after_a_week() {
    let product = product().await;
    let token = product.sign(json!({"resource": {"dashboard": 2}, "params": {}}));
    let refused = product.view(&token, "").await;
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", refused.json["request_id"].as_str().unwrap());
    let member = product.key("member", &["introspect"]).await;
    assert_eq!(product.get(&path).bearer(&member).send().await.refusal(), (403, "access_denied"));
    assert_eq!(product.get(&path).send().await.status, 401);
    assert_eq!(product.get(&path).admin().send().await.status, 200);
    product.clock.set_offset(7 * 86_400 + 1);
    assert_eq!(product.get(&path).admin().send().await.refusal(), (404, "decision_not_found"));
    let long = format!("/v1/decisions/{}", "x".repeat(3_000));
    assert_eq!(product.get(&long).admin().send().await.refusal(), (404, "decision_not_found"));
}

#[tokio::test]
async fn neither_an_opened_view_nor_an_outage_writes_a_record() {
    let product = product().await;
    let before = product.items().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}}));
    assert_eq!(product.view(&token, "").await.status, 200);
    product.wait_for_background_tasks().await;
    assert_eq!(product.items().await, before + 1, "only the last use of the key");
    // A product that has not read its keys yet.
    let product = Product::start().await;
    product.services.put_signing_keys("{}").unwrap();
    let refused = product.view(&token, "").await;
    assert_eq!(refused.status, 503);
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", refused.json["request_id"].as_str().unwrap());
    assert_eq!(product.get(&path).admin().send().await.refusal(), (404, "decision_not_found"));
}
