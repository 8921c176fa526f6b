//! Queries of members, as tables: what callers write, and the SQL with its arguments.

mod dates;
mod queries;
mod refusals;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::asked::{AskedQuery, read_queries};
use super::compile::{Compilation, CompiledQuery, compile};
use super::members::{TableMembers, title};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::json::input;
use crate::query::column::Column;
use crate::query::date_bounds::ReportClock;
use crate::query::limits::QueryLimits;
use crate::query::typed_value::TypedValue;

pub fn columns() -> Vec<Column> {
    input::read(json!([
        {"name": "id", "type": "integer"},
        {"name": "city", "type": "text", "description": "City"},
        {"name": "amount", "type": "decimal(10,2)"},
        {"name": "rate", "type": "number"},
        {"name": "day", "type": "date"},
        {"name": "at", "type": "timestamp"},
        {"name": "paid", "type": "boolean"},
        {"name": "extra", "type": "json"},
        {"name": "secret", "type": "text", "hidden": true},
        {"name": "odd \"name\"; --", "type": "text"},
        {"name": "rate_max", "type": "number"},
    ]))
    .unwrap()
}

/// A Thursday, 15 August 2024, 10:30:45, at an offset of hours.
pub fn clock(hours: i8) -> ReportClock {
    let now: jiff::Timestamp = "2024-08-15T10:30:45Z".parse().unwrap();
    let zone = if hours == 0 { TimeZone::UTC } else { TimeZone::fixed(jiff::tz::offset(hours)) };
    ReportClock::new(Timestamp::from_unix(now.as_second()), zone, jiff::civil::Weekday::Monday)
}

pub fn compiled_at(query: &Value, clock: &ReportClock) -> Result<CompiledQuery> {
    let text = query.to_string();
    let document = super::document::parse(text.as_bytes()).unwrap();
    let (_, queries) = read_queries(&document)?;
    compiled(&queries[0], clock)
}

pub fn compiled(query: &AskedQuery, clock: &ReportClock) -> Result<CompiledQuery> {
    let columns = columns();
    query.table()?;
    let members = TableMembers::new("orders", &columns);
    let limits = QueryLimits::default();
    compile(query, Compilation { members: &members, clock, limits: &limits, most_rows: 10_000 })
}

/// The SQL, and the arguments after a bar.
pub fn shown(query: &Value, clock: &ReportClock) -> String {
    match compiled_at(query, clock) {
        Ok(compiled) => {
            let arguments: Vec<_> = compiled.prepared.arguments.iter().map(argument).collect();
            if arguments.is_empty() {
                return compiled.prepared.sql;
            }
            format!("{} | {}", compiled.prepared.sql, arguments.join(" "))
        }
        Err(error) => format!("refused: {}", error.message),
    }
}

fn argument(value: &TypedValue) -> String {
    match value {
        TypedValue::Text(text) => format!("'{text}'"),
        TypedValue::Integer(number) => format!("i{number}"),
        TypedValue::Number(number) => format!("n{number}"),
        TypedValue::Decimal(decimal) => format!("d{}e-{}", decimal.digits, decimal.scale),
        TypedValue::Boolean(value) => value.to_string(),
        TypedValue::Date(date) => date.to_string(),
        TypedValue::Timestamp(moment) => moment.to_string(),
    }
}

#[test]
fn members_are_those_of_visible_columns() {
    let columns = columns();
    let members = TableMembers::new("orders", &columns);
    let dimensions: Vec<_> = members
        .dimensions()
        .iter()
        .map(|found| format!("{} {}", found.name, found.member_type.word()))
        .collect();
    assert_eq!(
        dimensions,
        [
            "id number",
            "city string",
            "amount number",
            "rate number",
            "day time",
            "at time",
            "paid boolean",
            "odd \"name\"; -- string",
            "rate_max number"
        ]
    );
    let measures: Vec<_> = members.measures().into_iter().map(|found| found.name).collect();
    for name in
        ["count", "id_sum", "city_count_distinct", "amount_avg", "day_min", "at_max", "paid_count_distinct"]
    {
        assert!(measures.iter().any(|known| known == name), "{name}");
    }
    for name in [
        "city_sum",
        "city_min",
        "day_sum",
        "at_avg",
        "extra_count_distinct",
        "secret_count_distinct",
        "paid_max",
        // A column has this name.
        "rate_max",
        "count_sum",
        "_sum",
    ] {
        assert!(!measures.iter().any(|known| known == name), "{name}");
        assert_eq!(members.measure(name), None, "{name}");
    }
    let types: Vec<_> = ["count", "amount_sum", "at_max"]
        .map(|name| members.measure(name).unwrap().member_type().word())
        .into();
    assert_eq!(types, ["number", "number", "time"]);
}

#[test]
fn names_have_titles() {
    for (name, expected) in [
        ("orders", "Orders"),
        ("amount_sum", "Amount Sum"),
        ("created_at", "Created at"),
        ("at", "At"),
        ("createdAt", "Created at"),
        ("line item", "Line Item"),
        ("city_count_distinct", "City Count Distinct"),
        ("größe", "Größe"),
        ("___", ""),
        ("ID", "Id"),
    ] {
        assert_eq!(title(name), expected, "{name}");
    }
    let columns = columns();
    assert_eq!(TableMembers::new("orders", &columns).title("amount_sum"), "Orders Amount Sum");
}
