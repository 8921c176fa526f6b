//! A template and its values, as SQL with placeholders.

use std::collections::BTreeMap;

use jiff::civil::Time;

use crate::query::assemble::{Rendered, assemble, trim_end};
use crate::query::column_sql::{local_time, quoted, truncated};
use crate::query::column_type::ColumnType;
use crate::query::date_bounds::ReportClock;
use crate::query::definition::{Dimension, QueryDefinition, Tag, TagType};
use crate::query::field_filter::{self, FilteredColumn, Part};
use crate::query::lexer::Place;
use crate::query::limits::QueryLimits;
use crate::query::query_error::QueryError;
use crate::query::scanner::{Piece, TagRef};
use crate::query::typed_value::TypedValue;
use crate::query::widget_type::WidgetType;
use crate::resource::date_range::DateRange;
use crate::resource::parameter_value::{ParameterValue, parse_number};

/// The units that a tag without a column can stand for.
const UNITS: [&str; 7] = ["minute", "hour", "day", "week", "month", "quarter", "year"];

/// SQL for an engine. `$p1` in the text is the first argument, `$p2` the second.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedSql {
    pub sql: String,
    pub arguments: Vec<TypedValue>,
    /// A value depended on the current day or time, such as `past30days`. Its bounds are among the arguments.
    pub is_relative: bool,
}

impl PreparedSql {
    /// The name of the argument at `index`, without the `$`.
    pub fn argument_name(index: usize) -> String {
        format!("p{}", index + 1)
    }
}

/// A value that a parameter gives to a tag.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenValue {
    /// The type of the parameter, which is the operator of a field filter.
    pub kind: WidgetType,
    /// `None` if the parameter is there without a value: the tag's default does not apply then.
    pub value: Option<ParameterValue>,
    /// Case sensitivity of a text operator; the tag decides if absent.
    pub case_sensitive: Option<bool>,
}

/// The values of the tags, by name. Several parameters can set one tag.
pub type GivenValues = BTreeMap<String, Vec<GivenValue>>;

/// The stored things that a template refers to.
pub trait Catalog {
    fn column(&self, dimension: &Dimension) -> Option<ColumnType>;
    fn question(&self, id: u64) -> Option<QueryDefinition>;
}

/// The facts that a template is prepared with.
#[derive(Clone, Copy)]
pub struct Preparation<'a> {
    pub catalog: &'a dyn Catalog,
    pub clock: &'a ReportClock,
    pub limits: &'a QueryLimits,
}

/// The most questions that refer to each other, and references to questions in one query.
const MOST_QUESTIONS: usize = 10;
const MOST_REFERENCES: usize = 50;

/// Prepares a query with the values of its tags.
pub fn prepare(
    query: &QueryDefinition,
    given: &GivenValues,
    with: Preparation,
) -> Result<PreparedSql, QueryError> {
    if let Some(tag) = given.keys().find(|name| !query.tags.contains_key(*name)) {
        return Err(QueryError::UnknownTag(tag.clone()));
    }
    let mut renderer = Renderer { with, questions: Vec::new(), references: 0, is_relative: false };
    let parts = renderer.query(query, given)?;
    assemble(parts, renderer.is_relative, with.limits)
}

/// The value of a tag.
enum Resolved {
    Nothing,
    Values(Vec<GivenValue>),
}

struct Renderer<'a> {
    with: Preparation<'a>,
    /// The questions that are being rendered, outermost first.
    questions: Vec<u64>,
    references: usize,
    is_relative: bool,
}

/// The query that is being rendered.
struct Scope<'a> {
    query: &'a QueryDefinition,
    given: &'a GivenValues,
}

