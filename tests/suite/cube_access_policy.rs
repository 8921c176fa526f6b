//! The table of `infra/migrating/from-cube.md` that maps `access_policy` to `row_policies`: each of its rows as policies, viewers and the orders
//! that they see.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};
use vitrine::rules::json::input;
use vitrine::rules::query::table::TableInput;
use vitrine_tests::Product;

use crate::cube_data::{load, session};
use crate::query_data::{parquet, product, seed_table};

const PAGE: &str = include_str!("../../infra/migrating/from-cube.md");

/// Four orders: of Berlin, Paris, Rome and of no city, one in each month from January 2024.
fn orders() -> Vec<u8> {
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from_iter_values(1..=4))),
        ("city", Arc::new(StringArray::from(vec![Some("Berlin"), Some("Paris"), Some("Rome"), None]))),
        ("day", Arc::new(Date32Array::from(vec![19_723, 19_754, 19_783, 19_814]))),
        ("card_number", Arc::new(StringArray::from(vec!["4111"; 4]))),
    ];
    parquet(&RecordBatch::try_from_iter(columns).unwrap())
}

fn columns() -> Value {
    json!([
        {"name": "id", "type": "integer"},
        {"name": "city", "type": "text"},
        {"name": "day", "type": "date"},
        {"name": "card_number", "type": "text", "hidden": true},
    ])
}

/// The groups and the attributes of a viewer.
type Viewer = (&'static [&'static str], Value);

/// A viewer with the orders that they see; none if the table is not there for them.
type Seen = (Viewer, Option<&'static [u64]>);

/// A row of the page by its left cell, policies, and viewers.
fn cases() -> Vec<(&'static str, Value, Vec<Seen>)> {
    let only = |op: &str, column: &str, value: Value| json!([{"groups": ["*"], "rows": [{"column": column, "op": op, "value": value}]}]);
    let anybody = || (&[][..], json!({}));
    let all: Option<&[u64]> = Some(&[1, 2, 3, 4]);
    vec![
        (
            "`group: manager`, `groups: [a, b]`",
            json!([{"groups": ["manager"], "rows": "all"}, {"groups": ["a", "b"], "rows": [{"column": "id", "op": "=", "value": 1}]}]),
            vec![
                ((&["manager"], json!({})), all),
                ((&["a"], json!({})), Some(&[1])),
                ((&["b"], json!({})), Some(&[1])),
                ((&["other"], json!({})), None),
                (anybody(), None),
            ],
        ),
        (
            "`group: \"*\"`",
            json!([{"groups": ["*"], "rows": "all"}]),
            vec![(anybody(), all), ((&["manager"], json!({})), all)],
        ),
        (
            "`row_level: { allow_all: true }`",
            json!([{"groups": ["manager"], "rows": "all"}]),
            vec![((&["manager"], json!({})), all), (anybody(), None)],
        ),
        (
            "`row_level: { filters: [...] }`, all of which hold",
            json!([{"groups": ["*"], "rows": [
                {"column": "city", "op": "in", "value": ["Berlin", "Paris"]}, {"column": "id", "op": "between", "value": [2, 4]},
            ]}]),
            vec![(anybody(), Some(&[2]))],
        ),
        (
            "`operator: equals` with one value",
            only("=", "city", json!("Berlin")),
            vec![(anybody(), Some(&[1]))],
        ),
        (
            "`operator: equals` with several values",
            only("in", "city", json!(["Berlin", "Rome"])),
            vec![(anybody(), Some(&[1, 3]))],
        ),
        (
            "`operator: inDateRange`, or `gte` with `lte`",
            json!([{"groups": ["*"], "rows": [
                {"column": "day", "op": "between", "value": ["2024-01-01", "2024-03-31"]}, {"column": "id", "op": "between", "value": [2, 9]},
            ]}]),
            vec![(anybody(), Some(&[2, 3]))],
        ),
        (
            "`operator: notSet`",
            json!([{"groups": ["*"], "rows": [{"column": "city", "op": "is_null"}]}]),
            vec![(anybody(), Some(&[4]))],
        ),
        (
            "`values: [\"{ userAttributes.city }\"]`",
            only("=", "city", json!({"attribute": "city"})),
            vec![
                ((&[], json!({"city": "Paris"})), Some(&[2])),
                ((&[], json!({"city": "' OR 1=1 --"})), Some(&[])),
                ((&[], json!({"cities": ["Paris"]})), None),
            ],
        ),
        (
            "an attribute that is an array",
            only("in", "city", json!({"attribute": "cities"})),
            vec![
                ((&[], json!({"cities": ["Paris", "Rome"]})), Some(&[2, 3])),
                ((&[], json!({"cities": []})), Some(&[])),
                ((&[], json!({"city": "Paris"})), None),
            ],
        ),
        (
            "policies of several groups of one user add up",
            json!([
                {"groups": ["a"], "rows": [{"column": "id", "op": "=", "value": 1}]},
                {"groups": ["b"], "rows": [{"column": "id", "op": "=", "value": 3}]},
            ]),
            vec![
                ((&["a", "b"], json!({})), Some(&[1, 3])),
                ((&["a"], json!({})), Some(&[1])),
                ((&["b", "other"], json!({})), Some(&[3])),
            ],
        ),
        (
            "a group without a policy is denied",
            json!([{"groups": ["a"], "rows": [{"column": "city", "op": "=", "value": {"attribute": "city"}}]}]),
            vec![
                ((&["a"], json!({"city": "Rome"})), Some(&[3])),
                ((&["other"], json!({"city": "Rome"})), None),
                ((&["a"], json!({})), None),
            ],
        ),
        (
            "`member_level: { excludes: [card_number] }`",
            json!([{"groups": ["*"], "rows": "all"}]),
            vec![(anybody(), all)],
        ),
    ]
}

/// The left cells of the table in the page.
fn left_cells() -> Vec<&'static str> {
    let table = PAGE.split("| `access_policy` | `row_policies` |\n").nth(1).unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_start_matches("| ").split(" | ").next().unwrap()).collect()
}

