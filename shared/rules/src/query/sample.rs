//! Queries with sample values, for the checks at publication.
//!
//! A query is planned before a viewer can run it: once with all of its optional blocks, and once with as few as it can have.

use jiff::civil::date;

use crate::error::Issue;
use crate::query::column_type::ColumnType;
use crate::query::definition::{QueryDefinition, Tag, TagType};
use crate::query::prepare::{GivenValue, GivenValues, Preparation, PreparedSql, prepare};
use crate::query::query_error::QueryError;
use crate::query::widget_type::WidgetType;
use crate::resource::parameter_value::ParameterValue;

/// A query in its longest and in its shortest form.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    pub with_blocks: PreparedSql,
    pub without_blocks: PreparedSql,
}

/// Prepares a query with sample values. Issues are under `path`: columns that do not exist, filters that do not fit their
/// column, texts in quotes, questions that refer to themselves.
pub fn samples(query: &QueryDefinition, with: Preparation, path: &str) -> Result<Samples, Vec<Issue>> {
    let mut issues = Vec::new();
    for (name, tag) in query.tags.iter().filter(|(_, tag)| tag.dimension.is_some()) {
        issues.extend(column_problem(name, tag, with, &format!("{path}.tags.{name}")));
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let refused = |error: QueryError| vec![Issue::new(format!("{path}.sql"), error.to_string())];
    let all: GivenValues = query.tags.iter().filter_map(|(name, tag)| sample(name, tag, with)).collect();
    let with_blocks = prepare(query, &all, with).map_err(refused)?;
    let without_blocks = shortest(query, &all, with).map_err(refused)?;
    Ok(Samples { with_blocks, without_blocks })
}

/// Prepares a query with values for those tags only that it cannot do without.
fn shortest(
    query: &QueryDefinition,
    all: &GivenValues,
    with: Preparation,
) -> Result<PreparedSql, QueryError> {
    // Present without a value, so that defaults do not apply.
    let nothing = |given: &GivenValue| GivenValue { value: None, ..given.clone() };
    let is_required = |name: &String| query.tags.get(name).is_some_and(|tag| tag.required);
    let mut given: GivenValues = all
        .iter()
        .map(|(name, values)| {
            let kept =
                values.iter().map(|value| if is_required(name) { value.clone() } else { nothing(value) });
            (name.clone(), kept.collect())
        })
        .collect();
    match prepare(query, &given, with) {
        Err(QueryError::Missing(names)) => {
            for name in names {
                if let Some(values) = all.get(&name) {
                    given.insert(name, values.clone());
                }
            }
            prepare(query, &given, with)
        }
        prepared => prepared,
    }
}

/// Holds a filter against its column by trying it.
fn column_problem(name: &str, tag: &Tag, with: Preparation, path: &str) -> Option<Issue> {
    let query = QueryDefinition {
        sql: format!("{{{{{name}}}}}"),
        tags: crate::json::named::Named([(name.to_owned(), tag.clone())].into()),
        ..QueryDefinition::default()
    };
    let given = sample(name, tag, with).into_iter().collect();
    match prepare(&query, &given, with) {
        Ok(_) => None,
        Err(error @ QueryError::Column(_)) => {
            Some(Issue::new(format!("{path}.dimension"), error.to_string()))
        }
        Err(_) => {
            let field = if tag.kind == TagType::Dimension { "widget_type" } else { "dimension" };
            Some(Issue::new(format!("{path}.{field}"), "does not fit the type of the column"))
        }
    }
}

fn sample(name: &str, tag: &Tag, with: Preparation) -> Option<(String, Vec<GivenValue>)> {
    let kind = tag.value_type()?;
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    let number = |number: i64| ParameterValue::Number(number.into());
    let day = || ParameterValue::Date(date(2024, 1, 1).at(0, 0, 0, 0));
    let value = match tag.kind {
        TagType::Number => number(1),
        TagType::Date => day(),
        TagType::Boolean => ParameterValue::Boolean(true),
        TagType::TemporalUnit => text("day"),
        TagType::Dimension => {
            let column = tag.dimension.as_ref().and_then(|dimension| with.catalog.column(dimension));
            match (kind, column) {
                (WidgetType::NumberBetween, _) => ParameterValue::List(vec![number(1), number(2)]),
                (kind, _) if kind.is_date() => day(),
                (_, Some(ColumnType::Date | ColumnType::Timestamp)) => day(),
                (_, Some(ColumnType::Boolean)) => ParameterValue::Boolean(true),
                (_, Some(column)) if column.is_numeric() => number(1),
                _ => text("1"),
            }
        }
        TagType::Text | TagType::Card | TagType::Snippet => text("1"),
    };
    Some((name.to_owned(), vec![GivenValue { kind, value: Some(value), case_sensitive: None }]))
}
