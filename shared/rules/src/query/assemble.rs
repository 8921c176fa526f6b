//! Rendered parts of a template as one text with placeholders.

use std::collections::HashMap;

use crate::query::field_filter::Part;
use crate::query::lexer::Place;
use crate::query::limits::QueryLimits;
use crate::query::prepare::PreparedSql;
use crate::query::query_error::QueryError;
use crate::query::typed_value::TypedValue;

/// A part, and the tag that it came from.
pub(crate) struct Rendered {
    pub part: Part,
    pub tag: Option<String>,
}

/// Cuts semicolons and white space.
pub(super) fn trim_end(parts: &mut Vec<Rendered>) {
    while let Some(Rendered { part: Part::Sql(sql), .. }) = parts.last_mut() {
        let length = sql.trim_end_matches(|letter: char| letter == ';' || letter.is_whitespace()).len();
        sql.truncate(length);
        if length > 0 {
            return;
        }
        parts.pop();
    }
}

/// Joins the parts. An argument becomes a placeholder in code and nothing in a comment.
///
/// In quotes an engine would not see a placeholder, so a number, a date or a boolean is written there as a literal: it is
/// generated from the parsed value and has no sign that could end the quotes. Text is refused.
pub(crate) fn assemble(
    parts: Vec<Rendered>,
    is_relative: bool,
    limits: &QueryLimits,
) -> Result<PreparedSql, QueryError> {
    let mut sql = String::new();
    let mut arguments: Vec<TypedValue> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut place = Place::Code;
    let mut is_after_argument = false;
    for Rendered { part, tag } in parts {
        let too_long = || QueryError::TooLong(limits.rendered_bytes());
        match part {
            Part::Sql(text) => {
                if is_after_argument && text.starts_with(is_name_letter) {
                    sql.push(' ');
                }
                is_after_argument &= text.is_empty();
                place = place.after(&text);
                sql.push_str(&text);
            }
            Part::Argument(value) => match place {
                Place::LineComment | Place::BlockComment => {}
                Place::Code => {
                    let next = arguments.len();
                    let index = *places.entry(value.canonical()).or_insert(next);
                    if index == next {
                        arguments.push(value);
                    }
                    if sql.ends_with(is_name_letter) {
                        sql.push(' ');
                    }
                    sql.push('$');
                    sql.push_str(&PreparedSql::argument_name(index));
                    is_after_argument = true;
                }
                Place::Quotes(_) | Place::DollarQuotes(_) => match literal(&value) {
                    Some(literal) => sql.push_str(&literal),
                    None => return Err(QueryError::InQuotes(tag.unwrap_or_default())),
                },
            },
        }
        if sql.len() > limits.rendered_bytes() {
            return Err(too_long());
        }
    }
    let sql = sql.trim().to_owned();
    Ok(PreparedSql { sql, arguments, is_relative })
}

fn is_name_letter(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

/// Writes a value of a closed alphabet.
fn literal(value: &TypedValue) -> Option<String> {
    Some(match value {
        TypedValue::Text(_) => return None,
        TypedValue::Integer(number) => number.to_string(),
        TypedValue::Decimal(decimal) if decimal.scale == 0 => decimal.digits.to_string(),
        TypedValue::Decimal(_) => return None,
        TypedValue::Number(number) => number.to_string(),
        TypedValue::Boolean(value) => value.to_string(),
        TypedValue::Date(date) => date.to_string(),
        TypedValue::Timestamp(moment) => moment.to_string(),
    })
}
