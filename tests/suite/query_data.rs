//! A table of orders, the resources that ask about it, and the viewers who do.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use vitrine::aws::blobs::TableFiles;
use vitrine::aws::storage::{TableReader, TableWriter};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::data::table::Table;
use vitrine::rules::data::version::{DataFile, TableVersion};
use vitrine::rules::data::work::{QueryReport, QueryToCheck, Work, WorkDone};
use vitrine::rules::error::Error;
use vitrine::rules::json::input;
use vitrine::rules::query::table::TableInput;
use vitrine::rules::settings::Settings;
use vitrine_local::functions;
use vitrine_local::services::IMPORT_FUNCTION;
use vitrine_tests::{Answer, Call, Product, merge};

/// Occurs in rows that no viewer of these tests may see, and in a hidden column.
pub const CANARY: &str = "CANARY-7f3a";

/// id, customer, city, amount, day, secret
const ORDERS: [(i64, &str, &str, f64, i32, &str); 6] = [
    (1, "acme", "Berlin", 10.0, 19_723, CANARY),
    (2, "acme", "Berlin", 20.0, 19_754, CANARY),
    (3, "acme", "Paris", 30.0, 19_783, CANARY),
    (4, "globex", "Paris", 40.0, 19_814, CANARY),
    (5, "globex", "Rome", 50.0, 19_844, CANARY),
    (6, CANARY, CANARY, 60.0, 19_875, CANARY),
];

vitrine::capability_set! {
    pub struct Seeds {
        files: TableFiles,
        reader: TableReader,
        writer: TableWriter,
    }
}

/// Viewers see the rows of their own `cities`.
pub fn by_city() -> Value {
    json!([{"groups": ["*"], "rows": [{"column": "city", "op": "in", "value": {"attribute": "cities"}}]}])
}

/// Writes a version of `orders` with the first `count` rows and these policies.
pub async fn seed(product: &Product, count: usize, policies: Value) {
    seed_file(product, &table_file(count), count as u64, policies).await;
}

/// Writes a version of `orders` with a file that says it has such rows.
pub async fn seed_file(product: &Product, file: &[u8], rows: u64, policies: Value) {
    let columns = json!([
        {"name": "id", "type": "integer"},
        {"name": "customer", "type": "text"},
        {"name": "city", "type": "text"},
        {"name": "amount", "type": "number"},
        {"name": "day", "type": "date"},
        {"name": "secret", "type": "text", "hidden": true},
    ]);
    seed_table(product, "orders", columns, file, rows, policies).await;
}

/// The first `count` orders as Parquet.
pub fn table_file(count: usize) -> Vec<u8> {
    parquet(&orders(count))
}

/// Writes a version of a table with this file.
pub async fn seed_table(
    product: &Product,
    name: &str,
    columns: Value,
    file: &[u8],
    rows: u64,
    policies: Value,
) {
    let seeds: Seeds =
        functions::connected("seeds", &product.services, &Settings::default(), &product.clock).await;
    let declared: TableInput = input::check(json!({"columns": columns, "row_policies": policies})).unwrap();
    let now = Timestamp::from_unix(1_700_000_000);
    let seen = seeds.reader.get(name).await.unwrap();
    let table = match seen.clone() {
        Some(table) => table.replaced(declared.clone(), now),
        None => Table::create(name.to_owned(), seeds.writer.next_id().await.unwrap(), declared.clone(), now),
    };
    let number = table.newest_version + 1;
    let stored = put_file(product, name, number, file).await;
    let version = TableVersion {
        number,
        rows,
        columns: declared.columns.unwrap(),
        files: vec![stored],
        upload: "seed".to_owned(),
        created_at: now,
    };
    let table = table.at_version(version, now);
    match seen {
        Some(seen) => seeds.writer.replace(&table, &seen).await.unwrap(),
        None => seeds.writer.create(&table, None).await.unwrap(),
    }
}

