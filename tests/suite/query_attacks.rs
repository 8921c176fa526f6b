//! Queries and values that try to learn something about hidden rows, asked as viewers ask.
//!
//! Two products have the same question. In one a policy hides the rows of Paris, in the other they do not exist. What a viewer
//! is told must be the same.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use vitrine_tests::{Answer, Product};

use crate::log::Log;
use crate::query_data::{accept_all, asking, dive, dive_token, parquet, question, seed_table, token};

/// One query on each line.
pub const ATTACKS: &str = include_str!("../cases/attacks.sql");

/// In each row of Paris, and nowhere else.
pub const CANARY: &str = "CANARY";

pub struct Twins {
    pub under_policy: Product,
    pub alone: Product,
}

impl Twins {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[(&str, &str)]) -> Self {
        let under_policy = Product::start_with(settings).await;
        let alone = Product::start_with(settings).await;
        for (product, step) in [(&under_policy, 1), (&alone, 2)] {
            accept_all(product);
            let columns = json!([
                {"name": "id", "type": "integer"},
                {"name": "city", "type": "text"},
                {"name": "secret", "type": "text"},
                {"name": "amount", "type": "integer"},
            ]);
            let file = parquet(&orders((0..200).step_by(step)));
            let policies = json!([{"groups": ["*"], "rows": [
                {"column": "city", "op": "in", "value": {"attribute": "cities"}},
            ]}]);
            seed_table(product, "orders", columns, &file, 200 / step as u64, policies).await;
        }
        Self { under_policy, alone }
    }

    /// Publishes a question in both.
    async fn question(&self, sql: &str, fields: &Value) {
        question(&self.under_policy, sql, fields.clone()).await;
        question(&self.alone, sql, fields.clone()).await;
    }

    /// Asks both, and holds their answers against each other.
    async fn ask(&self, query: &str, body: &Value, case: &str) -> Answer {
        let ask = async |product: &Product| {
            let viewer = token(product, "a", &["Berlin"]);
            let mut call = asking(product, &viewer, body.clone());
            if !query.is_empty() {
                call = product.post(&format!("/v1/query?{query}"), body.clone()).bearer(&viewer);
            }
            call.send().await
        };
        Self::compare(ask(&self.under_policy).await, &ask(&self.alone).await, case)
    }

    /// Sends both the SQL of a viewer, and holds their answers against each other.
    async fn send(&self, body: &Value, case: &str) -> Answer {
        let send = async |product: &Product| {
            let viewer = dive_token(product, "a", &["Berlin"], json!({}));
            asking(product, &viewer, body.clone()).send().await
        };
        Self::compare(send(&self.under_policy).await, &send(&self.alone).await, case)
    }

    fn compare(under_policy: Answer, alone: &Answer, case: &str) -> Answer {
        let told = format!("{:?} {}", under_policy.headers, under_policy.text);
        assert!(!told.contains(CANARY), "{case}: {told}");
        assert_eq!(summary(&under_policy), summary(alone), "{case}");
        under_policy
    }
}

/// As the engine's own attacks have them: secrets of Berlin are numbers, and amounts of Paris are 0.
fn orders(ids: impl Iterator<Item = i64>) -> RecordBatch {
    let ids: Vec<i64> = ids.collect();
    let texts = |text: fn(i64) -> String| {
        Arc::new(StringArray::from_iter_values(ids.iter().map(|id| text(*id)))) as ArrayRef
    };
    let is_open = |id: i64| id % 2 == 0;
    let amounts = ids.iter().map(|id| if is_open(*id) { id + 1 } else { 0 });
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from(ids.clone()))),
        ("city", texts(|id| if id % 2 == 0 { "Berlin" } else { "Paris" }.to_owned())),
        ("secret", texts(|id| if id % 2 == 0 { id.to_string() } else { format!("{CANARY}-{id}") })),
        ("amount", Arc::new(Int64Array::from_iter_values(amounts))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The status with the reason of a refusal, or the columns and the rows, whose order is not part of every query.
fn summary(answer: &Answer) -> (u16, Value, Vec<String>) {
    if answer.status != 200 {
        return (answer.status.as_u16(), answer.json["reason"].clone(), vec![]);
    }
    let mut rows: Vec<String> = match answer.json["rows"].as_array() {
        Some(rows) => rows.iter().map(ToString::to_string).collect(),
        None => answer.text.lines().map(str::to_owned).collect(),
    };
    rows.sort();
    (200, json!([answer.json["columns"], answer.json["truncated"]]), rows)
}

#[tokio::test]
async fn no_query_tells_a_viewer_about_a_hidden_row() {
    let (log, _guard) = Log::keep(LevelFilter::TRACE);
    let twins = Twins::start().await;
    let downloads = json!({"allow_downloads": true});
    let (mut answered, mut refused) = (0, 0);
    for sql in ATTACKS.lines().filter(|line| !line.starts_with('#')) {
        twins.question(sql, &downloads).await;
        let answer = twins.ask("", &json!({}), sql).await;
        twins.ask("format=csv", &json!({}), sql).await;
        *(if answer.status == 200 { &mut answered } else { &mut refused }) += 1;
    }
    assert!(answered > 40 && refused > 10, "{answered} answered, {refused} refused");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line["span"]["route"] == "/v1/query"));
    assert!(lines.iter().all(|line| !line.to_string().contains(CANARY)));
}

/// Sentences that viewers are told instead of an answer.
const SENTENCES: [&str; 3] = [
    "An error occurred while running the query.",
    "The query took too long.",
    "The query needs more memory than it may use.",
];

