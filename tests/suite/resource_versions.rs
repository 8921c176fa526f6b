//! Versions of dashboards, questions and dives: whoever publishes content, it is kept, listed, looked at and restored.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge};

use crate::console_pages::admin;
use crate::stub_engine;
use crate::wire::{Line, wired};

const DIVE: &str = "/v1/resources/dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";

fn question(sql: &str) -> Value {
    json!({"title": "Q", "content": {"type": "question", "query": {"sql": sql}}})
}

fn html(text: &str) -> Value {
    json!({"title": "T", "content": {"type": "html", "html": text}})
}

fn url(path: &str) -> Value {
    json!({"title": "T", "content": {"type": "url", "url": format!("https://a.example/{path}")}})
}

fn board(text: &str) -> Value {
    let card = json!({"id": 1, "text": text, "row": 0, "col": 0, "width": 4, "height": 2});
    json!({"title": "T", "content": {"type": "dashboard", "cards": [card]}})
}

async fn put(product: &Product, path: &str, body: Value) -> Answer {
    let answer = product.put(path, body).admin().send().await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer
}

async fn get(product: &Product, path: &str) -> Answer {
    product.get(path).admin().send().await
}

async fn restore(product: &Product, path: &str, body: Value) -> Answer {
    product.post(&format!("{path}/restore"), body).admin().send().await
}

