//! Queries of members and their rows, as data, over a table with every type and with empty values.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use serde_json::{Value, json};
use vitrine_tests::Product;

use crate::cube_data::{load, session};
use crate::query_data::{accept_all, parquet, seed_table};

/// `[query, rows]`, one on each line.
const CASES: &str = include_str!("../cases/cube-load.json");

/// Six events, and a seventh under another viewer's name.
async fn product() -> (Product, String) {
    let product = Product::start().await;
    accept_all(&product);
    let columns = json!([
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "text"},
        {"name": "ok", "type": "boolean"},
        {"name": "at", "type": "timestamp"},
        {"name": "price", "type": "decimal(10,2)"},
        {"name": "score", "type": "number"},
        {"name": "owner", "type": "text", "hidden": true},
    ]);
    let own =
        json!([{"groups": ["*"], "rows": [{"column": "owner", "op": "=", "value": {"attribute": "owner"}}]}]);
    seed_table(&product, "events", columns, &parquet(&events()), 7, own).await;
    let owner = json!({"name": "owner", "type": "string"});
    assert_eq!(product.post("/v1/attributes", owner).admin().send().await.status, 201);
    let attributes = json!([{"name": "owner", "value": "ann"}]);
    let viewer = session(&product, json!({"externalId": "ann", "userAttributes": attributes})).await;
    (product, viewer)
}

fn events() -> RecordBatch {
    let prices = [Some(150), Some(225), None, Some(-300), Some(0), Some(10_010), Some(777)];
    // In microseconds since 1970.
    let times: [Option<i64>; 7] = [
        Some(1_704_067_200_000_000), // 2024-01-01T00:00:00
        Some(1_706_745_599_999_000), // 2024-01-31T23:59:59.999
        Some(1_706_745_600_000_000), // 2024-02-01T00:00:00
        Some(1_709_208_000_000_000), // 2024-02-29T12:00:00
        None,
        Some(1_735_687_800_000_000), // 2024-12-31T23:30:00
        Some(1_706_745_600_000_000), // 2024-02-01T00:00:00
    ];
    let names = [Some("Anna"), Some("anna"), None, Some("100%"), Some("a_b\\c"), Some("Zoë"), Some("Anna")];
    let flags = [Some(true), Some(false), Some(true), None, Some(false), Some(true), Some(true)];
    let scores = [Some(0.5), Some(1.5), None, Some(-2.0), Some(0.0), Some(1e6), Some(0.5)];
    let owners = ["ann", "ann", "ann", "ann", "ann", "ann", "eve"];
    let columns: [(&str, ArrayRef); 7] = [
        ("id", Arc::new(Int64Array::from_iter_values(1..=7))),
        ("name", Arc::new(StringArray::from(names.to_vec()))),
        ("ok", Arc::new(BooleanArray::from(flags.to_vec()))),
        ("at", Arc::new(TimestampMicrosecondArray::from(times.to_vec()))),
        (
            "price",
            Arc::new(
                Decimal128Array::from_iter(prices.map(|price| price.map(i128::from)))
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        ("score", Arc::new(Float64Array::from(scores.to_vec()))),
        ("owner", Arc::new(StringArray::from(owners.to_vec()))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::test]
async fn every_query_of_the_list_has_its_rows() {
    let (product, viewer) = product().await;
    let cases: Vec<(Value, Value)> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() >= 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let answer = load(&product, &viewer, &query).await;
        if answer.json["data"] != expected {
            wrong.push(format!("{query}\n  expected {expected}\n  {}", answer.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
