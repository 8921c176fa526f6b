//! The console's first page: its size, the counts of views and refusals, and what needs attention.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Product};

use crate::console::Browser;
use crate::query_data::{self, ask, question, token};
use crate::wire::wired;

const ATTENTION: &str = "/console/attention";

#[tokio::test]
async fn the_first_page_needs_two_requests_and_few_bytes() {
    let (product, wires) = wired(&[]).await;
    for number in 1..=60 {
        let title = format!("A dashboard with quite a long title, of which there are many: {number}");
        product.publish(&format!("dashboard/{number}"), json!({"title": title})).await;
    }
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    for _ in 0..2 {
        product.wait_for_background_tasks().await;
        wires.dynamodb.asked();
        let page = browser.get(&product, "/console").await;
        assert_eq!(
            (page.status.as_u16(), wires.dynamodb.asked()),
            (200, vec!["BatchGetItem".into(), "Query".into()])
        );
        assert!(page.text.len() <= 60_000, "{}", page.text.len());
    }
}

/// The sums that the page shows.
async fn sums(product: &Product, browser: &mut Browser) -> (u64, u64) {
    product.wait_for_background_tasks().await;
    let page = browser.get(product, "/console").await.text;
    let text = page.split_once("Views and refusals</h2>").unwrap().1;
    let mut numbers =
        text.split("<strong>").skip(1).map(|rest| rest.split('<').next().unwrap().parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[tokio::test]
async fn views_and_refusals_are_counted_by_day() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    assert_eq!(sums(&product, &mut browser).await, (0, 0));
    assert!(browser.get(&product, "/console").await.text.contains("No view was opened yet"));
    product.publish("dashboard/1", json!({})).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let unpublished = product.sign(json!({"resource": {"dashboard": 2}, "params": {}}));
    for round in 1..=3 {
        // The counts of a busy moment are written with the first request after it.
        product.clock.set_offset(round * 20);
        for (token, status) in [(&token, 200), (&unpublished, 404), (&"x.y.z".to_owned(), 400)] {
            assert_eq!(product.view(token, "").await.status, status);
        }
    }
    product.clock.set_offset(100);
    product.view(&token, "").await;
    assert_eq!(sums(&product, &mut browser).await, (4, 6));
    let page = browser.get(&product, "/console").await.text;
    assert!(page.contains("<rect class=\"views\"") && page.contains("<rect class=\"refused\""), "{page}");
    // The owner's own preview is no view.
    let fields = [("action", "preview")];
    let path = "/console/resources/dashboard/1/embed";
    let preview = browser.post(&product, path, path, &fields).await.text;
    let own = preview.split("src=\"/embed/dashboard/").nth(1).unwrap().split(['"', '?', '#']).next().unwrap();
    product.clock.set_offset(200);
    assert_eq!(product.view(own, "").await.status, 200);
    assert_eq!(sums(&product, &mut browser).await, (4, 6));
    // After two weeks the days are no longer shown.
    product.clock.set_offset(15 * 86_400);
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    assert_eq!(sums(&product, &mut browser).await, (0, 0));
}

#[tokio::test]
async fn a_peak_of_refusals_needs_attention() {
    let product = Product::start().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    for (times, expected) in [(10, false), (15, true)] {
        for _ in 0..times {
            assert_eq!(product.view("x.y.z", "").await.status, 400);
        }
        product.clock.set_offset(times * 10);
        product.view("x.y.z", "").await;
        product.wait_for_background_tasks().await;
        let page = browser.get(&product, "/console").await.text;
        assert_eq!(page.contains("far more than on the days before"), expected, "{page}");
    }
}

#[tokio::test]
async fn a_limited_key_sees_neither_counts_nor_attention() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    let body = json!({"name": "one", "role": "admin", "deployments": [2]});
    let key = product.post("/v1/keys", body).admin().send().await.json["key"].as_str().unwrap().to_owned();
    let mut browser = Browser::sign_in(&product, &key).await;
    let page = browser.get(&product, "/console").await;
    assert!(
        page.status == 200 && !page.text.contains("attention") && !page.text.contains("Views and refusals")
    );
    assert_eq!(browser.get(&product, ATTENTION).await.status, 403);
    assert_eq!(Browser::default().get(&product, ATTENTION).await.status, 303);
}

/// Each cell of the counts by deployment, without markup; empty without that table.
async fn by_deployment(product: &Product, key: &str) -> Vec<String> {
    let mut browser = Browser::sign_in(product, key).await;
    let page = browser.get(product, "/console").await.text;
    let Some((_, rest)) = page.split_once("Published resources by deployment") else { return Vec::new() };
    let body = rest.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
    let row = |row: &str| {
        let texts = row.split('<').filter_map(|part| part.split_once('>').map(|(_, text)| text.trim()));
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    };
    body.split("</tr>").map(row).filter(|row| !row.is_empty()).collect()
}

