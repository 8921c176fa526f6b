//! Filters as SQL conditions. Values are arguments and no part of the text.

use jiff::civil::{DateTime, Time};
use serde_json::Value;

use super::asked::AskedFilter;
use super::date_range::{TimeRange, stored, unreadable};
use super::members::{MemberType, TableMembers, unknown};
use super::refused;
use crate::error::{Error, Result};
use crate::query::column_type::ColumnType;
use crate::query::date_bounds::ReportClock;
use crate::query::field_filter::{Part, escape, listed, of_column};
use crate::query::typed_value::TypedValue;
use crate::resource::parameter_value::ParameterValue;

/// The rows or the groups that a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Row,
    Group,
}

/// A condition and the level at which it can be decided; no level for one without tests.
pub(super) struct Condition {
    pub parts: Vec<Part>,
    pub level: Option<Level>,
}

/// The facts that conditions are made with.
pub(super) struct Conditions<'a> {
    pub members: &'a TableMembers<'a>,
    pub clock: &'a ReportClock,
    /// The most values of one filter.
    pub most_values: usize,
    /// Set once a condition depends on the current time.
    pub is_relative: bool,
}

/// A member as conditions compare it.
struct Tested<'a> {
    path: &'a str,
    operator: &'a str,
    sql: String,
    kind: ColumnType,
    member_type: MemberType,
}

impl Tested<'_> {
    fn unfit(&self) -> Error {
        let Self { path, operator, .. } = self;
        refused(format!("operator '{operator}' cannot be used with '{path}'"))
    }

    fn wrong_values(&self) -> Error {
        let Self { path, operator, .. } = self;
        refused(format!("values of the filter '{operator}' of '{path}' do not fit its type"))
    }
}

fn sql(text: impl Into<String>) -> Part {
    Part::Sql(text.into())
}

