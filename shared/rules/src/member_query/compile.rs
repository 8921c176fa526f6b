//! A query of members as SQL with placeholders.

use serde_json::{Value, json};

use super::asked::{AskedFilter, AskedQuery, AskedTime, MOST_ROWS};
use super::conditions::{Conditions, Level, within};
use super::date_range::{TimeRange, unreadable};
use super::members::{Granularity, MemberDimension, MemberType, TableMembers, title, unknown};
use super::refused;
use crate::error::Result;
use crate::query::assemble::{Rendered, assemble};
use crate::query::date_bounds::ReportClock;
use crate::query::field_filter::Part;
use crate::query::limits::QueryLimits;
use crate::query::prepare::PreparedSql;

/// The facts that a query is compiled with.
#[derive(Clone, Copy)]
pub struct Compilation<'a> {
    pub members: &'a TableMembers<'a>,
    /// The current time in the time zone of the query.
    pub clock: &'a ReportClock,
    pub limits: &'a QueryLimits,
    /// The most rows that the stack lets a query have.
    pub most_rows: usize,
}

/// A query that can be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledQuery {
    pub prepared: PreparedSql,
    /// The number of rows without a limit, if it was asked for.
    pub total: Option<PreparedSql>,
    pub columns: Vec<ShownColumn>,
    pub rows: usize,
    /// The query with everything that was left out.
    pub normalized: Value,
}

/// One column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownColumn {
    pub role: MemberRole,
    /// The names under which rows have the value.
    pub paths: Vec<String>,
    pub title: String,
    pub short_title: String,
    pub member_type: MemberType,
    pub granularity: Option<Granularity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberRole {
    Measure,
    Dimension,
    TimeDimension,
}

/// A column of the answer with its SQL.
struct Selected {
    shown: ShownColumn,
    sql: String,
}

/// Compiles a query over the members of its table.
pub fn compile(query: &AskedQuery, with: Compilation) -> Result<CompiledQuery> {
    let most = with.most_rows.min(MOST_ROWS) as u64;
    if query.limit.is_some_and(|limit| limit > most) {
        return Err(refused(format!("\"limit\" must be an integer from 0 to {most}")));
    }
    let limit = query.limit.unwrap_or(most);
    let selected = select(query, with)?;
    let mut conditions = Conditions {
        members: with.members,
        clock: with.clock,
        most_values: with.limits.list_values,
        is_relative: false,
    };
    let (mut of_rows, of_groups) = split(query, &mut conditions)?;
    let mut times = Vec::with_capacity(query.time_dimensions.len());
    let mut is_relative = conditions.is_relative;
    for time in &query.time_dimensions {
        let (_, dimension) = time_dimension(with.members, &time.dimension)?;
        let range = match &time.range {
            None => None,
            Some(texts) => {
                let (range, depends_on_now) =
                    TimeRange::read(texts, with.clock).ok_or_else(|| unreadable(&time.dimension))?;
                is_relative |= depends_on_now;
                let condition = within(&dimension.sql, dimension.kind, &range, with.clock, false);
                of_rows.push(condition.ok_or_else(|| unreadable(&time.dimension))?);
                Some(range)
            }
        };
        times.push(normalized_time(time, range));
    }
    if query.ungrouped && !of_groups.is_empty() {
        return Err(refused("measures cannot be filtered in an ungrouped query"));
    }
    let inner = statement(query, with.members, &selected, of_rows, of_groups);
    let order = order(query, with, &selected)?;
    let paged = format!(
        "{}{} LIMIT {limit}{}",
        if order.is_empty() { "" } else { " ORDER BY " },
        order.iter().map(|(_, sql)| sql.as_str()).collect::<Vec<_>>().join(", "),
        if query.offset == 0 { String::new() } else { format!(" OFFSET {}", query.offset) },
    );
    let prepared = |parts: Vec<Part>| {
        let parts = parts.into_iter().map(|part| Rendered { part, tag: None }).collect();
        assemble(parts, is_relative, with.limits).map_err(|_| refused("the query is too long"))
    };
    let counted = |inner: &[Part]| {
        [&[sql("SELECT count(*) AS \"c0\" FROM (")], inner, &[sql(") AS \"rows\"")]].concat()
    };
    let total = query.total.then(|| prepared(counted(&inner))).transpose()?;
    let prepared = prepared([inner, vec![sql(paged)]].concat())?;
    let order: Vec<_> =
        order.into_iter().map(|(path, sql)| json!({"id": path, "desc": sql.ends_with("DESC")})).collect();
    let normalized = json!({
        "measures": query.measures,
        "dimensions": query.dimensions,
        "timeDimensions": times,
        "segments": [],
        "filters": query.filters.iter().map(normalized_filter).collect::<Vec<_>>(),
        "order": order,
        "limit": limit,
        "rowLimit": limit,
        "offset": query.offset,
        "total": query.total,
        "ungrouped": query.ungrouped,
        "timezone": with.clock.zone.iana_name().unwrap_or("UTC"),
        "responseFormat": query.form.word(),
    });
    let columns = selected.into_iter().map(|selected| selected.shown).collect();
    #[expect(clippy::cast_possible_truncation, reason = "at most 10,000")]
    let rows = limit as usize;
    Ok(CompiledQuery { prepared, total, columns, rows, normalized })
}

