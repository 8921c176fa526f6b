//! Answers in the form of Cube's API: rows by member, with numbers as texts, and what the members are.

use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::member_query::asked::{QueryKind, RowsForm};
use vitrine::rules::member_query::compile::{CompiledQuery, MemberRole, ShownColumn};
use vitrine::rules::member_query::members::MemberType;
use vitrine::rules::query::answer::Answer;

/// The most bytes of a reply. Lambda takes 6 MB, in which each quotation mark takes two bytes.
const REPLY_BYTES: usize = 5_900_000;

/// The answer of one query.
pub struct Loaded {
    pub answer: Arc<Answer>,
    pub total: Option<u64>,
}

/// The one number of an answer.
pub fn counted(answer: &Answer) -> Result<u64> {
    let rows = Rows::new(&answer.rows)?.next().transpose()?;
    let count = rows.as_ref().and_then(|row| row.first()?.parse().ok());
    count.ok_or_else(|| Error::internal("a count without a number"))
}

/// Writes the answers of one request.
pub fn reply(kind: QueryKind, answers: &[(&CompiledQuery, Loaded)], is_multi: bool) -> Result<Response> {
    let mut body = Vec::new();
    if is_multi {
        body.extend_from_slice(b"{\"queryType\":\"");
        body.extend_from_slice(kind.word().as_bytes());
        body.extend_from_slice(b"\",\"results\":[");
    }
    for (index, (compiled, loaded)) in answers.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write_result(compiled, loaded, &mut body)?;
    }
    if is_multi {
        let queries: Vec<_> = answers.iter().map(|(compiled, _)| &compiled.normalized).collect();
        body.extend_from_slice(b"],\"pivotQuery\":");
        body.extend_from_slice(pivot_query(kind, &queries).to_string().as_bytes());
        body.extend_from_slice(b",\"slowQuery\":false}");
    }
    let escaped = body.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    if body.len() + escaped > REPLY_BYTES {
        return Err(too_large());
    }
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

fn too_large() -> Error {
    Error::new(Reason::QueryTooLarge)
        .message("The answer is larger than a reply may be. Ask for fewer members, or set a smaller limit.")
}

/// The query that clients lay out several answers by.
fn pivot_query(kind: QueryKind, queries: &[&Value]) -> Value {
    let mut pivot = queries.first().map_or_else(|| json!({}), |query| (*query).clone());
    match kind {
        QueryKind::Regular => {}
        QueryKind::CompareDateRange => {
            if let Some(dimensions) = pivot["dimensions"].as_array_mut() {
                dimensions.insert(0, "compareDateRange".into());
            }
        }
        QueryKind::Blending => {
            for list in ["measures", "dimensions"] {
                let mut all: Vec<Value> = Vec::new();
                for member in queries.iter().filter_map(|query| query[list].as_array()).flatten() {
                    if !all.contains(member) {
                        all.push(member.clone());
                    }
                }
                pivot[list] = all.into();
            }
            let unit = pivot["timeDimensions"][0]["granularity"].clone();
            pivot["timeDimensions"] = json!([{"dimension": "time", "granularity": unit}]);
        }
    }
    pivot["queryType"] = kind.word().into();
    pivot
}

fn write_result(compiled: &CompiledQuery, loaded: &Loaded, body: &mut Vec<u8>) -> Result<()> {
    let facts = &loaded.answer.facts;
    if facts.truncated {
        return Err(too_large());
    }
    body.extend_from_slice(b"{\"query\":");
    body.extend_from_slice(compiled.normalized.to_string().as_bytes());
    body.extend_from_slice(b",\"data\":");
    write_data(compiled, &loaded.answer.rows, body)?;
    let rest = json!({
        "lastRefreshTime": facts.as_of,
        "annotation": annotation(&compiled.columns),
        "dataSource": "default",
        "dbType": "postgres",
        "extDbType": null,
        "external": false,
        "slowQuery": false,
        "total": loaded.total,
    });
    let rest = rest.to_string();
    body.push(b',');
    body.extend_from_slice(&rest.as_bytes()[1..]);
    Ok(())
}

/// The members of an answer, by their role.
fn annotation(columns: &[ShownColumn]) -> Value {
    let of = |role: MemberRole| {
        let mut members = Map::new();
        for column in columns.iter().filter(|column| column.role == role) {
            let mut about = json!({
                "title": column.title,
                "shortTitle": column.short_title,
                "type": column.member_type.word(),
            });
            for (index, path) in column.paths.iter().enumerate() {
                if let (0, Some(unit)) = (index, column.granularity) {
                    let word = unit.word();
                    about["granularity"] =
                        json!({"name": word, "title": word, "interval": format!("1 {word}")});
                } else if let Value::Object(about) = &mut about {
                    about.remove("granularity");
                }
                members.insert(path.clone(), about.clone());
            }
        }
        members
    };
    json!({
        "measures": of(MemberRole::Measure),
        "dimensions": of(MemberRole::Dimension),
        "segments": {},
        "timeDimensions": of(MemberRole::TimeDimension),
    })
}