/// The numbers in the list, the newest first.
async fn numbers(product: &Product, path: &str) -> Vec<u64> {
    let page = get(product, &format!("{path}/versions")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.json["items"].as_array().unwrap().iter().map(|item| item["version"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_kind_of_content_keeps_its_versions_and_gets_them_back() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let cases = [
        ("/v1/resources/question/1", question("select 1"), question("select 2")),
        ("/v1/resources/question/2", html("one"), html("two")),
        ("/v1/resources/dashboard/1", board("one"), board("two")),
        ("/v1/resources/dashboard/2", url("one"), url("two")),
        (DIVE, html("one"), html("two")),
    ];
    for (path, first, second) in cases {
        put(&product, path, first).await;
        let first = get(&product, path).await.json["content"].clone();
        let again = put(&product, path, second.clone()).await.json;
        assert_eq!(put(&product, path, second).await.json["version"], 2, "{path}: the same content");
        assert_eq!(numbers(&product, path).await, [2, 1], "{path}");
        for (number, content) in [(1, &first), (2, &again["content"])] {
            let version = get(&product, &format!("{path}/versions/{number}")).await;
            assert_eq!(
                (&version.json["version"], &version.json["content"]),
                (&json!(number), content),
                "{path}"
            );
        }

        let before = get(&product, path).await.json;
        let restored = restore(&product, path, json!({"version": 1})).await;
        assert_eq!(
            (restored.status.as_u16(), &restored.json["version"]),
            (200, &json!(3)),
            "{}",
            restored.text
        );
        let mut expected = before.clone();
        merge(&mut expected, json!({"content": first, "version": 3, "revision": 4}));
        let mut now = get(&product, path).await.json;
        for name in ["updated_at", "content", "tables"] {
            assert!(name != "content" || now[name] == first, "{path}");
            now[name] = json!(null);
            expected[name] = json!(null);
        }
        assert_eq!(now, expected, "{path}: nothing else changes");
        assert_eq!(numbers(&product, path).await, [3, 2, 1], "{path}");
    }
}

#[tokio::test]
async fn each_way_of_publishing_keeps_a_version() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let native =
        |sql: &str| json!({"dataset_query": {"database": 1, "type": "native", "native": {"query": sql}}});
    let mut card = json!({"name": "Orders", "display": "table", "visualization_settings": {}});
    merge(&mut card, native("select 1"));
    let made = product.post("/api/card", card).admin().send().await;
    assert_eq!(made.status, 200, "{}", made.text);
    let changed = product.put("/api/card/1", native("select 2")).admin().send().await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let renamed = product.put("/api/card/1", json!({"name": "Renamed"})).admin().send().await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    assert_eq!(numbers(&product, "/v1/resources/question/1").await, [2, 1]);
    let first = get(&product, "/v1/resources/question/1/versions/1").await;
    assert_eq!(first.json["content"]["query"]["sql"], "select 1", "{}", first.text);

    let made = product.post("/api/dashboard", json!({"name": "Board"})).admin().send().await;
    assert_eq!(made.status, 200, "{}", made.text);
    for row in 0..2 {
        let cards = json!([{"id": -1, "card_id": 1, "row": row, "col": 0, "size_x": 4, "size_y": 3}]);
        let changed = product.put("/api/dashboard/1", json!({"dashcards": cards})).admin().send().await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    assert_eq!(numbers(&product, "/v1/resources/dashboard/1").await, [3, 2, 1]);

    let mut browser = admin(&product).await;
    let revision = get(&product, "/v1/resources/question/1").await.json["revision"].to_string();
    let page = "/console/resources/question/1";
    let shown = browser.get(&product, &format!("{page}/versions/1")).await;
    assert!(
        shown.text.contains("select 1") && shown.text.contains("Viewers see version 2."),
        "{}",
        shown.text
    );
    let from = format!("{page}/versions/1");
    let restored = browser.post(&product, page, &from, &[("revision", &revision)]).await;
    assert_eq!(restored.header("location"), format!("{page}?done=version"), "{}", restored.text);
    assert_eq!(numbers(&product, "/v1/resources/question/1").await, [3, 2, 1]);
    let board = browser.get(&product, "/console/resources/dashboard/1/versions/2").await;
    assert!(
        board.text.contains("Question 1</a>") && board.text.contains("row 0, column 0, 4 × 3"),
        "{}",
        board.text
    );
    // The second of two tabs is told.
    let late = browser.post(&product, page, &from, &[("revision", &revision)]).await;
    assert_eq!(late.status, 409, "{}", late.text);
    for unknown in ["9", "0", "01", "x"] {
        let page = browser.get(&product, &format!("{page}/versions/{unknown}")).await;
        assert_eq!(page.status, 404, "{unknown}");
    }
}

/// Path, body -> refusal, and the fields that it names.
#[tokio::test]
async fn a_version_that_cannot_be_restored_changes_nothing() {
    let product = Product::start().await;
    stub_engine::install(&product);
    let path = "/v1/resources/question/1";
    // The table was there once.
    let draft = |sql: &str| {
        let mut body = question(sql);
        merge(&mut body, json!({"enable_embedding": false}));
        body
    };
    put(&product, path, draft("select 1 from nowhere")).await;
    let mut published = question("select 1 from guarded_orders");
    merge(&mut published, json!({"enable_embedding": true}));
    put(&product, path, published).await;
    let revision = get(&product, path).await.json["revision"].as_u64().unwrap();
    let before = product.table().await;
    let cases = [
        (path, json!({"version": 1}), (400, "request_invalid"), vec!["content.query.sql"]),
        (
            path,
            json!({"version": 1, "revision": revision}),
            (400, "request_invalid"),
            vec!["content.query.sql"],
        ),
        (path, json!({"version": 2, "revision": revision - 1}), (409, "conflict"), vec![]),
        (path, json!({"version": 9}), (404, "version_not_found"), vec![]),
        (path, json!({"version": 0}), (400, "request_invalid"), vec!["version"]),
        (path, json!({"version": -1}), (400, "request_invalid"), vec!["version"]),
        (path, json!({}), (400, "request_invalid"), vec!["version"]),
        (path, json!({"version": 1, "content": {}}), (400, "request_invalid"), vec!["content"]),
        ("/v1/resources/question/2", json!({"version": 1}), (404, "resource_not_found"), vec![]),
        ("/v1/resources/chart/1", json!({"version": 1}), (404, "route_not_found"), vec![]),
    ];
    for (path, body, refusal, fields) in cases {
        let answer = restore(&product, path, body.clone()).await;
        assert_eq!((answer.refusal(), answer.issues()), (refusal, fields), "{path} {body}: {}", answer.text);
        assert_eq!(product.table().await, before, "{path} {body}");
    }
    for (path, refusal) in [
        (format!("{path}/versions/9"), (404, "version_not_found")),
        (format!("{path}/versions/0"), (400, "request_invalid")),
        (format!("{path}/versions/01"), (400, "request_invalid")),
        (format!("{path}/versions?cursor=x"), (400, "cursor_invalid")),
        ("/v1/resources/question/2/versions".to_owned(), (404, "resource_not_found")),
        ("/v1/resources/question/x/versions".to_owned(), (400, "id_invalid")),
    ] {
        assert_eq!(get(&product, &path).await.refusal(), refusal, "{path}");
    }
    let dry =
        product.post(&format!("{path}/restore?dry_run=true"), json!({"version": 2})).admin().send().await;
    assert_eq!(dry.status, 200, "{}", dry.text);
    assert_eq!(product.table().await, before, "a dry run");
    let restored = restore(&product, path, json!({"version": 2, "revision": revision})).await;
    assert_eq!(restored.status, 200, "{}", restored.text);
    assert_eq!(restored.json["version"], 2, "the present content is stored once");
}

#[tokio::test]
async fn a_version_belongs_to_the_deployment_of_its_resource() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let path = "/v1/resources/dashboard/1";
    put(&product, path, html("one")).await;
    put(&product, path, html("two")).await;
    for (deployment, refusal) in [(1, None), (2, Some((404, "resource_not_found")))] {
        let permissions = json!(["resources:write"]);
        let body =
            json!({"name": "k", "role": "member", "permissions": permissions, "deployments": [deployment]});
        let key =
            product.post("/v1/keys", body).admin().send().await.json["key"].as_str().unwrap().to_owned();
        for call in [
            product.get(&format!("{path}/versions")),
            product.get(&format!("{path}/versions/1")),
            product.post(&format!("{path}/restore"), json!({"version": 1})),
        ] {
            let answer = call.bearer(&key).send().await;
            match refusal {
                Some(refusal) => assert_eq!(answer.refusal(), refusal),
                None => assert_eq!(answer.status, 200, "{}", answer.text),
            }
        }
    }
    let reader = product.key("member", &["resources:list"]).await;
    let answer = product.get(&format!("{path}/versions")).bearer(&reader).send().await;
    assert_eq!(answer.refusal(), (403, "access_denied"));
}

#[tokio::test]
async fn removing_a_resource_removes_its_versions() {
    let product = Product::start().await;
    for path in ["/v1/resources/dashboard/1", "/v1/resources/question/1"] {
        put(&product, path, html("one")).await;
        put(&product, path, html("two")).await;
        assert_eq!(product.delete(path).admin().send().await.status, 204);
        for gone in [format!("{path}/versions"), format!("{path}/versions/1")] {
            assert_eq!(get(&product, &gone).await.refusal(), (404, "resource_not_found"), "{gone}");
        }
    }
    let table = product.table().await;
    assert!(!table.iter().any(|item| item["sk"].starts_with("version")));
    // The twin: versions of a resource that is there.
    put(&product, "/v1/resources/dashboard/2", html("one")).await;
    assert!(product.table().await.iter().any(|item| item["sk"].starts_with("version")));
}

/// Each of many writers at once has its content in the list, and the numbers have no gap.
#[tokio::test]
async fn no_version_is_lost_by_concurrent_publishing() {
    let product = Product::start().await;
    let path = "/v1/resources/dashboard/1";
    put(&product, path, html("0")).await;
    let one = |number: usize| {
        let call = product.put(path, html(&number.to_string())).admin();
        async move { call.send().await.status }
    };
    let sent = futures_util::future::join_all((1..=6).map(one)).await;
    let written = sent.iter().filter(|status| status.is_success()).count();
    assert!(written > 0 && sent.iter().all(|status| status.is_success() || *status == 409), "{sent:?}");
    let listed = numbers(&product, path).await;
    let newest = u64::try_from(written).unwrap() + 1;
    assert_eq!(listed, (1..=newest).rev().collect::<Vec<_>>());
    for number in listed {
        let version = get(&product, &format!("{path}/versions/{number}")).await;
        assert_eq!(version.json["version"], number, "{}", version.text);
    }
}

/// A restoration is asked of the content as it was, and of the resource as it is.
#[tokio::test]
async fn an_interrupted_restoration_leaves_the_present_content() {
    let (product, wires) = wired(&[]).await;
    let path = "/v1/resources/dashboard/1";
    put(&product, path, html("one")).await;
    put(&product, path, html("two")).await;
    wires.dynamodb.set(Line::CutAfter(2));
    let answer = restore(&product, path, json!({"version": 1})).await;
    wires.dynamodb.set(Line::Through);
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(get(&product, path).await.json["content"]["html"], "two");
    assert_eq!(restore(&product, path, json!({"version": 1})).await.status, 200);
    assert_eq!(get(&product, path).await.json["content"]["html"], "one");
}
