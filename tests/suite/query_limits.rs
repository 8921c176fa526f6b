//! Limits of queries: each has a reason of its own, and the next request is right.

use futures_util::future::join_all;
use serde_json::{Value, json};
use vitrine::aws::storage::QuerySlots;
use vitrine::rules::random;
use vitrine::rules::settings::Settings;
use vitrine_local::functions;

use crate::query_data::{ask, product_with, question, rows, token, token_with};

const IDS: &str = "select id from orders order by id";

/// Works for longer than any test waits.
pub const SLOW: &str = "select count(*) from generate_series(1, 300000) a join generate_series(1, 300000) b \
     on a.value % 7 <> b.value % 11";

#[tokio::test]
async fn rows_beyond_the_limit_are_cut_off() {
    let product = product_with(&[("TableRows", "2"), ("ChartRows", "3")]).await;
    let viewer = token(&product, "a", &["Berlin", "Paris"]);
    for (display, expected, truncated) in
        [("table", json!([[1], [2]]), true), ("bar", json!([[1], [2], [3]]), true)]
    {
        let content = json!({"type": "question", "query": {"sql": IDS}, "display": display});
        question(&product, IDS, json!({"content": content})).await;
        let answer = ask(&product, &viewer, json!({})).await;
        assert_eq!((rows(&answer), &answer.json["truncated"]), (&expected, &json!(truncated)), "{display}");
    }
    let berlin = token(&product, "b", &["Berlin"]);
    assert_eq!(ask(&product, &berlin, json!({})).await.json["truncated"], false);
}

#[tokio::test]
async fn a_slow_query_has_a_handle_for_its_own_credential_until_its_time_is_over() {
    let product = product_with(&[("QuerySeconds", "6")]).await;
    question(&product, SLOW, json!({})).await;
    let viewer = token(&product, "a", &[]);
    let waiting = ask(&product, &viewer, json!({})).await;
    assert_eq!(waiting.status, 202, "{}", waiting.text);
    assert!(!waiting.header("retry-after").is_empty());
    let path = format!("/v1/query/{}", waiting.json["handle"].as_str().unwrap());
    let other = token(&product, "b", &[]);
    for (path, credential) in [(path.as_str(), &other), ("/v1/query/none", &viewer)] {
        let refused = product.get(path).bearer(credential).send().await;
        assert_eq!(refused.refusal(), (404, "handle_not_found"));
    }
    assert_eq!(product.get(&path).send().await.refusal(), (401, "token_missing"));
    let answer = product.get(&path).bearer(&viewer).send().await;
    assert_eq!(answer.refusal(), (422, "query_timeout"), "{}", answer.text);
    // The failure is not cached, and the process lives.
    question(&product, "select 1 as one", json!({})).await;
    assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([[1]]));
    let gone = product.get(&path).bearer(&viewer).send().await;
    assert_eq!(gone.refusal(), (404, "handle_not_found"), "the question is another one now");
}

#[tokio::test]
async fn a_revoked_credential_gets_nothing_for_its_handle() {
    let product = product_with(&[("QuerySeconds", "6")]).await;
    question(&product, SLOW, json!({})).await;
    let viewer = token(&product, "a", &[]);
    let waiting = ask(&product, &viewer, json!({})).await;
    let path = format!("/v1/query/{}", waiting.json["handle"].as_str().unwrap());
    product.post("/v1/sessions/revoke", json!({"session": viewer})).admin().send().await;
    let refused = product.get(&path).bearer(&viewer).send().await;
    assert_eq!(refused.refusal(), (401, "token_revoked"));
}

vitrine::capability_set! {
    pub struct Slots {
        slots: QuerySlots,
    }
}

/// Takes every slot of a scope, as running queries do.
pub async fn occupy(product: &vitrine_tests::Product, scope: &str, count: usize) {
    let slots: Slots =
        functions::connected("slots", &product.services, &Settings::default(), &product.clock).await;
    let now = product.clock.now();
    let taken = (0..count).map(|_| slots.slots.take(scope, count, now, now.plus(25)));
    for slot in join_all(taken).await {
        slot.unwrap();
    }
}

