//! Templates with values, as tables of data.
//!
//! Each case has the SQL, the tags, the values by tag and the result: the SQL with its arguments, or the message.

mod blocks;
mod field_filters;
mod samples;

use std::collections::BTreeMap;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::choose::{ChosenQuery, NamedQuery};
use super::column_type::ColumnType;
use super::date_bounds::ReportClock;
use super::definition::{Dimension, QueryDefinition};
use super::limits::QueryLimits;
use super::prepare::{Catalog, GivenValue, GivenValues, Preparation, PreparedSql, prepare};
use super::query_error::QueryError;
use super::typed_value::TypedValue;
use super::widget_type::WidgetType;
use crate::clock::Timestamp;
use crate::json::input;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
use crate::resource::parameter::Parameter;
use crate::resource::parameter_value::ParameterValue;

#[derive(Default)]
struct Stored {
    questions: BTreeMap<u64, QueryDefinition>,
}

impl Catalog for Stored {
    fn column(&self, dimension: &Dimension) -> Option<ColumnType> {
        let kind = match (dimension.table.as_str(), dimension.column.as_str()) {
            ("orders", "city" | "odd \"name\"") => "text",
            ("orders", "id") => "integer",
            ("orders", "weight") => "number",
            ("orders", "amount") => "decimal(10,2)",
            ("orders", "paid") => "boolean",
            ("orders", "day") => "date",
            ("orders", "at") => "timestamp",
            ("orders", "extra") => "json",
            _ => return None,
        };
        kind.parse().ok()
    }

    fn question(&self, id: u64) -> Option<QueryDefinition> {
        self.questions.get(&id).cloned()
    }
}

fn definition(sql: &str, tags: Value) -> QueryDefinition {
    input::read(json!({"sql": sql, "tags": tags, "snippets": {"vip": "level > 3"}})).unwrap()
}

/// Types a value as a declared parameter of this type would.
fn typed(kind: WidgetType, value: &Value) -> Option<ParameterValue> {
    let parameter = Parameter {
        slug: "x".to_owned(),
        name: "X".to_owned(),
        kind: kind.parameter_type(),
        id: None,
        default: None,
        required: false,
        multiple: true,
        values: None,
        values_strict: false,
    };
    ParameterValue::of(&parameter, value).unwrap_or_else(|_| panic!("{} {value}", kind.word()))
}

fn given(kind: &str, value: &Value) -> GivenValue {
    let kind = WidgetType::parse(kind).unwrap();
    GivenValue { kind, value: typed(kind, value), case_sensitive: None }
}

fn clock(zone: TimeZone) -> ReportClock {
    let now: jiff::Timestamp = "2016-06-07T12:13:55Z".parse().unwrap();
    ReportClock::new(Timestamp::from_unix(now.as_second()), zone, Weekday::Sunday)
}

fn run_with(
    definition: &QueryDefinition,
    values: &GivenValues,
    stored: &Stored,
    clock: &ReportClock,
) -> Result<PreparedSql, QueryError> {
    prepare(definition, values, Preparation { catalog: stored, clock, limits: &QueryLimits::default() })
}

fn run(definition: &QueryDefinition, values: &GivenValues) -> Result<PreparedSql, QueryError> {
    run_with(definition, values, &Stored::default(), &clock(TimeZone::UTC))
}

/// `sql ; argument, argument`, where a text is in quotes and every other value has its type.
fn shown(result: Result<PreparedSql, QueryError>) -> String {
    let argument = |value: &TypedValue| match value {
        TypedValue::Text(text) => format!("'{text}'"),
        TypedValue::Integer(number) => format!("{number}"),
        TypedValue::Decimal(decimal) => format!("{}e-{}", decimal.digits, decimal.scale),
        TypedValue::Number(number) => format!("{number:?}f"),
        TypedValue::Boolean(value) => format!("{value}"),
        TypedValue::Date(date) => format!("date {date}"),
        TypedValue::Timestamp(moment) => format!("at {moment}"),
    };
    match result {
        Err(error) => format!("! {error}"),
        Ok(PreparedSql { sql, arguments, .. }) if arguments.is_empty() => sql,
        Ok(PreparedSql { sql, arguments, .. }) => {
            format!("{sql} ; {}", arguments.iter().map(argument).collect::<Vec<_>>().join(", "))
        }
    }
}

