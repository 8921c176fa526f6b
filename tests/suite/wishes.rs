//! Wishes: with `Prefer: handling=lenient` a view goes without the parameters that the viewer may not set, and says so.
//! Every other caller is refused.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

async fn product(settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(settings).await;
    let parameters = json!([
        {"slug": "region", "name": "Region", "type": "text", "default": "all"},
        {"slug": "year", "name": "Year", "type": "number"},
        {"slug": "customer", "name": "Customer", "type": "text"},
        {"slug": "closed", "name": "Closed", "type": "text"},
        {"slug": "city", "name": "City", "type": "text"},
    ]);
    let policy = json!({
        "region": "enabled", "year": "enabled", "customer": "locked", "closed": "disabled",
        "city": {"attribute": "city"},
    });
    product.publish("dashboard/1", json!({"parameters": parameters, "embedding_params": policy})).await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
    product
}

fn token(product: &Product, dashboard: i64) -> String {
    product.sign(json!({
        "resource": {"dashboard": dashboard},
        "params": {"customer": "acme"},
        "viewer": {"id": "ann", "attributes": {"city": "Berlin"}},
    }))
}

async fn wish(product: &Product, token: &str, query: &str) -> Answer {
    let call = product.get(&format!("/v1/view/dashboard?{query}")).bearer(token);
    call.header("prefer", "handling=lenient").send().await
}

/// The values that the owner's services see.
async fn values(product: &Product, token: &str) -> Value {
    let answer = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    assert_eq!(answer.json["active"], true, "{}", answer.text);
    answer.json["values"].clone()
}

fn shown(answer: &Answer) -> Value {
    let pairs = answer.json["parameters"].as_array().unwrap().iter();
    pairs.map(|one| (one["slug"].as_str().unwrap().to_owned(), one["value"].clone())).collect()
}

/// query, the visible values, the ignored names, and the reason with which a program is refused.
#[tokio::test]
async fn the_page_goes_without_names_that_a_program_is_refused_for() {
    let product = product(&[]).await;
    let token = token(&product, 1);
    let usual = json!({"region": "all", "year": null});
    let emea = json!({"region": "emea", "year": null});
    for (query, visible, ignored, reason) in [
        ("utm_source=mail", &usual, json!(["utm_source"]), "parameter_unknown"),
        ("utm_source=", &usual, json!(["utm_source"]), "parameter_unknown"),
        ("t=1&t=2", &usual, json!(["t"]), "parameter_unknown"),
        ("region=emea&utm_source=mail", &emea, json!(["utm_source"]), "parameter_unknown"),
        ("customer=other", &usual, json!(["customer"]), "parameter_locked"),
        ("customer=acme", &usual, json!(["customer"]), "parameter_locked"),
        ("customer=", &usual, json!(["customer"]), "parameter_locked"),
        ("closed=x", &usual, json!(["closed"]), "parameter_disabled"),
        ("city=Paris", &usual, json!(["city"]), "parameter_locked"),
        ("parameters=%5B1%5D", &usual, json!(["parameters"]), "params_invalid"),
        (
            "parameters=%7B%22region%22%3A%22emea%22%2C%22customer%22%3A%22x%22%7D",
            &emea,
            json!(["customer"]),
            "parameter_locked",
        ),
    ] {
        let opened = wish(&product, &token, query).await;
        assert_eq!(opened.status, 200, "{query}: {}", opened.text);
        assert_eq!((&shown(&opened), &opened.json["ignored"]), (visible, &ignored), "{query}");
        assert!(!opened.text.contains("acme"), "{query}: {}", opened.text);

        for path in ["/v1/view", "/v1/view/dashboard", "/v1/view/dashboard/1"] {
            let refused = product.get(&format!("{path}?{query}")).bearer(&token).send().await;
            assert_eq!(refused.refusal(), (400, reason), "{path}?{query}");
        }
        // Other routes do not know wishes.
        let other = product.get(&format!("/api/embed/dashboard/{token}?{query}"));
        let refused = other.header("prefer", "handling=lenient").send().await;
        assert_eq!(refused.refusal(), (400, reason), "{query}");
    }
    let plain = wish(&product, &token, "region=emea").await;
    assert_eq!((shown(&plain), plain.json.get("ignored")), (emea, None));
}