/// Writes the file of a version, or another one in its place.
pub async fn put_file(product: &Product, table: &str, version: u64, file: &[u8]) -> DataFile {
    let seeds: Seeds =
        functions::connected("seeds", &product.services, &Settings::default(), &product.clock).await;
    let path =
        std::env::temp_dir().join(format!("vitrine-seeds-{}", vitrine::rules::random::secret().unwrap()));
    std::fs::write(&path, file).unwrap();
    let key = format!("{}part-0.parquet", TableVersion::prefix(table, version));
    let stored = seeds.files.put(&key, &path).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    stored
}

fn orders(count: usize) -> RecordBatch {
    let rows = &ORDERS[..count];
    type Order = (i64, &'static str, &'static str, f64, i32, &'static str);
    let texts = |text: fn(&Order) -> &'static str| {
        let all: Vec<&str> = rows.iter().map(text).collect();
        Arc::new(StringArray::from(all)) as ArrayRef
    };
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0)))),
        ("customer", texts(|row| row.1)),
        ("city", texts(|row| row.2)),
        ("amount", Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.3)))),
        ("day", Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.4)))),
        ("secret", texts(|row| row.5)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// A Parquet file.
pub fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    file
}

/// A product with six orders under a policy by city.
pub async fn product() -> Product {
    product_with(&[]).await
}

pub async fn product_with(settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(settings).await;
    accept_all(&product);
    seed(&product, ORDERS.len(), by_city()).await;
    product
}

/// Has every query published, also those that a check would refuse.
pub fn accept_all(product: &Product) {
    product.services.invocable.add(IMPORT_FUNCTION, async |work: Work| match work {
        Work::Check { queries } => {
            let report = |query: QueryToCheck| QueryReport { path: query.path, ..QueryReport::default() };
            Ok(WorkDone::Check { reports: queries.into_iter().map(report).collect() })
        }
        _ => Err(Error::internal("only checks")),
    });
}

/// Publishes question 1 with this SQL, and with `fields` over those of the resource.
pub async fn question(product: &Product, sql: &str, fields: Value) {
    let mut resource = json!({"content": {"type": "question", "query": {"sql": sql}}});
    merge(&mut resource, fields);
    product.publish("question/1", resource).await;
}

/// A dive of the tests.
pub const DIVE: &str = "8b2c3a1e-7a54-4f7e-9d37-2f3f5f0f6a11";

/// Publishes a dive without queries of its own, with `fields` over those of the resource.
pub async fn dive(product: &Product, fields: Value) {
    let mut resource = json!({"content": {"type": "html", "html": "<p>A dive"}});
    merge(&mut resource, fields);
    product.publish(&format!("dive/{DIVE}"), resource).await;
}

/// The token of a viewer of the dive who may see these cities.
pub fn dive_token(product: &Product, id: &str, cities: &[&str], claims: Value) -> String {
    let mut all = json!({
        "resource": {"dive": DIVE}, "params": {}, "jti": id,
        "viewer": {"id": id, "attributes": {"cities": cities}},
    });
    merge(&mut all, claims);
    product.sign(all)
}

/// The token of a viewer of question 1 who may see these cities.
pub fn token(product: &Product, id: &str, cities: &[&str]) -> String {
    token_with(product, id, cities, json!({}))
}

pub fn token_with(product: &Product, id: &str, cities: &[&str], claims: Value) -> String {
    let mut all = json!({
        "resource": {"question": 1}, "params": {}, "jti": id,
        "viewer": {"id": id, "attributes": {"cities": cities}},
    });
    merge(&mut all, claims);
    product.sign(all)
}

pub fn asking(product: &Product, token: &str, body: Value) -> Call {
    product.post("/v1/query", body).bearer(token)
}

pub async fn ask(product: &Product, token: &str, body: Value) -> Answer {
    asking(product, token, body).send().await
}

/// The rows of an answer that must be there.
pub fn rows(answer: &Answer) -> &Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    &answer.json["rows"]
}
