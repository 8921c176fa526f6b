//! `/api/embed/{kind}/{token}/params/{key}/...` where the choices are those of a column.

use serde_json::{Value, json};
use vitrine_tests::{Product, merge};

use crate::metabase_questions::{created, field, legacy};
use crate::query_data::{CANARY, product, token_with};

const CITIES: [&str; 3] = ["Berlin", "Paris", "Rome"];

/// Card 1 and dashboard 1 with it: `city` is the viewer's, `customer` is the token's.
async fn published() -> Product {
    let product = product().await;
    let policy = json!({"city": "enabled", "customer": "locked", "free": "enabled", "off": "disabled"});
    let tag = async |name: &str, column: &str| {
        json!({
            "id": format!("id-{name}"), "name": name, "display-name": name, "type": "dimension",
            "dimension": ["field", field(&product, column).await, null], "widget-type": "string/=",
        })
    };
    let tags = json!({
        "city": tag("city", "city").await, "customer": tag("customer", "customer").await, "off": tag("off", "city").await,
        "free": {"id": "id-free", "name": "free", "display-name": "Free", "type": "text"},
    });
    let sql = "select id from orders where {{city}} and {{customer}} and {{off}} [[and city <> {{free}}]]";
    let card = created(
        &product,
        json!({"dataset_query": legacy(sql, tags), "enable_embedding": true, "embedding_params": policy}),
    )
    .await;
    let slugs = ["city", "customer", "free", "off"];
    let mappings: Vec<Value> = slugs
        .iter()
        .map(|slug| {
            json!({"parameter_id": format!("id-{slug}"), "card_id": 1, "target": ["dimension", ["template-tag", slug]]})
        })
        .collect();
    let dashboard = json!({
        "name": "Sales", "parameters": card["parameters"], "enable_embedding": true, "embedding_params": policy,
        "dashcards": [{"id": -1, "card_id": 1, "row": 0, "col": 0, "size_x": 4, "size_y": 4, "parameter_mappings": mappings}],
    });
    let answer = product.post("/api/dashboard", dashboard).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    product
}

/// The tokens of the question and of the dashboard, with the words of their routes.
fn tokens(product: &Product, cities: &[&str], customer: Value) -> [(&'static str, String); 2] {
    [("card", "question"), ("dashboard", "dashboard")].map(|(route, kind)| {
        let mut claims = json!({"params": {"customer": customer}});
        merge(&mut claims, json!({"resource": {kind: 1}}));
        (route, token_with(product, "a", cities, claims))
    })
}

async fn values(product: &Product, (route, token): &(&str, String), rest: &str) -> Value {
    let answer = product.get(&format!("/api/embed/{route}/{token}/params/{rest}")).send().await;
    assert_eq!(answer.status, 200, "{rest}: {}", answer.text);
    assert!(!answer.text.contains(CANARY), "{rest}: {}", answer.text);
    assert_eq!(answer.json["has_more_values"], false);
    answer.json["values"].clone()
}

#[tokio::test]
async fn values_are_those_of_the_column_under_row_policies_and_locked_values() {
    let product = published().await;
    for token in tokens(&product, &CITIES, json!(["acme"])) {
        assert_eq!(values(&product, &token, "id-city/values").await, json!([["Berlin"], ["Paris"]]));
        assert_eq!(values(&product, &token, "id-city/search/PAR").await, json!([["Paris"]]));
        // Rome is globex's.
        assert_eq!(values(&product, &token, "id-city/search/rom").await, json!([]));
        // A variable filters no column.
        assert_eq!(values(&product, &token, "id-free/values").await, json!([]));
    }
    for token in tokens(&product, &CITIES, json!(["globex"])) {
        assert_eq!(values(&product, &token, "id-city/values").await, json!([["Paris"], ["Rome"]]));
    }
    for token in tokens(&product, &["Paris"], json!(["acme", "globex"])) {
        assert_eq!(values(&product, &token, "id-city/values").await, json!([["Paris"]]));
    }
}

#[tokio::test]
async fn columns_of_parameters_that_the_viewer_may_not_set_are_not_listed() {
    let product = published().await;
    for (route, token) in tokens(&product, &CITIES, json!(["acme"])) {
        for (key, reason) in [
            ("id-customer", "parameter_disabled"),
            ("id-off", "parameter_disabled"),
            ("city", "parameter_unknown"),
        ] {
            for way in ["values", "search/a", "remapping?value=a"] {
                let answer =
                    product.get(&format!("/api/embed/{route}/{token}/params/{key}/{way}")).send().await;
                assert_eq!(answer.refusal(), (400, reason), "{key} {way}");
            }
        }
        // The value of a locked parameter is the token's alone.
        let path = format!("/api/embed/{route}/{token}/params/id-city/values?id-customer=globex");
        assert_eq!(product.get(&path).send().await.refusal(), (400, "parameter_locked"));
    }
}

#[tokio::test]
async fn a_value_of_a_column_is_its_own_label() {
    let product = published().await;
    for (route, token) in tokens(&product, &CITIES, json!(["acme"])) {
        let path = format!("/api/embed/{route}/{token}/params/id-city/remapping?value=Berlin");
        let answer = product.get(&path).send().await;
        assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!(["Berlin"])));
    }
}

#[tokio::test]
async fn an_admin_lists_the_values_of_a_column_in_a_preview() {
    let product = published().await;
    for (route, kind) in [("card", "question"), ("dashboard", "dashboard")] {
        let claims = json!({
            "resource": {kind: 1}, "params": {"customer": ["acme"]},
            "_embedding_params": {"city": "enabled", "customer": "locked"},
        });
        let token = token_with(&product, "a", &CITIES, claims);
        let path = format!("/api/preview_embed/{route}/{token}/params/id-city/values");
        let answer = product.get(&path).admin().send().await;
        assert_eq!(answer.json["values"], json!([["Berlin"], ["Paris"]]), "{}", answer.text);
        assert_eq!(product.get(&path).send().await.status, 401);
    }
}
