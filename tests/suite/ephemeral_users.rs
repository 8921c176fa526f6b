//! Ephemeral users, and their bound.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

const WEEK: i64 = 7 * 86_400;

async fn generate(product: &Product, user: &str, fields: Value) -> Answer {
    let mut body = json!({"deploymentId": 1, "externalId": user, "isEphemeral": true});
    vitrine_tests::merge(&mut body, fields);
    product.post("/api/v1/embed/generate-session", body).admin().send().await
}

/// The number of ephemeral users that are counted, by the counter's own account.
async fn counted(product: &Product) -> i64 {
    let table = product.table().await;
    let counter =
        table.iter().find(|item| item["pk"] == "counter" && item["sk"] == "ephemeral_user").unwrap();
    let days = counter.iter().filter(|(name, _)| name.starts_with("day_"));
    let sum: i64 = days.map(|(_, users)| users.parse::<i64>().unwrap()).sum();
    assert_eq!(sum.to_string(), counter["user_count"]);
    sum
}

#[tokio::test]
async fn ephemeral_users_have_a_limit_of_their_own() {
    let product = Product::start_with(&[("MaxEphemeralUsers", "2"), ("MaxExternalUsers", "1")]).await;
    for user in ["a", "b"] {
        assert_eq!(generate(&product, user, json!({})).await.status, 200);
    }
    let before = product.table().await;
    let full = generate(&product, "c", json!({})).await;
    assert_eq!(full.refusal(), (429, "user_limit_reached"));
    assert_eq!(full.json["message"], "The limit of ephemeral users is reached.");
    assert_eq!(product.table().await, before);
    // Known ones still get sessions, and the other limit has its own count.
    assert_eq!(generate(&product, "a", json!({})).await.status, 200);
    assert_eq!(generate(&product, "c", json!({"isEphemeral": false})).await.status, 200);
    assert_eq!(
        generate(&product, "d", json!({"isEphemeral": false})).await.refusal(),
        (429, "user_limit_reached")
    );
    assert_eq!(counted(&product).await, 2);
}

/// Each way in which an ephemeral user ends, which makes room for another one.
#[tokio::test]
async fn an_ephemeral_user_that_ends_makes_room() {
    let product = Product::start_with(&[("MaxEphemeralUsers", "1")]).await;
    assert_eq!(generate(&product, "removed", json!({})).await.status, 200);
    let users = product.get("/v1/external-users").admin().send().await.json;
    let path = format!("/v1/external-users/{}", users["items"][0]["id"]);
    assert_eq!(product.delete(&path).admin().send().await.status, 204);
    assert_eq!(counted(&product).await, 0);

    assert_eq!(generate(&product, "kept", json!({})).await.status, 200);
    assert_eq!(generate(&product, "kept", json!({"isEphemeral": false})).await.status, 200);
    assert_eq!(counted(&product).await, 0);

    assert_eq!(generate(&product, "of a tenant", json!({"embedTenantName": "acme"})).await.status, 200);
    assert_eq!(product.delete("/api/v1/embed-tenants/acme").admin().send().await.status, 204);
    assert_eq!(counted(&product).await, 0);

    assert_eq!(generate(&product, "expired", json!({})).await.status, 200);
    assert_eq!(generate(&product, "next", json!({})).await.refusal(), (429, "user_limit_reached"));
    product.clock.set_offset(WEEK + 86_400);
    assert_eq!(generate(&product, "next", json!({})).await.status, 200);
    assert_eq!(counted(&product).await, 1);
}

/// A user is counted once, under the day of the expiry, which moves with every session.
#[tokio::test]
async fn a_user_is_counted_once_over_many_days() {
    let product = Product::start_with(&[("MaxEphemeralUsers", "2")]).await;
    for day in 0..20 {
        product.clock.set_offset(day * 86_400);
        assert_eq!(generate(&product, "ann", json!({})).await.status, 200, "{day}");
        assert_eq!(counted(&product).await, 1, "{day}");
    }
    product.clock.set_offset(60 * 86_400);
    assert_eq!(generate(&product, "ann", json!({})).await.status, 200, "expired long ago");
    assert_eq!(counted(&product).await, 1);
}

/// A day that is over is taken out of the count, with users who exist again when a clock is set back.
#[tokio::test]
async fn a_clock_that_is_set_back_prevents_no_removal() {
    let product = Product::start_with(&[("MaxEphemeralUsers", "2")]).await;
    assert_eq!(generate(&product, "ann", json!({})).await.status, 200);
    product.clock.set_offset(60 * 86_400);
    assert_eq!(generate(&product, "bob", json!({})).await.status, 200);
    assert_eq!(counted(&product).await, 1);
    product.clock.set_offset(0);
    for left in [1, 0] {
        let users = product.get("/v1/external-users").admin().send().await.json;
        let path = format!("/v1/external-users/{}", users["items"][0]["id"]);
        assert_eq!(product.delete(&path).admin().send().await.status, 204);
        assert!(counted(&product).await <= left);
    }
    assert_eq!(counted(&product).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_ephemeral_users_fill_the_limit_exactly() {
    let product = Product::start_with(&[("MaxEphemeralUsers", "30")]).await;
    let mut created = 0;
    for user in crate::cube_races::at_once_with_retries(50, |number| {
        let body = json!({"deploymentId": 1, "externalId": format!("user{number}"), "isEphemeral": true});
        product.post("/api/v1/embed/generate-session", body).admin()
    })
    .await
    {
        match user.status.as_u16() {
            200 => created += 1,
            _ => assert_eq!(user.refusal(), (429, "user_limit_reached"), "{}", user.text),
        }
    }
    assert_eq!((created, counted(&product).await), (30, 30));
}
