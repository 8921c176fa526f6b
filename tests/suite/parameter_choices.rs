//! The choices of parameters: declared ones, and those of the columns that they filter.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::query_data::{CANARY, by_city, product, seed, token_with};

fn filter(column: &str) -> Value {
    json!({"type": "dimension", "dimension": {"table": "orders", "column": column}})
}

/// A dashboard whose cards filter the columns of `orders`, under this policy of parameters.
async fn publish(product: &Product, policy: Value) {
    let sql = |text: &str, tags: Value| json!({"sql": text, "tags": tags});
    let tags = json!({"city": filter("city"), "customer": filter("customer")});
    let by_id = json!({"id": filter("id"), "day": filter("day"), "secret": filter("secret"), "note": {"type": "text"}});
    let cards = json!([
        {"id": 1, "row": 0, "col": 0, "width": 1, "height": 1,
            "query": sql("select count(*) from orders where {{city}} and {{customer}}", tags)},
        {"id": 2, "row": 0, "col": 0, "width": 1, "height": 1, "parameters": {"number": "id", "on": "day", "hidden": "secret", "note": "note"},
            "query": sql("select count(*) from orders where {{id}} and {{day}} [[and {{secret}} and {{note}} = \'\']]", by_id)},
    ]);
    let fixed = json!([["a", "Anna"], ["b", "Berta"], ["c"]]);
    product
        .publish(
            "dashboard/1",
            json!({
                "content": {"type": "dashboard", "cards": cards}, "embedding_params": policy,
                "parameters": [
                    {"slug": "city", "name": "City", "type": "category", "multiple": true},
                    {"slug": "customer", "name": "Customer", "type": "category"},
                    {"slug": "number", "name": "Number", "type": "category"},
                    {"slug": "on", "name": "On", "type": "date"},
                    {"slug": "hidden", "name": "Hidden", "type": "category"},
                    {"slug": "fixed", "name": "Fixed", "type": "category", "values": fixed},
                ],
            }),
        )
        .await;
}

fn all_enabled() -> Value {
    json!({
        "city": "enabled", "customer": "enabled", "number": "enabled", "on": "enabled", "hidden": "enabled",
        "fixed": "enabled", "note": "enabled",
    })
}

fn token(product: &Product, cities: &[&str], params: Value) -> String {
    let mut claims = json!({"resource": {"dashboard": 1}});
    claims["params"] = params;
    token_with(product, "a", cities, claims)
}

async fn choices(product: &Product, token: &str, body: Value) -> Answer {
    let answer = product.post("/v1/query/values", body).bearer(token).send().await;
    assert!(!answer.text.contains(CANARY), "{}", answer.text);
    answer
}

fn values(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["values"].as_array().unwrap().iter().map(|value| value[0].clone()).collect()
}

/// cities of the viewer, request -> choices
#[tokio::test]
async fn choices_are_the_values_of_the_rows_that_the_viewer_may_see() {
    let product = product().await;
    publish(&product, all_enabled()).await;
    let cases: Vec<(&[&str], Value, Value)> = vec![
        (&["Berlin", "Paris"], json!({"parameter": "city"}), json!(["Berlin", "Paris"])),
        (&["Rome"], json!({"parameter": "city"}), json!(["Rome"])),
        (&[], json!({"parameter": "city"}), json!([])),
        (&["Berlin", "Paris"], json!({"parameter": "customer"}), json!(["acme", "globex"])),
        // Choices narrow each other, also across cards.
        (
            &["Berlin", "Paris"],
            json!({"parameter": "customer", "parameters": {"city": "Berlin"}}),
            json!(["acme"]),
        ),
        (
            &["Berlin", "Paris"],
            json!({"parameter": "city", "parameters": {"customer": "globex"}}),
            json!(["Paris"]),
        ),
        (&["Berlin", "Paris"], json!({"parameter": "city", "parameters": {"number": 3}}), json!(["Paris"])),
        (
            &["Berlin", "Paris"],
            json!({"parameter": "number", "parameters": {"city": ["Berlin"]}}),
            json!([1, 2]),
        ),
        (&["Berlin", "Paris"], json!({"parameter": "city", "parameters": {"customer": "nobody"}}), json!([])),
        // A parameter does not narrow its own choices.
        (
            &["Berlin", "Paris"],
            json!({"parameter": "city", "parameters": {"city": "Berlin"}}),
            json!(["Berlin", "Paris"]),
        ),
        (&["Berlin", "Paris"], json!({"parameter": "city", "search": "RI"}), json!(["Paris"])),
        (&["Berlin", "Paris"], json!({"parameter": "city", "search": "%"}), json!([])),
        (&["Berlin", "Paris"], json!({"parameter": "city", "search": "\' or \'\' = \'"}), json!([])),
        (&["Berlin", "Paris"], json!({"parameter": "city", "search": "  "}), json!(["Berlin", "Paris"])),
        (&["Berlin", "Paris"], json!({"parameter": "number", "search": "2"}), json!([2])),
        // Dates and texts that filter no column are not chosen from a list.
        (&["Berlin"], json!({"parameter": "on"}), json!([])),
        (&["Berlin"], json!({"parameter": "note"}), json!([])),
        (&["Berlin"], json!({"parameter": "fixed"}), json!(["a", "b", "c"])),
        (&["Berlin"], json!({"parameter": "fixed", "search": "ERT"}), json!(["b"])),
    ];
    for (cities, body, expected) in cases {
        let viewer = token(&product, cities, json!({}));
        let answer = choices(&product, &viewer, body.clone()).await;
        assert_eq!(json!(values(&answer)), expected, "{cities:?} {body}");
        assert_eq!(answer.json["has_more"], false);
    }
    let viewer = token(&product, &["Berlin"], json!({}));
    let labels = choices(&product, &viewer, json!({"parameter": "fixed", "search": "anna"})).await;
    assert_eq!(labels.json["values"], json!([["a", "Anna"]]));
}