/// type of the tag, type of the parameter, value, result of `a = {{x}}`
#[test]
fn raw_tags_become_typed_arguments() {
    let cases = [
        ("text", "category", json!("Berlin"), "a = $p1 ; 'Berlin'"),
        ("text", "text", json!("Berlin"), "a = $p1 ; 'Berlin'"),
        ("text", "string/=", json!("Berlin"), "a = $p1 ; 'Berlin'"),
        ("text", "category", json!("x' or '1'='1"), "a = $p1 ; 'x' or '1'='1'"),
        ("text", "category", json!("{{y}}"), "a = $p1 ; '{{y}}'"),
        ("text", "category", json!("$p2"), "a = $p1 ; '$p2'"),
        ("text", "category", json!("; drop table orders --"), "a = $p1 ; '; drop table orders --'"),
        ("text", "category", json!(5), "a = $p1 ; '5'"),
        ("text", "category", json!(true), "a = $p1 ; 'true'"),
        ("text", "category", json!(["a", "b"]), "a = $p1, $p2 ; 'a', 'b'"),
        ("text", "category", json!(["a", "a"]), "a = $p1, $p1 ; 'a'"),
        ("text", "category", json!(["a"]), "a = $p1 ; 'a'"),
        ("text", "category", json!("1,2,3"), "a = $p1 ; '1,2,3'"),
        ("text", "id", json!("7"), "a = $p1 ; '7'"),
        ("text", "location/city", json!("Berlin"), "a = $p1 ; 'Berlin'"),
        ("number", "number/=", json!(3), "a = $p1 ; 3"),
        ("number", "number/=", json!("3"), "a = $p1 ; 3"),
        ("number", "number/=", json!("3.0"), "a = $p1 ; 3.0f"),
        ("number", "number/=", json!(3.5), "a = $p1 ; 3.5f"),
        ("number", "number/=", json!("-3"), "a = $p1 ; -3"),
        ("number", "number/=", json!("1e3"), "a = $p1 ; 1000.0f"),
        ("number", "number/=", json!("1,2,3"), "a = $p1, $p2, $p3 ; 1, 2, 3"),
        ("number", "number/=", json!("1, 2.5"), "a = $p1, $p2 ; 1, 2.5f"),
        ("number", "number/=", json!([1, 2]), "a = $p1, $p2 ; 1, 2"),
        ("number", "number/=", json!([null, 2]), "a = $p1 ; 2"),
        ("number", "number/=", json!("9007199254740993"), "a = $p1 ; 9007199254740993"),
        ("number", "number/=", json!("18446744073709551615"), "a = $p1 ; 18446744073709551615e-0"),
        ("number", "category", json!("3"), "a = $p1 ; 3"),
        ("number", "category", json!("1,2"), "a = $p1, $p2 ; 1, 2"),
        ("number", "category", json!("three"), "! Invalid value for :x."),
        ("number", "category", json!("1 or 1=1"), "! Invalid value for :x."),
        ("number", "category", json!("1,two"), "! Invalid value for :x."),
        ("number", "category", json!(true), "! Invalid value for :x."),
        ("number", "category", json!(["1", "x"]), "! Invalid value for :x."),
        ("date", "date/single", json!("2024-02-29"), "a = $p1 ; date 2024-02-29"),
        ("date", "date", json!("2024-02-29"), "a = $p1 ; date 2024-02-29"),
        ("date", "date/single", json!("2024-02-29T10:30"), "a = $p1 ; at 2024-02-29T10:30:00"),
        ("date", "date/all-options", json!("2024-02-29"), "a = $p1 ; date 2024-02-29"),
        ("date", "date/all-options", json!("past3days"), "! Invalid value for :x."),
        ("date", "date/all-options", json!("2024-01-01~2024-02-01"), "! Invalid value for :x."),
        ("date", "date/all-options", json!("2024-01-01~"), "! Invalid value for :x."),
        ("date", "category", json!("2024-02-29"), "a = $p1 ; date 2024-02-29"),
        ("date", "category", json!("2024-02-30"), "! Invalid value for :x."),
        ("date", "category", json!("today"), "! Invalid value for :x."),
        ("boolean", "boolean/=", json!(true), "a = $p1 ; true"),
        ("boolean", "boolean/=", json!("false"), "a = $p1 ; false"),
        ("boolean", "category", json!("TRUE"), "a = $p1 ; true"),
        ("boolean", "category", json!("yes"), "! Invalid value for :x."),
        ("boolean", "category", json!(1), "! Invalid value for :x."),
    ];
    for (tag, kind, value, expected) in cases {
        let query = definition("a = {{x}}", json!({"x": {"type": tag}}));
        let values = BTreeMap::from([("x".to_owned(), vec![given(kind, &value)])]);
        assert_eq!(shown(run(&query, &values)), expected, "{tag} {kind} {value}");
    }
}