#[tokio::test]
async fn no_sql_of_a_viewer_tells_him_about_a_hidden_row() {
    let (log, _guard) = Log::keep(LevelFilter::TRACE);
    let twins = Twins::start_with(&[("DiveSql", "true")]).await;
    for product in [&twins.under_policy, &twins.alone] {
        dive(product, json!({"allow_downloads": true})).await;
    }
    let (mut answered, mut refused) = (0, 0);
    for sql in ATTACKS.lines().filter(|line| !line.starts_with('#')) {
        let answer = twins.send(&json!({"sql": sql}), sql).await;
        if answer.status == 200 {
            answered += 1;
            continue;
        }
        refused += 1;
        assert_eq!(answer.status, 422, "{sql}: {}", answer.text);
        assert!(SENTENCES.contains(&answer.json["message"].as_str().unwrap()), "{sql}: {}", answer.text);
        assert_eq!(answer.json.get("issues").cloned().unwrap_or(json!([])), json!([]), "{sql}");
    }
    assert!(answered > 35 && refused > 10, "{answered} answered, {refused} refused");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line["span"]["route"] == "/v1/query"));
    assert!(lines.iter().all(|line| !line.to_string().contains(CANARY)));
    // The twin: the same door shows the rows to whom a policy gives them.
    let everywhere = dive_token(&twins.under_policy, "b", &["Berlin", "Paris"], json!({}));
    let sql = json!({"sql": "select max(secret), min(amount) from orders"});
    let answer = asking(&twins.under_policy, &everywhere, sql).send().await;
    assert_eq!(answer.json["rows"], json!([["CANARY-99", 0]]));
}

/// SQL, type of the tag, and values that a viewer may send for it.
fn values() -> Vec<(&'static str, Value, Vec<Value>)> {
    let text = json!({"type": "text"});
    let field = |widget: &str| json!({"type": "dimension", "dimension": {"table": "orders", "column": "city"}, "widget_type": widget});
    let strings = || {
        vec![
            json!("Paris"),
            json!("' or '1'='1"),
            json!("'; select secret from orders; --"),
            json!("Paris' union select secret from orders --"),
            json!("\\' or 1=1 --"),
            json!("$1"),
            json!("{{city}}"),
            json!("[[or 1=1]]"),
            json!("%"),
            json!("%Paris%"),
            json!("_____"),
            json!("CANARY%"),
            json!("Par\u{0}is"),
            json!("P\u{0430}ris"),
            json!("Paris\u{200b}"),
            json!(["Paris", "Berlin"]),
            json!(["Paris') or ('1'='1"]),
            json!([]),
            json!([["Paris"]]),
            json!({"Paris": 1}),
            json!(true),
            json!(null),
            json!(1e308),
        ]
    };
    vec![
        ("select id, secret from orders where city = {{x}}", text.clone(), strings()),
        ("select id, secret from orders where secret like {{x}}", text.clone(), strings()),
        ("select count(*) from orders where city in ({{x}})", text.clone(), strings()),
        ("select count(*) from orders where 1 = 1 [[and secret > {{x}}]]", text.clone(), strings()),
        ("select max(cast({{x}} as integer)) from orders", text, strings()),
        (
            "select 10 / (id - {{x}}) from orders",
            json!({"type": "number"}),
            vec![
                json!(1),
                json!(0),
                json!("1"),
                json!("1 or 1=1"),
                json!("1) from orders --"),
                json!("0x10"),
                json!("1e999"),
                json!("NaN"),
                json!("1,3"),
                json!([1, 3]),
                json!(9_223_372_036_854_775_807_i64),
                json!(-1),
            ],
        ),
        (
            "select id, secret from orders where amount = {{x}}",
            json!({"type": "number"}),
            vec![json!(0), json!("0"), json!("-0"), json!("0.0")],
        ),
        ("select count(*), max(secret) from orders where {{x}}", field("string/="), strings()),
        ("select count(*), max(secret) from orders where {{x}}", field("string/!="), strings()),
        ("select count(*), max(secret) from orders where {{x}}", field("string/contains"), strings()),
        ("select count(*), max(secret) from orders where {{x}}", field("string/starts-with"), strings()),
        ("select count(*), max(secret) from orders where {{x}}", field("string/does-not-contain"), strings()),
    ]
}

#[tokio::test]
async fn no_value_tells_a_viewer_about_a_hidden_row() {
    let twins = Twins::start().await;
    let mut answered = 0;
    for (sql, tag, values) in values() {
        let content = json!({"type": "question", "query": {"sql": sql, "tags": {"x": tag}}});
        let fields = json!({"content": content, "embedding_params": {"x": "enabled"}});
        twins.question(sql, &fields).await;
        for value in values {
            let answer = twins.ask("", &json!({"parameters": {"x": value}}), &format!("{sql} {value}")).await;
            answered += usize::from(answer.status == 200);
        }
    }
    assert!(answered > 50, "{answered}");
}

#[tokio::test]
async fn a_query_without_the_policy_tells_of_the_hidden_rows() {
    let twins = Twins::start().await;
    twins.question("select max(secret), min(amount) from orders", &json!({})).await;
    let everywhere = token(&twins.under_policy, "b", &["Berlin", "Paris"]);
    let answer = asking(&twins.under_policy, &everywhere, json!({})).send().await;
    assert_eq!(answer.json["rows"], json!([["CANARY-99", 0]]));
}
