//! Queries that want more than their budget: each is answered with its reason, and the next query is right.

use std::time::{Duration, Instant};

use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::json::{AnswerRows, RowForm, collect};
use vitrine_engine::error::EngineError;
use vitrine_engine::error::QueryFailure::{self, Invalid, Timeout, TooLarge};
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_rules::query::limits::FunctionLimits;

use crate::support::{Data, orders, run};

fn limited(query: EngineQuery, limits: Limits) -> EngineQuery {
    EngineQuery { limits, ..query }
}

const SMALL: Limits = Limits {
    rows: 2_000,
    bytes: 4 << 20,
    time: Duration::from_secs(4),
    memory: 32 << 20,
    functions: FunctionLimits::DEFAULT,
};

const TOO_MUCH: &[(&str, &[QueryFailure])] = &[
    // Values that a function makes.
    ("select repeat('x', 1500000000)", &[TooLarge]),
    ("select length(repeat('x', 1500000000))", &[TooLarge]),
    ("select repeat('x', 1048577)", &[TooLarge]),
    ("select repeat('x', cast(id as bigint) * 100000000) from orders", &[TooLarge]),
    ("select repeat(repeat('x', 1000000), 1000)", &[TooLarge]),
    ("select lpad('x', 1500000000)", &[TooLarge]),
    ("select rpad('x', 1500000000, 'y')", &[TooLarge]),
    ("select replace(repeat('a', 1000000), 'a', repeat('b', 1000000))", &[TooLarge]),
    ("select regexp_replace(repeat('a', 1000000), 'a', repeat('b', 1000000), 'g')", &[TooLarge]),
    ("select replace(repeat('a', 1000000), '', 'bbbb')", &[TooLarge]),
    ("select repeat('x', 1000000) || repeat('y', 1000000)", &[TooLarge]),
    ("select concat(repeat('x', 1000000), repeat('y', 1000000))", &[TooLarge]),
    ("select concat_ws(repeat('x', 600000), 'a', 'b', 'c')", &[TooLarge]),
    ("select array_to_string(range(100000), repeat('x', 1000000))", &[TooLarge]),
    ("select array_repeat('x', 300000000)", &[TooLarge]),
    ("select array_repeat(array_repeat(1, 100000), 100000)", &[TooLarge]),
    ("select array_resize([1], 300000000, 0)", &[TooLarge]),
    ("select range(1, 200000000)", &[TooLarge]),
    ("select generate_series(1, 200000000)", &[TooLarge]),
    ("select generate_series(1, 9223372036854775807)", &[TooLarge]),
    (
        "select generate_series(timestamp '1700-01-01', timestamp '2200-01-01', interval '1 second')",
        &[TooLarge, Invalid],
    ),
    ("select array_transform(range(100000), x -> repeat('x', 1000000))", &[TooLarge]),
    ("select array_transform(range(2000), x -> repeat('x', 1000000))", &[TooLarge]),
    (
        "select array_transform(range(2000), x -> array_transform(range(2000), y -> repeat('x', 100)))",
        &[TooLarge],
    ),
    ("select array_transform(range(id * 1000), x -> repeat('x', 1000)) from orders", &[TooLarge]),
    ("select repeat('x', 1000000 + id) from orders", &[TooLarge]),
    ("select count(*) from generate_series(1, 1000000000)", &[TooLarge]),
    ("select count(*) from range(1000000000)", &[TooLarge]),
    // Operators that hold rows.
    (
        "select * from orders a, orders b, orders c order by a.secret || b.secret || c.secret, a.id",
        &[TooLarge, Timeout],
    ),
    (
        "select a.id, b.id, c.id, count(*) from orders a, orders b, orders c group by 1, 2, 3",
        &[TooLarge, Timeout],
    ),
    (
        "select array_agg(a.secret || b.secret || c.secret) from orders a, orders b, orders c",
        &[TooLarge, Timeout],
    ),
    (
        "select count(distinct a.secret || b.secret || c.secret) from orders a, orders b, orders c",
        &[TooLarge, Timeout],
    ),
    (
        "select count(*) from orders a, orders b, orders c, orders d, orders e where a.id + b.id + c.id + d.id + e.id = -1",
        &[TooLarge, Timeout],
    ),
    // Time.
    (
        "select sum(sqrt(a.value * b.value)) from generate_series(1, 1000000) a, generate_series(1, 1000000) b",
        &[Timeout, TooLarge],
    ),
];

/// Far more than any answer takes beyond its budget, also on a busy machine.
const GUARD: Duration = Duration::from_secs(60);

