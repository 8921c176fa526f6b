//! Rows as JSON for pages and as CSV.

use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::json::{RowForm, collect};
use vitrine_engine::encode::{ExportFormat, FileOptions, FileStream, write};
use vitrine_rules::query::typed_value::{Decimal, TypedValue};

use crate::support::Data;

async fn csv(sql: &str, guard_formulas: bool) -> String {
    let rows = EmbeddedEngine::default().run(&Data::empty().query(sql, vec![])).await.unwrap();
    let mut out = vec![];
    write(FileStream::new(ExportFormat::Csv, rows, FileOptions { guard_formulas }), &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn values_keep_their_meaning_in_json() {
    let data = Data::empty();
    for (value, json) in [
        ("null", "null"),
        ("true", "true"),
        ("1", "1"),
        ("cast(9007199254740992 as bigint)", "9007199254740992"),
        ("cast(9007199254740993 as bigint)", "\"9007199254740993\""),
        ("cast(-9007199254740993 as bigint)", "\"-9007199254740993\""),
        ("cast(18446744073709551615 as bigint unsigned)", "\"18446744073709551615\""),
        ("1.5", "1.5"),
        ("cast('nan' as double)", "null"),
        ("cast('inf' as double)", "null"),
        ("cast(12.5 as decimal(12, 2))", "12.50"),
        ("cast(-0.05 as decimal(12, 2))", "-0.05"),
        ("cast('12345678901234567890.12' as decimal(30, 2))", "\"12345678901234567890.12\""),
        ("date '2024-02-29'", "\"2024-02-29\""),
        ("timestamp '2024-02-29 10:30:00'", "\"2024-02-29T10:30:00Z\""),
        ("timestamp '2024-02-29 10:30:00.250'", "\"2024-02-29T10:30:00.25Z\""),
        ("timestamp '1969-12-31 23:59:59.5'", "\"1969-12-31T23:59:59.5Z\""),
        ("'a\"b\\c\n\u{1}ü'", "\"a\\\"b\\\\c\\n\\u0001ü\""),
        ("[1, null, 3]", "[1,null,3]"),
        ("['a', '\"']", "[\"a\",\"\\\"\"]"),
        ("named_struct('a', 1, 'b', date '2024-01-01')", "{\"a\":1,\"b\":\"2024-01-01\"}"),
    ] {
        let rows = data.rows(&format!("select {value}")).await;
        assert_eq!(rows, format!("[[{json}]]"), "{value}");
        serde_json::from_str::<serde_json::Value>(&rows).unwrap();
    }
}

#[tokio::test]
async fn columns_tell_name_type_and_display_name() {
    let answer = Data::empty()
        .answer(
            "select 'a' as order_name, 1 as n, 1.5 as x, cast(1 as decimal(10, 2)) as d, true as b,
             date '2024-01-01' as day, now() as at, [1] as list",
        )
        .await
        .unwrap();
    let columns = serde_json::to_value(&answer.columns).unwrap();
    assert_eq!(
        columns,
        serde_json::json!([
            {"name": "order_name", "type": "text", "display_name": "Order Name"},
            {"name": "n", "type": "integer", "display_name": "N"},
            {"name": "x", "type": "number", "display_name": "X"},
            {"name": "d", "type": "decimal(10,2)", "display_name": "D"},
            {"name": "b", "type": "boolean", "display_name": "B"},
            {"name": "day", "type": "date", "display_name": "Day"},
            {"name": "at", "type": "timestamp", "display_name": "At"},
            {"name": "list", "type": "json", "display_name": "List"},
        ])
    );
}

#[tokio::test]
async fn an_answer_without_rows_is_an_empty_list() {
    let answer = Data::empty().answer("select 1 as a where false").await.unwrap();
    assert_eq!((answer.rows.as_slice(), answer.count, answer.columns.len()), (b"[]".as_slice(), 0, 1));
}

#[tokio::test]
async fn rows_of_a_file_are_objects_by_display_name() {
    let query = Data::empty()
        .query("select 1 as order_id, 'x' as \"a\"\"b\" union all select 2, null order by 1", vec![]);
    let rows = EmbeddedEngine::default().run(&query).await.unwrap();
    let answer = collect(rows, RowForm::Object).await.unwrap();
    assert_eq!(
        String::from_utf8(answer.rows).unwrap(),
        r#"[{"Order Id":1,"A\"b":"x"},{"Order Id":2,"A\"b":null}]"#
    );
}

#[tokio::test]
async fn csv_guards_texts_that_are_formulas_and_nothing_else() {
    for (value, field) in [
        ("'=1+1'", "\"'=1+1\""),
        ("'+1'", "\"'+1\""),
        ("'-1'", "\"'-1\""),
        ("'@sum(a)'", "\"'@sum(a)\""),
        ("'\t=1'", "\"'\t=1\""),
        ("'\r=1'", "\"'\r=1\""),
        ("-1", "-1"),
        ("-1.5", "-1.5"),
        ("cast(-1 as decimal(5, 1))", "-1.0"),
        ("'a=1'", "a=1"),
        ("'a,b'", "\"a,b\""),
        ("'a\"b'", "\"a\"\"b\""),
        ("'a\nb'", "\"a\nb\""),
        // An empty line would be no row.
        ("null", "\"\""),
        ("''", "\"\""),
        ("['=1']", "\"[\"\"=1\"\"]\""),
        ("date '2024-01-01'", "2024-01-01"),
    ] {
        assert_eq!(csv(&format!("select {value} as v"), true).await, format!("V\n{field}\n"), "{value}");
    }
    assert_eq!(csv("select '=1' as v", false).await, "V\n=1\n");
    assert_eq!(csv("select null as a, '' as b", true).await, "A,B\n,\n");
    assert_eq!(csv("select 1 as \"=cmd\"", true).await, "\"'=cmd\"\n1\n");
}

#[tokio::test]
async fn arguments_arrive_with_their_types_and_never_as_text_of_the_statement() {
    let data = Data::empty();
    let injection = "'; drop table orders; -- $p1 {{x}}";
    for (argument, json) in [
        (TypedValue::Text(injection.to_owned()), serde_json::json!(injection)),
        (TypedValue::Text(String::new()), serde_json::json!("")),
        (TypedValue::Integer(i64::MIN), serde_json::json!(i64::MIN.to_string())),
        (TypedValue::Integer(-3), serde_json::json!(-3)),
        (TypedValue::Number(-0.1), serde_json::json!(-0.1)),
        (TypedValue::Number(1e300), serde_json::json!(1e300)),
        (TypedValue::Decimal(Decimal { digits: -5, scale: 2 }), serde_json::json!(-0.05)),
        (TypedValue::Boolean(false), serde_json::json!(false)),
        (TypedValue::Date("2024-02-29".parse().unwrap()), serde_json::json!("2024-02-29")),
        (
            TypedValue::Timestamp("2024-02-29T10:30:00.5".parse().unwrap()),
            serde_json::json!("2024-02-29T10:30:00.5Z"),
        ),
    ] {
        let answer = data.answer_with("select $p1 as a, $p1 as b", vec![argument.clone()]).await;
        let answer = answer.unwrap_or_else(|error| panic!("{argument:?}: {}", error.owner_text()));
        let rows: serde_json::Value = serde_json::from_slice(&answer.rows).unwrap();
        assert_eq!(rows, serde_json::json!([[json, json]]), "{argument:?}");
    }
}

#[tokio::test]
async fn arguments_stand_wherever_a_value_may() {
    let data = crate::support::orders().await;
    let text = |text: &str| TypedValue::Text(text.to_owned());
    for (sql, arguments, rows) in [
        ("select count(*) from orders where city = $p1", vec![text("Paris")], "[[100]]"),
        ("select count(*) from orders where city in ($p1, $p2)", vec![text("Paris"), text("x")], "[[100]]"),
        ("select count(*) from orders where city like $p1", vec![text("%er%")], "[[100]]"),
        (
            "select id from orders order by id limit $p1 offset $p2",
            vec![TypedValue::Integer(1), TypedValue::Integer(5)],
            "[[5]]",
        ),
        ("select upper($p1) || lower($p1)", vec![text("aB")], "[[\"ABab\"]]"),
        (
            "select date_trunc($p1, timestamp '2024-05-06')",
            vec![text("month")],
            "[[\"2024-05-01T00:00:00Z\"]]",
        ),
        (
            "select count(*) from orders where id between $p1 and $p2",
            vec![TypedValue::Integer(1), TypedValue::Integer(3)],
            "[[3]]",
        ),
        ("select to_char(date '2024-05-06', $p1)", vec![text("YYYY-MM")], "[[\"2024-05\"]]"),
    ] {
        let answer = data.answer_with(sql, arguments).await;
        let answer = answer.unwrap_or_else(|error| panic!("{sql}: {}", error.owner_text()));
        assert_eq!(String::from_utf8(answer.rows).unwrap(), rows, "{sql}");
    }
}