#[tokio::test]
async fn what_a_viewer_may_not_choose_has_no_choices() {
    let product = product().await;
    let mut policy = all_enabled();
    policy["city"] = json!("locked");
    policy["number"] = json!("disabled");
    publish(&product, policy).await;
    let viewer = token(&product, &["Berlin", "Paris"], json!({"city": ["Berlin"]}));
    for (body, expected) in [
        (json!({"parameter": "city"}), (400, "parameter_disabled")),
        (json!({"parameter": "number"}), (400, "parameter_disabled")),
        (json!({"parameter": "nothing"}), (400, "parameter_unknown")),
        (json!({"parameter": "customer", "parameters": {"city": "Paris"}}), (400, "parameter_locked")),
        (json!({"parameter": "customer", "parameters": {"other": "Paris"}}), (400, "parameter_unknown")),
        (json!({}), (400, "request_invalid")),
        (json!({"parameter": "customer", "search": "x".repeat(256)}), (400, "request_invalid")),
        (json!({"parameter": "customer", "card": 1}), (400, "request_invalid")),
        // A hidden column is not there.
        (json!({"parameter": "hidden"}), (422, "query_failed")),
        (json!({"parameter": "customer", "resource": {"dashboard": 2}}), (404, "resource_not_found")),
    ] {
        assert_eq!(choices(&product, &viewer, body.clone()).await.refusal(), expected, "{body}");
    }
    let nobody = product.post("/v1/query/values", json!({"parameter": "customer"})).send().await;
    assert_eq!(nobody.refusal(), (401, "token_missing"));
    let other = token_with(&product, "b", &["Berlin"], json!({"resource": {"question": 1}}));
    assert_eq!(
        choices(&product, &other, json!({"parameter": "customer"})).await.refusal(),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn locked_values_restrict_choices_and_without_them_there_are_none() {
    let product = product().await;
    seed(&product, 5, json!([])).await;
    let mut policy = all_enabled();
    policy["city"] = json!("locked");
    publish(&product, policy.clone()).await;
    for (city, customers, numbers) in
        [("Berlin", json!(["acme"]), json!([1, 2])), ("Paris", json!(["acme", "globex"]), json!([3, 4]))]
    {
        let viewer = token(&product, &[], json!({ "city": city }));
        for (slug, expected) in [("customer", customers), ("number", numbers)] {
            assert_eq!(
                json!(values(&choices(&product, &viewer, json!({ "parameter": slug })).await)),
                expected,
                "{city}"
            );
        }
    }
    // A locked parameter that filters no column of the table cannot restrict its values.
    policy["fixed"] = json!("locked");
    publish(&product, policy).await;
    let viewer = token(&product, &["Berlin"], json!({"city": "Berlin", "fixed": "a"}));
    let refused = choices(&product, &viewer, json!({"parameter": "customer"})).await;
    assert_eq!(refused.refusal(), (403, "locked_parameter_unreached"));
    seed(&product, 5, by_city()).await;
    let allowed = choices(&product, &viewer, json!({"parameter": "customer"})).await;
    assert_eq!(values(&allowed), [json!("acme")], "a row policy restricts them");
}
