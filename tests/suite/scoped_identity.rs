//! Identity that a key states with a session: that of a key which is limited to a deployment holds for the
//! session, that of an unlimited key is stored with the user.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Product};

use crate::access::key;

/// A product with two deployments, two attributes and two groups, and a key of each deployment.
async fn start(settings: &[(&str, &str)]) -> (Product, String, String) {
    let product = Product::start_with(&[&[("Deployments", "1,2")], settings].concat()).await;
    for name in ["city", "level"] {
        product.post("/v1/attributes", json!({"name": name, "type": "string"})).admin().send().await;
    }
    for name in ["managers", "staff"] {
        product.post("/v1/groups", json!({"name": name})).admin().send().await;
    }
    let fields = |deployment: u32| json!({"role": "member", "permissions": ["sessions:create", "introspect"], "deployments": [deployment]});
    let keys = (key(&product, fields(1)).await, key(&product, fields(2)).await);
    (product, keys.0, keys.1)
}

async fn generate(product: &Product, key: &str, deployment: u32, fields: Value) -> Answer {
    let mut body = json!({"deploymentId": deployment, "externalId": "ann"});
    vitrine_tests::merge(&mut body, fields);
    product.post("/api/v1/embed/generate-session", body).bearer(key).send().await
}

/// The viewer of a new session, as introspection describes it, and as the page can read it.
async fn viewer(product: &Product, key: &str, deployment: u32, fields: Value) -> (Value, Value) {
    let session = generate(product, key, deployment, fields).await;
    assert_eq!(session.status, 200, "{}", session.text);
    let body = json!({"sessionId": session.json["sessionId"]});
    let token = product.post("/api/v1/embed/session/token", body).send().await.json["token"].clone();
    let known = product.post("/v1/introspect", json!({"token": token})).admin().send().await.json;
    assert_eq!(
        known["session"]["security_context"]["cubeCloud"]["userAttributes"],
        known["viewer"].get("attributes").cloned().unwrap_or(json!({}))
    );
    let me = product.get("/api/v1/users/me").bearer(token.as_str().unwrap()).send().await.json;
    (known["viewer"].clone(), me)
}

async fn stored(product: &Product) -> Value {
    product.get("/v1/external-users").admin().send().await.json["items"].clone()
}

fn berlin() -> Value {
    json!({
        "email": "ann@x.example", "userProfile": {"displayName": "Ann"},
        "userAttributes": [{"name": "city", "value": "Berlin"}], "groups": ["staff"],
    })
}

fn paris() -> Value {
    json!({
        "email": "other@x.example", "userProfile": {"displayName": "Other", "picture": "https://x.example/o.png"},
        "userAttributes": [{"name": "city", "value": "Paris"}], "groups": ["managers"],
    })
}

/// Whatever order the keys come in, no deployment inherits what a key of another has stated.
#[tokio::test]
async fn no_session_inherits_what_a_key_of_another_deployment_stated() {
    let (product, first, second) = start(&[]).await;
    let (seen, me) = viewer(&product, &second, 2, paris()).await;
    assert_eq!((&seen["attributes"], &seen["groups"]), (&json!({"city": "Paris"}), &json!(["managers"])));
    assert_eq!((&me["email"], &me["firstName"]), (&json!("other@x.example"), &json!("Other")));
    assert_eq!(me["picture"], "https://x.example/o.png");
    for (key, deployment) in [(&first, 1), (&second, 2), (&ADMIN_KEY.to_owned(), 1)] {
        let (seen, me) = viewer(&product, key, deployment, json!({})).await;
        assert_eq!((seen.get("attributes"), seen.get("groups")), (None, None), "{deployment}: {seen}");
        assert_eq!(
            (&me["email"], &me["firstName"], &me["picture"]),
            (&json!(null), &json!(null), &json!(null))
        );
    }
    let (seen, _) = viewer(&product, &first, 1, berlin()).await;
    assert_eq!(seen["attributes"], json!({"city": "Berlin"}));
    let (seen, _) = viewer(&product, &second, 2, json!({})).await;
    assert_eq!(seen.get("attributes"), None);
}

