//! The Lambda authorizer for an owner's own API: the event formats of API Gateway and the answers to them.

use serde_json::{Value, json};
use vitrine::rules::error::{Reason, Result};
use vitrine_tests::{Product, sign};

use crate::wire::{Line, wired};

const METHOD: &str = "arn:aws:execute-api:eu-central-1:123456789012:abcdef/live/GET/rows";

async fn product() -> Product {
    let product = Product::start().await;
    let parameters = json!([{"slug": "customer", "name": "C", "type": "text"}, {"slug": "city", "name": "D", "type": "text"}]);
    let embedding_params = json!({"customer": "locked", "city": {"attribute": "city"}});
    product
        .publish("dashboard/1", json!({"parameters": parameters, "embedding_params": embedding_params}))
        .await;
    product
}

fn token(product: &Product) -> String {
    product.sign(json!({
        "resource": {"dashboard": 1}, "params": {"customer": "acme"},
        "viewer": {"id": "ann", "attributes": {"city": "Berlin"}, "groups": ["sales"]},
    }))
}

async fn ask(product: &Product, event: Value) -> Result<Value> {
    let event = serde_json::from_value(event).unwrap();
    let answer = authorize_request::authorize(&product.authorize_request, event).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

fn http_api(authorization: &str) -> Value {
    json!({
        "version": "2.0", "type": "REQUEST", "routeArn": METHOD, "identitySource": [authorization],
        "routeKey": "GET /rows", "headers": {"authorization": authorization}, "requestContext": {},
    })
}

fn rest_token(authorization: &str) -> Value {
    json!({"type": "TOKEN", "authorizationToken": authorization, "methodArn": METHOD})
}

fn rest_request(authorization: &str) -> Value {
    json!({"type": "REQUEST", "methodArn": METHOD, "headers": {"Authorization": authorization}, "requestContext": {}})
}

#[tokio::test]
async fn a_valid_token_is_authorized_with_its_context() {
    let product = product().await;
    for scheme in ["Bearer", "bearer", "Embed-Token"] {
        let header = format!("{scheme} {}", token(&product));
        let simple = ask(&product, http_api(&header)).await.unwrap();
        assert_eq!(simple["isAuthorized"], true);
        for event in [rest_token(&header), rest_request(&header)] {
            let policy = ask(&product, event).await.unwrap();
            assert_eq!(policy["principalId"], "ann");
            let statement = &policy["policyDocument"]["Statement"][0];
            assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Allow"), &json!(METHOD)));
            assert_eq!(policy["context"], simple["context"]);
        }
        let context = &simple["context"];
        let parsed = |name: &str| serde_json::from_str::<Value>(context[name].as_str().unwrap()).unwrap();
        assert_eq!(parsed("params"), json!({"customer": "acme", "city": "Berlin"}));
        assert_eq!(parsed("attributes"), json!({"city": "Berlin"}));
        assert_eq!(parsed("groups"), json!(["sales"]));
        assert_eq!((&context["viewer"], &context["resource_kind"]), (&json!("ann"), &json!("dashboard")));
        assert_eq!(context["resource_id"], "1");
        let flat = context.as_object().unwrap().values().all(Value::is_string);
        assert!(flat, "a REST API passes on only flat values: {context}");
    }
}

#[tokio::test]
async fn a_deployment_session_is_authorized_with_its_context() {
    let product = product().await;
    let body = json!({"deploymentId": 1, "externalId": "ann@example.com", "securityContext": {"tenant": 7}});
    let session = product.post("/api/v1/embed/generate-session", body).admin().send().await.json;
    let body = json!({"sessionId": session["sessionId"]});
    let token = product.post("/api/v1/embed/session/token", body).send().await.json["token"].clone();
    let header = format!("Embed-Token {}", token.as_str().unwrap());
    let answer = ask(&product, http_api(&header)).await.unwrap();
    assert_eq!((&answer["isAuthorized"], answer["context"].get("resource_id")), (&json!(true), None));
    let context = answer["context"]["security_context"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(context).unwrap()["tenant"], 7);

    let body = json!({"sessionId": session["sessionId"]});
    assert_eq!(product.post("/api/v1/embed/session/revoke", body).admin().send().await.status, 204);
    let answer = ask(&product, http_api(&header)).await.unwrap();
    assert_eq!(answer, json!({"isAuthorized": false, "context": {"reason": "token_revoked"}}));
}

#[tokio::test]
async fn an_invalid_token_is_not_authorized() {
    let product = product().await;
    let signed = |claims: Value| format!("Bearer {}", product.sign(claims));
    let good = token(&product);
    let forged = sign(&json!({"exp": product.clock.now().unix() + 60}), &"a".repeat(64));
    let expired = json!({"resource": {"dashboard": 1}, "params": {"customer": "a"}, "exp": 1});
    let cases = [
        (String::new(), "token_missing"),
        (good.clone(), "token_missing"),
        (format!("Basic {good}"), "token_missing"),
        ("Bearer ".to_owned(), "token_missing"),
        ("Bearer a.b.c".to_owned(), "token_malformed"),
        (format!("Bearer {forged}"), "token_signature"),
        (signed(expired), "token_expired"),
        (signed(json!({"resource": {"dashboard": 2}, "params": {}})), "resource_not_found"),
        (signed(json!({"resource": {"dashboard": 1}, "params": {}})), "attribute_missing"),
    ];
    for (header, reason) in cases {
        let simple = ask(&product, http_api(&header)).await.unwrap();
        assert_eq!(simple["isAuthorized"], false, "{header}");
        assert_eq!(simple["context"], json!({"reason": reason}), "{header}");
        for event in [rest_token(&header), rest_request(&header)] {
            let policy = ask(&product, event).await.unwrap();
            assert_eq!(policy["policyDocument"]["Statement"][0]["Effect"], "Deny", "{header}");
        }
    }
    for event in [json!({}), json!({"headers": null}), json!({"methodArn": METHOD})] {
        let answer = ask(&product, event).await.unwrap().to_string();
        assert!(answer.contains("token_missing") && !answer.contains("Allow"), "{answer}");
    }
}

#[tokio::test]
async fn an_undecidable_request_is_an_error_and_therefore_not_cached() {
    let product = product().await;
    let header = format!("Bearer {}", token(&product));
    product.services.put_signing_keys("{}").unwrap();
    let refused = ask(&product, http_api(&header)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::Unavailable);
    assert!(!refused.to_string().contains("ey"), "{refused}");
}

#[tokio::test]
async fn during_an_outage_the_authorizer_fails_without_a_decision() {
    let (product, wires) = wired(&[]).await;
    product.publish("dashboard/1", json!({})).await;
    let good = format!("Bearer {}", product.sign(json!({"resource": {"dashboard": 1}, "params": {}})));
    let throttled = json!({"__type": "ThrottlingException", "message": "a text of theirs"}).to_string();
    // First without keys, then with keys but without the table.
    for wire in [&wires.secrets_manager, &wires.dynamodb] {
        for line in [Line::Cut, Line::Says(400, throttled.clone()), Line::Says(200, "<html>".to_owned())] {
            wire.set(line.clone());
            for event in [http_api(&good), rest_token(&good), rest_request(&good)] {
                let undecided = ask(&product, event).await.unwrap_err();
                assert_eq!(undecided.reason, Reason::Unavailable, "{line:?}");
                assert!(!undecided.to_string().contains("theirs"), "{undecided}");
            }
        }
        wire.set(Line::Through);
        assert_eq!(
            ask(&product, http_api(&good)).await.unwrap()["isAuthorized"],
            true,
            "right after the outage"
        );
    }
}
