//! Queries of members that try to learn something about hidden rows, columns and tables.
//!
//! Two products have the same table. In one a policy hides the rows of Paris, in the other they do not exist. What a viewer
//! is told must be the same.

use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use vitrine_tests::{Answer, Product};

use crate::cube_data::{load, session};
use crate::log::Log;
use crate::query_attacks::{ATTACKS, CANARY, Twins};

const OPERATORS: [&str; 18] = [
    "equals",
    "notEquals",
    "contains",
    "notContains",
    "startsWith",
    "notStartsWith",
    "endsWith",
    "notEndsWith",
    "gt",
    "gte",
    "lt",
    "lte",
    "inDateRange",
    "notInDateRange",
    "beforeDate",
    "afterDate",
    "set",
    "notSet",
];

async fn viewer(product: &Product, cities: &[&str]) -> String {
    product.post("/v1/attributes", json!({"name": "cities", "type": "string_array"})).admin().send().await;
    let attributes = json!([{"name": "cities", "value": cities}]);
    session(product, json!({"externalId": "ann", "userAttributes": attributes})).await
}

struct Asked {
    twins: Twins,
    viewers: [String; 2],
    answered: usize,
    refused: usize,
}

impl Asked {
    async fn start() -> Self {
        let twins = Twins::start().await;
        let viewers =
            [viewer(&twins.under_policy, &["Berlin"]).await, viewer(&twins.alone, &["Berlin"]).await];
        Self { twins, viewers, answered: 0, refused: 0 }
    }

    /// Asks both products, and holds their answers against each other.
    async fn ask(&mut self, query: &Value) {
        let [under_policy, alone] = &self.viewers;
        let told = load(&self.twins.under_policy, under_policy, query).await;
        let twin = load(&self.twins.alone, alone, query).await;
        assert_eq!(summary(&told), summary(&twin), "{query}");
        let text = format!("{:?} {}", told.headers, told.text);
        // A refusal names the members that were asked for, and an answer repeats its query.
        let named = told.json["query"].to_string() + told.json["message"].as_str().unwrap_or_default();
        assert!(!text.contains(CANARY) || named.contains(CANARY), "{query}: {text}");
        assert!(!told.json["data"].to_string().contains(CANARY), "{query}: {text}");
        assert!(matches!(told.status.as_u16(), 200 | 400 | 422), "{query}: {text}");
        *(if told.status == 200 { &mut self.answered } else { &mut self.refused }) += 1;
    }
}

/// The status with the rows, whose order is not part of every query, or the words of the refusal.
fn summary(answer: &Answer) -> (u16, Value, Vec<String>) {
    let rows = answer.json["data"].as_array().cloned().unwrap_or_default();
    let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    rows.sort();
    (
        answer.status.as_u16(),
        json!([answer.json["reason"], answer.json["message"], answer.json["total"]]),
        rows,
    )
}

/// Every query of the corpus as a value, and other texts that would mean something elsewhere.
fn values() -> Vec<String> {
    let corpus = ATTACKS.lines().filter(|line| !line.starts_with('#')).map(str::to_owned);
    let others = [
        "Paris",
        "' or '1'='1",
        "'; select secret from orders; --",
        "') or ('1'='1",
        "\\' or 1=1 --",
        "$1",
        "$p1",
        "?",
        "{{city}}",
        "[[or 1=1]]",
        "%",
        "%Paris%",
        "_____",
        "CANARY%",
        "Par\u{0}is",
        "P\u{0430}ris",
        "Paris\u{200b}",
        "\u{202e}siraP",
        "1e999",
        "NaN",
        "0x10",
        "9223372036854775808",
        "-0",
        "true",
        "2024-01-01' or true --",
        "last 7 days' or true --",
        "from 2024-01-01 to now() --",
    ];
    corpus.chain(others.map(str::to_owned)).collect()
}

#[tokio::test]
async fn no_value_of_a_filter_tells_a_viewer_about_a_hidden_row() {
    let (log, _guard) = Log::keep(LevelFilter::TRACE);
    let mut asked = Box::pin(Asked::start()).await;
    for (index, value) in values().iter().enumerate() {
        // Each value with some of the operators; all of them meet each operator's kind of text.
        for step in 0..2 {
            let operator = OPERATORS[(index * 2 + step) % OPERATORS.len()];
            let member =
                ["orders.city", "orders.secret", "orders.amount", "orders.amount_max"][(index + step) % 4];
            let filters = json!([{"member": member, "operator": operator, "values": [value]}]);
            asked.ask(&json!({"measures": ["orders.count"], "filters": filters})).await;
        }
        let filters = json!([{"or": [
            {"member": "orders.city", "operator": "equals", "values": [value]},
            {"member": "orders.secret", "operator": "contains", "values": [value, "CANARY"]},
        ]}]);
        asked
            .ask(&json!({"dimensions": ["orders.id", "orders.secret"], "filters": filters, "total": true}))
            .await;
    }
    assert!(asked.answered > 120 && asked.refused > 80, "{} {}", asked.answered, asked.refused);
    let lines = log.lines();
    assert!(lines.iter().any(|line| line["span"]["route"] == "/cubejs-api/v1/load"));
    assert!(lines.iter().all(|line| !line.to_string().contains(CANARY)));
}

