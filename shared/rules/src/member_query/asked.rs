//! Queries of members as callers write them.

use serde_json::{Map, Value};

use super::members::Granularity;
use super::refused;
use crate::error::Result;

/// The most rows of an answer, and the number of rows if a query names none.
pub const MOST_ROWS: usize = 10_000;
/// The most members in one list.
const MOST_MEMBERS: usize = 50;
/// The most filters of a query, and levels of groups in them.
const MOST_FILTERS: usize = 100;
const MOST_LEVELS: usize = 20;
/// The most queries of one request.
const MOST_QUERIES: usize = 10;
const MOST_OFFSET: u64 = 1_000_000_000;

/// One query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AskedQuery {
    pub measures: Vec<String>,
    pub dimensions: Vec<String>,
    pub time_dimensions: Vec<AskedTime>,
    pub filters: Vec<AskedFilter>,
    /// Members, each with whether the largest comes first.
    pub order: Vec<(String, bool)>,
    pub limit: Option<u64>,
    pub offset: u64,
    pub total: bool,
    pub ungrouped: bool,
    pub time_zone: Option<String>,
    pub form: RowsForm,
}

/// A time by which rows are grouped, filtered, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedTime {
    pub dimension: String,
    pub granularity: Option<Granularity>,
    pub range: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AskedFilter {
    Test { member: String, operator: String, values: Vec<Value> },
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// The form of an answer's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowsForm {
    /// Objects by member.
    #[default]
    Default,
    /// Lists of values, and the members once.
    Compact,
    /// A list of values for each member.
    Columnar,
}

impl RowsForm {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Compact => "compact",
            Self::Columnar => "columnar",
        }
    }
}

/// The relation of the queries of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    Regular,
    /// Several ranges of dates of one query.
    CompareDateRange,
    /// Several queries along one axis of time.
    Blending,
}

impl QueryKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Regular => "regularQuery",
            Self::CompareDateRange => "compareDateRangeQuery",
            Self::Blending => "blendingQuery",
        }
    }
}

/// Reads the queries of one request, from a parsed [document](super::document): one, a list of them, or one that compares ranges of dates.
pub fn read_queries(document: &Value) -> Result<(QueryKind, Vec<AskedQuery>)> {
    let queries = match document {
        Value::Array(items) if items.is_empty() => return Err(refused("query must not be an empty list")),
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    if queries.len() > MOST_QUERIES {
        return Err(refused(format!("query must be at most {MOST_QUERIES} queries")));
    }
    if let [one] = queries[..]
        && let Some(ranges) = compared_ranges(one)?
    {
        let with_range = |range: &Value| {
            let mut query = one.clone();
            let time = &mut query["timeDimensions"][0];
            if let Value::Object(time) = time {
                time.remove("compareDateRange");
                time.insert("dateRange".to_owned(), range.clone());
            }
            AskedQuery::read(&query)
        };
        let queries = ranges.iter().map(with_range).collect::<Result<_>>()?;
        return Ok((QueryKind::CompareDateRange, queries));
    }
    let queries: Vec<_> = queries.into_iter().map(AskedQuery::read).collect::<Result<_>>()?;
    if queries.len() == 1 {
        return Ok((QueryKind::Regular, queries));
    }
    let axis = |query: &AskedQuery| match &query.time_dimensions[..] {
        [time] => time.granularity,
        _ => None,
    };
    let first = queries.first().and_then(axis);
    if first.is_none() || queries.iter().any(|query| axis(query) != first) {
        return Err(refused("several queries need one time dimension each, with the same granularity"));
    }
    Ok((QueryKind::Blending, queries))
}

fn compared_ranges(query: &Value) -> Result<Option<&Vec<Value>>> {
    let Some(Value::Array(times)) = query.get("timeDimensions") else { return Ok(None) };
    let compared = |time: &Value| time.get("compareDateRange").is_some_and(|ranges| !ranges.is_null());
    let Some(index) = times.iter().position(compared) else { return Ok(None) };
    let ranges = times[index]["compareDateRange"].as_array();
    let ranges = ranges.filter(|ranges| times.len() == 1 && (1..=MOST_QUERIES).contains(&ranges.len()));
    let message = "compareDateRange must be a list of 1 to 10 date ranges, in the only time dimension";
    ranges.map(Some).ok_or_else(|| refused(message))
}

impl AskedQuery {
    pub fn read(document: &Value) -> Result<Self> {
        let Value::Object(fields) = document else {
            return Err(refused("query must be an object"));
        };
        let mut query = Self::default();
        for (name, value) in fields {
            if value.is_null() {
                continue;
            }
            match name.as_str() {
                "measures" => query.measures = members(name, value)?,
                "dimensions" => query.dimensions = members(name, value)?,
                "timeDimensions" => query.time_dimensions = times(value)?,
                "filters" => query.filters = filters(value)?,
                "order" => query.order = order(value)?,
                "limit" => query.limit = Some(whole(name, value, MOST_ROWS as u64)?),
                // An answer repeats the limit under this name.
                "rowLimit" if fields.contains_key("limit") => {}
                "rowLimit" => query.limit = Some(whole(name, value, MOST_ROWS as u64)?),
                "offset" => query.offset = whole(name, value, MOST_OFFSET)?,
                "total" => query.total = flag(name, value)?,
                "ungrouped" => query.ungrouped = flag(name, value)?,
                "timezone" => query.time_zone = Some(text(name, value)?.to_owned()),
                "responseFormat" => query.form = form(value)?,
                // Every answer is as new as the data.
                "renewQuery" => drop(flag(name, value)?),
                "segments" | "joinHints" | "subqueryJoins" if is_empty(value) => {}
                "segments" => {
                    return Err(refused(format!("segments are not supported: {}", first_of(value))));
                }
                "joinHints" | "subqueryJoins" => {
                    return Err(refused(format!("joins are not supported: {name}")));
                }
                _ => return Err(refused(format!("\"{}\" is not allowed", cut(name)))),
            }
        }
        query.require_members()?;
        Ok(query)
    }

    fn require_members(&self) -> Result<()> {
        let is_grouped = self.time_dimensions.iter().any(|time| time.granularity.is_some());
        if self.measures.is_empty() && self.dimensions.is_empty() && !is_grouped {
            return Err(refused(
                "Query should contain either measures, dimensions or timeDimensions with granularities in order to be valid",
            ));
        }
        Ok(())
    }

    /// The paths of all members, those that are shown first.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.measures.iter().chain(&self.dimensions).map(String::as_str).collect();
        paths.extend(self.time_dimensions.iter().map(|time| time.dimension.as_str()));
        self.filters.iter().for_each(|filter| filter.paths(&mut paths));
        paths.extend(self.order.iter().map(|(path, _)| path.as_str()));
        paths
    }

    /// The one table of all members. A member without a table, or of another one, is refused by its name.
    pub fn table(&self) -> Result<&str> {
        let paths = self.paths();
        let mut table = None;
        for path in &paths {
            let Some((named, _)) = path.split_once('.') else { return Err(super::members::unknown(path)) };
            if table.is_some_and(|table| table != named) {
                return Err(refused(format!(
                    "joins are not supported: '{path}' is not of the same table as '{}'",
                    paths[0]
                )));
            }
            table = Some(named);
        }
        table.ok_or_else(|| refused("query names no member"))
    }
}