#[tokio::test]
async fn published_resources_are_counted_by_deployment_where_there_are_several() {
    for (deployments, counted) in [
        ("1", &[][..]),
        ("1,2,3", &["1 1 of 1 1 of 2 0 of 0", "2 0 of 0 1 of 1 0 of 0", "3 0 of 0 0 of 0 0 of 0"]),
    ] {
        let product = Product::start_with(&[("Deployments", deployments)]).await;
        product.publish("dashboard/1", json!({})).await;
        product.publish("question/1", json!({})).await;
        product.publish("question/2", json!({"enable_embedding": false})).await;
        product.publish("question/3", json!({"archived": true})).await;
        if deployments != "1" {
            product.publish("question/4", json!({"deployment": 2})).await;
        }
        assert_eq!(by_deployment(&product, ADMIN_KEY).await, counted, "{deployments}");
        // A key of one deployment learns nothing of the others.
        let body = json!({"name": "one", "role": "admin", "deployments": [1]});
        let key =
            product.post("/v1/keys", body).admin().send().await.json["key"].as_str().unwrap().to_owned();
        assert!(by_deployment(&product, &key).await.is_empty());
    }
}

async fn attention(product: &Product, browser: &mut Browser) -> String {
    product.wait_for_background_tasks().await;
    let page = browser.get(product, ATTENTION).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.text
}

#[tokio::test]
async fn a_query_that_failed_needs_attention_until_it_is_changed() {
    let product = query_data::product().await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    assert!(attention(&product, &mut browser).await.contains("Nothing found"));
    question(&product, "select 10 / (id - 1) as x from orders", json!({"title": "Tenths"})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    assert_eq!(ask(&product, &viewer, json!({})).await.refusal(), (422, "query_failed"));
    let page = attention(&product, &mut browser).await;
    assert!(page.contains("href=\"/console/resources/question/1/edit\">Tenths</a>"), "{page}");
    let why = page.split("/console/refusals?request_id=").nth(1).unwrap().split('"').next().unwrap();
    let record = browser.get(&product, &format!("/console/refusals?request_id={why}")).await.text;
    assert!(record.contains("query_failed"), "{record}");
    product.clock.set_offset(5);
    question(&product, "select id as x from orders", json!({"title": "Tenths"})).await;
    assert_eq!(ask(&product, &viewer, json!({})).await.status, 200);
    assert!(!attention(&product, &mut browser).await.contains("Tenths"));
}

#[tokio::test]
async fn a_locked_parameter_that_sets_nothing_and_a_table_without_a_policy_need_attention() {
    let product = Product::start().await;
    crate::stub_engine::install(&product);
    let table = async |policies: Value| {
        let body = json!({"columns": [{"name": "city", "type": "text"}], "row_policies": policies});
        let put = product.put("/v1/tables/guarded_orders?force=true", body).admin().send().await;
        assert!(put.status.is_success(), "{}", put.text);
    };
    table(query_data::by_city()).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let query = |sql: &str, tags: Value| json!({"type": "question", "query": {"sql": sql, "tags": tags}});
    let text = json!({"type": "text", "required": true});
    let fields = |content: Value, policy: Value| {
        let parameters: Vec<_> =
            ["city", "team"].map(|slug| json!({"slug": slug, "name": slug, "type": "text"})).into();
        json!({"title": "By city", "content": content, "parameters": parameters, "embedding_params": policy})
    };
    let wired = query("select city from guarded_orders where city = {{city}}", json!({"city": text}));
    // (content, policy) -> the parameters that need attention
    for (content, policy, expected) in [
        (&wired, json!({"city": "locked"}), ""),
        (&wired, json!({"city": "locked", "team": "locked"}), "<code>team</code>"),
        (&wired, json!({"city": "locked", "team": {"attribute": "team"}}), "<code>team</code>"),
        (&wired, json!({"city": "locked", "team": "enabled"}), ""),
    ] {
        product.publish("question/1", fields(content.clone(), policy.clone())).await;
        let page = attention(&product, &mut browser).await;
        let line =
            page.split_once("wired to no query: ").map_or("", |(_, rest)| rest.split('.').next().unwrap());
        assert_eq!(line, expected, "{policy}: {page}");
        assert_eq!(page.contains("question/1/edit"), !expected.is_empty());
    }
    assert!(!attention(&product, &mut browser).await.contains("no row policy"));
    table(json!([])).await;
    product.clock.set_offset(120);
    let page = attention(&product, &mut browser).await;
    assert!(page.contains("The table <code>guarded_orders</code> has no row policy"), "{page}");
    assert!(page.contains("href=\"/console/resources/question/1\">By city</a>"), "{page}");
    // Nobody sees what is not published.
    product.publish("question/1", json!({"enable_embedding": false, "content": wired})).await;
    product.clock.set_offset(240);
    assert!(attention(&product, &mut browser).await.contains("Nothing found"));
}
