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

/// `[query, a part of the message]`, one on each line.
const REFUSALS: &str = include_str!("../cases/cube-refusals.json");

#[tokio::test]
async fn every_query_that_is_not_offered_is_refused_with_its_fault() {
    let (product, viewer) = product().await;
    let cases: Vec<(Value, String)> = serde_json::from_str(REFUSALS).unwrap();
    assert!(cases.len() >= 120, "{}", cases.len());
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let text = form_urlencoded::byte_serialize(query.to_string().as_bytes()).collect::<String>();
        let get = product.get(&format!("/cubejs-api/v1/load?query={text}")).bearer(&viewer).send().await;
        let sql = product.get(&format!("/cubejs-api/v1/sql?query={text}")).bearer(&viewer).send().await;
        let several = json!({"query": query, "queryType": "multi"});
        let several = product.post("/cubejs-api/v1/load", several).bearer(&viewer).send().await;
        let answer = load(&product, &viewer, &query).await;
        let is_list = query.is_array();
        for (way, answer) in [("post", answer), ("get", get), ("multi", several), ("sql", sql)] {
            let error = answer.json["error"].as_str().unwrap_or_default();
            let is_told = error.contains(&expected) || (is_list && way == "sql" && !error.is_empty());
            if answer.refusal() != (400, "query_invalid") || !is_told || answer.json["message"] != error {
                wrong.push(format!(
                    "{way} {query}\n  expected {expected}\n  {} {}",
                    answer.status, answer.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn routes_that_are_not_offered_are_not_found() {
    let (product, viewer) = product().await;
    let body = || json!({"query": {"measures": ["events.count"]}});
    for route in [
        "dry-run",
        "subscribe",
        "cubesql",
        "run-scheduled-refresh",
        "pre-aggregations/jobs",
        "context",
        "loads",
    ] {
        let path = format!("/cubejs-api/v1/{route}");
        for answer in [
            product.get(&path).bearer(&viewer).send().await,
            product.post(&path, body()).bearer(&viewer).send().await,
        ] {
            assert_eq!(answer.refusal(), (404, "route_not_found"), "{path} {}", answer.text);
            assert!(answer.json["message"].is_string(), "{path}");
        }
    }
    let answer = product.post("/cubejs-api/v1/load", body()).bearer(&viewer).send().await;
    assert_eq!(answer.json["data"], json!([{"events.count": "6"}]));
}