impl Conditions<'_> {
    /// The condition of a filter, in brackets if it has several parts.
    pub fn of(&mut self, filter: &AskedFilter) -> Result<Condition> {
        match filter {
            AskedFilter::Test { member, operator, values } => self.test(member, operator, values),
            AskedFilter::All(filters) => self.group(filters, " AND "),
            AskedFilter::Any(filters) => self.group(filters, " OR "),
        }
    }

    fn group(&mut self, filters: &[AskedFilter], word: &str) -> Result<Condition> {
        let mut joined = Condition { parts: Vec::new(), level: None };
        for filter in filters {
            let condition = self.of(filter)?;
            if condition.parts.is_empty() {
                continue;
            }
            if joined.level.is_some() && joined.level != condition.level {
                return Err(refused("measures and dimensions cannot be in the same group of filters"));
            }
            joined.level = condition.level;
            if !joined.parts.is_empty() {
                joined.parts.push(sql(word));
            }
            joined.parts.extend(condition.parts);
        }
        if !joined.parts.is_empty() {
            joined.parts.insert(0, sql("("));
            joined.parts.push(sql(")"));
        }
        Ok(joined)
    }

    fn test(&mut self, path: &str, operator: &str, values: &[Value]) -> Result<Condition> {
        let name = self.members.name(path)?;
        let (tested, level) = match (self.members.dimension(name), self.members.measure(name)) {
            (Some(found), _) => {
                let tested = Tested {
                    path,
                    operator,
                    sql: found.sql,
                    kind: found.kind,
                    member_type: found.member_type,
                };
                (tested, Level::Row)
            }
            (None, Some(found)) => {
                let member_type = found.member_type();
                let tested =
                    Tested { path, operator, sql: found.stored_sql(), kind: found.kind, member_type };
                (tested, Level::Group)
            }
            (None, None) => return Err(unknown(path)),
        };
        let parts = self.condition(&tested, values)?;
        Ok(Condition { parts, level: Some(level) })
    }

    fn condition(&mut self, tested: &Tested, values: &[Value]) -> Result<Vec<Part>> {
        let column = &tested.sql;
        if tested.operator == "set" {
            return Ok(vec![sql(format!("{column} IS NOT NULL"))]);
        }
        if tested.operator == "notSet" {
            return Ok(vec![sql(format!("{column} IS NULL"))]);
        }
        let Tested { path, operator, .. } = tested;
        if values.is_empty() {
            return Err(refused(format!("values of the filter '{operator}' of '{path}' are required")));
        }
        if values.len() > self.most_values {
            let most = self.most_values;
            return Err(refused(format!("the filter '{operator}' of '{path}' has more than {most} values")));
        }
        match tested.operator {
            "equals" => self.equals(tested, values, false),
            "notEquals" => self.equals(tested, values, true),
            "contains" => pattern(tested, values, ("%", "%"), false),
            "notContains" => pattern(tested, values, ("%", "%"), true),
            "startsWith" => pattern(tested, values, ("", "%"), false),
            "notStartsWith" => pattern(tested, values, ("", "%"), true),
            "endsWith" => pattern(tested, values, ("%", ""), false),
            "notEndsWith" => pattern(tested, values, ("%", ""), true),
            "gt" => compared(tested, values, ">"),
            "gte" => compared(tested, values, ">="),
            "lt" => compared(tested, values, "<"),
            "lte" => compared(tested, values, "<="),
            "inDateRange" | "notInDateRange" | "beforeDate" | "beforeOrOnDate" | "afterDate"
            | "afterOrOnDate"
                if tested.member_type != MemberType::Time =>
            {
                Err(tested.unfit())
            }
            "inDateRange" => self.in_range(tested, values, false),
            "notInDateRange" => self.in_range(tested, values, true),
            "beforeDate" => self.beside(tested, values, |range| Some((range.from, true))),
            "beforeOrOnDate" => self.beside(tested, values, |range| Some((range.end()?, true))),
            "afterDate" => self.beside(tested, values, |range| Some((range.end()?, false))),
            "afterOrOnDate" => self.beside(tested, values, |range| Some((range.from, false))),
            _ => Err(refused(format!("operator '{operator}' of '{path}' is not supported"))),
        }
    }

    /// Null among the values is the row without a value.
    fn equals(&self, tested: &Tested, values: &[Value], is_negated: bool) -> Result<Vec<Part>> {
        let has_null = values.iter().any(Value::is_null);
        let given = values.iter().filter(|value| !value.is_null());
        let typed = given
            .map(|value| self.typed(tested, value).ok_or_else(|| tested.wrong_values()))
            .collect::<Result<Vec<_>>>()?;
        let column = &tested.sql;
        let null = match (is_negated, has_null) {
            (false, true) => Some((" OR ", format!("{column} IS NULL"))),
            (true, true) => Some((" AND ", format!("{column} IS NOT NULL"))),
            (true, false) => Some((" OR ", format!("{column} IS NULL"))),
            (false, false) => None,
        };
        let mut parts = match (typed.len(), is_negated) {
            (0, _) => Vec::new(),
            (1, false) => vec![sql(format!("{column} = "))],
            (1, true) => vec![sql(format!("{column} <> "))],
            (_, false) => vec![sql(format!("{column} IN ("))],
            (_, true) => vec![sql(format!("{column} NOT IN ("))],
        };
        let is_list = typed.len() > 1;
        parts.extend(listed(typed));
        if is_list {
            parts.push(sql(")"));
        }
        if let Some((word, null)) = null {
            if parts.is_empty() {
                return Ok(vec![sql(null)]);
            }
            parts.insert(0, sql("("));
            parts.push(sql(format!("{word}{null})")));
        }
        Ok(parts)
    }

    fn typed(&self, tested: &Tested, value: &Value) -> Option<TypedValue> {
        match (tested.member_type, value) {
            (MemberType::Time, Value::String(text)) => {
                let (range, is_relative) = TimeRange::moment(text, self.clock)?;
                (!is_relative).then(|| bound(tested.kind, range.from, self.clock, false)).flatten()
            }
            (MemberType::Boolean, Value::String(text)) => match text.as_str() {
                "true" | "1" => Some(TypedValue::Boolean(true)),
                "false" | "0" => Some(TypedValue::Boolean(false)),
                _ => None,
            },
            _ => of_column(&parameter(value)?, tested.kind),
        }
    }

    fn range(&mut self, tested: &Tested, values: &[Value]) -> Result<TimeRange> {
        let texts: Option<Vec<String>> =
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        let texts = texts.ok_or_else(|| tested.wrong_values())?;
        let (range, is_relative) =
            TimeRange::read(&texts, self.clock).ok_or_else(|| unreadable(tested.path))?;
        self.is_relative |= is_relative;
        Ok(range)
    }

    fn in_range(&mut self, tested: &Tested, values: &[Value], is_negated: bool) -> Result<Vec<Part>> {
        let range = self.range(tested, values)?;
        within(&tested.sql, tested.kind, &range, self.clock, is_negated).ok_or_else(|| tested.wrong_values())
    }

    fn beside(
        &mut self,
        tested: &Tested,
        values: &[Value],
        end: fn(&TimeRange) -> Option<(DateTime, bool)>,
    ) -> Result<Vec<Part>> {
        let [value] = values else { return Err(tested.wrong_values()) };
        let range = self.range(tested, std::slice::from_ref(value))?;
        let compared = || {
            let (moment, is_before) = end(&range)?;
            let bound = bound(tested.kind, moment, self.clock, true)?;
            let word = if is_before { "<" } else { ">=" };
            Some(vec![sql(format!("{} {word} ", tested.sql)), Part::Argument(bound)])
        };
        compared().ok_or_else(|| tested.wrong_values())
    }
}

