//! The formats of files.

use super::Encoder;
use super::csv::CsvEncoder;
use super::json::{JsonRows, RowForm};
use super::xlsx::Xlsx;
use crate::answer::ColumnInfo;

/// A format in which an answer can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    Csv,
    /// An array of objects by display names.
    Json,
    Xlsx,
}

/// The choices of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOptions {
    /// Puts an apostrophe in front of a text in CSV that a spreadsheet would take for a formula. Numbers stay as
    /// they are. The other formats keep texts and formulas apart by themselves.
    pub guard_formulas: bool,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { guard_formulas: true }
    }
}

impl ExportFormat {
    pub const ALL: [Self; 3] = [Self::Csv, Self::Json, Self::Xlsx];

    /// The end of a file's name, and the word in requests.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type without parameters, as a client asks for it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// The value of the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json | Self::Xlsx => self.media_type(),
        }
    }

    /// The format of this extension, in small letters.
    pub fn from_extension(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == word)
    }

    /// The writer of a file with these columns.
    pub fn encoder(self, columns: &[ColumnInfo], options: FileOptions) -> Box<dyn Encoder> {
        match self {
            Self::Csv => Box::new(CsvEncoder::new(columns, options.guard_formulas)),
            Self::Json => Box::new(JsonRows::new(columns, RowForm::Object)),
            Self::Xlsx => Box::new(Xlsx::new(columns)),
        }
    }
}