#[tokio::test]
async fn so_many_queries_run_at_once_for_a_viewer_and_for_the_stack() {
    let product = product_with(&[]).await;
    question(&product, IDS, json!({})).await;
    let (first, second) = (token(&product, "a", &["Berlin"]), token(&product, "b", &["Paris"]));
    let scope = random::fingerprint(&json!(["1", null, "a"]).to_string());
    occupy(&product, &format!("viewer#{scope}"), 4).await;
    let refused = ask(&product, &first, json!({})).await;
    assert_eq!(refused.refusal(), (429, "too_many_queries"));
    assert!((1..=5).contains(&refused.header("retry-after").parse::<i64>().unwrap()));
    assert_eq!(rows(&ask(&product, &second, json!({})).await), &json!([[3], [4]]));
    // A slot that nobody gives back ends by itself.
    product.clock.set_offset(26);
    assert_eq!(rows(&ask(&product, &first, json!({})).await), &json!([[1], [2]]));
    occupy(&product, QuerySlots::STACK, 20).await;
    let third = token(&product, "c", &["Rome"]);
    assert_eq!(ask(&product, &third, json!({})).await.refusal(), (429, "too_many_queries"));
    // Answers that are there take no slot.
    assert_eq!(ask(&product, &first, json!({})).await.json["cached"], true);
    product.clock.set_offset(52);
    assert_eq!(rows(&ask(&product, &third, json!({})).await), &json!([[5]]));
}

#[tokio::test]
async fn slots_are_given_back() {
    let product = product_with(&[("QueriesPerViewer", "1"), ("QueriesAtOnce", "1")]).await;
    let viewer = token(&product, "a", &["Berlin"]);
    for number in 0..4 {
        let sql = format!("select {number} as n, cast(city as int) as x from orders");
        question(&product, &sql, json!({})).await;
        assert_eq!(ask(&product, &viewer, json!({})).await.refusal(), (422, "query_failed"));
        let sql = format!("select {number} as n");
        question(&product, &sql, json!({})).await;
        assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([[number]]));
    }
}

#[tokio::test]
async fn queries_that_are_asked_at_once_wait_for_a_slot() {
    let product = product_with(&[("QueriesPerViewer", "2")]).await;
    let tags = json!({"n": {"type": "number"}});
    let content = json!({"type": "question", "query": {"sql": "select {{n}} as n", "tags": tags}});
    question(&product, "", json!({"content": content, "embedding_params": {"n": "enabled"}})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    let asked = (0..8).map(|number| ask(&product, &viewer, json!({"parameters": {"n": number}})));
    for (number, answer) in join_all(asked).await.iter().enumerate() {
        assert_eq!(rows(answer), &json!([[number]]));
    }
}

#[tokio::test]
async fn a_tenant_has_a_budget_of_bytes_in_a_month() {
    let product = product_with(&[("MonthlyScanMegabytes", "1")]).await;
    question(&product, IDS, json!({})).await;
    let viewer = token(&product, "a", &["Berlin"]);
    let month: String = product.clock.now().to_string().chars().take(7).collect();
    assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([[1], [2]]));
    let budget = async || {
        product.wait_for_background_tasks().await;
        let items = product.table().await;
        items.into_iter().find(|item| item["pk"] == "query-budget#").unwrap()
    };
    let used = budget().await;
    assert_eq!((&used["sk"], &used["queries"]), (&month, &"1".to_owned()));
    assert!((100..1_000_000).contains(&used["bytes"].parse::<u64>().unwrap()), "{used:?}");
    spend(&product, 1_000_000).await;
    let paris = token(&product, "b", &["Paris"]);
    assert_eq!(ask(&product, &paris, json!({})).await.refusal(), (429, "budget_exceeded"));
    assert_eq!(ask(&product, &viewer, json!({})).await.json["cached"], true);
}

vitrine::capability_set! {
    pub struct Budgets {
        budgets: vitrine::aws::storage::QueryBudgets,
    }
}

pub async fn spend(product: &vitrine_tests::Product, bytes: u64) {
    let budgets: Budgets =
        functions::connected("budgets", &product.services, &Settings::default(), &product.clock).await;
    budgets.budgets.add("", bytes, product.clock.now()).await.unwrap();
}

