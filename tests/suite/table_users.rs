//! Changes of tables that published queries read.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product};

use crate::stub_engine;
use crate::tables::put;

fn columns(names: &[(&str, bool)]) -> Value {
    let column = |(name, hidden): &(&str, bool)| json!({"name": name, "type": "text", "hidden": hidden});
    json!({"columns": names.iter().map(column).collect::<Vec<_>>()})
}

/// A table that a published question reads.
async fn used_table() -> Product {
    let product = Product::start().await;
    stub_engine::install(&product);
    put(&product, "orders", columns(&[("city", false), ("amount", false), ("margin", true)])).await;
    let query = json!({"type": "question", "query": {"sql": "select 1 from orders"}});
    product.publish("question/7", json!({ "content": query })).await;
    product
}

async fn delete(product: &Product, path: &str) -> Answer {
    product.delete(path).admin().send().await
}

/// columns -> whether the question may read one that is lost
#[tokio::test]
async fn columns_are_taken_from_published_queries_only_by_force() {
    let product = used_table().await;
    for (names, is_narrower) in [
        (&[("amount", false), ("city", false), ("margin", true), ("new", false)][..], false),
        (&[("amount", false), ("city", false), ("new", true)], true),
        (&[("city", false), ("amount", true), ("new", false)], true),
        (&[("city", false), ("new", false)], true),
    ] {
        let before = product.table().await;
        let answer = put(&product, "orders", columns(names)).await;
        if is_narrower {
            assert_eq!((answer.refusal(), answer.issues()), ((409, "breaks_queries"), vec!["question/7"]));
            assert_eq!(product.table().await, before);
        } else {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    }
    let only = columns(&[("city", false)]);
    assert_eq!(product.put("/v1/tables/orders?force=true", only).admin().send().await.status, 200);
    // Policies and texts take nothing away.
    let policy = json!({"description": "D", "row_policies": [{"groups": ["*"], "rows": "all"}]});
    assert_eq!(put(&product, "orders", policy).await.status, 200);
    // A table that nobody reads can be changed as its owner likes.
    put(&product, "others", columns(&[("city", false), ("amount", false)])).await;
    assert_eq!(put(&product, "others", columns(&[("city", false)])).await.status, 200);
}

#[tokio::test]
async fn a_table_that_published_queries_read_is_removed_only_by_force() {
    let product = used_table().await;
    for path in ["/v1/tables/orders", "/v1/tables/orders?force=false"] {
        let refused = delete(&product, path).await;
        assert_eq!((refused.refusal(), refused.issues()), ((409, "breaks_queries"), vec!["question/7"]));
    }
    assert_eq!(delete(&product, "/v1/tables/orders?force=1").await.issues(), ["force"]);
    assert_eq!(delete(&product, "/v1/tables/orders?force=true").await.status, 204);
    put(&product, "orders", json!({})).await;
    assert_eq!(delete(&product, "/v1/resources/question/7").await.status, 204);
    assert_eq!(delete(&product, "/v1/tables/orders").await.status, 204, "nobody reads it any more");
}

#[tokio::test]
async fn tables_of_questions_on_a_dashboard_are_used_by_the_dashboard() {
    let product = Product::start().await;
    stub_engine::install(&product);
    put(&product, "orders", columns(&[("city", false), ("amount", false)])).await;
    let query = json!({"type": "question", "query": {"sql": "select 1 from orders"}});
    let card = json!({"id": 1, "question": 7, "row": 0, "col": 0, "width": 1, "height": 1});
    let cards = json!({"type": "dashboard", "cards": [card]});
    // The question is published by the dashboard alone.
    product.publish("question/7", json!({"content": query, "enable_embedding": false})).await;
    product.publish("dashboard/1", json!({ "content": cards })).await;
    let answer = put(&product, "orders", columns(&[("city", false)])).await;
    assert_eq!(answer.refusal(), (409, "breaks_queries"));
    assert!(answer.issues().contains(&"dashboard/1"), "{}", answer.text);
    let text = json!({"id": 1, "text": "", "row": 0, "col": 0, "width": 1, "height": 1});
    product.publish("dashboard/1", json!({"content": {"type": "dashboard", "cards": [text]}})).await;
    let answer = put(&product, "orders", columns(&[("city", false)])).await;
    assert!(!answer.text.contains("dashboard/1"), "{}", answer.text);
}
