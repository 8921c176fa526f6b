//! Field filters: a tag that stands for a whole condition on a column.

use crate::query::column_type::ColumnType;
use crate::query::date_bounds::{DateBounds, ReportClock};
use crate::query::typed_value::{Decimal, TypedValue};
use crate::query::widget_type::WidgetType;
use crate::resource::date_range::{DateRange, ExcludedUnit};
use crate::resource::parameter_value::{ParameterValue, parse_number};
use serde_json::Number;

/// SQL in which values are arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Sql(String),
    Argument(TypedValue),
}

/// A value that the column or the operator cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit;

/// The column that a filter is about.
#[derive(Debug, Clone, Copy)]
pub struct FilteredColumn<'a> {
    /// The column as SQL.
    pub sql: &'a str,
    pub kind: ColumnType,
    /// The local time of a timestamp as SQL, in the report's time zone.
    pub local: &'a str,
}

/// The condition that a value stands for. Conditions of several values are in brackets.
pub fn condition(
    column: FilteredColumn,
    operator: WidgetType,
    case_sensitive: bool,
    value: &ParameterValue,
    clock: &ReportClock,
) -> Result<Vec<Part>, Unfit> {
    use WidgetType as W;
    if column.kind == ColumnType::Json {
        return Err(Unfit);
    }
    let typed = || -> Result<Vec<TypedValue>, Unfit> {
        items(value).into_iter().map(|item| of_column(item, column.kind).ok_or(Unfit)).collect()
    };
    if operator.is_text_operator() {
        return pattern(column, operator, case_sensitive, value);
    }
    if column.kind.is_temporal()
        && matches!(operator, W::NumberEquals | W::NumberNotEquals | W::BooleanEquals)
    {
        return Err(Unfit);
    }
    match operator {
        W::TemporalUnit => Err(Unfit),
        W::StringNotEquals | W::NumberNotEquals => excluded(column.sql, typed()?),
        W::NumberAtMost => compared(column, "<=", typed()?),
        W::NumberAtLeast => compared(column, ">=", typed()?),
        W::NumberBetween => between(column, value),
        _ if column.kind.is_temporal() => dates(column, value, clock),
        _ if operator.is_date() => Err(Unfit),
        _ => included(column.sql, typed()?),
    }
}

fn items(value: &ParameterValue) -> Vec<&ParameterValue> {
    match value {
        ParameterValue::List(items) => items.iter().filter(|item| **item != ParameterValue::Open).collect(),
        one => vec![one],
    }
}

/// Types a value as one of the column. Numbers that the column cannot hold are compared as they are.
pub fn of_column(value: &ParameterValue, kind: ColumnType) -> Option<TypedValue> {
    match (kind, value) {
        (ColumnType::Text, value) => text(value).map(TypedValue::Text),
        (ColumnType::Boolean, ParameterValue::Boolean(value)) => Some(TypedValue::Boolean(*value)),
        (ColumnType::Boolean, ParameterValue::Text(text)) => {
            text.trim().parse().ok().map(TypedValue::Boolean)
        }
        (
            ColumnType::Integer | ColumnType::Number | ColumnType::Decimal { .. },
            ParameterValue::Number(value),
        ) => kind.number(value).or_else(|| number(value)),
        (
            ColumnType::Integer | ColumnType::Number | ColumnType::Decimal { .. },
            ParameterValue::Text(text),
        ) => parse_number(text).and_then(|value| kind.number(&value).or_else(|| number(&value))),
        (ColumnType::Date, ParameterValue::Date(moment)) => Some(TypedValue::Date(moment.date())),
        _ => None,
    }
}

/// Types a number by itself: whole numbers are exact.
pub fn number(number: &Number) -> Option<TypedValue> {
    if let Some(whole) = number.as_i64() {
        return Some(TypedValue::Integer(whole));
    }
    match number.as_u64() {
        Some(large) => Some(TypedValue::Decimal(Decimal { digits: large.into(), scale: 0 })),
        None => number.as_f64().filter(|value| value.is_finite()).map(TypedValue::Number),
    }
}

/// Writes a value as text.
pub fn text(value: &ParameterValue) -> Option<String> {
    match value {
        ParameterValue::Text(text) => Some(text.clone()),
        ParameterValue::Number(number) => Some(number.to_string()),
        ParameterValue::Boolean(value) => Some(value.to_string()),
        ParameterValue::Date(moment) if moment.time() == jiff::civil::Time::midnight() => {
            Some(moment.date().to_string())
        }
        ParameterValue::Date(moment) => Some(moment.to_string()),
        ParameterValue::DateRange(_) | ParameterValue::List(_) | ParameterValue::Open => None,
    }
}