async fn viewer(product: &Product, id: &str, (groups, attributes): &Viewer) -> String {
    let attributes = attributes.as_object().unwrap().iter();
    let attributes: Vec<_> = attributes.map(|(name, value)| json!({"name": name, "value": value})).collect();
    session(product, json!({"externalId": id, "groups": groups, "userAttributes": attributes})).await
}

#[tokio::test]
async fn each_row_of_the_migration_page_is_what_a_table_does() {
    let product = product().await;
    for (name, kind) in [("city", "string"), ("cities", "string_array")] {
        product.post("/v1/attributes", json!({"name": name, "type": kind})).admin().send().await;
    }
    for name in ["manager", "a", "b", "other"] {
        product.post("/v1/groups", json!({ "name": name })).admin().send().await;
    }
    for (index, (row, policies, viewers)) in cases().into_iter().enumerate() {
        let table = format!("orders_{index}");
        seed_table(&product, &table, columns(), &orders(), 4, policies).await;
        for (number, (who, expected)) in viewers.iter().enumerate() {
            let token = viewer(&product, &format!("viewer-{index}-{number}"), who).await;
            let query =
                json!({"dimensions": [format!("{table}.id")], "order": {format!("{table}.id"): "asc"}});
            let answer = load(&product, &token, &query).await;
            let meta = product.get("/cubejs-api/v1/meta").bearer(&token).send().await;
            let cubes = meta.json["cubes"].as_array().unwrap();
            let is_there = cubes.iter().any(|cube| cube["name"] == table);
            assert_eq!(is_there, expected.is_some(), "{row} {who:?}");
            match expected {
                None => {
                    assert_eq!(answer.refusal(), (400, "query_invalid"), "{row} {who:?}");
                    let text = format!("'{table}' not found for path '{table}.id'");
                    assert_eq!(answer.json["error"], text, "{row} {who:?}");
                }
                Some(ids) => {
                    let rows: Vec<_> =
                        ids.iter().map(|id| json!({format!("{table}.id"): id.to_string()})).collect();
                    assert_eq!(answer.json["data"], json!(rows), "{row} {who:?} {}", answer.text);
                }
            }
            assert!(!meta.text.contains("card_number") && !answer.text.contains("4111"), "{row}");
            let hidden = json!({"dimensions": [format!("{table}.card_number")]});
            assert_eq!(load(&product, &token, &hidden).await.refusal(), (400, "query_invalid"), "{row}");
        }
    }
}

/// The last row of the table: each of these is refused when the table is declared.
#[test]
fn other_operators_and_conditions_are_not_there() {
    let table = |policy: Value| json!({"columns": columns(), "row_policies": [policy]});
    let rule = |op: &str, value: Value| json!({"groups": ["*"], "rows": [{"column": "city", "op": op, "value": value}]});
    assert!(input::read::<TableInput>(table(rule("=", json!("Berlin")))).is_ok());
    for op in [
        "notEquals",
        "contains",
        "notContains",
        "startsWith",
        "endsWith",
        "gt",
        "gte",
        "lt",
        "lte",
        "set",
        "notInDateRange",
        "beforeDate",
        "measureFilter",
    ] {
        assert!(input::read::<TableInput>(table(rule(op, json!("Berlin")))).is_err(), "{op}");
    }
    let mut conditional = rule("=", json!("Berlin"));
    conditional["conditions"] = json!([{"if": "{ userAttributes.is_staff }"}]);
    assert!(input::read::<TableInput>(table(conditional)).is_err());
}

#[test]
fn every_row_of_the_page_has_its_case() {
    let of_page: Vec<_> = left_cells();
    let mut of_cases: Vec<_> = cases().into_iter().map(|(row, ..)| row).collect();
    of_cases.push("`conditions`, other operators");
    assert_eq!(of_page.iter().collect::<BTreeSet<_>>().len(), of_page.len());
    assert_eq!(of_page, of_cases);
}
