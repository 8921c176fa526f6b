//! Rows as a spreadsheet (Office Open XML), compressed while they come.
//!
//! The file is written front to back and never read again, so it needs neither memory for its rows nor a file of
//! its own on the way. It has one sheet, without formulas: a text is a text, whatever it begins with.

mod parts;
mod sheet;
mod zip;

use datafusion::arrow::array::RecordBatch;

use self::sheet::Sheet;
use self::zip::{Entry, Zip};
use super::{Encoder, failed};
use crate::answer::ColumnInfo;
use crate::error::{EngineError, QueryFailure};

/// Rows of a sheet, with the header.
pub const MAX_ROWS: usize = 1_048_576;
/// Columns of a sheet.
pub const MAX_COLUMNS: usize = 16_384;
/// Characters of a cell, in units of UTF-16.
pub const MAX_CHARACTERS: usize = 32_767;

/// A writer of a spreadsheet.
#[derive(Debug)]
pub struct Xlsx {
    columns: Vec<ColumnInfo>,
    zip: Zip,
    sheet: Sheet,
    /// The sheet's compressed file within the archive, from `begin` to `finish`.
    entry: Option<Entry>,
    /// The sheet's text that is not compressed yet.
    text: Vec<u8>,
}

impl Xlsx {
    pub fn new(columns: &[ColumnInfo]) -> Self {
        Self {
            columns: columns.to_vec(),
            zip: Zip::default(),
            sheet: Sheet::new(columns.len()),
            entry: None,
            text: vec![],
        }
    }

    fn compress(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        let entry = self.entry.as_mut().ok_or_else(|| failed("The sheet is not open."))?;
        self.zip.append(entry, &self.text, out)?;
        self.text.clear();
        Ok(())
    }
}

impl Encoder for Xlsx {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        if self.columns.len() > MAX_COLUMNS {
            let text = format!("A spreadsheet has at most {MAX_COLUMNS} columns.");
            return Err(EngineError::new(QueryFailure::TooLarge, text));
        }
        for (name, content) in parts::ALL {
            self.zip.store(name, content, out)?;
        }
        self.entry = Some(self.zip.open(parts::SHEET, out)?);
        self.sheet.begin(&self.columns, &mut self.text);
        self.compress(out)
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<usize, EngineError> {
        let rows = batch.num_rows().min(MAX_ROWS - self.sheet.rows());
        // The text is several times as long as the values: a part of the batch at a time.
        const AT_ONCE: usize = 1_024;
        for start in (0..rows).step_by(AT_ONCE) {
            let part = batch.slice(start, AT_ONCE.min(rows - start));
            self.sheet.write(&part, &mut self.text).map_err(failed)?;
            self.compress(out)?;
        }
        Ok(rows)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError> {
        Sheet::finish(&mut self.text);
        self.compress(out)?;
        if let Some(entry) = self.entry.take() {
            self.zip.close(entry, out)?;
        }
        self.zip.finish(out)
    }

    fn cut_cells(&self) -> u64 {
        self.sheet.cut_cells()
    }
}