impl Renderer<'_> {
    fn query(&mut self, query: &QueryDefinition, given: &GivenValues) -> Result<Vec<Rendered>, QueryError> {
        let pieces = query.pieces(self.with.limits)?;
        let (mut parts, mut missing) = (Vec::new(), Vec::new());
        self.pieces(&pieces, &Scope { query, given }, false, &mut parts, &mut missing)?;
        if missing.is_empty() {
            return Ok(parts);
        }
        missing.sort();
        missing.dedup();
        Err(QueryError::Missing(missing))
    }

    /// Renders pieces; the depth of blocks is the scanner's to limit.
    fn pieces(
        &mut self,
        pieces: &[Piece],
        scope: &Scope,
        is_in_block: bool,
        parts: &mut Vec<Rendered>,
        missing: &mut Vec<String>,
    ) -> Result<(), QueryError> {
        for piece in pieces {
            match piece {
                Piece::Text(text) => parts.push(Rendered { part: Part::Sql(text.clone()), tag: None }),
                Piece::Optional(inner) => {
                    let (start, mut inner_missing) = (parts.len(), Vec::new());
                    self.pieces(inner, scope, true, parts, &mut inner_missing)?;
                    if !inner_missing.is_empty() {
                        parts.truncate(start);
                    }
                }
                Piece::Tag(TagRef::Name(name)) => match self.tag(name, scope, is_in_block)? {
                    Some(rendered) => {
                        parts.extend(
                            rendered.into_iter().map(|part| Rendered { part, tag: Some(name.clone()) }),
                        );
                    }
                    None => missing.push(name.clone()),
                },
                Piece::Tag(TagRef::Question(id)) => self.question(*id, parts)?,
                Piece::Tag(TagRef::Snippet(name)) => {
                    let text = scope.query.snippets.get(name);
                    let text = text.ok_or_else(|| QueryError::Snippet(name.clone()))?;
                    parts.push(Rendered { part: Part::Sql(text.clone()), tag: None });
                }
            }
        }
        Ok(())
    }

    /// Renders a tag; `None` if it has no value and stands for one.
    fn tag(&mut self, name: &str, scope: &Scope, is_in_block: bool) -> Result<Option<Vec<Part>>, QueryError> {
        let Some(tag) = scope.query.tags.get(name) else { return Ok(None) };
        let resolved =
            resolve(name, tag, scope.given.get(name).map_or(&[], Vec::as_slice), self.with.limits)?;
        match (tag.kind, resolved) {
            (TagType::Dimension, Resolved::Nothing) if is_in_block => Ok(None),
            (TagType::Dimension, Resolved::Nothing) => Ok(Some(vec![Part::Sql("1 = 1".to_owned())])),
            (TagType::Dimension, Resolved::Values(values)) => self.filter(name, tag, &values).map(Some),
            (TagType::TemporalUnit, resolved) => self.unit(name, tag, resolved, is_in_block),
            (_, Resolved::Nothing) => Ok(None),
            (_, Resolved::Values(values)) => {
                let first = values.first().and_then(|given| given.value.as_ref());
                let first = first.ok_or_else(|| QueryError::Unfit(name.to_owned()))?;
                let values = raw(tag.kind, first, self.with.clock)
                    .ok_or_else(|| QueryError::Unfit(name.to_owned()))?;
                Ok(Some(field_filter::listed(values)))
            }
        }
    }

    fn column(&self, tag: &Tag) -> Result<(ColumnType, String), QueryError> {
        let empty = Dimension { table: String::new(), column: String::new() };
        let dimension = tag.dimension.as_ref().unwrap_or(&empty);
        let kind =
            self.with.catalog.column(dimension).ok_or_else(|| QueryError::Column(dimension.clone()))?;
        Ok((kind, format!("{}.{}", quoted(&dimension.table), quoted(&dimension.column))))
    }

    fn filter(&mut self, name: &str, tag: &Tag, values: &[GivenValue]) -> Result<Vec<Part>, QueryError> {
        let (kind, sql) = self.column(tag)?;
        let local = local_time(&sql, kind, self.with.clock);
        let column = FilteredColumn { sql: &sql, kind, local: &local };
        let is_list = values.len() > 1;
        let mut parts = Vec::new();
        for given in values {
            let Some(value) = &given.value else { continue };
            // The parameter's operator, or the tag's where the parameter only brings a value.
            let operator = if given.kind.is_date() || is_operator(given.kind) {
                given.kind
            } else {
                tag.value_type().unwrap_or(given.kind)
            };
            let case_sensitive = given.case_sensitive.or(tag.case_sensitive).unwrap_or(true);
            self.is_relative |= is_relative(value, kind);
            let condition = field_filter::condition(column, operator, case_sensitive, value, self.with.clock)
                .map_err(|_| QueryError::Unfit(name.to_owned()))?;
            if !parts.is_empty() {
                parts.push(Part::Sql(" AND ".to_owned()));
            }
            parts.extend(condition);
        }
        if is_list {
            parts.insert(0, Part::Sql("(".to_owned()));
            parts.push(Part::Sql(")".to_owned()));
        }
        Ok(parts)
    }

    /// Cuts a column to a unit, or writes the unit as text where the tag has no column. The unit is a word of a closed list and part of the text, because it decides the type.
    fn unit(
        &self,
        name: &str,
        tag: &Tag,
        resolved: Resolved,
        is_in_block: bool,
    ) -> Result<Option<Vec<Part>>, QueryError> {
        let is_word = tag.dimension.is_none();
        let unit = match &resolved {
            Resolved::Nothing if is_in_block || is_word => return Ok(None),
            Resolved::Nothing => return Ok(Some(vec![Part::Sql(self.column(tag)?.1)])),
            Resolved::Values(values) => match values.first().and_then(|given| given.value.as_ref()) {
                Some(ParameterValue::Text(unit)) => unit.as_str(),
                _ => return Err(QueryError::Unfit(name.to_owned())),
            },
        };
        if is_word {
            let word = UNITS.contains(&unit).then(|| vec![Part::Sql(format!("'{unit}'"))]);
            return word.map(Some).ok_or_else(|| QueryError::Unfit(name.to_owned()));
        }
        let (kind, column) = self.column(tag)?;
        let local = local_time(&column, kind, self.with.clock);
        let sql = truncated(&local, unit, self.with.clock.week_start).filter(|_| kind.is_temporal());
        sql.map(|sql| Some(vec![Part::Sql(sql)])).ok_or_else(|| QueryError::Unfit(name.to_owned()))
    }

    /// Renders another question with the defaults of its own tags.
    fn question(&mut self, id: u64, parts: &mut Vec<Rendered>) -> Result<(), QueryError> {
        self.references += 1;
        let is_cyclic = self.questions.contains(&id) || self.questions.len() >= MOST_QUESTIONS;
        if is_cyclic || self.references > MOST_REFERENCES {
            return Err(QueryError::QuestionCycle(id));
        }
        let question = self.with.catalog.question(id).ok_or(QueryError::Question(id))?;
        self.questions.push(id);
        let mut inner = self.query(&question, &GivenValues::new())?;
        self.questions.pop();
        trim_end(&mut inner);
        let place = inner.iter().fold(Place::Code, |place, rendered| match &rendered.part {
            Part::Sql(sql) => place.after(sql),
            Part::Argument(_) => place,
        });
        let end = if place == Place::LineComment { "\n)" } else { ")" };
        let text = |sql: &str| Rendered { part: Part::Sql(sql.to_owned()), tag: None };
        parts.push(text("("));
        parts.extend(inner);
        parts.push(text(end));
        Ok(())
    }
}

