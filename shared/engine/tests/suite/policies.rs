//! Row policies of every shape, as a table.

use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::json::{RowForm, collect};
use vitrine_engine::engine::{Engine, Prepared};
use vitrine_engine::error::QueryFailure;
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::typed_value::{Decimal, TypedValue};
use vitrine_rules::row_policy::{RowAccess, RowFilter, RowTest};

use crate::support::{
    CANARY, DECIMAL, Data, booleans, days, decimals, equals, integers, moments, numbers, only, orders,
    orders_of_berlin, texts,
};

async fn things() -> Data {
    Data::empty()
        .with(
            "things",
            vec![
                ("id", ColumnType::Integer, integers(&[Some(1), Some(2), Some(3), Some(4)])),
                ("name", ColumnType::Text, texts(&[Some("a"), Some("b"), None, Some("")])),
                ("price", DECIMAL, decimals(&[Some(1250), Some(-5), None, Some(0)])),
                ("ratio", ColumnType::Number, numbers(&[Some(0.5), Some(f64::NAN), None, Some(-0.0)])),
                ("sold", ColumnType::Boolean, booleans(&[Some(true), Some(false), None, Some(true)])),
                ("day", ColumnType::Date, days(&[Some(0), Some(19_782), None, Some(-1)])),
                ("at", ColumnType::Timestamp, moments(&[Some(0), Some(1_500_000), None, Some(-1)])),
            ],
        )
        .await
}

fn day(text: &str) -> TypedValue {
    TypedValue::Date(text.parse().unwrap())
}

fn moment(text: &str) -> TypedValue {
    TypedValue::Timestamp(text.parse().unwrap())
}

#[tokio::test]
async fn each_condition_permits_its_rows() {
    use TypedValue::{Boolean, Integer, Number, Text};
    let price = |digits| TypedValue::Decimal(Decimal { digits, scale: 2 });
    let cases: Vec<(&str, ColumnType, RowTest, &str)> = vec![
        ("id", ColumnType::Integer, RowTest::Equals(Integer(2)), "[[2]]"),
        ("id", ColumnType::Integer, RowTest::In(vec![Integer(1), Integer(4), Integer(9)]), "[[1],[4]]"),
        ("id", ColumnType::Integer, RowTest::Between(Integer(2), Integer(3)), "[[2],[3]]"),
        ("id", ColumnType::Integer, RowTest::Between(Integer(3), Integer(2)), "[]"),
        ("id", ColumnType::Integer, RowTest::IsNull, "[]"),
        ("name", ColumnType::Text, equals("a"), "[[1]]"),
        ("name", ColumnType::Text, equals(""), "[[4]]"),
        ("name", ColumnType::Text, equals("A"), "[]"),
        ("name", ColumnType::Text, equals("%"), "[]"),
        ("name", ColumnType::Text, equals("a' or '1'='1"), "[]"),
        ("name", ColumnType::Text, RowTest::In(vec![Text("b".into()), Text(String::new())]), "[[2],[4]]"),
        ("name", ColumnType::Text, RowTest::In((0..200).map(|i| Text(format!("x{i}"))).collect()), "[]"),
        ("name", ColumnType::Text, RowTest::Between(Text("a".into()), Text("b".into())), "[[1],[2]]"),
        ("name", ColumnType::Text, RowTest::IsNull, "[[3]]"),
        ("price", DECIMAL, RowTest::Equals(price(1250)), "[[1]]"),
        ("price", DECIMAL, RowTest::Between(price(-5), price(0)), "[[2],[4]]"),
        ("price", DECIMAL, RowTest::IsNull, "[[3]]"),
        ("ratio", ColumnType::Number, RowTest::Equals(Number(0.5)), "[[1]]"),
        ("sold", ColumnType::Boolean, RowTest::Equals(Boolean(true)), "[[1],[4]]"),
        ("sold", ColumnType::Boolean, RowTest::In(vec![Boolean(false)]), "[[2]]"),
        ("day", ColumnType::Date, RowTest::Equals(day("1970-01-01")), "[[1]]"),
        ("day", ColumnType::Date, RowTest::Between(day("1969-12-31"), day("2024-02-29")), "[[1],[2],[4]]"),
        ("at", ColumnType::Timestamp, RowTest::Equals(moment("1970-01-01T00:00:01.5")), "[[2]]"),
        (
            "at",
            ColumnType::Timestamp,
            RowTest::Between(moment("1969-12-31T00:00"), moment("1970-01-01T00:00")),
            "[[1],[4]]",
        ),
    ];
    for (column, kind, test, rows) in cases {
        let shown = format!("{column} {test:?}");
        let data = things().await.permit("things", &[(column, kind, test)]);
        assert_eq!(data.rows("select id from things order by id").await, rows, "{shown}");
        let count = rows.matches("],[").count() + usize::from(rows != "[]");
        assert_eq!(data.rows("select count(*) from things").await, format!("[[{count}]]"), "{shown}");
    }
}

#[tokio::test]
async fn conditions_of_one_policy_are_all_needed_and_one_of_the_policies_is_enough() {
    let mut data = things().await;
    let RowAccess::Some(first) = only(&[
        ("sold", ColumnType::Boolean, RowTest::Equals(TypedValue::Boolean(true))),
        ("id", ColumnType::Integer, RowTest::Equals(TypedValue::Integer(4))),
    ]) else {
        panic!()
    };
    let RowAccess::Some(second) = only(&[("name", ColumnType::Text, RowTest::IsNull)]) else { panic!() };
    data.table("things").rows = RowAccess::Some(RowFilter { any: [first.any, second.any].concat() });
    assert_eq!(data.rows("select id from things order by id").await, "[[3],[4]]");
}