fn sql(text: impl Into<String>) -> Part {
    Part::Sql(text.into())
}

/// The columns of the answer: dimensions, times, measures.
fn select(query: &AskedQuery, with: Compilation) -> Result<Vec<Selected>> {
    let Compilation { members, clock, .. } = with;
    let mut selected: Vec<Selected> = Vec::new();
    let column = |role, paths, name: &str, member_type, granularity, sql| Selected {
        shown: ShownColumn {
            role,
            paths,
            title: members.title(name),
            short_title: title(name),
            member_type,
            granularity,
        },
        sql,
    };
    for path in &query.dimensions {
        let name = members.name(path)?;
        let (dimension, unit) = dimension(members, name).ok_or_else(|| unknown(path))?;
        let role = if unit.is_some() { MemberRole::TimeDimension } else { MemberRole::Dimension };
        let (paths, sql) = (vec![path.clone()], dimension.shown_sql(unit, clock));
        selected.push(column(role, paths, &dimension.name, dimension.member_type, unit, sql));
    }
    for time in &query.time_dimensions {
        let (path, found) = time_dimension(members, &time.dimension)?;
        let Some(unit) = time.granularity else { continue };
        let has = |path: &String| selected.iter().any(|other| other.shown.paths.contains(path));
        let paths = [format!("{path}.{}", unit.word()), path];
        if has(&paths[0]) {
            continue;
        }
        let paths = paths.into_iter().filter(|path| !has(path)).collect();
        let sql = found.shown_sql(Some(unit), clock);
        selected.push(column(
            MemberRole::TimeDimension,
            paths,
            &found.name,
            MemberType::Time,
            Some(unit),
            sql,
        ));
    }
    for path in &query.measures {
        let name = members.name(path)?;
        let measure = members.measure(name).ok_or_else(|| unknown(path))?;
        let sql = if query.ungrouped { measure.row_sql(clock) } else { measure.sql(clock) };
        selected.push(column(
            MemberRole::Measure,
            vec![path.clone()],
            name,
            measure.member_type(),
            None,
            sql,
        ));
    }
    Ok(selected)
}

/// A dimension by its name, or by its name and a unit of time.
fn dimension(members: &TableMembers, name: &str) -> Option<(MemberDimension, Option<Granularity>)> {
    if let Some(found) = members.dimension(name) {
        return Some((found, None));
    }
    let (name, unit) = name.rsplit_once('.')?;
    let found = members.dimension(name).filter(|found| found.member_type == MemberType::Time)?;
    Some((found, Some(Granularity::read(unit)?)))
}

fn time_dimension(members: &TableMembers, path: &str) -> Result<(String, MemberDimension)> {
    let name = members.name(path)?;
    let found = members.dimension(name).ok_or_else(|| unknown(path))?;
    if found.member_type != MemberType::Time {
        return Err(refused(format!("'{path}' is not a time dimension")));
    }
    Ok((members.path(&found.name), found))
}

type AllOf = Vec<Vec<Part>>;

/// The conditions of rows, and those of groups.
fn split(query: &AskedQuery, conditions: &mut Conditions) -> Result<(AllOf, AllOf)> {
    let (mut of_rows, mut of_groups) = (AllOf::new(), AllOf::new());
    for filter in &query.filters {
        // An outer group with AND is the same as its filters.
        let inner = match filter {
            AskedFilter::All(filters) => filters.as_slice(),
            one => std::slice::from_ref(one),
        };
        for filter in inner {
            let condition = conditions.of(filter)?;
            match condition.level {
                None => {}
                Some(Level::Row) => of_rows.push(condition.parts),
                Some(Level::Group) => of_groups.push(condition.parts),
            }
        }
    }
    Ok((of_rows, of_groups))
}

