//! Rows as bytes: JSON for pages, and files of three formats.
//!
//! [`mod@file`] makes a file of a stream of rows, batch by batch: it holds one batch, however many rows there are.

mod cell;
pub mod csv;
pub mod file;
pub mod format;
pub mod json;
pub mod xlsx;

pub use cell::Cell;
pub use file::{FileSink, FileStream, WriteError, Written, write};
pub use format::{ExportFormat, FileOptions};

use datafusion::arrow::array::RecordBatch;

use crate::error::{EngineError, QueryFailure};

/// A writer of one format. It appends to memory, so that the caller decides where the bytes go, and when.
pub trait Encoder: Send {
    /// Appends what stands before the rows.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError>;

    /// Appends the rows of `batch` and returns how many the format had room for.
    fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<usize, EngineError>;

    /// Appends what stands after the rows.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EngineError>;

    /// Cells that were longer than the format permits, and so were cut.
    fn cut_cells(&self) -> u64 {
        0
    }
}

/// A value that cannot be written.
fn failed(error: impl std::fmt::Display) -> EngineError {
    EngineError::new(QueryFailure::Failed, error.to_string())
}
