//! Cached answers: one execution for many viewers, and never a wrong or an old answer.

use futures_util::future::join_all;
use serde_json::{Value, json};
use vitrine::aws::blobs::AnswerCache;
use vitrine::rules::settings::Settings;
use vitrine_local::functions;
use vitrine_tests::Product;

use crate::query_data::{ask, asking, by_city, product, product_with, question, rows, seed, token};

const COUNT: &str = "select count(*) from orders";

/// With a budget, executions are counted.
const COUNTED: [(&str, &str); 1] = [("MonthlyScanMegabytes", "1000")];

async fn executions(product: &Product) -> u64 {
    let items = product.table().await;
    let counted = items.iter().filter(|item| item["pk"].starts_with("query-budget#"));
    counted.map(|item| item["queries"].parse::<u64>().unwrap()).sum()
}

vitrine::capability_set! {
    pub struct Cache {
        answers: AnswerCache,
    }
}

async fn cache(product: &Product) -> AnswerCache {
    let cache: Cache =
        functions::connected("cache", &product.services, &Settings::default(), &product.clock).await;
    cache.answers
}

#[tokio::test]
async fn a_hundred_viewers_of_a_cold_card_cause_one_execution() {
    let product = product_with(&COUNTED).await;
    question(&product, COUNT, json!({})).await;
    let viewers: Vec<_> = (0..100).map(|index| token(&product, &format!("v{index}"), &["Berlin"])).collect();
    let asked = viewers.iter().map(|viewer| ask(&product, viewer, json!({})));
    let answers = join_all(asked).await;
    for answer in &answers {
        assert_eq!(rows(answer), &json!([[2]]));
        assert_eq!(answer.json["as_of"], answers[0].json["as_of"]);
    }
    let computed = answers.iter().filter(|answer| answer.json["cached"] == false);
    assert_eq!(computed.count(), 1);
    assert_eq!(executions(&product).await, 1);
    // The twin: viewers of other rows have an execution of their own.
    let paris = token(&product, "p", &["Paris"]);
    assert_eq!(rows(&ask(&product, &paris, json!({})).await), &json!([[2]]));
    assert_eq!(executions(&product).await, 2);
}

#[tokio::test]
async fn processes_share_one_execution_and_its_answer() {
    let mut product = product_with(&COUNTED).await;
    question(&product, COUNT, json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.extend((0..4).map(|_| asking(&product, &viewer, json!({}))));
        product.restart().await;
    }
    let answers = join_all(calls.into_iter().map(|call| call.send())).await;
    for answer in &answers {
        assert_eq!(rows(answer), &json!([[2]]));
        assert_eq!(answer.json["as_of"], answers[0].json["as_of"]);
    }
    assert_eq!(executions(&product).await, 1);
    product.restart().await;
    let later = ask(&product, &viewer, json!({})).await;
    assert_eq!((&later.json["cached"], &later.json["as_of"]), (&json!(true), &answers[0].json["as_of"]));
    assert_eq!(executions(&product).await, 1);
}

#[tokio::test]
async fn a_new_version_of_a_table_has_new_answers() {
    let product = product().await;
    seed(&product, 1, by_city()).await;
    question(&product, COUNT, json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([[1]]));
    assert_eq!(ask(&product, &viewer, json!({})).await.json["cached"], true);
    seed(&product, 2, by_city()).await;
    let answer = ask(&product, &viewer, json!({})).await;
    assert_eq!((rows(&answer), &answer.json["cached"]), (&json!([[2]]), &json!(false)));
}

#[tokio::test]
async fn values_have_answers_of_their_own() {
    let product = product().await;
    let fields = json!({
        "content": {"type": "question", "query": {
            "sql": "select id from orders where customer = {{who}}", "tags": {"who": {"type": "text"}},
        }},
        "embedding_params": {"who": "enabled"},
    });
    question(&product, "", fields).await;
    let viewer = token(&product, "a", &["Paris"]);
    let asked = async |who: &str| ask(&product, &viewer, json!({"parameters": {"who": who}})).await;
    for is_cached in [false, true] {
        for (who, expected) in [("acme", json!([[3]])), ("globex", json!([[4]])), ("acme ", json!([]))] {
            let answer = asked(who).await;
            assert_eq!((rows(&answer), &answer.json["cached"]), (&expected, &json!(is_cached)), "{who}");
        }
    }
}

/// The key of the only lease that was taken: the cache key of the only query.
async fn damage(product: &Product, entry: &[u8]) -> String {
    // Leases end with their query, so the key is read while one is held by a query that fails.
    let items = product.table().await;
    let key = items.iter().find_map(|item| item["pk"].strip_prefix("query-lease#").map(str::to_owned));
    let key = key.unwrap();
    cache(product).await.put(&key, entry.to_vec().into()).await.unwrap();
    key
}

#[tokio::test]
async fn a_corrupt_entry_is_computed_again() {
    let mut product = product_with(&COUNTED).await;
    // The first run fails, which leaves the lease's item with the key.
    question(&product, "select 10 / (id - 1) as x from orders", json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    assert_eq!(ask(&product, &viewer, json!({})).await.refusal(), (422, "query_failed"));
    for entry in [&b""[..], b"garbage", b"vitrine answer 1\n", &[0; 300]] {
        damage(&product, entry).await;
        product.restart().await;
        assert_eq!(ask(&product, &viewer, json!({})).await.refusal(), (422, "query_failed"));
    }
    assert_eq!(executions(&product).await, 5, "failures are not cached");
}

#[tokio::test]
async fn an_answer_has_the_age_that_its_question_allows() {
    let product = product().await;
    let viewer = token(&product, "a", &["Berlin"]);
    let with = |sql: &str, settings: Value| json!({"content": {"type": "question", "query": {"sql": sql}, "settings": settings}});
    let moment = "select count(*) as n, now() is null as x from orders";
    // sql, settings, seconds later -> cached
    for (sql, settings, seconds, cached) in [
        (COUNT, json!({}), 500, true),
        ("select count(*) + 1 as n from orders", json!({"cache_seconds": 60}), 40, true),
        ("select count(*) + 2 as n from orders", json!({"cache_seconds": 60}), 61, false),
        ("select count(*) + 3 as n from orders", json!({"cache_seconds": 0}), 1, false),
        (moment, json!({}), 1, true),
        ("select count(*) + 4 as n, now() is null as x from orders", json!({}), 6, false),
        ("select count(*) + 5 as n, now() is null as x from orders", json!({"cache_seconds": 60}), 6, false),
        ("select count(*) as n, current_date is null as x from orders", json!({}), 500, true),
    ] {
        product.clock.set_offset(0);
        question(&product, sql, with(sql, settings)).await;
        assert_eq!(ask(&product, &viewer, json!({})).await.json["cached"], false, "{sql}");
        product.clock.set_offset(seconds);
        let answer = ask(&product, &viewer, json!({})).await;
        assert_eq!(answer.json["cached"], cached, "{sql} {seconds}: {}", answer.text);
    }
}

#[tokio::test]
async fn only_what_was_too_large_is_remembered_as_a_failure() {
    let product = product_with(&COUNTED).await;
    let large = "select length(repeat(city, 2000000000)) from orders";
    question(&product, large, json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    for (seconds, runs) in [(0, 1), (30, 1), (61, 2)] {
        product.clock.set_offset(seconds);
        let answer = ask(&product, &viewer, json!({})).await;
        assert_eq!(answer.refusal(), (422, "query_too_large"), "{}", answer.text);
        assert_eq!(executions(&product).await, runs, "{seconds}");
    }
}
