//! Embed sessions over time: replayed, revoked, remembered; and what they cost.

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

/// What a page may read in its own token, and no more of the viewer than a name.
#[tokio::test]
async fn the_token_refers_to_what_stays_here() {
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

/// A day counts from the exchange, and never beyond what tokens may live at all.
#[tokio::test]
async fn the_token_lives_as_long_as_it_may() {
    let product = Product::start_with(&[("MaxTokenLifetimeSeconds", "600")]).await;
    let claims = claims(&token(&product, &generate(&product, json!({})).await).await);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
}

#[tokio::test]
async fn a_second_exchange_leaves_the_first_token_alone() {
    let product = Product::start().await;
    let public_id = dashboard(&product).await;
    let session = generate(&product, json!({})).await;
    let token = token(&product, &session).await;
    assert_eq!(exchange(&product, &session).await.refusal(), (401, "session_unknown"));
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
}

#[tokio::test]
async fn a_second_exchange_ends_the_first_token_if_that_is_wished() {
    let product = Product::start_with(&[("RevokeOnReplay", "true")]).await;
    let public_id = dashboard(&product).await;
    let (session, other) = (generate(&product, json!({})).await, generate(&product, json!({})).await);
    let (token, other) = (token(&product, &session).await, token(&product, &other).await);
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
    assert_eq!(exchange(&product, &session).await.refusal(), (401, "session_unknown"));
    assert_eq!(open(&product, &public_id, &token).await.refusal(), (401, "token_revoked"));
    assert_eq!(open(&product, &public_id, &other).await.status, 200);
}

/// A function remembers no longer than it says.
#[tokio::test]
async fn what_ends_is_gone_within_the_caches_age() {
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

/// As few questions as the rules allow, and a view is one.
#[tokio::test]
async fn what_a_session_costs() {
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
    let mut expected = [&known[..], &["PutItem"]].concat();
    expected.sort_unstable();
    assert_eq!(sorted(), expected, "a known user");
    let token = token(&product, &session).await;
    assert_eq!(sorted(), ["UpdateItem"], "an exchange");
    product.clock.set_offset(31);
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
    product.wait_for_background_tasks().await;
    assert_eq!(sorted(), ["BatchGetItem"], "a view, with session, user, dashboard and switch");
    assert_eq!(open(&product, &public_id, &token).await.status, 200);
    assert_eq!(sorted(), [""; 0], "the same, remembered");
}
