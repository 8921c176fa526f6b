//! Embed sessions over time: replayed, revoked and cached; and their requests to DynamoDB.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::forge;
use crate::motherduck_sessions::opened;
use crate::wire::wired;

async fn generate(product: &Product, fields: Value) -> String {
    let mut body = json!({"deploymentId": 1, "externalId": "ann"});
    vitrine_tests::merge(&mut body, fields);
    let answer = product.post("/api/v1/embed/generate-session", body).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["sessionId"].as_str().unwrap().to_owned()
}

async fn exchange(product: &Product, session: &str) -> Answer {
    product.post("/api/v1/embed/session/token", json!({ "sessionId": session })).send().await
}

async fn token(product: &Product, session: &str) -> String {
    let answer = exchange(product, session).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["token"].as_str().unwrap().to_owned()
}

async fn dashboard(product: &Product) -> String {
    let dashboard = product.publish("dashboard/1", json!({})).await;
    dashboard["public_id"].as_str().unwrap().to_owned()
}

async fn open(product: &Product, public_id: &str, token: &str) -> Answer {
    let path = format!("/api/v1/embed/dashboard/{public_id}");
    product.get(&path).header("authorization", format!("Embed-Token {token}")).send().await
}

fn claims(token: &str) -> Value {
    opened(forge::parts(token)[1])
}

/// The token in the browser holds nothing about the viewer but a name.
#[tokio::test]
async fn the_token_holds_references_instead_of_data() {
    let product = Product::start().await;
    product.post("/v1/attributes", json!({"name": "city", "type": "string"})).admin().send().await;
    let session = generate(
        &product,
        json!({
            "embedTenantName": "acme", "email": "ann@x.example", "securityContext": {"secret": 1},
            "userAttributes": [{"name": "city", "value": "Berlin"}], "settings": {"locale": "de"},
        }),
    )
    .await;
    assert!(session.len() == 32 && session.bytes().all(|byte| byte.is_ascii_hexdigit()), "{session}");
    let claims = claims(&token(&product, &session).await);
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["deploymentId", "exp", "iat", "iss", "jti", "params", "sid", "tenant", "user", "ver", "viewer"]
    );
    assert_eq!(claims["iss"], "cubecloud");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);
    assert_eq!((&claims["viewer"], &claims["params"]), (&json!({"id": "ann"}), &json!({})));
}

/// The token lives for a day from the exchange, limited by the maximum lifetime of tokens.
#[tokio::test]
async fn the_token_lives_for_a_day_within_the_maximum() {
    let product = Product::start_with(&[("MaxTokenLifetimeSeconds", "600")]).await;
    let claims = claims(&token(&product, &generate(&product, json!({})).await).await);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
}

#[tokio::test]
async fn a_refused_second_exchange_keeps_the_first_token() {
    let product = Product::start().await;
    let public_id = dashboard(&product).await;
    let session = generate(&product, json!({})).await;
    let token = token(&product, &session).await;
    assert_eq!(exchange(&product, &session).await.refusal(), (401, "session_unknown"));
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
}

#[tokio::test]
async fn a_second_exchange_can_be_set_to_revoke_the_first_token() {
    let product = Product::start_with(&[("RevokeOnReplay", "true")]).await;
    let public_id = dashboard(&product).await;
    let (session, other) = (generate(&product, json!({})).await, generate(&product, json!({})).await);
    let (token, other) = (token(&product, &session).await, token(&product, &other).await);
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
    assert_eq!(exchange(&product, &session).await.refusal(), (401, "session_unknown"));
    assert_eq!(open(&product, &public_id, &token).await.refusal(), (401, "token_revoked"));
    assert_eq!(open(&product, &public_id, &other).await.status, 200);
}

/// A function's cache serves no older data than its setting allows.
#[tokio::test]
async fn a_revoked_token_ends_within_the_cache_time() {
    let product = Product::start_with(&[("ResourceCacheSeconds", "30")]).await;
    let public_id = dashboard(&product).await;
    for (number, (case, end)) in [
        ("revoked", "POST /api/v1/embed/session/revoke"),
        ("its user removed", "DELETE /v1/external-users/{user}"),
        ("its tenant removed", "DELETE /api/v1/embed-tenants/{tenant}"),
    ]
    .into_iter()
    .enumerate()
    {
        let tenant = format!("tenant{number}");
        let session =
            generate(&product, json!({"externalId": format!("user{number}"), "embedTenantName": tenant}))
                .await;
        let token = token(&product, &session).await;
        assert_eq!(open(&product, &public_id, &token).await.status, 200);
        let users = product.get(&format!("/v1/external-users?tenant={tenant}")).admin().send().await.json;
        let (method, path) = end.split_once(' ').unwrap();
        let path = path.replace("{user}", &users["items"][0]["id"].to_string()).replace("{tenant}", &tenant);
        let call = product.request(method.parse().unwrap(), &path).admin();
        let ended = call.json(json!({ "sessionId": session })).send().await;
        assert_eq!(ended.status, 204, "{case}: {}", ended.text);
        let at = i64::try_from(number).unwrap() * 100;
        product.clock.set_offset(at + 31);
        assert_eq!(open(&product, &public_id, &token).await.refusal(), (401, "token_revoked"), "{case}");
        product.clock.set_offset(at + 100);
    }
}

/// The minimum number of requests to DynamoDB; a view needs one.
#[tokio::test]
async fn a_session_needs_few_requests_to_dynamodb() {
    let (product, wires) = wired(&[("ResourceCacheSeconds", "30")]).await;
    let public_id = dashboard(&product).await;
    let warm = generate(&product, json!({"externalId": "warm"})).await;
    open(&product, &public_id, &token(&product, &warm).await).await;
    product.wait_for_background_tasks().await;
    wires.dynamodb.asked();

    let known = ["GetItem", "Query", "Query"];
    let sorted = || {
        let mut asked = wires.dynamodb.asked();
        asked.sort();
        asked
    };
    generate(&product, json!({"externalId": "new"})).await;
    assert_eq!(sorted(), [&known[..], &["TransactWriteItems"]].concat(), "a new user");
    let session = generate(&product, json!({"externalId": "new"})).await;
    let mut expected = [&known[..], &["TransactWriteItems"]].concat();
    expected.sort_unstable();
    assert_eq!(sorted(), expected, "a known user");
    let token = token(&product, &session).await;
    assert_eq!(sorted(), ["UpdateItem"], "an exchange");
    product.clock.set_offset(31);
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
    product.wait_for_background_tasks().await;
    let expected = ["BatchGetItem", "UpdateItem"];
    assert_eq!(
        sorted(),
        expected,
        "a view, with session, user, dashboard and switch; then the count of views"
    );
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
    assert_eq!(sorted(), [""; 0], "the same view, cached");
}
