//! The requests to DynamoDB of each call: as few as possible.

use serde_json::json;
use vitrine_tests::{Answer, Call, Product};

use crate::wire::{Wires, wired};

/// The requests of one call in order, including those of its background tasks.
async fn asked(product: &Product, wires: &Wires, call: Call) -> (Vec<String>, Answer) {
    product.wait_for_background_tasks().await;
    wires.dynamodb.asked();
    let answer = call.send().await;
    product.wait_for_background_tasks().await;
    assert!(answer.status.is_success(), "{} {}", answer.status, answer.text);
    (wires.dynamodb.asked(), answer)
}

/// The caller's key, then the resource, then one write: an unknown caller causes no read of a resource, and
/// nothing is written before the decision.
#[tokio::test]
async fn publishing_sessions_and_views_need_few_requests() {
    let (product, wires) = wired(&[("ResourceCacheSeconds", "0")]).await;
    let key = product.key("member", &["sessions:create", "resources:write", "resources:list"]).await;
    let input = json!({
        "title": "Numbers",
        "content": {"type": "html", "html": "<p>1</p>"},
        "enable_embedding": true,
    });

    let publish = || product.put("/v1/resources/dashboard/1", input.clone()).bearer(&key);
    let (first, _) = asked(&product, &wires, publish()).await;
    // A new resource raises the counter of numbers, which cannot be part of the transaction that uses the
    // number.
    assert_eq!(first, ["GetItem", "GetItem", "UpdateItem", "TransactWriteItems"], "publish, new");
    let (again, _) = asked(&product, &wires, publish()).await;
    assert_eq!(again, ["GetItem", "GetItem", "TransactWriteItems"], "publish, again");

    // The version that is replaced is stored with the new one if it is not yet.
    let mut changed = input.clone();
    changed["content"]["html"] = json!("<p>2</p>");
    let change = product.put("/v1/resources/dashboard/1", changed).bearer(&key);
    let (changed, _) = asked(&product, &wires, change).await;
    assert_eq!(changed, ["GetItem", "GetItem", "GetItem", "TransactWriteItems"], "publish, other content");
    let versions = product.get("/v1/resources/dashboard/1/versions").bearer(&key);
    assert_eq!(asked(&product, &wires, versions).await.0, ["GetItem", "GetItem", "Query"], "versions");
    let version = product.get("/v1/resources/dashboard/1/versions/1").bearer(&key);
    assert_eq!(asked(&product, &wires, version).await.0, ["GetItem", "GetItem", "GetItem"], "a version");

    let wanted = json!({"resource": {"dashboard": 1}, "params": {}, "single_use": true});
    let (session, created) = asked(&product, &wires, product.post("/v1/sessions", wanted).bearer(&key)).await;
    assert_eq!(session, ["GetItem", "BatchGetItem", "PutItem"], "a session");
    let redeem = product.post("/v1/sessions/redeem", json!({"session": created.json["session"]}));
    let (redeemed, _) = asked(&product, &wires, redeem).await;
    assert_eq!(redeemed, ["UpdateItem"], "redeem");

    let wanted = json!({"resource": {"dashboard": 1}, "params": {}});
    let (token, minted) = asked(&product, &wires, product.post("/v1/sessions", wanted).bearer(&key)).await;
    assert_eq!(token, ["GetItem", "BatchGetItem"], "mint");
    let view = || product.get("/v1/view").bearer(minted.json["session"].as_str().unwrap());
    // The first view in a minute writes the key's last use.
    view().send().await;
    let (viewed, _) = asked(&product, &wires, view()).await;
    assert_eq!(viewed, ["BatchGetItem"], "a view");

    let list = product.get("/v1/resources?kind=dashboard&embeddable=true&limit=100").bearer(&key);
    let (listed, _) = asked(&product, &wires, list).await;
    assert_eq!(listed, ["GetItem", "Query"], "a page of a list");
}

/// A page in the middle of a long list needs no more requests than the first page of a short list.
#[tokio::test]
async fn a_page_of_a_long_list_needs_one_query() {
    let (product, wires) = wired(&[]).await;
    for number in 1..=30 {
        product.publish(&format!("question/{number}"), json!({})).await;
        product.publish(&format!("dashboard/{number}"), json!({})).await;
    }
    let mut cursor = String::new();
    let mut seen = Vec::new();
    while seen.len() < 30 {
        let path = format!("/v1/resources?kind=dashboard&embeddable=true&limit=10{cursor}");
        let (listed, page) = asked(&product, &wires, product.get(&path).admin()).await;
        assert_eq!(listed, ["Query"]);
        let items = page.json["items"].as_array().unwrap();
        assert_eq!(items.len(), 10);
        seen.extend(items.iter().map(|item| item["id"].as_u64().unwrap()));
        cursor = format!("&cursor={}", page.json["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!(seen, Vec::from_iter(1..=30));
}

/// The questions of a dashboard are one request, however many they are, and none while they are cached.
#[tokio::test]
async fn a_dashboard_of_questions_needs_one_request_more() {
    let card = |id: u64| json!({"id": id, "question": id, "row": 0, "col": 0, "width": 1, "height": 1});
    for (seconds, again) in [("0", &["BatchGetItem", "BatchGetItem"][..]), ("60", &[])] {
        let (product, wires) = wired(&[("ResourceCacheSeconds", seconds)]).await;
        crate::stub_engine::install(&product);
        let content = json!({"type": "question", "query": {"sql": "select 1"}});
        for number in 1..=20 {
            product
                .publish(
                    &format!("question/{number}"),
                    json!({"content": content, "enable_embedding": false}),
                )
                .await;
        }
        let cards: Vec<_> = (1..=20).map(card).collect();
        product.publish("dashboard/1", json!({"content": {"type": "dashboard", "cards": cards}})).await;
        let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
        let view = || product.get("/v1/view").bearer(&token);
        view().send().await;
        let (viewed, answer) = asked(&product, &wires, view()).await;
        assert_eq!(viewed, again, "{seconds}");
        assert_eq!(answer.json["content"]["cards"].as_array().unwrap().len(), 20);
    }
}
