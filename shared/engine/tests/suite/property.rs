//! The contract of row policies: a query over a table under a policy is the same query over a table that holds
//! the permitted rows alone, in its rows and in whether it fails.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vitrine_engine::encode::json::AnswerRows;
use vitrine_engine::error::{EngineError, QueryFailure};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::typed_value::TypedValue;
use vitrine_rules::row_policy::{RowAccess, RowCondition, RowConditions, RowFilter, RowTest};

use crate::support::{Columns, Data, days, integers, run_alone, texts};

#[derive(Debug, Clone)]
struct Row {
    id: i64,
    city: Option<&'static str>,
    n: Option<i64>,
    t: Option<&'static str>,
    d: Option<i32>,
}

const CITIES: [&str; 5] = ["Berlin", "Paris", "Oslo", "", "ber%"];
/// Some are numbers, some are not.
const TEXTS: [&str; 8] = ["1", "22", "-3", "x", "", "0", "9999999999999", "2024-02-30"];

fn row() -> impl Strategy<Value = Row> {
    (
        prop::option::weighted(0.9, prop::sample::select(&CITIES[..])),
        prop::option::weighted(0.9, -3_i64..6),
        prop::option::weighted(0.9, prop::sample::select(&TEXTS[..])),
        prop::option::weighted(0.9, 19_000_i32..19_010),
    )
        .prop_map(|(city, n, t, d)| Row { id: 0, city, n, t, d })
}

fn columns(rows: &[Row]) -> Columns {
    let of = |f: fn(&Row) -> Option<i64>| integers(&rows.iter().map(f).collect::<Vec<_>>());
    vec![
        ("id", ColumnType::Integer, of(|row| Some(row.id))),
        ("city", ColumnType::Text, texts(&rows.iter().map(|row| row.city).collect::<Vec<_>>())),
        ("n", ColumnType::Integer, of(|row| row.n)),
        ("t", ColumnType::Text, texts(&rows.iter().map(|row| row.t).collect::<Vec<_>>())),
        ("d", ColumnType::Date, days(&rows.iter().map(|row| row.d).collect::<Vec<_>>())),
    ]
}

fn condition() -> impl Strategy<Value = RowCondition> {
    let city = || prop::sample::select(&CITIES[..]).prop_map(|city| TypedValue::Text(city.to_owned()));
    let number = || (-3_i64..6).prop_map(TypedValue::Integer);
    let day = || {
        (19_000_i64..19_010).prop_map(|days| {
            let epoch = jiff::civil::date(1970, 1, 1);
            TypedValue::Date(epoch.checked_add(jiff::Span::new().days(days)).unwrap())
        })
    };
    let of = |column: &'static str, kind: ColumnType| {
        move |test: RowTest| RowCondition { column: column.to_owned(), kind, test }
    };
    prop_oneof![
        city().prop_map(RowTest::Equals).prop_map(of("city", ColumnType::Text)),
        prop::collection::vec(city(), 1..4).prop_map(RowTest::In).prop_map(of("city", ColumnType::Text)),
        Just(RowTest::IsNull).prop_map(of("city", ColumnType::Text)),
        number().prop_map(RowTest::Equals).prop_map(of("n", ColumnType::Integer)),
        (number(), number()).prop_map(|(a, b)| RowTest::Between(a, b)).prop_map(of("n", ColumnType::Integer)),
        prop::collection::vec(number(), 1..6).prop_map(RowTest::In).prop_map(of("n", ColumnType::Integer)),
        (day(), day()).prop_map(|(a, b)| RowTest::Between(a, b)).prop_map(of("d", ColumnType::Date)),
        Just(RowTest::IsNull).prop_map(of("d", ColumnType::Date)),
    ]
}

fn filter() -> impl Strategy<Value = RowFilter> {
    let conditions = prop::collection::vec(condition(), 1..3).prop_map(|all| RowConditions { all });
    prop::collection::vec(conditions, 1..4).prop_map(|any| RowFilter { any })
}

/// The same policy, written without the engine.
fn permits(filter: &RowFilter, row: &Row) -> bool {
    filter.any.iter().any(|conditions| conditions.all.iter().all(|condition| holds(condition, row)))
}

fn holds(condition: &RowCondition, row: &Row) -> bool {
    let value = match condition.column.as_str() {
        "city" => row.city.map(|city| TypedValue::Text(city.to_owned())),
        "n" => row.n.map(TypedValue::Integer),
        _ => row.d.map(|days| {
            let epoch = jiff::civil::date(1970, 1, 1);
            TypedValue::Date(epoch.checked_add(jiff::Span::new().days(days)).unwrap())
        }),
    };
    let at_most = |a: &TypedValue, b: &TypedValue| match (a, b) {
        (TypedValue::Text(a), TypedValue::Text(b)) => a <= b,
        (TypedValue::Integer(a), TypedValue::Integer(b)) => a <= b,
        (TypedValue::Date(a), TypedValue::Date(b)) => a <= b,
        _ => false,
    };
    match (&condition.test, value) {
        (RowTest::IsNull, value) => value.is_none(),
        (_, None) => false,
        (RowTest::Equals(wanted), Some(value)) => value == *wanted,
        (RowTest::In(wanted), Some(value)) => wanted.contains(&value),
        (RowTest::Between(low, high), Some(value)) => at_most(low, &value) && at_most(&value, high),
    }
}