fn write_data(compiled: &CompiledQuery, rows: &[u8], body: &mut Vec<u8>) -> Result<()> {
    let columns = &compiled.columns;
    // A value stands once under each of its names.
    let places: Vec<(usize, String)> = columns
        .iter()
        .enumerate()
        .flat_map(|(index, column)| column.paths.iter().map(move |path| (index, Value::from(path.as_str()))))
        .map(|(index, path)| (index, path.to_string()))
        .collect();
    let members: Vec<&str> = places.iter().map(|(_, path)| path.as_str()).collect();
    let members = format!("\"members\":[{}]", members.join(","));
    let rows = Rows::new(rows)?;
    let form = compiled.normalized["responseFormat"].as_str().unwrap_or_default();
    if form == RowsForm::Columnar.word() {
        let mut lists: Vec<Vec<u8>> = vec![Vec::new(); places.len()];
        for row in rows {
            let row = row?;
            for (list, (index, _)) in lists.iter_mut().zip(&places) {
                if !list.is_empty() {
                    list.push(b',');
                }
                write_cell(cell(&row, *index)?, columns[*index].member_type, list);
            }
        }
        body.extend_from_slice(format!("{{{members},\"columns\":[").as_bytes());
        for (index, list) in lists.iter().enumerate() {
            body.extend_from_slice(if index == 0 { b"[" } else { b",[" });
            body.extend_from_slice(list);
            body.push(b']');
        }
        body.extend_from_slice(b"]}");
        return Ok(());
    }
    let is_compact = form == RowsForm::Compact.word();
    let (open, close) = if is_compact { (b'[', b']') } else { (b'{', b'}') };
    if is_compact {
        body.extend_from_slice(format!("{{{members},\"dataset\":").as_bytes());
    }
    body.push(b'[');
    for (number, row) in rows.enumerate() {
        let row = row?;
        if number > 0 {
            body.push(b',');
        }
        body.push(open);
        for (place, (index, path)) in places.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            if !is_compact {
                body.extend_from_slice(path.as_bytes());
                body.push(b':');
            }
            write_cell(cell(&row, *index)?, columns[*index].member_type, body);
        }
        body.push(close);
        if body.len() > REPLY_BYTES {
            return Err(too_large());
        }
    }
    body.push(b']');
    if is_compact {
        body.push(b'}');
    }
    Ok(())
}

fn cell<'a>(row: &[&'a str], index: usize) -> Result<&'a str> {
    row.get(index).copied().ok_or_else(|| Error::internal("a row without one of its columns"))
}

/// Writes a value: numbers as texts, times with milliseconds and without a zone.
fn write_cell(cell: &str, member_type: MemberType, body: &mut Vec<u8>) {
    let is_text = cell.starts_with('"');
    match member_type {
        MemberType::Number if !is_text && cell != "null" => {
            body.push(b'"');
            body.extend_from_slice(cell.as_bytes());
            body.push(b'"');
        }
        MemberType::Time if is_text => {
            let time = cell.trim_matches('"').trim_end_matches('Z');
            let (seconds, fraction) = time.split_once('.').unwrap_or((time, ""));
            let midnight = if seconds.contains('T') { "" } else { "T00:00:00" };
            body.extend_from_slice(format!("\"{seconds}{midnight}.{fraction:0<3.3}\"").as_bytes());
        }
        _ => body.extend_from_slice(cell.as_bytes()),
    }
}

/// The rows of an answer, each as the JSON texts of its values. They are copied as they are, because a number that is parsed
/// and written again can lose digits.
struct Rows<'a> {
    rest: &'a str,
}

impl<'a> Rows<'a> {
    fn new(rows: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(rows).map_err(Error::internal)?;
        let rest = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        Ok(Self { rest: rest.ok_or_else(unreadable)? })
    }

    fn row(&mut self) -> Option<Vec<&'a str>> {
        let mut rest = self.rest.trim_start_matches(',').strip_prefix('[')?;
        let mut cells = Vec::new();
        while !rest.starts_with(']') {
            rest = rest.trim_start_matches(',');
            let end = if rest.starts_with('"') { text_end(rest)? } else { rest.find([',', ']'])? };
            let (cell, after) = rest.split_at(end);
            cells.push(cell);
            rest = after;
        }
        self.rest = &rest[1..];
        Some(cells)
    }
}

/// The end of the text that begins with a quotation mark.
fn text_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    Some(end + 2)
}

fn unreadable() -> Error {
    Error::internal("rows that are no list")
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Vec<&'a str>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let row = self.row();
        if row.is_none() {
            self.rest = "";
        }
        Some(row.ok_or_else(unreadable))
    }
}