/// An answer that must come soon after the time budget. Without this guard a query that keeps the caller waiting
/// would stop the tests instead of failing one.
async fn in_time(query: &EngineQuery) -> Result<AnswerRows, EngineError> {
    let guard = query.limits.time + GUARD;
    let answered = tokio::time::timeout(guard, run(query)).await;
    answered.unwrap_or_else(|_| panic!("no answer after {guard:?}: {}", query.prepared.sql))
}

#[tokio::test]
async fn each_query_over_its_budget_is_refused_and_the_next_one_is_right() {
    let data = orders().await;
    for (sql, failures) in TOO_MUCH {
        // Only a query that may run out of time gets little of it.
        let time = if failures.contains(&Timeout) { SMALL.time } else { Duration::from_secs(120) };
        let limits = Limits { time, ..SMALL };
        let error = in_time(&limited(data.query(sql, vec![]), limits)).await.expect_err(sql);
        assert!(failures.contains(&error.failure()), "{sql}: {:?} {}", error.failure(), error.owner_text());
        let next = in_time(&data.query("select count(*) from orders", vec![])).await.unwrap();
        assert_eq!(next.rows, b"[[200]]", "{sql}");
    }
}

/// Queries that would run long beyond their budget, and stay within the memory.
const ENDLESS: &[&str] = &[
    "select count(*) from orders a, orders b, generate_series(1, 1000000) c where a.id + b.id + c.value = -1",
    "select count(*) from generate_series(1, 1000000) a join generate_series(1, 1000000) b on a.value > b.value + 1",
    "select max(a.value + b.value) from generate_series(1, 100000) a, generate_series(1, 1000000) b",
    "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where a.value % 7 = b.value % 7",
];

#[tokio::test]
async fn the_time_budget_ends_queries_that_never_run_out_of_memory() {
    let data = orders().await;
    let limits = Limits { time: Duration::from_millis(500), ..Limits::default() };
    for sql in ENDLESS {
        let engine = EmbeddedEngine::new(2);
        let query = limited(data.query(sql, vec![]), limits);
        let started = Instant::now();
        let answer = async { collect(engine.run(&query).await?, RowForm::List).await };
        let answer = tokio::time::timeout(GUARD, answer).await;
        let error = answer.unwrap_or_else(|_| panic!("no answer: {sql}")).expect_err(sql);
        assert_eq!(error.failure(), Timeout, "{sql}: {}", error.owner_text());
        assert!(started.elapsed() >= limits.time, "{sql}");
        gives_way(&engine, sql).await;
        assert_eq!(data.rows("select count(*) from orders").await, "[[200]]");
    }
}

