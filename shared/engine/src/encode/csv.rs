//! Rows as CSV: RFC 4180 in UTF-8, with `\n` at the end of lines.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::error::ArrowError;

use super::cell::{Cell, Cells};
use super::{Encoder, failed};
use crate::answer::ColumnInfo;
use crate::error::EngineError;

/// A writer of CSV.
#[derive(Debug)]
pub struct CsvEncoder {
    header: Vec<String>,
    guard_formulas: bool,
}

impl CsvEncoder {
    /// A writer whose first line has the display names of `columns`. With the guard, a text that a spreadsheet
    /// would take for a formula gets an apostrophe in front.
    pub fn new(columns: &[ColumnInfo], guard_formulas: bool) -> Self {
        Self { header: columns.iter().map(|column| column.display_name.clone()).collect(), guard_formulas }
    }

    fn try_write(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
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

    fn field(&self, index: usize, text: &str, is_text: bool, out: &mut Vec<u8>) {
        if index > 0 {
            out.push(b',');
        }
        let is_formula = is_text && self.guard_formulas && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        // Readers skip an empty line, and with it the row.
        let is_empty_line = text.is_empty() && self.header.len() == 1;
        if !is_formula && !is_empty_line && !text.contains(['"', ',', '\n', '\r']) {
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

impl Encoder for CsvEncoder {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        for (index, name) in self.header.iter().enumerate() {
            self.field(index, name, true, out);
        }
        out.push(b'\n');
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<usize, EngineError> {
        self.try_write(batch, out).map_err(failed)?;
        Ok(batch.num_rows())
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), EngineError> {
        Ok(())
    }
}