const SCALARS: &[&str] = &[
    "id",
    "city",
    "n",
    "t",
    "d",
    "cast(t as int)",
    "cast(t as bigint)",
    "cast(t as date)",
    "10 / n",
    "id % n",
    "100 / (n - 2)",
    "try_cast(t as int)",
    "lower(city)",
    "t || city",
    "coalesce(t, 'x')",
    "nullif(n, 0)",
    "case when city = 'Berlin' then 10 / n else 0 end",
    "case when n = 0 then 0 else 10 / n end",
    "to_char(d, 'YYYY-MM')",
    "to_date(t, 'YYYY-MM-DD')",
    "date_diff('day', d, date '2022-01-10')",
    "year(d)",
    "sqrt(n)",
    "repeat(t, n)",
    "substr(t, 1, n)",
    "n + cast(t as int)",
    "array_element([1, 2], n)",
    "(select count(*) from x)",
    "(select max(cast(y.t as int)) from x y where y.id < 5)",
];

const PREDICATES: &[&str] = &[
    "true",
    "city = 'Berlin'",
    "city <> 'Berlin'",
    "n > 0",
    "n <> 0",
    "n between 1 and 3",
    "n in (1, 2, 3, 4, 5)",
    "d >= date '2022-01-09'",
    "city is null",
    "t is not null",
    "cast(t as int) > 0",
    "10 / n > 1",
    "t like '%2%'",
    "city like 'ber!%' escape '!'",
    "lower(city) = 'paris'",
    "city = 'Berlin' and cast(t as int) > 0",
    "n <> 0 and 10 / n > 1",
    "cast(t as int) > 0 or n = 1",
    "n = 1 or n = 2 and cast(t as bigint) > 5",
    "not (city = 'Paris')",
    "id in (select id from x where n > 1)",
    "exists (select 1 from x y where y.n = x.n and y.id <> x.id)",
    "id not in (select n from x where n is not null)",
    "n = (select max(n) from x)",
    "cast(t as date) is not null",
    "city in ('Berlin', 'Paris') and d is not null",
    "t = '22'",
    "id < 20 and 10 / n = 5",
    "n * n > id",
];

const AGGREGATES: &[&str] = &[
    "count(*)",
    "count(distinct city)",
    "min(t)",
    "max(n)",
    "sum(n)",
    "sum(cast(t as int))",
    "avg(10 / n)",
    "min(d)",
    "count(*) filter (where cast(t as int) > 0)",
    "max(city) filter (where n > 1)",
    "bool_or(n > 2)",
];

fn query() -> impl Strategy<Value = String> {
    let scalar = || prop::sample::select(SCALARS);
    let predicate = || prop::sample::select(PREDICATES);
    let aggregate = || prop::sample::select(AGGREGATES);
    prop_oneof![
        (scalar(), scalar(), predicate(), predicate())
            .prop_map(|(a, b, p, q)| format!("select {a} as a, {b} as b from x where ({p}) and ({q})")),
        (aggregate(), aggregate(), predicate()).prop_map(|(a, b, p)| format!("select {a}, {b} from x where {p}")),
        (scalar(), aggregate(), predicate())
            .prop_map(|(k, a, p)| format!("select k, {a} from (select *, {k} as k from x where {p}) group by k")),
        (scalar(), predicate(), 0_usize..5)
            .prop_map(|(k, p, limit)| format!("select id, {k} from x where {p} order by {k}, id limit {limit}")),
        (scalar(), predicate(), predicate()).prop_map(|(k, p, q)| format!(
            "select l.id, r.id from (select *, {k} as k from x where {p}) l join (select *, {k} as k from x where {q}) r on l.k = r.k"
        )),
        (scalar(), predicate()).prop_map(|(k, p)| format!(
            "select id, sum(n) over (partition by city order by id), row_number() over (order by {k}, id) from x where {p}"
        )),
        (predicate(), predicate())
            .prop_map(|(p, q)| format!("select id, t from x where {p} except select id, t from x where {q}")),
        (scalar(), predicate())
            .prop_map(|(a, p)| format!("with x as (select * from x where {p}) select {a} as a from x")),
    ]
}

fn outcome(answer: Result<AnswerRows, EngineError>) -> Result<Vec<String>, QueryFailure> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_slice(&answer.map_err(|error| error.failure())?.rows).unwrap();
    let mut rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    rows.sort();
    Ok(rows)
}

#[test]
fn a_query_under_a_policy_equals_the_query_over_the_permitted_rows_alone() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let counts = std::cell::Cell::new((0, 0));
    let inputs = (prop::collection::vec(row(), 0..40), filter(), prop::collection::vec(query(), 12));
    runner
        .run(&inputs, |(mut rows, filter, queries)| {
            for (id, row) in rows.iter_mut().enumerate() {
                row.id = i64::try_from(id).unwrap();
            }
            let permitted: Vec<Row> = rows.iter().filter(|row| permits(&filter, row)).cloned().collect();
            runtime.block_on(async {
                let mut policy = Data::empty().with("x", columns(&rows)).await;
                policy.table("x").rows = RowAccess::Some(filter.clone());
                let alone = Data::empty().with("x", columns(&permitted)).await;
                for sql in &queries {
                    let (under, alone) = (policy.query(sql, vec![]), alone.query(sql, vec![]));
                    let (under, alone) = (outcome(run_alone(&under).await), outcome(run_alone(&alone).await));
                    let (answered, failed) = counts.get();
                    counts.set((answered + usize::from(alone.is_ok()), failed + usize::from(alone.is_err())));
                    prop_assert_eq!(&under, &alone, "{}\n{:?}", sql, filter);
                }
                Ok(())
            })
        })
        .unwrap();
    let (answered, failed) = counts.get();
    // Both outcomes are covered.
    assert!(answered > 100 && failed > 50, "{answered} answered, {failed} failed");
}