#[tokio::test]
async fn a_wish_never_opens_what_is_refused() {
    let product = product(&[]).await;
    let good = token(&product, 1);
    let signed = |params: Value| {
        let viewer = json!({"attributes": {"city": "Berlin"}});
        product.sign(json!({"resource": {"dashboard": 1}, "params": params, "viewer": viewer}))
    };
    let unlocked = signed(json!({}));
    let unknown = signed(json!({"customer": "a", "x": 1}));
    for (token, query, refusal) in [
        (&good, "year=soon", (400, "parameter_invalid")),
        (&good, "year=soon&utm_source=mail", (400, "parameter_invalid")),
        (&unlocked, "customer=acme", (400, "parameter_locked_missing")),
        (&unknown, "utm_source=mail", (400, "parameter_unknown")),
        (&token(&product, 2), "utm_source=mail", (403, "resource_not_published")),
        (&"garbage".to_owned(), "utm_source=mail", (400, "token_malformed")),
    ] {
        assert_eq!(wish(&product, token, query).await.refusal(), refusal, "{query}");
    }
}

#[tokio::test]
async fn a_pinned_value_is_not_to_be_wished() {
    let product = product(&[("EnabledInToken", "pinned")]).await;
    let token = product.sign(json!({
        "resource": {"dashboard": 1},
        "params": {"customer": "acme", "region": "emea"},
        "viewer": {"attributes": {"city": "Berlin"}},
    }));
    let opened = wish(&product, &token, "region=apac&year=2026").await;
    assert_eq!((shown(&opened), &opened.json["ignored"]), (json!({"year": "2026"}), &json!(["region"])));
    let strict = product.view(&token, "region=apac").await;
    assert_eq!(strict.refusal(), (400, "parameter_pinned"));
}

/// The record that an owner finds under the id of the view's request.
#[tokio::test]
async fn the_owner_can_look_up_what_was_ignored() {
    let product = product(&[]).await;
    let token = token(&product, 1);
    let long = format!("x{}", "y".repeat(300));
    let opened = wish(&product, &token, &format!("utm_source=a-value&customer=other&{long}=1")).await;
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", opened.header("x-request-id"));
    let record = product.get(&path).admin().send().await;
    assert_eq!(record.status, 200, "{}", record.text);
    let names = json!(["customer", "utm_source", &long[..100]]);
    let members = ["kind", "names", "status", "reason", "resource"].map(|name| record.json[name].clone());
    assert_eq!(
        members,
        [json!("ignored"), names, json!(200), json!("parameters_ignored"), json!("dashboard/1")]
    );
    for hidden in ["a-value", "other", "acme", token.as_str()] {
        assert!(!record.text.contains(hidden), "{}", record.text);
    }
    for member in ["rule", "expected", "actual", "fix", "signing_key"] {
        assert!(!record.json[member].as_str().unwrap().is_empty(), "{member}");
    }
    let member = product.key("member", &["introspect"]).await;
    assert_eq!(product.get(&path).bearer(&member).send().await.refusal(), (403, "access_denied"));

    let refused = product.view(&token, "customer=other").await;
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", refused.header("x-request-id"));
    let record = product.get(&path).admin().send().await.json;
    assert_eq!((&record["kind"], record.get("names")), (&json!("refused"), None));

    let plain = wish(&product, &token, "region=emea").await;
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", plain.header("x-request-id"));
    assert_eq!(product.get(&path).admin().send().await.refusal(), (404, "decision_not_found"));
}

#[tokio::test]
async fn hundreds_of_names_make_a_short_answer() {
    let product = product(&[]).await;
    let token = token(&product, 1);
    let query: Vec<_> = (0..300).map(|number| format!("name{number}=1")).collect();
    let opened = wish(&product, &token, &query.join("&")).await;
    assert_eq!(opened.json["ignored"].as_array().unwrap().len(), 50);
    assert_eq!(values(&product, &token).await["customer"], "acme");
}