#[test]
fn several_parameters_of_one_tag_agree_or_are_combined() {
    let column = json!({"table": "orders", "column": "city"});
    let filter = definition(
        "{{x}}",
        json!({"x": {"type": "dimension", "dimension": column, "widget_type": "category"}}),
    );
    let raw = definition("{{x}}", json!({"x": {"type": "text"}}));
    let values = |texts: &[Value]| {
        BTreeMap::from([(
            "x".to_owned(),
            texts.iter().map(|text| given("category", text)).collect::<Vec<_>>(),
        )])
    };
    assert_eq!(
        shown(run(&filter, &values(&[json!("a"), json!("b")]))),
        r#"("orders"."city" = $p1 AND "orders"."city" = $p2) ; 'a', 'b'"#
    );
    assert_eq!(shown(run(&filter, &values(&[json!("a"), json!("a")]))), r#""orders"."city" = $p1 ; 'a'"#);
    assert_eq!(shown(run(&filter, &values(&[json!("a"), json!(null)]))), r#""orders"."city" = $p1 ; 'a'"#);
    assert_eq!(shown(run(&raw, &values(&[json!("a"), json!("a")]))), "$p1 ; 'a'");
    assert_eq!(
        shown(run(&raw, &values(&[json!("a"), json!("b")]))),
        "! Several different values are given for :x."
    );
}

#[test]
fn a_tag_refuses_parameters_of_other_types() {
    let column = json!({"table": "orders", "column": "city"});
    let filter = |widget: &str| json!({"type": "dimension", "dimension": column, "widget_type": widget});
    let cases = [
        (
            json!({"type": "text"}),
            "string/!=",
            "Invalid parameter type string/!= for parameter \"x\". Parameter type must be one of: text, id, category, ",
        ),
        (json!({"type": "text"}), "string/contains", "Invalid parameter type string/contains"),
        (
            json!({"type": "number"}),
            "number/>=",
            "Invalid parameter type number/>= for parameter \"x\". Parameter type must be one of: number, id, category, location/zip_code, number/=",
        ),
        (filter("category"), "string/!=", "Invalid parameter type string/!="),
        (filter("string/="), "string/does-not-contain", "Invalid parameter type string/does-not-contain"),
        (filter("string/contains"), "string/starts-with", "Invalid parameter type string/starts-with"),
        (filter("string/contains"), "string/=", "Invalid parameter type string/="),
    ];
    for (tag, kind, message) in cases {
        let query = definition("{{x}}", json!({ "x": tag }));
        let value = if kind.starts_with("number") { json!(1) } else { json!("a") };
        let values = BTreeMap::from([("x".to_owned(), vec![given(kind, &value)])]);
        let error = run(&query, &values).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        let error = crate::error::Error::from(error);
        assert_eq!(error.reason, crate::error::Reason::ParameterInvalid);
    }
    let query = definition("{{x}}", json!({"x": {"type": "text"}}));
    let stray = BTreeMap::from([("y".to_owned(), vec![given("category", &json!("a"))])]);
    assert_eq!(run(&query, &stray), Err(QueryError::UnknownTag("y".to_owned())));
}

#[test]
fn values_have_limits() {
    let query = definition("a in ({{x}})", json!({"x": {"type": "text"}}));
    let values = |count: usize| {
        let list: Vec<_> = (0..count).map(|number| json!(format!("v{number}"))).collect();
        BTreeMap::from([("x".to_owned(), vec![given("category", &json!(list))])])
    };
    assert_eq!(run(&query, &values(200)).unwrap().arguments.len(), 200);
    assert_eq!(run(&query, &values(201)), Err(QueryError::TooManyValues { tag: "x".to_owned(), most: 200 }));
    let long = definition(&"{{x}},".repeat(5_000), json!({"x": {"type": "text"}}));
    assert_eq!(run(&long, &values(200)), Err(QueryError::TooLong(128 * 1024)));
    assert!(run(&long, &values(1)).is_ok());
}

#[test]
fn a_unit_of_time_without_a_column_is_its_word() {
    let query = definition("select date_trunc({{x}}, day)", json!({"x": {"type": "temporal-unit"}}));
    let unit = |value: &str| {
        let values = vec![given("temporal-unit", &json!(value))];
        shown(run(&query, &[("x".to_owned(), values)].into_iter().collect()))
    };
    for word in ["minute", "hour", "day", "week", "month", "quarter", "year"] {
        assert_eq!(unit(word), format!("select date_trunc('{word}', day)"));
    }
    for word in ["decade", "day-of-week", "month', day) --", "Month", "1"] {
        assert_eq!(unit(word), "! Invalid value for :x.", "{word}");
    }
    assert!(run(&query, &GivenValues::new()).is_err());
}

#[test]
fn units_of_time_come_from_a_closed_list() {
    let unit = |column: &str, value: Option<&str>| {
        let tag = json!({"type": "temporal-unit", "dimension": {"table": "orders", "column": column}});
        let query = definition("{{x}}", json!({ "x": tag }));
        let values = value.map(|value| ("x".to_owned(), vec![given("temporal-unit", &json!(value))]));
        shown(run(&query, &values.into_iter().collect()))
    };
    let cases = [
        ("day", None, r#""orders"."day""#),
        ("day", Some("month"), r#"date_trunc('month', "orders"."day")"#),
        ("at", Some("hour"), r#"date_trunc('hour', "orders"."at")"#),
        ("day", Some("year"), r#"date_trunc('year', "orders"."day")"#),
        ("day", Some("quarter"), r#"date_trunc('quarter', "orders"."day")"#),
        (
            "day",
            Some("week"),
            r#"(date_trunc('week', "orders"."day" + INTERVAL '1 days') - INTERVAL '1 days')"#,
        ),
        ("day", Some("day-of-week"), r#"((EXTRACT(dow FROM "orders"."day") + 7) % 7 + 1)"#),
        ("day", Some("month-of-year"), r#"EXTRACT(month FROM "orders"."day")"#),
        ("day", Some("decade"), "! Invalid value for :x."),
        ("day", Some("month', day) --"), "! Invalid value for :x."),
        ("city", Some("month"), "! Invalid value for :x."),
        ("gone", Some("month"), "! There is no column \"gone\" in the table \"orders\"."),
    ];
    for (column, value, expected) in cases {
        assert_eq!(unit(column, value), expected, "{column} {value:?}");
    }
}

#[test]
fn days_of_a_report_are_those_of_its_time_zone() {
    let filter = |column: &str| {
        let tag = json!({"type": "dimension", "dimension": {"table": "orders", "column": column}, "widget_type": "date/all-options"});
        definition("{{x}}", json!({ "x": tag }))
    };
    let zone = || TimeZone::fixed(jiff::tz::offset(2));
    let run = |column: &str, value: &str| {
        let values = BTreeMap::from([("x".to_owned(), vec![given("date/all-options", &json!(value))])]);
        shown(run_with(&filter(column), &values, &Stored::default(), &clock(zone())))
    };
    assert_eq!(
        run("at", "2024-02-29"),
        r#"("orders"."at" >= $p1 AND "orders"."at" < $p2) ; at 2024-02-28T22:00:00, at 2024-02-29T22:00:00"#
    );
    assert_eq!(run("day", "2024-02-29"), r#""orders"."day" = $p1 ; date 2024-02-29"#);
    assert_eq!(
        run("at", "exclude-hours-0"),
        r#"(EXTRACT(hour FROM ("orders"."at" + INTERVAL '7200 seconds')) NOT IN ($p1) OR "orders"."at" IS NULL) ; 0"#
    );
}

/// Values of a view are typed by its parameters, and a tag takes them whatever the declared type is.
#[test]
fn a_view_gives_the_values_of_tags_by_name() {
    let column = json!({"table": "orders", "column": "city"});
    let query = definition(
        "{{t}} {{n}} [[{{d}}]] [[{{e}}]] {{f}}",
        json!({
            "t": {"type": "text"},
            "n": {"type": "number"},
            "d": {"type": "text", "default": "d"},
            "e": {"type": "text", "default": "e"},
            "f": {"type": "dimension", "dimension": column, "widget_type": "string/contains"},
        }),
    );
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    let values = BTreeMap::from([
        ("t".to_owned(), text("a")),
        ("n".to_owned(), text("5")),
        ("f".to_owned(), text("b")),
        ("other".to_owned(), text("c")),
    ]);
    let given = ["t", "n", "d", "f", "other"].map(|name| (name.to_owned(), json!(null))).into();
    let content: Content = input::read(json!({"type": "question", "query": query})).unwrap();
    let questions = CardQuestions::default();
    let chosen = ChosenQuery::of(Some(&content), &questions, NamedQuery::default()).unwrap();
    assert_eq!(
        shown(run(&query, &chosen.given_values(&values, &given, &[]))),
        r#"$p1 $p2  $p3 "orders"."city" LIKE $p4 ESCAPE '\' ; 'a', 5, 'e', '%b%'"#
    );
}

#[test]
fn relative_values_are_noticed() {
    let column = json!({"table": "orders", "column": "day"});
    let query = definition(
        "{{x}}",
        json!({"x": {"type": "dimension", "dimension": column, "widget_type": "date/all-options"}}),
    );
    for (value, expected) in [
        ("past30days", true),
        ("today", true),
        ("thisyear", true),
        ("2024-01", false),
        ("2024-01-01~", false),
        ("exclude-days-Mon", false),
    ] {
        let values = BTreeMap::from([("x".to_owned(), vec![given("date/all-options", &json!(value))])]);
        assert_eq!(run(&query, &values).unwrap().is_relative, expected, "{value}");
    }
}

proptest! {
    /// The text of a query depends on the number of values and never on their content.
    #[test]
    fn values_never_become_text(texts in prop::collection::vec("\\PC{1,20}", 1..5)) {
        let tags = json!({
            "x": {"type": "text"},
            "f": {"type": "dimension", "dimension": {"table": "orders", "column": "city"}, "widget_type": "string/contains"},
        });
        let query = definition("select 1 where a in ({{x}}) and {{f}}", tags);
        let list: Vec<ParameterValue> = texts.iter().cloned().map(ParameterValue::Text).collect();
        let with = |list: Vec<ParameterValue>| {
            let given = |kind| vec![GivenValue { kind, value: Some(ParameterValue::List(list.clone())), case_sensitive: None }];
            let values = BTreeMap::from([
                ("x".to_owned(), given(WidgetType::Category)),
                ("f".to_owned(), given(WidgetType::StringContains)),
            ]);
            run(&query, &values).unwrap()
        };
        let prepared = with(list);
        let mut distinct = texts.clone();
        distinct.sort();
        distinct.dedup();
        if distinct.len() == texts.len() {
            let plain = with((0..texts.len()).map(|n| ParameterValue::Text(format!("plain{n}"))).collect());
            prop_assert_eq!(&prepared.sql, &plain.sql);
        }
        for text in &texts {
            prop_assert!(prepared.arguments.contains(&TypedValue::Text(text.clone())));
        }
    }

    /// No template and no value makes the rules panic.
    #[test]
    fn every_template_is_answered(sql in "(\\[\\[|\\]\\]|\\{\\{[xyfg]\\}\\}|\\{\\{|'|\"|--|/\\*|\\*/|\n|\\$|;| |a){0,30}", value in "\\PC{0,10}") {
        let tags = json!({
            "x": {"type": "text"},
            "y": {"type": "number"},
            "f": {"type": "dimension", "dimension": {"table": "orders", "column": "day"}, "widget_type": "category"},
            "g": {"type": "dimension", "dimension": {"table": "orders", "column": "city"}},
        });
        let given = |kind| vec![GivenValue { kind, value: Some(ParameterValue::Text(value.clone())), case_sensitive: None }];
        let values = ["x", "y", "f", "g"].map(|name| (name.to_owned(), given(WidgetType::Category)));
        if let Ok(prepared) = run(&definition(&sql, tags), &values.into_iter().collect()) {
            for index in 0..prepared.arguments.len() {
                let placeholder = format!("${}", PreparedSql::argument_name(index));
                prop_assert!(prepared.sql.contains(&placeholder), "{}", prepared.sql);
            }
        }
    }
}