impl AskedFilter {
    fn paths<'a>(&'a self, paths: &mut Vec<&'a str>) {
        match self {
            Self::Test { member, .. } => paths.push(member),
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().for_each(|filter| filter.paths(paths));
            }
        }
    }
}

/// The longest name that is read or quoted.
const MOST_NAME: usize = 200;

fn cut(text: &str) -> String {
    text.chars().take(MOST_NAME).collect()
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn first_of(value: &Value) -> String {
    value.get(0).and_then(Value::as_str).map_or_else(|| "segments".to_owned(), cut)
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str> {
    let text = value.as_str().filter(|text| text.chars().count() <= MOST_NAME);
    text.ok_or_else(|| refused(format!("\"{name}\" must be a string of at most {MOST_NAME} characters")))
}

fn flag(name: &str, value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| refused(format!("\"{name}\" must be a boolean")))
}

fn whole(name: &str, value: &Value, most: u64) -> Result<u64> {
    let number = value.as_u64().filter(|number| *number <= most);
    number.ok_or_else(|| refused(format!("\"{name}\" must be an integer from 0 to {most}")))
}

fn list<'a>(name: &str, value: &'a Value, most: usize) -> Result<&'a Vec<Value>> {
    let items = value.as_array().filter(|items| items.len() <= most);
    items.ok_or_else(|| refused(format!("\"{name}\" must be a list of at most {most} items")))
}

fn members(name: &str, value: &Value) -> Result<Vec<String>> {
    let mut members: Vec<String> = Vec::new();
    for item in list(name, value, MOST_MEMBERS)? {
        let member = text(name, item)?;
        if members.iter().all(|known| known != member) {
            members.push(member.to_owned());
        }
    }
    Ok(members)
}

fn form(value: &Value) -> Result<RowsForm> {
    match value.as_str() {
        Some("default") => Ok(RowsForm::Default),
        Some("compact") => Ok(RowsForm::Compact),
        Some("columnar") => Ok(RowsForm::Columnar),
        _ => Err(refused("\"responseFormat\" must be one of: default, compact, columnar")),
    }
}

