//! Failures of an import.

use std::fmt;

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportFailure {
    /// The file, or the columns that its owner declared, must be mended. The same import fails again.
    File,
    /// The file is larger, or takes longer, than an import may.
    TooLarge,
    /// The disk or the process failed. The import can be run again.
    Unavailable,
}

/// A failed import. `Display` and `Debug` contain nothing of the file, so that a careless log line cannot leak a
/// value; the text for the owner has its own accessor.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportError {
    failure: ImportFailure,
    place: Option<FilePlace>,
    column: Option<Box<str>>,
    message: Box<str>,
}

/// The place of a row in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePlace {
    /// The number of a line of a text, from 1.
    Line(u64),
    /// The number of a row, from 1.
    Row(u64),
}

impl ImportError {
    pub fn new(failure: ImportFailure, message: impl Into<String>) -> Self {
        Self { failure, place: None, column: None, message: message.into().into_boxed_str() }
    }

    pub(super) fn file(message: impl Into<String>) -> Self {
        Self::new(ImportFailure::File, message)
    }

    pub(super) fn at(mut self, place: FilePlace) -> Self {
        self.place = Some(place);
        self
    }

    pub(super) fn in_column(mut self, name: &str) -> Self {
        self.column = Some(name.into());
        self
    }

    pub fn failure(&self) -> ImportFailure {
        self.failure
    }

    pub fn place(&self) -> Option<FilePlace> {
        self.place
    }

    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// The text for the owner of the table: line, column and value. Never for a viewer and never for a log.
    pub fn owner_text(&self) -> String {
        let place = self.place.map(|place| match place {
            FilePlace::Line(line) => format!("line {line}"),
            FilePlace::Row(row) => format!("row {row}"),
        });
        let column = self.column.as_ref().map(|name| format!("column `{name}`"));
        let places: Vec<String> = place.into_iter().chain(column).collect();
        match places.is_empty() {
            true => self.message.to_string(),
            false => format!("{}: {}", places.join(", "), self.message),
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.failure {
            ImportFailure::File => "The file cannot be imported.",
            ImportFailure::TooLarge => "The file is too large to be imported.",
            ImportFailure::Unavailable => "The import could not be finished.",
        })
    }
}

impl fmt::Debug for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ImportError").field(&self.failure).finish()
    }
}

impl std::error::Error for ImportError {}

/// Failures of the disk.
impl From<std::io::Error> for ImportError {
    fn from(error: std::io::Error) -> Self {
        let failure = match error.kind() {
            std::io::ErrorKind::StorageFull => ImportFailure::TooLarge,
            _ => ImportFailure::Unavailable,
        };
        Self::new(failure, format!("the disk failed: {}", error.kind()))
    }
}
