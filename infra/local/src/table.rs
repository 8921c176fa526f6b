//! The table's schema, equal to the one in the template. A test compares the two.

use serde_json::{Value, json};
use vitrine::aws::storage::table::schema::{
    CATALOG, DIRECTED, DIRECTORY, EMBEDDABLE, LISTED, PARTITION, POSITION, SORT,
};

/// A `CreateTable` request.
pub fn create_request(name: &str) -> Value {
    let key = |hash: &str, range: &str| {
        json!([
            {"AttributeName": hash, "KeyType": "HASH"},
            {"AttributeName": range, "KeyType": "RANGE"},
        ])
    };
    let index = |name: &str, carried: &[&str]| {
        json!({
            "IndexName": name,
            "KeySchema": key(name, POSITION),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": carried},
        })
    };
    let attributes: Vec<_> = [PARTITION, SORT, CATALOG, EMBEDDABLE, DIRECTORY, POSITION]
        .into_iter()
        .map(|name| json!({"AttributeName": name, "AttributeType": "S"}))
        .collect();
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": key(PARTITION, SORT),
        "GlobalSecondaryIndexes": [
            index(CATALOG, &LISTED),
            index(EMBEDDABLE, &LISTED),
            index(DIRECTORY, &DIRECTED),
        ],
    })
}