#[tokio::test]
async fn no_name_of_a_member_tells_a_viewer_about_a_hidden_row() {
    let mut asked = Box::pin(Asked::start()).await;
    let names = values().into_iter().chain(
        [
            "orders",
            "orders.",
            ".city",
            "orders..city",
            "orders.city.city",
            "orders.city.day",
            "orders.*",
            "orders.\"city\"",
            "orders.city\"",
            "ORDERS.city",
            "orders.CITY",
            "orders.city ",
            "public.orders.city",
            "datafusion.public.orders.city",
            "orders.count_count",
            "orders.secret_sum",
            "orders.count(*)",
            "orders.city_count_distinct, secret",
            "information_schema.tables.table_name",
            "orders.c0",
            "c0.city",
            "1",
            "orders.1",
            "orders.__proto__",
            "orders.constructor",
            "",
        ]
        .map(str::to_owned),
    );
    for name in names.map(|name| name.chars().take(190).collect::<String>()) {
        for path in [format!("orders.{name}"), format!("{name}.city")] {
            asked.ask(&json!({"measures": [path]})).await;
            asked.ask(&json!({"measures": ["orders.count"], "dimensions": [path]})).await;
            asked.ask(&json!({"measures": ["orders.count"], "order": [[path, "asc"]]})).await;
        }
        asked.ask(&json!({"measures": ["orders.count"], "segments": [name]})).await;
        asked.ask(&json!({"measures": ["orders.count"], "timezone": name})).await;
        let granularity = json!([{"dimension": "orders.city", "granularity": name}]);
        asked.ask(&json!({"measures": ["orders.count"], "timeDimensions": granularity})).await;
        let filters = json!([{"member": "orders.city", "operator": name, "values": ["Paris"]}]);
        asked.ask(&json!({"measures": ["orders.count"], "filters": filters})).await;
    }
    assert!(asked.refused > 400, "{}", asked.refused);
}

/// Aggregates, orders, totals and pages over rows of which half are hidden.
#[tokio::test]
async fn no_form_of_a_query_tells_a_viewer_about_a_hidden_row() {
    let mut asked = Box::pin(Asked::start()).await;
    let measures = [
        "count",
        "id_sum",
        "id_avg",
        "id_min",
        "id_max",
        "id_count_distinct",
        "city_count_distinct",
        "secret_count_distinct",
        "amount_sum",
        "amount_avg",
        "amount_min",
        "amount_max",
        "amount_count_distinct",
    ];
    for measure in measures.map(|measure| format!("orders.{measure}")) {
        for dimension in ["city", "secret", "amount", "id"].map(|name| format!("orders.{name}")) {
            for ungrouped in [false, true] {
                let mut query = json!({
                    "measures": [measure], "dimensions": [dimension], "ungrouped": ungrouped, "total": true,
                    "order": [[dimension, "desc"]], "limit": 7, "offset": 3,
                });
                asked.ask(&query).await;
                query["offset"] = 95.into();
                query["order"] = json!([[measure, "asc"], [dimension, "asc"]]);
                asked.ask(&query).await;
            }
            let filters = json!([{"member": measure, "operator": "lte", "values": ["100"]}]);
            asked.ask(&json!({"dimensions": [dimension], "filters": filters})).await;
        }
    }
    assert!(asked.answered > 200, "{}", asked.answered);
}

/// The twin: the same queries tell a viewer of Paris about Paris.
#[tokio::test]
async fn a_viewer_of_the_rows_is_told_about_them() {
    let twins = Twins::start().await;
    let everywhere = viewer(&twins.under_policy, &["Berlin", "Paris"]).await;
    let filters = json!([{"member": "orders.secret", "operator": "startsWith", "values": [CANARY]}]);
    let query = json!({"measures": ["orders.count", "orders.amount_max"], "filters": filters});
    let answer = load(&twins.under_policy, &everywhere, &query).await;
    assert_eq!(answer.json["data"], json!([{"orders.count": "100", "orders.amount_max": "0"}]));
    let query = json!({"dimensions": ["orders.secret"], "filters": filters, "limit": 1});
    let answer = load(&twins.under_policy, &everywhere, &query).await;
    assert!(answer.json["data"].to_string().contains(CANARY), "{}", answer.text);
}