fn sql(text: impl Into<String>) -> Part {
    Part::Sql(text.into())
}

/// Joins arguments by commas.
pub fn listed(values: Vec<TypedValue>) -> Vec<Part> {
    let mut parts = Vec::with_capacity(values.len() * 2);
    for value in values {
        if !parts.is_empty() {
            parts.push(sql(", "));
        }
        parts.push(Part::Argument(value));
    }
    parts
}

/// A list is one IN: planners take quadratic time for long chains of OR.
fn included(column: &str, values: Vec<TypedValue>) -> Result<Vec<Part>, Unfit> {
    match values.len() {
        0 => Err(Unfit),
        1 => Ok([vec![sql(format!("{column} = "))], listed(values)].concat()),
        _ => Ok([vec![sql(format!("{column} IN ("))], listed(values), vec![sql(")")]].concat()),
    }
}

/// Rows without a value are not equal to any, so they stay.
fn excluded(column: &str, values: Vec<TypedValue>) -> Result<Vec<Part>, Unfit> {
    let tail = format!(" OR {column} IS NULL)");
    match values.len() {
        0 => Err(Unfit),
        1 => Ok([vec![sql(format!("({column} <> "))], listed(values), vec![sql(tail)]].concat()),
        _ => Ok([vec![sql(format!("({column} NOT IN ("))], listed(values), vec![sql(format!("){tail}"))]]
            .concat()),
    }
}

fn compared(column: FilteredColumn, operator: &str, values: Vec<TypedValue>) -> Result<Vec<Part>, Unfit> {
    match <[TypedValue; 1]>::try_from(values) {
        Ok([value]) if column.kind.is_numeric() => {
            Ok(vec![sql(format!("{} {operator} ", column.sql)), Part::Argument(value)])
        }
        _ => Err(Unfit),
    }
}

fn between(column: FilteredColumn, value: &ParameterValue) -> Result<Vec<Part>, Unfit> {
    let ParameterValue::List(items) = value else { return Err(Unfit) };
    let [low, high] = &items[..] else { return Err(Unfit) };
    if !column.kind.is_numeric() {
        return Err(Unfit);
    }
    let end = |value: &ParameterValue| of_column(value, column.kind).ok_or(Unfit);
    match (low, high) {
        (ParameterValue::Open, high) => compared(column, "<=", vec![end(high)?]),
        (low, ParameterValue::Open) => compared(column, ">=", vec![end(low)?]),
        (low, high) => Ok(vec![
            sql(format!("{} BETWEEN ", column.sql)),
            Part::Argument(end(low)?),
            sql(" AND "),
            Part::Argument(end(high)?),
        ]),
    }
}

/// LIKE, in which the signs of a pattern within the value stand for themselves.
fn pattern(
    column: FilteredColumn,
    operator: WidgetType,
    case_sensitive: bool,
    value: &ParameterValue,
) -> Result<Vec<Part>, Unfit> {
    if column.kind != ColumnType::Text {
        return Err(Unfit);
    }
    let is_negated = operator == WidgetType::StringDoesNotContain;
    let (before, after) = match operator {
        WidgetType::StringStartsWith => ("", "%"),
        WidgetType::StringEndsWith => ("%", ""),
        _ => ("%", "%"),
    };
    let like = if is_negated { "NOT LIKE" } else { "LIKE" };
    let values = items(value);
    let is_list = values.len() > 1;
    let mut parts = Vec::new();
    for value in values {
        let escaped = escape(&text(value).ok_or(Unfit)?);
        parts.push(sql(match (parts.is_empty(), is_negated) {
            (true, _) => "",
            (false, true) => " AND ",
            (false, false) => " OR ",
        }));
        let (left, right) = if case_sensitive {
            (format!("{} {like} ", column.sql), " ESCAPE '\\'".to_owned())
        } else {
            (format!("lower({}) {like} lower(", column.sql), ") ESCAPE '\\'".to_owned())
        };
        let tail = if is_negated { format!("{right} OR {} IS NULL)", column.sql) } else { right };
        parts.push(sql(if is_negated { format!("({left}") } else { left }));
        parts.push(Part::Argument(TypedValue::Text(format!("{before}{escaped}{after}"))));
        parts.push(sql(tail));
    }
    if parts.is_empty() {
        return Err(Unfit);
    }
    Ok(if is_list { [vec![sql("(")], parts, vec![sql(")")]].concat() } else { parts })
}

pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        if matches!(letter, '\\' | '%' | '_') {
            escaped.push('\\');
        }
        escaped.push(letter);
        escaped
    })
}

fn dates(column: FilteredColumn, value: &ParameterValue, clock: &ReportClock) -> Result<Vec<Part>, Unfit> {
    let values = items(value);
    let is_list = values.len() > 1;
    let mut parts = Vec::new();
    for value in values {
        let bounds = bounds(value, clock).ok_or(Unfit)?;
        if !parts.is_empty() {
            parts.push(sql(" OR "));
        }
        parts.extend(match column.kind {
            ColumnType::Date => on_date(column, bounds),
            _ => on_timestamp(column, bounds, clock).ok_or(Unfit)?,
        });
    }
    match (parts.is_empty(), is_list) {
        (true, _) => Err(Unfit),
        (_, true) => Ok([vec![sql("(")], parts, vec![sql(")")]].concat()),
        (_, false) => Ok(parts),
    }
}

fn bounds(value: &ParameterValue, clock: &ReportClock) -> Option<DateBounds> {
    match value {
        ParameterValue::Date(moment) => {
            let has_time = moment.time() != jiff::civil::Time::midnight();
            DateBounds::of(&DateRange::Between { from: Some(*moment), until: Some(*moment), has_time }, clock)
        }
        ParameterValue::DateRange(range) => DateBounds::of(range, clock),
        ParameterValue::Text(text) => DateBounds::of(&text.trim().parse().ok()?, clock),
        _ => None,
    }
}

fn on_date(column: FilteredColumn, bounds: DateBounds) -> Vec<Part> {
    let name = column.sql;
    let (from, until) = match bounds {
        DateBounds::Days { from, until } => (from, until),
        // Moments cut to their days.
        DateBounds::Moments { from, until } => {
            let last = until.and_then(|until| until.checked_sub(jiff::Span::new().nanoseconds(1)).ok());
            let next = last.and_then(|last| last.date().tomorrow().ok());
            (from.map(|from| from.date()), next)
        }
        DateBounds::Exclude { unit, values } => return excluded_parts(name, name, unit, &values),
    };
    let date = |date| Part::Argument(TypedValue::Date(date));
    let before = |date: jiff::civil::Date| date.yesterday().unwrap_or(date);
    match (from, until) {
        (Some(from), Some(until)) if before(until) <= from => vec![sql(format!("{name} = ")), date(from)],
        (Some(from), Some(until)) => {
            vec![sql(format!("{name} BETWEEN ")), date(from), sql(" AND "), date(before(until))]
        }
        (Some(from), None) => vec![sql(format!("{name} > ")), date(before(from))],
        (None, Some(until)) => vec![sql(format!("{name} < ")), date(until)],
        (None, None) => vec![sql("1 = 1")],
    }
}

fn on_timestamp(column: FilteredColumn, bounds: DateBounds, clock: &ReportClock) -> Option<Vec<Part>> {
    let name = column.sql;
    let (from, until) = match bounds {
        DateBounds::Days { from, until } => {
            let midnight = |date: jiff::civil::Date| date.at(0, 0, 0, 0);
            (from.map(midnight), until.map(midnight))
        }
        DateBounds::Moments { from, until } => (from, until),
        DateBounds::Exclude { unit, values } => {
            return Some(excluded_parts(name, column.local, unit, &values));
        }
    };
    let moment = |civil| clock.utc(civil).map(|moment| Part::Argument(TypedValue::Timestamp(moment)));
    Some(match (from, until) {
        (Some(from), Some(until)) => {
            vec![
                sql(format!("({name} >= ")),
                moment(from)?,
                sql(format!(" AND {name} < ")),
                moment(until)?,
                sql(")"),
            ]
        }
        (Some(from), None) => vec![sql(format!("{name} >= ")), moment(from)?],
        (None, Some(until)) => vec![sql(format!("{name} < ")), moment(until)?],
        (None, None) => vec![sql("1 = 1")],
    })
}

fn excluded_parts(column: &str, local: &str, unit: ExcludedUnit, values: &[u8]) -> Vec<Part> {
    let part = match unit {
        ExcludedUnit::Hours => "hour",
        ExcludedUnit::Days => "dow",
        ExcludedUnit::Months => "month",
        ExcludedUnit::Quarters => "quarter",
    };
    let values = values.iter().map(|value| TypedValue::Integer(i64::from(*value))).collect();
    [
        vec![sql(format!("(EXTRACT({part} FROM {local}) NOT IN ("))],
        listed(values),
        vec![sql(format!(") OR {column} IS NULL)"))],
    ]
    .concat()
}
