//! Immutable versions of a table.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::query::column::Column;

/// One version of a table. Its files never change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableVersion {
    pub number: u64,
    pub rows: u64,
    /// The columns of the files, as they were inferred or declared.
    pub columns: Vec<Column>,
    pub files: Vec<DataFile>,
    /// The upload that it was made from.
    pub upload: String,
    pub created_at: Timestamp,
}

/// A version as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableVersionSummary {
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: u64,
    pub rows: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// A Parquet file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// The whole key in the stack's bucket.
    pub key: String,
    pub size: u64,
    /// Sent with every read, so that a replaced file is an error.
    pub e_tag: String,
}

impl TableVersion {
    /// The prefix of the files of a version.
    pub fn prefix(table: &str, number: u64) -> String {
        format!("tables/{table}/{number}/")
    }
}