/// The condition that a stored time is in a range of local times.
pub(super) fn within(
    column: &str,
    kind: ColumnType,
    range: &TimeRange,
    clock: &ReportClock,
    is_negated: bool,
) -> Option<Vec<Part>> {
    let from = Part::Argument(bound(kind, range.from, clock, true)?);
    let end = Part::Argument(bound(kind, range.end()?, clock, true)?);
    let (first, second) = if is_negated {
        (format!("({column} < "), format!(" OR {column} >= "))
    } else {
        (format!("({column} >= "), format!(" AND {column} < "))
    };
    Some(vec![sql(first), from, sql(second), end, sql(")")])
}

/// A local time as a value of the column. A date is the first moment of its day, so a later time of a day is `ceil`ed to the
/// next day, or is equal to no date.
fn bound(kind: ColumnType, moment: DateTime, clock: &ReportClock, ceil: bool) -> Option<TypedValue> {
    if kind != ColumnType::Date {
        return Some(TypedValue::Timestamp(stored(moment, clock)?));
    }
    let is_midnight = moment.time() == Time::midnight();
    match (is_midnight, ceil) {
        (true, _) => Some(TypedValue::Date(moment.date())),
        (false, true) => Some(TypedValue::Date(moment.date().tomorrow().ok()?)),
        (false, false) => None,
    }
}

fn parameter(value: &Value) -> Option<ParameterValue> {
    Some(match value {
        Value::String(text) => ParameterValue::Text(text.clone()),
        Value::Number(number) => ParameterValue::Number(number.clone()),
        Value::Bool(value) => ParameterValue::Boolean(*value),
        _ => return None,
    })
}

fn compared(tested: &Tested, values: &[Value], word: &str) -> Result<Vec<Part>> {
    if tested.member_type != MemberType::Number {
        return Err(tested.unfit());
    }
    let value = match values {
        [value] => parameter(value).and_then(|value| of_column(&value, tested.kind)),
        _ => None,
    };
    let value = value.ok_or_else(|| tested.wrong_values())?;
    Ok(vec![sql(format!("{} {word} ", tested.sql)), Part::Argument(value)])
}

/// LIKE without case, in which the signs of a pattern within a value stand for themselves. A row without a value contains
/// nothing, so it stays if the condition is negated.
fn pattern(
    tested: &Tested,
    values: &[Value],
    (before, after): (&str, &str),
    is_negated: bool,
) -> Result<Vec<Part>> {
    if tested.member_type != MemberType::Text {
        return Err(tested.unfit());
    }
    let column = &tested.sql;
    let (like, word) = if is_negated { ("NOT LIKE", " AND ") } else { ("LIKE", " OR ") };
    let mut parts = vec![sql("(")];
    for (index, value) in values.iter().enumerate() {
        let text = parameter(value).and_then(|value| match of_column(&value, ColumnType::Text) {
            Some(TypedValue::Text(text)) => Some(text),
            _ => None,
        });
        let text = text.ok_or_else(|| tested.wrong_values())?;
        let word = if index == 0 { "" } else { word };
        parts.push(sql(format!("{word}lower({column}) {like} lower(")));
        parts.push(Part::Argument(TypedValue::Text(format!("{before}{}{after}", escape(&text)))));
        parts.push(sql(") ESCAPE '\\'"));
    }
    parts.push(sql(if is_negated { format!(" OR {column} IS NULL)") } else { ")".to_owned() }));
    Ok(parts)
}
