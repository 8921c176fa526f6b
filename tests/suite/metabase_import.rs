//! `vitrine import metabase`: from an export and from a running site.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use vitrine_local::LocalError;
use vitrine_local::import::site::Site;
use vitrine_local::import::{ForeignContent, Report, from_export, from_site, import};
use vitrine_local::in_process::InProcess;
use vitrine_tests::{ADMIN_KEY, Product};

use crate::metabase_questions::{created, field, legacy};
use crate::query_data::{product, token_with};

const EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/metabase_export");
const CITIES: [&str; 3] = ["Berlin", "Paris", "Rome"];

fn site(product: &Product, key: &str) -> Site {
    let client = InProcess::new([("stack.invalid", product.router())]);
    Site::new("http://stack.invalid/", key.to_owned(), client)
}

async fn taken(source: &ForeignContent, product: &Product, is_dry_run: bool) -> Report {
    import(source, &site(product, ADMIN_KEY), BTreeMap::new(), is_dry_run).await.unwrap()
}

fn export() -> ForeignContent {
    from_export(Path::new(EXPORT)).unwrap()
}

const REPORT: &str = "\
Note: the database Shop is no source here: its questions ask the stack's own tables.
Taken as it is: 1
  question 3 \"Cities of all orders\"
Taken with changes: 3
  question 1 \"All orders\"
    - its snippets are written into the SQL
  question 2 \"Orders by city\"
    - the embedding parameter gone is left out: there is no such parameter
  dashboard 1 \"Sales\"
    - the series of the question \"Orders by month\" in the collection \"Shop / Sales figures\" is left out of a card: it was not taken
    - the card of the question \"Orders by month\" in the collection \"Shop / Sales figures\" is left out: it was not taken
Not taken: 4
  question \"Orders by colour\" in the collection \"Shop / Sales figures\": a field filter names the column orders.colour, which does not exist here
  question \"Orders by month\" in the collection \"Shop / Sales figures\": its query is not native SQL: convert it to SQL there
  question \"Orders of long ago\" in the collection \"Shop / Sales figures\": it is archived
  dashboard \"Months\" in the collection \"Shop / Sales figures\": none of its questions was taken
";

#[tokio::test]
async fn an_export_is_published_with_a_report_of_what_was_taken_and_what_not() {
    let product = product().await;
    assert_eq!(taken(&export(), &product, false).await.to_string(), REPORT);
    let read = async |path: &str| product.get(path).admin().send().await.json;
    let card = read("/api/card/cardOrdersByCity00001").await;
    assert_eq!(
        (&card["name"], &card["display"], &card["archived"]),
        (&json!("Orders by city"), &json!("bar"), &json!(false))
    );
    assert_eq!(card["embedding_params"], json!({"city": "enabled", "customer": "locked"}));
    assert_eq!(card["allow_downloads"], true);
    let native = read("/v1/resources/question/2").await;
    let city = &native["content"]["query"]["tags"]["city"]["dimension"];
    assert_eq!(*city, json!({"table": "orders", "column": "city"}));
    let sql = async |path: &str| read(path).await["content"]["query"]["sql"].clone();
    assert_eq!(sql("/v1/resources/question/1").await, "select id, city from orders where amount > 20");
    assert_eq!(sql("/v1/resources/question/3").await, "select count(distinct city) from {{#1-all-orders}}");
    let dashboard = read("/api/dashboard/dashboardSales0000001").await;
    let cards = dashboard["dashcards"].as_array().unwrap();
    assert_eq!(cards.iter().map(|card| &card["card_id"]).collect::<Vec<_>>(), [&Value::Null, &json!(2)]);
    assert_eq!(dashboard["tabs"][1]["name"], "Second");
    assert_eq!(cards[1]["series"][0]["name"], "All orders");
    assert_eq!(cards[0]["parameter_mappings"][0]["target"], json!(["text-tag", "who"]));
    let native = read("/v1/resources/dashboard/1").await;
    assert_eq!(native["content"]["cards"][0]["parameters"], json!({"customer": "who"}));
    assert_eq!(native["content"]["cards"][1]["series"], json!([1]));
}