const fn is_operator(kind: WidgetType) -> bool {
    use WidgetType as W;
    kind.is_text_operator()
        || matches!(
            kind,
            W::NumberEquals
                | W::NumberNotEquals
                | W::NumberAtMost
                | W::NumberAtLeast
                | W::NumberBetween
                | W::StringEquals
                | W::StringNotEquals
                | W::BooleanEquals
        )
}

/// Determines the values of a tag: given ones, then none where a parameter is there without a value, then the default.
fn resolve(
    name: &str,
    tag: &Tag,
    given: &[GivenValue],
    limits: &QueryLimits,
) -> Result<Resolved, QueryError> {
    let own = tag.value_type().unwrap_or(WidgetType::Text);
    // The parameter that is derived from a tag always fits it.
    let accepts = |kind: WidgetType| own.takes(kind) || tag.parameter_type() == Some(kind);
    if let Some(refused) = given.iter().find(|value| !accepts(value.kind)) {
        let accepted = WidgetType::ALL.iter().copied().filter(|kind| accepts(*kind)).collect();
        return Err(QueryError::ParameterType { tag: name.to_owned(), given: refused.kind, accepted });
    }
    let mut values: Vec<GivenValue> = Vec::new();
    for one in given.iter().filter(|one| one.value.is_some()) {
        if !values.contains(one) {
            values.push(one.clone());
        }
    }
    let is_several = values.windows(2).any(|pair| pair[0].value != pair[1].value);
    if tag.kind != TagType::Dimension && is_several {
        return Err(QueryError::DifferentValues(name.to_owned()));
    }
    if values.is_empty() {
        if !given.is_empty() && !tag.required {
            return Ok(Resolved::Nothing);
        }
        let parameter = tag.parameter(name).filter(|parameter| parameter.default.is_some());
        let default = parameter.and_then(|parameter| {
            let default = parameter.default.clone()?;
            ParameterValue::of(&parameter, &default).transpose()
        });
        match default {
            Some(Ok(default)) => {
                values.push(GivenValue { kind: own, value: Some(default), case_sensitive: None });
            }
            Some(Err(_)) => return Err(QueryError::Unfit(name.to_owned())),
            None if tag.required => return Err(QueryError::Required(tag.label(name).to_owned())),
            None => return Ok(Resolved::Nothing),
        }
    }
    let count = |value: &GivenValue| match &value.value {
        Some(ParameterValue::List(items)) => items.len(),
        _ => 1,
    };
    if values.iter().map(count).sum::<usize>() > limits.list_values {
        return Err(QueryError::TooManyValues { tag: name.to_owned(), most: limits.list_values });
    }
    Ok(Resolved::Values(values))
}

