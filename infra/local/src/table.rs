//! The table, as the template declares it; a test compares the two.

use serde_json::{Value, json};
use vitrine::storage::schema::{CATALOG, EMBEDDABLE, LISTED, PARTITION, POSITION, SORT};

/// A `CreateTable` request.
pub fn create_request(name: &str) -> Value {
    let key = |hash: &str, range: &str| {
        json!([
            {"AttributeName": hash, "KeyType": "HASH"},
            {"AttributeName": range, "KeyType": "RANGE"},
        ])
    };
    let index = |name: &str| {
        json!({
            "IndexName": name,
            "KeySchema": key(name, POSITION),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": LISTED},
        })
    };
    let attributes: Vec<_> = [PARTITION, SORT, CATALOG, EMBEDDABLE, POSITION]
        .into_iter()
        .map(|name| json!({"AttributeName": name, "AttributeType": "S"}))
        .collect();
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": key(PARTITION, SORT),
        "GlobalSecondaryIndexes": [index(CATALOG), index(EMBEDDABLE)],
    })
}