/// The statement without order and limit. Columns are called `c0`, `c1` and so on, so that no text of the caller is in it, and
/// are grouped by their place, because a table can have columns of these names.
fn statement(
    query: &AskedQuery,
    members: &TableMembers,
    selected: &[Selected],
    of_rows: AllOf,
    of_groups: AllOf,
) -> Vec<Part> {
    let columns: Vec<_> = selected
        .iter()
        .enumerate()
        .map(|(index, column)| format!("{} AS \"c{index}\"", column.sql))
        .collect();
    let mut parts = vec![sql(format!("SELECT {} FROM {}", columns.join(", "), members.sql()))];
    joined(&mut parts, " WHERE ", of_rows);
    let is_group = |(index, column): (usize, &Selected)| {
        (column.shown.role != MemberRole::Measure).then(|| (index + 1).to_string())
    };
    let groups: Vec<_> = selected.iter().enumerate().filter_map(is_group).collect();
    if !query.ungrouped && !groups.is_empty() {
        parts.push(sql(format!(" GROUP BY {}", groups.join(", "))));
    }
    joined(&mut parts, " HAVING ", of_groups);
    parts
}

fn joined(parts: &mut Vec<Part>, clause: &str, conditions: AllOf) {
    for (index, condition) in conditions.into_iter().enumerate() {
        parts.push(sql(if index == 0 { clause } else { " AND " }));
        parts.extend(condition);
    }
}

/// The members that rows are ordered by, with their SQL. Without an order, the first time comes first, or else the largest
/// measure. A dimension that is not in the answer cannot order its groups and is left out.
fn order(query: &AskedQuery, with: Compilation, selected: &[Selected]) -> Result<Vec<(String, String)>> {
    let place =
        |path: &str| selected.iter().position(|column| column.shown.paths.iter().any(|known| known == path));
    let word = |is_descending: bool| if is_descending { "DESC" } else { "ASC" };
    let mut order = Vec::new();
    for (path, is_descending) in &query.order {
        let name = with.members.name(path)?;
        let sql = match place(path) {
            Some(index) => Some((index + 1).to_string()),
            None => match (dimension(with.members, name), with.members.measure(name)) {
                (Some((found, unit)), _) => query.ungrouped.then(|| found.shown_sql(unit, with.clock)),
                (None, Some(measure)) if query.ungrouped => Some(measure.row_sql(with.clock)),
                (None, Some(measure)) => Some(measure.sql(with.clock)),
                (None, None) => return Err(unknown(path)),
            },
        };
        order.extend(sql.map(|sql| (path.clone(), format!("{sql} {}", word(*is_descending)))));
    }
    if order.is_empty() {
        let first = |role: MemberRole| selected.iter().position(|column| column.shown.role == role);
        let first = first(MemberRole::TimeDimension)
            .or_else(|| first(MemberRole::Measure))
            .or_else(|| first(MemberRole::Dimension));
        order.extend(first.map(|index| {
            let shown = &selected[index].shown;
            let word = word(shown.role == MemberRole::Measure);
            // The plain name of a time is that without its unit.
            let path = shown.paths.last().cloned().unwrap_or_default();
            (path, format!("{} {word}", index + 1))
        }));
    }
    Ok(order)
}

fn normalized_time(time: &AskedTime, range: Option<TimeRange>) -> Value {
    let mut normalized = json!({ "dimension": time.dimension });
    if let Some(unit) = time.granularity {
        normalized["granularity"] = unit.word().into();
    }
    if let Some(range) = range {
        normalized["dateRange"] = json!(range.texts());
    }
    normalized
}

fn normalized_filter(filter: &AskedFilter) -> Value {
    let all = |filters: &[AskedFilter]| filters.iter().map(normalized_filter).collect::<Vec<_>>();
    match filter {
        AskedFilter::Test { member, operator, values } => {
            json!({"member": member, "operator": operator, "values": values})
        }
        AskedFilter::All(filters) => json!({ "and": all(filters) }),
        AskedFilter::Any(filters) => json!({ "or": all(filters) }),
    }
}
