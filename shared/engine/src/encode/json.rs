//! Rows as JSON.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;
use serde_json::Value;

use super::cell::{Cell, Cells};
use crate::answer::{ColumnInfo, RowStream};
use crate::error::{EngineError, QueryFailure};

/// The form of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// `[1, "a"]`, for pages.
    List,
    /// `{"Id": 1, "Name": "a"}` by display names, for files.
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
        let keys = columns.iter().map(|column| format!("{}:", Value::from(column.display_name.as_str())));
        Self { form, keys: keys.collect(), rows: 0 }
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the rows of `batch`, with the bracket that begins the array before the first one.
    pub fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EngineError> {
        self.try_write(batch, out).map_err(|error| EngineError::new(QueryFailure::Failed, error.to_string()))
    }

    fn try_write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let columns = batch.columns().iter().map(Cells::new).collect::<Result<Vec<_>, _>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            out.push(if self.rows == 0 { b'[' } else { b',' });
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
                write_cell(&column.get(row)?, &mut text, out);
            }
            out.push(if self.form == RowForm::List { b']' } else { b'}' });
        }
        Ok(())
    }

    /// Ends the array.
    pub fn finish(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.rows == 0 { b"[]" } else { b"]" });
    }
}

fn write_cell(cell: &Cell<'_>, text: &mut String, out: &mut Vec<u8>) {
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
            if !cell.is_json_number() {
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
    while let Some(batch) = stream.next().await? {
        writer.write(&batch, &mut rows)?;
    }
    writer.finish(&mut rows);
    Ok(AnswerRows { columns, rows, count: writer.rows(), truncated: stream.is_truncated() })
}
