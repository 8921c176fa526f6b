//! The console's list of resources over many of them: search, filter, order and pages.

use std::time::Instant;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::json;
use vitrine_local::services::TABLE;
use vitrine_tests::{ADMIN_KEY, Product};

use crate::console::Browser;
use crate::wire::wired;

const LIST: &str = "/console/resources";

/// The items of one request.
const BATCH: usize = 25;

/// Writes copies of dashboard 1 with the numbers up to `count`, each changed a second after the one before. Only what the
/// lists read is in them.
async fn fill(product: &Product, count: u64) {
    product.publish("dashboard/1", json!({"title": "Board 1", "description": "One of many"})).await;
    let table = product.dynamodb().await;
    let found = {
        let key = vitrine::aws::storage::table::key("dashboard#1", "resource");
        table.client.get_item().table_name(TABLE).set_key(Some(key)).send().await.unwrap().item
    };
    let first = found.unwrap();
    let copy = |number: u64| {
        let text = |text: String| AttributeValue::S(text);
        let at = vitrine::rules::clock::Timestamp::from_unix(1_700_000_000 + i64::try_from(number).unwrap());
        let mut item = first.clone();
        for (name, value) in [
            ("pk", text(format!("dashboard#{number}"))),
            ("position", text(format!("dashboard#{number:016}"))),
            ("id", AttributeValue::N(number.to_string())),
            ("title", text(format!("Board {number}"))),
            ("updated_at", text(at.to_string())),
        ] {
            assert!(item.insert(name.to_owned(), value).is_some(), "{name} {item:?}");
        }
        WriteRequest::builder()
            .put_request(PutRequest::builder().set_item(Some(item)).build().unwrap())
            .build()
    };
    let numbers: Vec<u64> = (2..=count).collect();
    for some in numbers.chunks(BATCH) {
        let writes: Vec<_> = some.iter().map(|number| copy(*number)).collect();
        table.client.batch_write_item().request_items(TABLE, writes).send().await.unwrap();
    }
}

/// Opens lists over `count` resources, and asserts what each shows and how many requests it takes.
#[allow(clippy::print_stdout, reason = "the times of the large list are for people")]
async fn look_through(count: u64) {
    let (product, wires) = wired(&[]).await;
    fill(&product, count).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    let thousands = usize::try_from(count / 1_000).unwrap();
    let last = format!(">Board {count}</a>");
    let draft = "The first 50";
    // address, what the page shows, requests at most
    for (query, shown, most) in [
        ("", draft, 1),
        ("?kind=dashboard", draft, 1),
        ("?state=published", draft, 1),
        ("?state=draft", "Nothing found", 20),
        ("?state=archived", "Nothing found", 20),
        ("?q=many", "The first 50 found", 1),
        (&format!("?q=board+{count}"), last.as_str(), thousands + 3),
        ("?q=nowhere", "Nothing found", thousands + 3),
        ("?order=updated", last.as_str(), thousands + 4),
        ("?order=title&page=3", "found", thousands + 4),
        (&format!("?order=updated&q=board+{count}&kind=dashboard"), "1 found", thousands + 2),
    ] {
        product.wait_for_background_tasks().await;
        wires.dynamodb.asked();
        let started = Instant::now();
        let mut page = browser.get(&product, &format!("{LIST}{query}")).await;
        let mut asked = wires.dynamodb.asked().len();
        // A list whose filter keeps nothing ends each page after some requests.
        while page.text.contains("Nothing on this page") {
            assert!(asked <= 101, "{query}: {asked}");
            let next = page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap();
            let next = next.split('"').next().unwrap().replace("&amp;", "&");
            page = browser.get(&product, &next).await;
            asked = wires.dynamodb.asked().len();
        }
        let (took, bytes) = (started.elapsed().as_millis(), page.text.len());
        println!("{query:40} {asked:4} requests {took:6} ms {bytes:7} bytes");
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        assert!(page.text.contains(shown), "{query}: {}", page.text);
        assert!(asked <= most + 1, "{query}: {asked} requests");
        assert!(bytes < 60_000, "{query}: {bytes} bytes");
    }
    product.wait_for_background_tasks().await;
    wires.dynamodb.asked();
    let home = browser.get(&product, "/console").await;
    let asked = wires.dynamodb.asked();
    // The use of a session is written now and then.
    let reads = asked.iter().filter(|operation| *operation != "UpdateItem").count();
    assert_eq!((home.status.as_u16(), reads), (200, 2), "{asked:?}");
    assert!(home.text.contains("Counted among the first"));
}

#[tokio::test]
async fn lists_over_thousands_of_resources_take_a_bounded_number_of_requests() {
    look_through(3_000).await;
}

/// Run with `cargo test --release -p vitrine-tests -- --ignored --nocapture hundred_thousand`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_resources_are_searched_filtered_and_sorted() {
    look_through(100_000).await;
}

/// Pages follow each other without a gap, whatever was searched for.
#[tokio::test]
async fn the_pages_of_a_search_show_each_resource_once() {
    let product = Product::start().await;
    fill(&product, 130).await;
    let mut browser = Browser::sign_in(&product, ADMIN_KEY).await;
    for query in ["?q=board", "?order=title", "?order=created&q=board"] {
        let (mut path, mut seen) = (format!("{LIST}{query}"), Vec::new());
        loop {
            let page = browser.get(&product, &path).await.text;
            let titles = page.split(">Board ").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
            seen.extend(titles);
            let Some((before, _)) = page.split_once("\" rel=\"next\"") else { break };
            path = before.rsplit("href=\"").next().unwrap().replace("&amp;", "&");
        }
        assert_eq!(seen.len(), 130, "{query}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 130, "{query}");
    }
}
