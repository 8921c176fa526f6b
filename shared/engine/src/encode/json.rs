//! Rows as JSON.

use std::collections::BTreeSet;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use serde_json::Value;

use super::cell::{Cell, Cells};
use super::{Encoder, failed};
use crate::answer::{ColumnInfo, RowStream};
use crate::error::EngineError;

/// The form of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// `[1, "a"]`, for pages. A number that JavaScript does not keep exactly is a text.
    List,
    /// `{"Id": 1, "Name": "a"}` by display names, for files. All numbers are numbers.
    Object,
}

/// A JSON array of rows that grows batch by batch.
#[derive(Debug)]
pub struct JsonRows {
    form: RowForm,
    keys: Vec<String>,
    rows: usize,
}

impl JsonRows {
    pub fn new(columns: &[ColumnInfo], form: RowForm) -> Self {
        let keys = unique_names(columns).into_iter().map(|name| format!("{}:", Value::from(name)));
        Self { form, keys: keys.collect(), rows: 0 }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn try_write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let columns = batch.columns().iter().map(Cells::new).collect::<Result<Vec<_>, _>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            if self.rows > 0 {
                out.push(b',');
            }
            self.rows += 1;
            out.push(if self.form == RowForm::List { b'[' } else { b'{' });
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if self.form == RowForm::Object {
                    out.extend_from_slice(self.keys[index].as_bytes());
                }
                text.clear();
                write_cell(&column.get(row)?, self.form, &mut text, out);
            }
            out.push(if self.form == RowForm::List { b']' } else { b'}' });
        }
        Ok(())
    }
}

impl Encoder for JsonRows {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        out.push(b'[');
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<usize, EngineError> {
        self.try_write(batch, out).map_err(failed)?;
        Ok(batch.num_rows())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        out.push(b']');
        Ok(())
    }
}

/// The display names with a number where two are the same: an object keeps one value of a name.
fn unique_names(columns: &[ColumnInfo]) -> Vec<String> {
    let taken: BTreeSet<&String> = columns.iter().map(|column| &column.display_name).collect();
    let mut seen = BTreeSet::new();
    let mut names = vec![];
    for ColumnInfo { display_name: name, .. } in columns {
        let mut unique = name.clone();
        let mut number = 1;
        while number > 1 && taken.contains(&unique) || !seen.insert(unique.clone()) {
            number += 1;
            unique = format!("{name} {number}");
        }
        names.push(unique);
    }
    names
}

fn write_cell(cell: &Cell<'_>, form: RowForm, text: &mut String, out: &mut Vec<u8>) {
    let plain = match cell {
        Cell::Null => "null",
        Cell::Number(value) if !value.is_finite() => "null",
        Cell::Boolean(true) => "true",
        Cell::Boolean(false) => "false",
        Cell::Text(text) => return write_string(text, out),
        Cell::Nested(value) => {
            cell.write_text(text);
            debug_assert_eq!(*text, value.to_string());
            text
        }
        cell => {
            cell.write_text(text);
            let is_exact = matches!(cell, Cell::Integer(_) | Cell::Decimal { .. }) && form == RowForm::Object;
            if !is_exact && !cell.is_json_number() {
                return write_string(text, out);
            }
            text
        }
    };
    out.extend_from_slice(plain.as_bytes());
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A whole answer in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRows {
    pub columns: Vec<ColumnInfo>,
    /// The JSON array of rows.
    pub rows: Vec<u8>,
    pub count: usize,
    pub truncated: bool,
}

/// Reads a stream to its end.
pub async fn collect(mut stream: RowStream, form: RowForm) -> Result<AnswerRows, EngineError> {
    let columns = stream.columns().to_vec();
    let mut writer = JsonRows::new(&columns, form);
    let mut rows = vec![];
    writer.begin(&mut rows)?;
    while let Some(batch) = stream.next().await? {
        writer.write(&batch, &mut rows)?;
    }
    writer.finish(&mut rows)?;
    Ok(AnswerRows { columns, rows, count: writer.rows(), truncated: stream.is_truncated() })
}
