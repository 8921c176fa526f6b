//! SQL that dives send: off by default, over the tables that a row policy opens, within limits of its own.

use serde_json::{Value, json};
use vitrine::rules::random;
use vitrine_tests::{Answer, Product};

use crate::query_data::{
    CANARY, DIVE, ask, asking, by_city, dive, dive_token, product, product_with, question, rows, seed_table,
    table_file, token,
};
use crate::query_limits::{occupy, spend};

const ON: (&str, &str) = ("DiveSql", "true");

/// Works for longer than any test waits.
const SLOW: &str = "select count(*) from generate_series(1, 100000) a join generate_series(1, 100000) b \
     on a.value % 7 <> b.value % 11";

const IDS: &str = "select id from orders order by id";

/// A product whose dive may send SQL.
async fn open(settings: &[(&str, &str)]) -> Product {
    let product = product_with(&[&[ON], settings].concat()).await;
    dive(&product, json!({})).await;
    product
}

fn viewer(product: &Product, cities: &[&str]) -> String {
    dive_token(product, &format!("of {}", cities.join("-")), cities, json!({}))
}

async fn send(product: &Product, token: &str, sql: &str) -> Answer {
    ask(product, token, json!({ "sql": sql })).await
}

/// The parts of a refusal that do not differ from request to request.
fn told(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json.clone();
    body.as_object_mut().unwrap().remove("request_id");
    (answer.status.as_u16(), body)
}

#[tokio::test]
async fn a_dive_sends_sql_only_where_that_is_enabled() {
    for settings in [&[][..], &[("DiveSql", "false")]] {
        let product = product_with(settings).await;
        dive(&product, json!({})).await;
        let viewer = viewer(&product, &["Berlin"]);
        for sql in [IDS, "select 1", "not sql", ""] {
            let answer = send(&product, &viewer, sql).await;
            assert_eq!(answer.refusal(), (403, "dive_sql_disabled"), "{settings:?} {sql}");
            assert!(!answer.text.contains("orders"), "{}", answer.text);
        }
    }
    let product = open(&[]).await;
    assert_eq!(rows(&send(&product, &viewer(&product, &["Berlin"]), IDS).await), &json!([[1], [2]]));
}

#[tokio::test]
async fn only_the_credential_of_a_dive_sends_sql() {
    let product = open(&[]).await;
    question(&product, IDS, json!({})).await;
    product.publish("dashboard/1", json!({"content": {"type": "html", "html": ""}})).await;
    let of_question = token(&product, "a", &["Berlin"]);
    let of_dashboard =
        dive_token(&product, "a", &["Berlin"], json!({"resource": {"dive": null, "dashboard": 1}}));
    for token in [&of_question, &of_dashboard] {
        let answer = send(&product, token, IDS).await;
        assert!(matches!(answer.refusal(), (403, "dive_sql_disabled") | (400, _)), "{}", answer.text);
    }
    assert_eq!(send(&product, &of_question, IDS).await.refusal(), (403, "dive_sql_disabled"));
    assert_eq!(product.post("/v1/query", json!({"sql": IDS})).send().await.refusal(), (401, "token_missing"));
    let revoked = viewer(&product, &["Berlin"]);
    product.post("/v1/sessions/revoke", json!({"session": revoked})).admin().send().await;
    assert_eq!(send(&product, &revoked, IDS).await.refusal(), (401, "token_revoked"));
    let unpublished = viewer(&product, &["Rome"]);
    dive(&product, json!({"enable_embedding": false})).await;
    assert_eq!(send(&product, &unpublished, IDS).await.refusal(), (403, "resource_not_published"));
}

#[tokio::test]
async fn sql_stands_alone_and_is_no_file() {
    let product = open(&[]).await;
    dive(&product, json!({"allow_downloads": true})).await;
    let viewer = viewer(&product, &["Berlin"]);
    for body in [json!({"sql": IDS, "query": "a"}), json!({"sql": IDS, "card": 1}), json!({"sql": 1})] {
        assert_eq!(ask(&product, &viewer, body.clone()).await.refusal(), (400, "request_invalid"), "{body}");
    }
    let file = product.post("/v1/query?format=csv", json!({"sql": IDS})).bearer(&viewer).send().await;
    assert_eq!(file.refusal(), (400, "request_invalid"), "{}", file.text);
    let named = json!({"sql": IDS, "resource": {"dive": DIVE}});
    assert_eq!(rows(&ask(&product, &viewer, named).await), &json!([[1], [2]]));
}

