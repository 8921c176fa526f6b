//! Rows as CSV.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;

use super::cell::{Cell, Cells};
use crate::answer::ColumnInfo;
use crate::error::{EngineError, QueryFailure};

/// A writer of CSV that holds no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Csv {
    /// Puts an apostrophe in front of a text that a spreadsheet would take for a formula.
    pub guard_formulas: bool,
}

impl Default for Csv {
    fn default() -> Self {
        Self { guard_formulas: true }
    }
}

impl Csv {
    /// The first line, of display names.
    pub fn header(self, columns: &[ColumnInfo], out: &mut Vec<u8>) {
        for (index, column) in columns.iter().enumerate() {
            self.field(index, &column.display_name, true, out);
        }
        out.push(b'\n');
    }

    pub fn write(self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EngineError> {
        self.try_write(batch, out).map_err(|error| EngineError::new(QueryFailure::Failed, error.to_string()))
    }

    fn try_write(self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let columns = batch.columns().iter().map(Cells::new).collect::<Result<Vec<_>, _>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                match column.get(row)? {
                    Cell::Text(text) => self.field(index, &text, true, out),
                    cell => {
                        text.clear();
                        cell.write_text(&mut text);
                        self.field(index, &text, matches!(cell, Cell::Nested(_)), out);
                    }
                }
            }
            out.push(b'\n');
        }
        Ok(())
    }

    fn field(self, index: usize, text: &str, is_text: bool, out: &mut Vec<u8>) {
        if index > 0 {
            out.push(b',');
        }
        let is_formula = is_text && self.guard_formulas && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if !is_formula && !text.contains(['"', ',', '\n', '\r']) {
            out.extend_from_slice(text.as_bytes());
            return;
        }
        out.push(b'"');
        if is_formula {
            out.push(b'\'');
        }
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
}