fn times(value: &Value) -> Result<Vec<AskedTime>> {
    list("timeDimensions", value, MOST_MEMBERS)?.iter().map(time).collect()
}

fn time(item: &Value) -> Result<AskedTime> {
    let Value::Object(fields) = item else { return Err(refused("a time dimension must be an object")) };
    let mut time = AskedTime { dimension: String::new(), granularity: None, range: None };
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("dimension", value) => text(name, value)?.clone_into(&mut time.dimension),
            ("granularity" | "dateRange" | "compareDateRange", Value::Null) => {}
            ("granularity", value) => {
                let word = text(name, value)?;
                let message = || {
                    format!(
                        "granularity '{word}' is not supported; it must be one of: second, minute, hour, day, week, month, quarter, year"
                    )
                };
                time.granularity = Some(Granularity::read(word).ok_or_else(|| refused(message()))?);
            }
            ("dateRange", Value::String(range)) => time.range = Some(vec![range.clone()]),
            ("dateRange", value) => {
                let ends = list(name, value, 2)?.iter().map(|end| text(name, end).map(str::to_owned));
                time.range = Some(ends.collect::<Result<_>>()?);
            }
            _ => return Err(refused(format!("\"{}\" is not allowed in a time dimension", cut(name)))),
        }
    }
    if time.dimension.is_empty() {
        return Err(refused("a time dimension must name its \"dimension\""));
    }
    Ok(time)
}

fn filters(value: &Value) -> Result<Vec<AskedFilter>> {
    let mut left = MOST_FILTERS;
    group("filters", value, MOST_LEVELS, &mut left)
}

fn group(name: &str, value: &Value, levels: usize, left: &mut usize) -> Result<Vec<AskedFilter>> {
    if levels == 0 {
        return Err(refused(format!("filters are nested more than {MOST_LEVELS} levels deep")));
    }
    list(name, value, MOST_FILTERS)?.iter().map(|item| filter(item, levels, left)).collect()
}

fn filter(item: &Value, levels: usize, left: &mut usize) -> Result<AskedFilter> {
    let too_many = || refused(format!("there are more than {MOST_FILTERS} filters"));
    *left = left.checked_sub(1).ok_or_else(too_many)?;
    let Value::Object(fields) = item else { return Err(refused("a filter must be an object")) };
    if let Some((name, value)) = fields.iter().find(|(name, _)| matches!(name.as_str(), "and" | "or")) {
        if fields.len() > 1 {
            return Err(refused(format!("a filter with \"{name}\" must have nothing else")));
        }
        let inner = group(name, value, levels - 1, left)?;
        return Ok(if name == "and" { AskedFilter::All(inner) } else { AskedFilter::Any(inner) });
    }
    test(fields)
}

fn test(fields: &Map<String, Value>) -> Result<AskedFilter> {
    let (mut member, mut operator, mut values) = (None, None, Vec::new());
    for (name, value) in fields {
        match name.as_str() {
            "member" | "dimension" | "measure" => member = Some(text(name, value)?.to_owned()),
            "operator" => operator = Some(text(name, value)?.to_owned()),
            "values" if value.is_null() => {}
            "values" => {
                let items = value.as_array().ok_or_else(|| refused("\"values\" must be a list"))?;
                if items.iter().any(|item| item.is_array() || item.is_object()) {
                    return Err(refused("\"values\" must be texts, numbers, booleans or null"));
                }
                values.clone_from(items);
            }
            _ => return Err(refused(format!("\"{}\" is not allowed in a filter", cut(name)))),
        }
    }
    match (member, operator) {
        (Some(member), Some(operator)) => Ok(AskedFilter::Test { member, operator, values }),
        (None, _) => Err(refused("a filter must name its \"member\"")),
        (_, None) => Err(refused("a filter must have an \"operator\"")),
    }
}

fn order(value: &Value) -> Result<Vec<(String, bool)>> {
    let direction = |path: &str, value: &Value| match value.as_str() {
        Some("asc") => Ok(Some((path.to_owned(), false))),
        Some("desc") => Ok(Some((path.to_owned(), true))),
        Some("none") => Ok(None),
        _ => Err(refused(format!("the order of '{}' must be asc or desc", cut(path)))),
    };
    let one = |item: &Value| match item {
        Value::Array(pair) if pair.len() == 2 => direction(text("order", &pair[0])?, &pair[1]),
        Value::Object(_) => {
            let is_descending = item["desc"].as_bool().unwrap_or_default();
            Ok(Some((text("order", &item["id"])?.to_owned(), is_descending)))
        }
        _ => Err(refused("\"order\" must be an object, or a list of pairs of a member and asc or desc")),
    };
    let orders: Vec<_> = list("order", value, MOST_MEMBERS)?.iter().map(one).collect::<Result<_>>()?;
    Ok(orders.into_iter().flatten().collect())
}