/// An unlimited key describes the user of the whole stack. A key of a deployment adds to that for one session.
#[tokio::test]
async fn a_limited_key_does_not_change_the_stored_user() {
    let (product, _, second) = start(&[]).await;
    viewer(&product, ADMIN_KEY, 1, berlin()).await;
    let before = (stored(&product).await, product.table().await.len());
    let (seen, me) = viewer(&product, &second, 2, paris()).await;
    assert_eq!((&seen["attributes"], &seen["groups"]), (&json!({"city": "Paris"}), &json!(["managers"])));
    assert_eq!(me["email"], "other@x.example");
    assert_eq!(stored(&product).await, before.0);
    // One more attribute: the stored one holds beside it. Null hides it for the session.
    let level = json!({"userAttributes": [{"name": "level", "value": "1"}]});
    let (seen, me) = viewer(&product, &second, 2, level).await;
    assert_eq!(
        (&seen["attributes"], &seen["groups"]),
        (&json!({"city": "Berlin", "level": "1"}), &json!(["staff"]))
    );
    assert_eq!((&me["email"], &me["firstName"]), (&json!("ann@x.example"), &json!("Ann")));
    let none = json!({"userAttributes": [{"name": "city", "value": null}], "groups": []});
    let (seen, _) = viewer(&product, &second, 2, none).await;
    assert_eq!((seen.get("attributes"), seen.get("groups")), (None, None), "{seen}");
    let (seen, me) = viewer(&product, ADMIN_KEY, 1, json!({})).await;
    assert_eq!((&seen["attributes"], &seen["groups"]), (&json!({"city": "Berlin"}), &json!(["staff"])));
    assert_eq!(me["email"], "ann@x.example");
    assert_eq!(stored(&product).await, before.0);
    // The twin: an unlimited key changes it.
    viewer(&product, ADMIN_KEY, 2, paris()).await;
    assert_eq!(stored(&product).await[0]["email"], "other@x.example");
}

/// Two keys that describe one user at the same time: each session has its own description.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_descriptions_of_one_user_do_not_mix() {
    let (product, first, second) = start(&[]).await;
    let calls = (0..40).map(|number| {
        let (key, deployment, city) =
            if number % 2 == 0 { (&first, 1, "Berlin") } else { (&second, 2, "Paris") };
        let attributes = json!({"userAttributes": [{"name": "city", "value": city}]});
        let product = &product;
        async move { (city, viewer(product, key, deployment, attributes).await.0) }
    });
    for (city, seen) in futures_util::future::join_all(calls).await {
        assert_eq!(seen["attributes"], json!({"city": city}));
    }
    assert_eq!(stored(&product).await.as_array().unwrap().len(), 1);
}

/// Fields that belong to the whole stack: refused as on the administrative routes, and nothing is written.
#[tokio::test]
async fn a_limited_key_changes_no_tenant() {
    let (product, _, second) = start(&[]).await;
    let creator = |fields: Value| {
        let mut all = json!({"creatorMode": true, "embedTenantName": "acme"});
        vitrine_tests::merge(&mut all, fields);
        all
    };
    let cases = [
        json!({"embedTenantName": "acme"}),
        json!({"embedTenantName": "acme", "embedTenantProfile": {"displayName": "Acme"}}),
        creator(json!({"tenantGroupDefinitions": [{"name": "g"}], "tenantGroups": ["g"]})),
        creator(json!({"userAttributeDefinitions": [{"name": "shop", "type": "string"}]})),
        creator(json!({"tenantGroups": []})),
    ];
    let before = product.table().await;
    for fields in &cases {
        let answer = generate(&product, &second, 2, fields.clone()).await;
        assert_eq!(answer.refusal(), (403, "access_denied"), "{fields}");
        assert_eq!(product.table().await, before, "{fields}");
    }
    for fields in cases {
        let answer = generate(&product, ADMIN_KEY, 2, fields.clone()).await;
        assert_eq!(answer.status, 200, "{fields}: {}", answer.text);
    }
    // A user whom an unlimited key has put into a tenant is in it in a limited key's session too.
    let (_, me) = viewer(&product, &second, 2, json!({})).await;
    assert_eq!(me["embedTenantName"], "acme");
}

/// The user of a limited key's session is one of the stack's: counted, listed, and gone when removed.
#[tokio::test]
async fn the_users_of_a_limited_key_count() {
    let (product, first, second) = start(&[("MaxExternalUsers", "2")]).await;
    let named = |name: &str| json!({"externalId": name, "email": "x@x.example"});
    assert_eq!(generate(&product, &second, 2, named("a")).await.status, 200);
    assert_eq!(generate(&product, &first, 1, named("b")).await.status, 200);
    for key in [&second, &ADMIN_KEY.to_owned()] {
        assert_eq!(generate(&product, key, 2, named("c")).await.refusal(), (429, "user_limit_reached"));
        assert_eq!(generate(&product, key, 2, named("a")).await.status, 200);
    }
    let users = stored(&product).await;
    assert_eq!(users.as_array().unwrap().len(), 2);
    let session = generate(&product, &second, 2, named("b")).await.json;
    let body = json!({"sessionId": session["sessionId"]});
    let token = product.post("/api/v1/embed/session/token", body).send().await.json["token"].clone();
    let token = token.as_str().unwrap();
    assert_eq!(product.get("/api/v1/users/me").bearer(token).send().await.status, 200);
    let id = users.as_array().unwrap().iter().find(|user| user["external_id"] == "b").unwrap()["id"].clone();
    assert_eq!(product.delete(&format!("/v1/external-users/{id}")).admin().send().await.status, 204);
    let gone = product.get("/api/v1/users/me").bearer(token).send().await;
    assert_eq!(gone.refusal(), (401, "token_revoked"));
}