#[tokio::test]
async fn viewers_send_the_same_sql_and_get_their_own_rows() {
    let product = open(&[]).await;
    for (cities, expected) in [
        (&["Berlin"][..], json!([[1], [2]])),
        (&["Paris"], json!([[3], [4]])),
        (&["Berlin", "Rome"], json!([[1], [2], [5]])),
        (&[], json!([])),
    ] {
        assert_eq!(rows(&send(&product, &viewer(&product, cities), IDS).await), &expected, "{cities:?}");
    }
}

/// A table that is not there, one without policies, one whose policies do not match, and one without the attribute.
#[tokio::test]
async fn tables_that_no_policy_opens_are_like_tables_that_do_not_exist() {
    let product = open(&[]).await;
    let columns = || json!([{"name": "id", "type": "integer"}, {"name": "city", "type": "text"}]);
    for (name, policies) in [
        ("unguarded", json!([])),
        ("staff", json!([{"groups": ["staff"], "rows": "all"}])),
        (
            "by_team",
            json!([{"groups": ["*"], "rows": [{"column": "city", "op": "=", "value": {"attribute": "team"}}]}]),
        ),
        (
            "by_number",
            json!([{"groups": ["*"], "rows": [{"column": "id", "op": "in", "value": {"attribute": "cities"}}]}]),
        ),
    ] {
        seed_table(&product, name, columns(), &table_file(6), 6, policies).await;
    }
    let viewer = viewer(&product, &["Berlin"]);
    let names =
        ["missing", "unguarded", "staff", "by_team", "by_number", "information_schema", "\"orders.parquet\""];
    let forms = [
        "select * from {}",
        "select count(*) from {}",
        "select o.id from orders o join {} x on x.id = o.id",
        "select id from orders where id in (select id from {})",
        "select id from orders where exists (select 1 from {} x where x.id = orders.id)",
        "with hidden as (select * from {}) select id from orders",
        "with hidden as (select * from {}) select * from hidden",
        "select id from orders union all select id from {}",
        "select no_such_column from {}",
        "from {}",
        "select (select max(id) from {}) as most from orders",
        "select * from orders, lateral (select * from {} x where x.id = orders.id) as found",
        "select id from orders except select id from {}",
        "select count(*) over () from {}",
        "select id from orders where false and id in (select id from {})",
        "select case when false then (select max(id) from {}) end as n from orders",
        "with a as (select 1 as n), b as (select * from {}) select n from a",
        "select {}.id from {}",
        "select * from public.{}",
        "select * from datafusion.public.{}",
        "select * from {} limit 0",
        "select 1 as n where exists (from {})",
    ];
    for form in forms {
        let expected = told(&send(&product, &viewer, &form.replace("{}", names[0])).await);
        assert_eq!(expected.0, 422, "{form}");
        assert_eq!(expected.1["message"], "An error occurred while running the query.");
        for name in &names[1..] {
            let answer = send(&product, &viewer, &form.replace("{}", name)).await;
            assert_eq!(told(&answer), expected, "{form} {name}");
            let all = format!("{:?} {}", answer.headers, answer.text);
            assert!(!all.contains(CANARY) && !all.contains(name), "{form} {name}: {all}");
        }
    }
    // A name of the query's own says nothing about the table of that name.
    for name in &names[..5] {
        let own = format!("with {name} as (select 7 as id) select id from {name}");
        assert_eq!(rows(&send(&product, &viewer, &own).await), &json!([[7]]), "{own}");
    }
    // The twin: whom a policy opens it, reads it.
    let staff = dive_token(&product, "s", &["Berlin"], json!({"viewer": {"groups": ["staff"]}}));
    assert_eq!(rows(&send(&product, &staff, "select count(*) from staff").await), &json!([[6]]));
    assert_eq!(
        send(&product, &staff, "select count(*) from unguarded").await.refusal(),
        (422, "query_failed")
    );
}

#[tokio::test]
async fn statements_that_are_no_query_over_the_viewers_tables_are_refused() {
    let product = open(&[]).await;
    let viewer = viewer(&product, &["Berlin"]);
    for sql in [
        "",
        "   ",
        "-- nothing",
        "select secret from orders",
        "explain select * from orders",
        "explain analyze select * from orders",
        "describe orders",
        "show tables",
        "set time_zone = 'UTC'",
        "create table x as select * from orders",
        "insert into orders select * from orders",
        "update orders set id = 1",
        "delete from orders",
        "drop table orders",
        "copy orders to '/tmp/x'",
        "select * from orders; select 1",
        "select * from datafusion.public.orders",
        "select * from 'orders'",
        "select * from '/etc/passwd'",
        "select * from read_csv('/etc/passwd')",
        "select * from read_parquet('s3://data/orders')",
        "select * from information_schema.tables",
        "select version()",
        "select input_file_name() from orders",
        "select no_such_function(id) from orders",
        "with recursive r as (select 1 as n union all select n + 1 from r) select * from r",
        "select id from orders where id = $p1",
        "select id from orders where city = {{city}}",
        "select * from orders a, orders b",
        "select * from orders a cross join orders b",
    ] {
        let answer = send(&product, &viewer, sql).await;
        assert_eq!(answer.refusal(), (422, "query_failed"), "{sql}: {}", answer.text);
        assert_eq!(answer.json["message"], "An error occurred while running the query.", "{sql}");
        let all = format!("{:?} {}", answer.headers, answer.text);
        assert!(!all.contains(CANARY) && !all.contains("orders"), "{sql}: {all}");
    }
    // Brackets are lists, because nothing is a template.
    let lists = send(&product, &viewer, "select [[1, 2], [3]] as lists from orders where id = 1").await;
    assert_eq!(rows(&lists), &json!([[[[1, 2], [3]]]]));
    assert_eq!(
        rows(&send(&product, &viewer, "with o as (select id from orders) from o order by id").await),
        &json!([[1], [2]])
    );
}