#[tokio::test]
async fn no_permitted_row_is_an_empty_table_and_not_an_error() {
    let mut data = things().await;
    data.table("things").rows = RowAccess::None;
    assert_eq!(data.rows("select * from things").await, "[]");
    assert_eq!(data.rows("select count(*), max(id) from things").await, "[[0,null]]");
    assert_eq!(data.rows("select 1 / id from things where cast(name as int) > 0").await, "[]");
}

#[tokio::test]
async fn a_policy_that_does_not_fit_the_columns_shows_no_row() {
    for (column, test) in [
        ("missing", equals("a")),
        ("id", equals("1")),
        ("name", RowTest::Equals(TypedValue::Integer(1))),
        ("name", RowTest::In(vec![TypedValue::Text("a".into()), TypedValue::Integer(1)])),
        ("name", RowTest::In(vec![])),
        ("sold", equals("true")),
        ("day", equals("1970-01-01")),
        ("price", RowTest::Equals(TypedValue::Number(12.5))),
        ("id", RowTest::Equals(TypedValue::Number(1.0))),
        ("at", RowTest::Equals(day("1970-01-01"))),
    ] {
        let data = things().await.permit("things", &[(column, ColumnType::Text, test)]);
        let error = data.answer("select * from things").await.unwrap_err();
        assert_eq!(error.failure(), QueryFailure::Invalid, "{column}");
    }
}

#[tokio::test]
async fn counts_and_extremes_never_come_from_the_footer_of_the_file() {
    let data = orders_of_berlin().await;
    assert_eq!(
        data.rows("select count(*), min(id), max(id), min(city), max(city) from orders").await,
        "[[100,0,198,\"Berlin\",\"Berlin\"]]"
    );
    let open = orders().await;
    assert_eq!(open.rows("select count(*), max(city) from orders").await, "[[200,\"Paris\"]]");
}

async fn plan(data: &Data, sql: &str) -> String {
    EmbeddedEngine::new(1).prepare(&data.query(sql, vec![])).await.unwrap().plan_text()
}

#[tokio::test]
async fn only_predicates_that_cannot_fail_reach_the_files() {
    let data = orders_of_berlin().await;
    for (predicate, passes) in [
        ("id < 10", true),
        ("id in (1, 2, 3, 4, 5)", true),
        ("id between 3 and 5", true),
        ("secret = '7'", true),
        ("secret is not null", true),
        ("cast(secret as int) > 7", false),
        ("10 / amount > 7", false),
        ("lower(secret) = '7'", false),
        ("secret like '7%'", false),
        ("abs(id) < 7", false),
    ] {
        let plan = plan(&data, &format!("select count(*) from orders where {predicate}")).await;
        let (above, below) = plan.split_once("RowPolicy").unwrap();
        let column =
            predicate.split(['(', ' ', ')']).find(|word| ["id", "secret", "amount"].contains(word)).unwrap();
        let (filter, _) = below.split_once("DataSourceExec").unwrap();
        let filter = filter.split_once(", projection").map_or(filter, |(filter, _)| filter);
        assert_eq!(filter.contains(&format!("{column}@")), passes, "{predicate}\n{plan}");
        assert_eq!(above.contains("FilterExec"), !passes, "{predicate}\n{plan}");
        assert!(below.contains("city"), "{plan}");
    }
}

#[tokio::test]
async fn a_table_without_a_policy_is_planned_in_the_same_way() {
    let data = orders().await;
    for sql in [
        "select count(*) from orders",
        "select sum(id) from orders where abs(id) < 3",
        "select id from orders where id < 3",
    ] {
        assert!(plan(&data, sql).await.contains("RowPolicy"), "{sql}");
    }
}

#[tokio::test]
async fn footers_that_are_kept_tell_a_viewer_nothing_of_hidden_rows() {
    let (all, berlin) = (orders().await, orders_of_berlin().await);
    // The same files for both.
    let mut viewer = berlin;
    viewer.table("orders").files = all.tables[0].files.clone();
    let engine = EmbeddedEngine::new(1);
    for sql in [
        "select count(*) from orders",
        "select min(secret), max(secret), count(distinct city) from orders",
        "select id from orders where secret >= 'CANARY' order by id limit 3",
        "select sum(1000 / amount) from orders",
        "select approx_distinct(secret), mode(city), histogram(city) from orders",
        "select o.id from orders o join orders p on o.secret = p.secret order by 1 limit 2",
    ] {
        let query = viewer.query(sql, vec![]);
        let shown = async |engine: &EmbeddedEngine| {
            let prepared = engine.prepare(&query).await.unwrap();
            let plan = prepared.plan_text();
            let rows = collect(engine.run(&query).await.unwrap(), RowForm::List).await.unwrap();
            (plan, String::from_utf8(rows.rows).unwrap())
        };
        let cold = shown(&EmbeddedEngine::new(1)).await;
        // The owner has read all rows and all figures about them.
        for sql in ["select count(*), max(secret) from orders", "select id from orders where secret > 'C'"] {
            collect(engine.run(&all.query(sql, vec![])).await.unwrap(), RowForm::List).await.unwrap();
        }
        let warm = shown(&engine).await;
        assert_eq!(cold, warm, "{sql}");
        let (plan, rows) = warm;
        assert!(!rows.contains(CANARY), "{sql}: {rows}");
        assert!(!plan.contains(&format!("{CANARY}-")), "{plan}");
    }
}