#[tokio::test]
async fn viewers_open_what_was_imported_by_its_entity_id() {
    let product = product().await;
    taken(&export(), &product, false).await;
    let claims =
        json!({"resource": {"dashboard": "dashboardSales0000001"}, "params": {"customer": ["acme"]}});
    let token = token_with(&product, "a", &CITIES, claims);
    for (query, rows) in [("", json!([[1], [2], [3]])), ("?town=Paris", json!([[3]]))] {
        let path = format!("/api/embed/dashboard/{token}/dashcard/2/card/2{query}");
        let answer = product.get(&path).send().await;
        assert_eq!((answer.status.as_u16(), &answer.json["data"]["rows"]), (202, &rows), "{}", answer.text);
    }
    let refused = product.get(&format!("/api/embed/dashboard/{token}?customer=globex")).send().await;
    assert_eq!(refused.refusal(), (400, "parameter_locked"));
}

#[tokio::test]
async fn a_second_import_changes_what_is_there_and_makes_nothing_new() {
    let product = product().await;
    let source = export();
    let first = taken(&source, &product, false).await;
    assert!(first.entries.len() > 4);
    let renamed = product.put("/api/card/1", json!({"name": "Renamed"})).admin().send().await;
    assert_eq!(renamed.status, 200);
    let second = taken(&source, &product, false).await;
    assert_eq!(second.to_string(), first.to_string());
    let cards = product.get("/api/card").admin().send().await.json;
    assert_eq!(cards.as_array().unwrap().len(), 3);
    assert_eq!(product.get("/api/card/1").admin().send().await.json["name"], "All orders");
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let product = product().await;
    let before = product.items().await;
    let report = taken(&export(), &product, true).await.to_string();
    assert!(report.starts_with("Nothing was written") && report.contains("Not taken: 4"), "{report}");
    assert_eq!(product.items().await, before);
}

#[tokio::test]
async fn a_running_site_is_read_over_its_api_and_keeps_its_numbers() {
    let there = product().await;
    let dimension = json!(["field", field(&there, "city").await, null]);
    let tags = json!({"city": {
        "id": "t", "name": "city", "display-name": "City", "type": "dimension", "dimension": dimension, "widget-type": "string/=",
    }});
    let query = legacy("select id from orders where {{city}} order by id", tags);
    created(&there, json!({"name": "First", "dataset_query": query})).await;
    created(
        &there,
        json!({"name": "Second", "dataset_query": legacy("select * from {{#1}}", json!({
            "#1": {"id": "u", "name": "#1", "display-name": "First", "type": "card", "card-id": 1},
        }))}),
    )
    .await;
    let dashcards = json!([{"id": -1, "card_id": 2, "row": 0, "col": 0, "size_x": 4, "size_y": 4}]);
    let made =
        there.post("/api/dashboard", json!({"name": "Both", "dashcards": dashcards})).admin().send().await;
    assert_eq!(made.status, 200, "{}", made.text);
    let here = product().await;
    // Another question has the first number.
    here.publish("question/1", json!({"title": "Mine"})).await;
    let source = from_site(&site(&there, ADMIN_KEY)).await.unwrap();
    let report = taken(&source, &here, false).await.to_string();
    let read = async |path: &str| here.get(path).admin().send().await.json;
    assert_eq!(read("/v1/resources/question/1").await["title"], "Mine");
    assert!(report.contains("its number 1 is taken here: tokens name 3, or the entity id"), "{report}");
    let first = read("/v1/resources/question/3").await;
    let second = read("/v1/resources/question/2").await;
    assert_eq!((&first["title"], &second["title"]), (&json!("First"), &json!("Second")), "{report}");
    assert_eq!(
        first["content"]["query"]["tags"]["city"]["dimension"],
        json!({"table": "orders", "column": "city"})
    );
    assert_eq!(second["content"]["query"]["sql"], "select * from {{#3}}");
    assert_eq!(read("/api/dashboard/1").await["dashcards"][0]["card_id"], 2, "{report}");
}

#[tokio::test]
async fn an_import_that_cannot_begin_says_why() {
    let product = product().await;
    let empty = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/metabase_export/databases/none");
    let text = |error: LocalError| error.to_string();
    assert!(text(from_export(&empty).unwrap_err()).contains("cannot be read"));
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    assert!(text(from_export(&other).unwrap_err()).contains("holds no serialization export"));
    let refused = import(&export(), &site(&product, "wrong"), BTreeMap::new(), false).await.unwrap_err();
    assert!(text(refused).contains("/api/database: 401"));
    let before = product.items().await;
    let refused = from_site(&site(&product, "wrong")).await.unwrap_err();
    assert!(text(refused).contains("401"));
    assert_eq!(product.items().await, before);
}