/// Types the value of a raw tag by the tag's type.
fn raw(kind: TagType, value: &ParameterValue, clock: &ReportClock) -> Option<Vec<TypedValue>> {
    let one = |value: &ParameterValue| match kind {
        TagType::Text => field_filter::text(value).map(TypedValue::Text),
        TagType::Number => match value {
            ParameterValue::Number(number) => field_filter::number(number),
            ParameterValue::Text(text) => field_filter::number(&parse_number(text)?),
            _ => None,
        },
        TagType::Boolean => match value {
            ParameterValue::Boolean(value) => Some(TypedValue::Boolean(*value)),
            ParameterValue::Text(text) => {
                text.trim().to_ascii_lowercase().parse().ok().map(TypedValue::Boolean)
            }
            _ => None,
        },
        TagType::Date => date(value, clock),
        _ => None,
    };
    match value {
        ParameterValue::List(items) => {
            let items = items.iter().filter(|item| **item != ParameterValue::Open);
            items.map(one).collect::<Option<Vec<_>>>().filter(|values| !values.is_empty())
        }
        // Numbers in one text are a list.
        ParameterValue::Text(text) if kind == TagType::Number && text.contains(',') => {
            text.split(',').map(|part| field_filter::number(&parse_number(part)?)).collect()
        }
        value => one(value).map(|value| vec![value]),
    }
}

fn date(value: &ParameterValue, clock: &ReportClock) -> Option<TypedValue> {
    let moment =
        match value {
            ParameterValue::Date(moment) => *moment,
            ParameterValue::DateRange(DateRange::Between {
                from: Some(from), until: Some(until), ..
            }) if from == until => *from,
            ParameterValue::Text(text) => crate::resource::date_range::parse_moment(text.trim())?,
            _ => return None,
        };
    if moment.time() == Time::midnight() {
        Some(TypedValue::Date(moment.date()))
    } else {
        clock.utc(moment).map(TypedValue::Timestamp)
    }
}

fn is_relative(value: &ParameterValue, kind: ColumnType) -> bool {
    match value {
        ParameterValue::DateRange(range) => matches!(range, DateRange::Relative(_)),
        ParameterValue::Text(text) if kind.is_temporal() => {
            matches!(text.trim().parse(), Ok(DateRange::Relative(_)))
        }
        ParameterValue::List(items) => items.iter().any(|item| is_relative(item, kind)),
        _ => false,
    }
}