#[tokio::test]
async fn values_of_parameters_do_not_reach_the_sql_and_are_checked_all_the_same() {
    let product = open(&[]).await;
    dive(&product, json!({
        "parameters": [{"slug": "customer", "name": "Customer", "type": "text"}, {"slug": "least", "name": "Least", "type": "number"}],
        "embedding_params": {"customer": "locked", "least": "enabled"},
    })).await;
    let locked = dive_token(&product, "a", &["Berlin"], json!({"params": {"customer": "globex"}}));
    let body = |parameters: Value| json!({"sql": IDS, "parameters": parameters});
    assert_eq!(rows(&ask(&product, &locked, body(json!({"least": 1}))).await), &json!([[1], [2]]));
    for (token, parameters, expected) in [
        (&locked, json!({"customer": "acme"}), (400, "parameter_locked")),
        (&locked, json!({"least": "x"}), (400, "parameter_invalid")),
        (&locked, json!({"other": 1}), (400, "parameter_unknown")),
        (&viewer(&product, &["Berlin"]), json!({}), (400, "parameter_locked_missing")),
    ] {
        assert_eq!(ask(&product, token, body(parameters.clone())).await.refusal(), expected, "{parameters}");
    }
}

#[tokio::test]
async fn text_and_rows_have_limits_of_their_own() {
    let product = open(&[("ChartRows", "3"), ("QueryBytes", "100")]).await;
    let viewer = viewer(&product, &["Berlin", "Paris"]);
    let answer = send(&product, &viewer, IDS).await;
    assert_eq!((rows(&answer), &answer.json["truncated"]), (&json!([[1], [2], [3]]), &json!(true)));
    let padded = |length: usize| format!("{IDS}{}", " ".repeat(length - IDS.len()));
    assert_eq!(send(&product, &viewer, &padded(100)).await.status, 200);
    assert_eq!(send(&product, &viewer, &padded(101)).await.refusal(), (400, "request_invalid"));

    // Published SQL may be longer and deeper, and may join without a condition.
    let product = open(&[]).await;
    let everywhere = dive_token(&product, "b", &["Berlin"], json!({}));
    let nested = |levels: usize| format!("select {}1{} as n", "abs(".repeat(levels), ")".repeat(levels));
    let long = |length: usize| format!("select 1 as n{}", " ".repeat(length - 13));
    let many = format!("select {} as n", vec!["1"; 300].join(" + "));
    let crossed = "select count(*) as n from orders a, orders b".to_owned();
    for (sql, fits, refused) in [
        (nested(20), true, 0),
        (nested(30), false, 422),
        (long(8_192), true, 0),
        (long(8_193), false, 400),
        (many, false, 422),
        ("select length(repeat('x', 60000)) as n".to_owned(), true, 0),
        ("select length(repeat('x', 70000)) as n".to_owned(), false, 422),
        ("select count(*) as n from generate_series(1, 90000)".to_owned(), true, 0),
        ("select count(*) as n from generate_series(1, 110000)".to_owned(), false, 422),
        (crossed, false, 422),
    ] {
        let case = &sql[..sql.len().min(60)];
        let answer = send(&product, &everywhere, &sql).await;
        assert_eq!(answer.status.as_u16(), if fits { 200 } else { refused }, "{case}: {}", answer.text);
        question(&product, &sql, json!({})).await;
        let published = ask(&product, &token(&product, "b", &["Berlin"]), json!({})).await;
        // Planning the chain takes long, which is why a viewer's has half the length.
        assert!(published.status.is_success(), "{case}: {}", published.text);
    }
}