#[tokio::test]
async fn a_list_has_so_many_values() {
    let product = product_with(&[("QueryListValues", "3")]).await;
    let fields = json!({
        "content": {"type": "question", "query": {
            "sql": "select id from orders where {{city}} order by id",
            "tags": {"city": {
                "type": "dimension", "dimension": {"table": "orders", "column": "city"}, "widget_type": "string/=",
            }},
        }},
        "embedding_params": {"city": "enabled"},
    });
    question(&product, "", fields).await;
    let viewer = token(&product, "a", &["Berlin", "Paris"]);
    let asked = async |cities: Value| ask(&product, &viewer, json!({"parameters": {"city": cities}})).await;
    assert_eq!(rows(&asked(json!(["Berlin", "Rome", "x"])).await), &json!([[1], [2]]));
    assert_eq!(asked(json!(["Berlin", "Rome", "x", "y"])).await.refusal(), (400, "parameter_invalid"));
}

#[tokio::test]
async fn a_session_may_have_a_time_zone_of_its_own() {
    let product = product_with(&[]).await;
    let html = json!({"type": "html", "html": "", "queries": {"day": {"sql": "select current_date as day"}}});
    let dashboard = product.publish("dashboard/1", json!({"content": html})).await;
    let asked = async |settings: Value| {
        let user = json!({"deploymentId": 1, "externalId": "ann", "settings": settings});
        let made = product.post("/api/v1/embed/generate-session", user).admin().send().await;
        let session = json!({"session": made.json["sessionId"]});
        let token = product.post("/v1/sessions/redeem", session).send().await;
        let token = token.json["token"].as_str().unwrap().to_owned();
        let body = json!({"resource": {"dashboard": dashboard["id"]}, "query": "day"});
        ask(&product, &token, body).await
    };
    // The clocks of the two places are 25 hours apart.
    let east = asked(json!({"timezone": "Pacific/Kiritimati"})).await;
    let west = asked(json!({"timezone": "Pacific/Pago_Pago"})).await;
    assert!(rows(&east)[0][0].as_str() > rows(&west)[0][0].as_str(), "{} {}", east.text, west.text);
    let again = asked(json!({"timezone": "Pacific/Kiritimati", "locale": "de"})).await;
    assert_eq!(again.json["cached"], true);
    assert_eq!(asked(json!({})).await.json["cached"], false);
    assert_eq!(asked(json!({"timezone": "Mars/Olympus"})).await.refusal(), (400, "request_invalid"));
}

#[tokio::test]
async fn a_query_beyond_its_memory_is_refused_and_the_next_is_right() {
    let product = product_with(&[]).await;
    let viewer = token(&product, "a", &["Berlin"]);
    for (sql, reason) in [
        ("select length(repeat(city, 2000000000)) from orders", "query_too_large"),
        ("select 1 / (id - id) as x from orders", "query_failed"),
    ] {
        question(&product, sql, json!({})).await;
        assert_eq!(ask(&product, &viewer, json!({})).await.refusal(), (422, reason), "{sql}");
        question(&product, IDS, json!({})).await;
        assert_eq!(rows(&ask(&product, &viewer, json!({})).await), &json!([[1], [2]]));
    }
}

#[tokio::test]
async fn days_are_those_of_the_time_zone() {
    let fields = json!({
        "content": {"type": "question", "query": {
            "sql": "select count(*) as n from orders where {{day}}",
            "tags": {"day": {
                "type": "dimension", "dimension": {"table": "orders", "column": "day"},
                "widget_type": "date/all-options",
            }},
        }},
        "embedding_params": {"day": "enabled"},
    });
    // 1 January 2024 is the day of the first order; it begins earlier in the east.
    for (zone, moment, expected) in [
        ("UTC", "2023-12-31T23:30:00Z", 0),
        ("Europe/Berlin", "2023-12-31T23:30:00Z", 1),
        ("UTC", "2024-01-01T00:30:00Z", 1),
        ("America/New_York", "2024-01-01T00:30:00Z", 0),
    ] {
        let product = product_with(&[("TimeZone", zone)]).await;
        product.clock.set(moment.parse().unwrap());
        question(&product, "", fields.clone()).await;
        let viewer = token_with(&product, "a", &["Berlin"], json!({}));
        let answer = ask(&product, &viewer, json!({"parameters": {"day": "thisday"}})).await;
        assert_eq!(rows(&answer), &json!([[expected]]), "{zone} {moment}");
    }
}