/// Waits until the aborted queries of the engine have ended.
async fn gives_way(engine: &EmbeddedEngine, sql: &str) {
    let started = Instant::now();
    while engine.aborted_and_running() > 0 {
        assert!(started.elapsed() < 3 * GUARD, "still running: {sql}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn calls_below_the_caps_work() {
    let data = Data::empty();
    for (sql, rows) in [
        ("select length(repeat('x', 1000000))", "[[1000000]]"),
        ("select length(lpad('x', 10000, 'ab'))", "[[10000]]"),
        ("select replace('banana', 'a', 'oo')", "[[\"boonoonoo\"]]"),
        ("select replace('ab', '', 'x')", "[[\"ab\"]]"),
        ("select regexp_replace('banana', 'a', 'o', 'g')", "[[\"bonono\"]]"),
        ("select concat('a', null, 'b'), concat_ws('-', 'a', null, 'b')", "[[\"ab\",\"a-b\"]]"),
        (
            "select array_transform([1, 2], x -> repeat('x', x)), list_filter([1, 2], x -> x > 1)",
            "[[[\"x\",\"xx\"],[2]]]",
        ),
        ("select 'a' || 'b' || 1, 'a' || null", "[[\"ab1\",null]]"),
        ("select [1] || [2]", "[[[1,2]]]"),
        ("select array_length(range(100000)), array_length(array_repeat(1, 1000))", "[[100000,1000]]"),
        ("select array_to_string([1, 2, 3], '-')", "[[\"1-2-3\"]]"),
        ("select count(*) from generate_series(1, 1000000)", "[[1000000]]"),
        (
            "select count(*) from generate_series(date '2020-01-01', date '2020-12-31', interval '1 day')",
            "[[366]]",
        ),
        (
            "select count(*) from generate_series(timestamp '2020-01-01', timestamp '2020-12-01', interval '1 month')",
            "[[12]]",
        ),
        ("select repeat('x', -5), lpad('abc', 2), repeat(null, 3)", "[[\"\",\"ab\",null]]"),
    ] {
        assert_eq!(data.rows(sql).await, rows, "{sql}");
    }
}

#[tokio::test]
async fn what_one_call_makes_is_bounded_by_the_limits_of_its_query() {
    let data = orders().await;
    let functions = FunctionLimits { text_bytes: 10, list_elements: 5, series_rows: 20 };
    for (fits, too_much) in [
        ("select repeat('x', 10)", "select repeat('x', 11)"),
        ("select 'hello' || repeat('x', 5)", "select 'hello' || repeat('x', 6)"),
        ("select concat('hello', 'world')", "select concat('hello', 'world', '!')"),
        ("select repeat('x', id) from orders where id <= 10", "select repeat('x', id) from orders"),
        ("select array_length(range(5))", "select array_length(range(6))"),
        ("select array_repeat(1, 5)", "select array_repeat(1, 6)"),
        ("select count(*) from generate_series(1, 20)", "select count(*) from generate_series(1, 40)"),
    ] {
        let limits = Limits { functions, ..SMALL };
        assert!(in_time(&limited(data.query(fits, vec![]), limits)).await.is_ok(), "{fits}");
        let error = in_time(&limited(data.query(too_much, vec![]), limits)).await.expect_err(too_much);
        assert_eq!(error.failure(), TooLarge, "{too_much}");
        assert!(in_time(&limited(data.query(too_much, vec![]), SMALL)).await.is_ok(), "{too_much}");
    }
}

#[tokio::test]
async fn rows_and_bytes_beyond_the_limits_are_cut_off_and_the_answer_says_so() {
    let data = orders().await;
    let sql = "select id from orders order by id";
    for (rows, count, truncated) in
        [(0, 0, true), (1, 1, true), (199, 199, true), (200, 200, false), (201, 200, false)]
    {
        let limits = Limits { rows, ..Limits::default() };
        let answer = run(&limited(data.query(sql, vec![]), limits)).await.unwrap();
        assert_eq!((answer.count, answer.truncated), (count, truncated), "{rows}");
    }
    let limits = Limits { bytes: 800, ..Limits::default() };
    let answer = run(&limited(data.query(sql, vec![]), limits)).await.unwrap();
    assert!(answer.truncated && (50..=100).contains(&answer.count), "{}", answer.count);
    let empty = run(&limited(
        data.query("select id from orders where false", vec![]),
        Limits { rows: 0, ..Limits::default() },
    ))
    .await;
    assert!(!empty.unwrap().truncated);
}

#[tokio::test]
async fn a_large_constant_is_not_copied_into_thousands_of_rows_at_once() {
    let data = orders().await;
    let text = "x".repeat(20_000);
    for sql in [
        "select repeat('x', 1000000) as t from orders a cross join orders b".to_owned(),
        format!("select '{text}' as t from generate_series(1, 1000000)"),
    ] {
        let query = limited(data.query(&sql, vec![]), Limits { rows: usize::MAX, ..SMALL });
        let mut rows = EmbeddedEngine::new(1).run(&query).await.unwrap();
        let batch = rows.next().await.unwrap().unwrap();
        assert!(batch.get_array_memory_size() < 256 << 20, "{}", batch.get_array_memory_size());
    }
}

#[tokio::test]
async fn a_dropped_stream_stops_the_query() {
    let data = orders().await;
    let endless = "select a.id from orders a, orders b, orders c, generate_series(1, 1000) d";
    let limits = Limits { rows: usize::MAX, bytes: usize::MAX, ..Limits::default() };
    let query = limited(data.query(endless, vec![]), limits);
    let engine = EmbeddedEngine::new(1);
    let mut rows = engine.run(&query).await.unwrap();
    assert!(rows.next().await.unwrap().is_some());
    assert_eq!(engine.aborted_and_running(), 0);
    drop(rows);
    gives_way(&engine, endless).await;
    let mut next = engine.run(&data.query("select 1", vec![])).await.unwrap();
    assert_eq!(next.next().await.unwrap().unwrap().num_rows(), 1);
}

#[tokio::test]
async fn deep_or_long_statements_are_refused_or_answered_in_time() {
    let data = Data::empty();
    let nested = format!("select {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let macros = format!("select {}1{}", "if(true, ".repeat(40), ", 2)".repeat(40));
    let subqueries = format!("{}select 1{}", "select * from (".repeat(200), ")".repeat(200));
    for sql in [nested.as_str(), subqueries.as_str()] {
        let error = data.answer(sql).await.unwrap_err();
        assert_eq!(error.failure(), Invalid, "{}", error.owner_text());
    }
    let started = Instant::now();
    let _ = data.answer(&macros).await;
    let in_list =
        format!("select 1 where 3 in ({})", (0..5_000).map(|i| i.to_string()).collect::<Vec<_>>().join(","));
    assert_eq!(data.rows(&in_list).await, "[[1]]");
    assert!(started.elapsed() < GUARD, "{:?}", started.elapsed());
}
