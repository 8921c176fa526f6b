//! Uploads: files that become versions of a table.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::data::finding::Finding;
use crate::error::Issue;
use crate::json::input::{Check, Invalid};
use crate::query::column::Column;

/// The formats of uploaded files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(rename_all = "lowercase")]
#[deserr(error = Invalid, rename_all = lowercase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FileFormat {
    Csv,
    /// One JSON object on each line.
    Jsonl,
    Parquet,
}

/// A file that the owner is about to upload.
#[derive(Debug, Clone, PartialEq, Eq, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadInput {
    pub format: FileFormat,
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1073741824))]
    pub size: u64,
    /// SHA-256 of the file as 64 hexadecimal digits.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: String,
}

impl UploadInput {
    /// The largest file: 1 GiB.
    pub const MAX_BYTES: u64 = 1 << 30;
}

impl Check for UploadInput {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if !(1..=Self::MAX_BYTES).contains(&self.size) {
            issues.push(Issue::new("size", "must be 1 to 1073741824 bytes"));
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            issues.push(Issue::new("sha256", "must be 64 hexadecimal digits"));
        }
        issues
    }
}

/// A stored upload. It expires after a week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    pub id: String,
    pub table: String,
    pub format: FileFormat,
    pub size: u64,
    /// Lower case.
    pub sha256: String,
    pub state: UploadState,
    /// Rows that were read so far.
    #[serde(default)]
    pub rows_read: u64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The state of an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum UploadState {
    /// The file is not committed yet.
    Waiting,
    /// An import runs, or ended without a trace at `until`, and may be started again then.
    Importing {
        until: Timestamp,
    },
    Done {
        version: u64,
        rows: u64,
        columns: Vec<Column>,
    },
    /// Nothing was replaced. The issues name lines and columns.
    Failed {
        issues: Vec<Finding>,
    },
}

impl Upload {
    /// The key of the uploaded file in the stack's bucket.
    pub fn key(&self) -> String {
        format!("uploads/{}/{}", self.table, self.id)
    }
}
