//! Files as rows, whatever their format.

use std::collections::HashMap;

use vitrine_rules::query::column::{Column, is_column_name};

use super::cell::InputCell;
use super::error::{FilePlace, ImportError};

/// The longest record of a text, and the longest value.
pub const MAX_RECORD: usize = 16 << 20;

/// The rows of a file.
pub trait RowSource {
    /// The names of the columns, in the order of the file.
    fn names(&self) -> &[String];

    /// The place of the row that was read last, or was about to be read.
    fn place(&self) -> FilePlace;

    /// Hands the values of the next row, one of each column, to `row`; `false` at the end.
    fn next(&mut self, row: &mut dyn Row) -> Result<bool, ImportError>;

    /// Refuses the file for a reason that only the whole of it shows, and that is of no row.
    fn end(&self) -> Result<(), ImportError> {
        Ok(())
    }
}

/// The receiver of the values of a row.
pub trait Row {
    fn cell(&mut self, column: usize, cell: InputCell<'_>) -> Result<(), ImportError>;
}

pub fn utf8(bytes: &[u8]) -> Result<&str, ImportError> {
    std::str::from_utf8(bytes).map_err(|_| ImportError::file("is not UTF-8"))
}

/// Refuses names that no query could use, and names that are used twice.
pub fn check_names(names: &[String]) -> Result<(), ImportError> {
    if names.len() > Column::MAX_COLUMNS {
        let message =
            format!("the file has {} columns, and a table at most {}", names.len(), Column::MAX_COLUMNS);
        return Err(ImportError::file(message));
    }
    let mut seen = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let number = index + 1;
        if name.is_empty() {
            return Err(ImportError::file(format!("column {number} has no name")));
        }
        if !is_column_name(name) {
            let message = format!(
                "the name of column {number}, `{}`, must be 1 to 128 characters without control characters or outer spaces",
                super::texts::excerpt(name)
            );
            return Err(ImportError::file(message));
        }
        if let Some(earlier) = seen.insert(name, number) {
            return Err(ImportError::file(format!("columns {earlier} and {number} are both named `{name}`")));
        }
    }
    Ok(())
}