#[tokio::test]
async fn a_slow_query_has_a_handle_for_its_own_credential_until_its_time_is_over() {
    let product = open(&[("QuerySeconds", "6")]).await;
    let viewer = viewer(&product, &["Berlin"]);
    let waiting = send(&product, &viewer, SLOW).await;
    assert_eq!(waiting.status, 202, "{}", waiting.text);
    let path = format!("/v1/query/{}", waiting.json["handle"].as_str().unwrap());
    let other = dive_token(&product, "other", &["Berlin"], json!({}));
    assert_eq!(product.get(&path).bearer(&other).send().await.refusal(), (404, "handle_not_found"));
    let answer = product.get(&path).bearer(&viewer).send().await;
    assert_eq!(answer.refusal(), (422, "query_timeout"), "{}", answer.text);
    assert_eq!(rows(&send(&product, &viewer, IDS).await), &json!([[1], [2]]));
}

#[tokio::test]
async fn answers_are_shared_with_viewers_of_the_same_rows_and_not_with_published_queries() {
    let product = product_with(&[ON, ("ChartRows", "5000"), ("TableRows", "5000")]).await;
    dive(&product, json!({"content": {"type": "html", "html": "", "queries": {"ids": {"sql": IDS}}}})).await;
    let first = dive_token(&product, "a", &["Berlin"], json!({}));
    let second = dive_token(&product, "b", &["Berlin"], json!({}));
    let third = dive_token(&product, "c", &["Paris"], json!({}));
    for (token, body, cached) in [
        (&first, json!({"sql": IDS}), false),
        (&first, json!({"sql": IDS}), true),
        (&second, json!({"sql": IDS}), true),
        (&third, json!({"sql": IDS}), false),
        (&first, json!({"query": "ids"}), false),
        (&second, json!({"query": "ids"}), true),
    ] {
        let answer = ask(&product, token, body.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.json["cached"]), (200, &json!(cached)), "{body}");
    }
    // A policy that is taken away takes the cached answer with it.
    seed_orders(&product, json!([])).await;
    assert_eq!(send(&product, &first, IDS).await.refusal(), (422, "query_failed"));
    seed_orders(&product, by_city()).await;
    assert_eq!(rows(&send(&product, &first, IDS).await), &json!([[1], [2]]));
}

async fn seed_orders(product: &Product, policies: Value) {
    crate::query_data::seed(product, 6, policies).await;
}

#[tokio::test]
async fn slots_and_the_budget_are_those_of_published_queries() {
    let product = open(&[("MonthlyScanMegabytes", "1")]).await;
    let first = dive_token(&product, "a", &["Berlin"], json!({}));
    let scope = random::fingerprint(&json!(["1", null, "a"]).to_string());
    occupy(&product, &format!("viewer#{scope}"), 4).await;
    assert_eq!(send(&product, &first, IDS).await.refusal(), (429, "too_many_queries"));
    product.clock.set_offset(26);
    assert_eq!(rows(&send(&product, &first, IDS).await), &json!([[1], [2]]));
    spend(&product, 1_000_000).await;
    let second = dive_token(&product, "b", &["Paris"], json!({}));
    assert_eq!(send(&product, &second, IDS).await.refusal(), (429, "budget_exceeded"));
    assert_eq!(send(&product, &first, IDS).await.json["cached"], true);
}

/// As MotherDuck's clients make them: one dive, one session for each account.
#[tokio::test]
async fn sessions_of_two_accounts_see_the_rows_of_their_own_accounts() {
    let product = open(&[]).await;
    for (account, cities, expected) in [
        ("acme", json!(["Berlin"]), json!([[1], [2]])),
        ("globex", json!(["Paris", "Rome"]), json!([[3], [4], [5]])),
    ] {
        let made = product.post("/v1/users", json!({"username": account, "attributes": {"cities": cities}}));
        assert!(made.admin().send().await.status.is_success());
        let path = format!("/v1/dives/{DIVE}/embed-session");
        let made = product.post(&path, json!({"username": account})).admin().send().await;
        let session = crate::motherduck_sessions::opened(made.json["session"].as_str().unwrap());
        let token = session["token"].as_str().unwrap();
        assert_eq!(rows(&send(&product, token, IDS).await), &expected, "{account}");
    }
}

#[tokio::test]
async fn a_refusal_has_a_record_without_the_sql() {
    let product = product().await;
    dive(&product, json!({})).await;
    let refused =
        asking(&product, &viewer(&product, &["Berlin"]), json!({"sql": "select 'MARK'"})).send().await;
    assert_eq!(refused.refusal(), (403, "dive_sql_disabled"));
    product.wait_for_background_tasks().await;
    let path = format!("/v1/decisions/{}", refused.json["request_id"].as_str().unwrap());
    let record = product.get(&path).admin().send().await;
    assert_eq!((record.status.as_u16(), &record.json["reason"]), (200, &json!("dive_sql_disabled")));
    assert!(!record.text.contains("MARK"), "{}", record.text);
}
