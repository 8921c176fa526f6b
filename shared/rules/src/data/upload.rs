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
    #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::Sha256))]
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
    /// Tells the table from an earlier one of the same name.
    pub table_id: u64,
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
        /// The keys of the files that the import writes. They are removed unless it succeeds.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
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
    /// Nothing was replaced, because the version would break published queries. The issues name them.
    Refused {
        issues: Vec<Finding>,
    },
}

impl UploadState {
    /// Returns whether its file did not become a version.
    pub const fn has_failed(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Refused { .. })
    }

    /// The name of the state, as the API and the storage write it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Importing { .. } => "importing",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Refused { .. } => "refused",
        }
    }
}

impl Upload {
    /// The days that an upload is kept.
    pub const DAYS: i64 = 7;

    /// Another state, with no rows read so far when the upload waits again.
    #[must_use]
    pub fn in_state(self, state: UploadState) -> Self {
        let rows_read = if state == UploadState::Waiting { 0 } else { self.rows_read };
        Self { state, rows_read, ..self }
    }

    /// Returns whether an import may start: none is running, and none has succeeded.
    pub fn may_start(&self, now: Timestamp) -> bool {
        match self.state {
            UploadState::Waiting => true,
            UploadState::Importing { until, .. } => until <= now,
            UploadState::Done { .. } | UploadState::Failed { .. } | UploadState::Refused { .. } => false,
        }
    }

    /// The keys of files that an import which did not succeed may have written.
    pub fn unfinished_files(&self) -> &[String] {
        match &self.state {
            UploadState::Importing { files, .. } => files,
            _ => &[],
        }
    }

    /// The key of the uploaded file in the stack's bucket.
    pub fn key(&self) -> String {
        format!("uploads/{}/{}", self.table, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    fn upload(state: UploadState) -> Upload {
        let at = Timestamp::from_unix;
        let (id, table, sha256) = ("u1".to_owned(), "orders".to_owned(), "0".repeat(64));
        Upload {
            id,
            table,
            table_id: 1,
            format: FileFormat::Csv,
            size: 1,
            sha256,
            state,
            rows_read: 5,
            created_at: at(0),
            expires_at: at(9),
        }
    }

    #[test]
    fn every_problem_of_an_upload_names_its_field() {
        let sha256 = "0aF".repeat(22)[..64].to_owned();
        for (size, sum, path) in [
            (1, sha256.as_str(), None),
            (UploadInput::MAX_BYTES, sha256.as_str(), None),
            (0, sha256.as_str(), Some("size")),
            (UploadInput::MAX_BYTES + 1, sha256.as_str(), Some("size")),
            (1, &sha256[1..], Some("sha256")),
            (1, "", Some("sha256")),
            (1, &"x".repeat(64), Some("sha256")),
        ] {
            let read = input::read::<UploadInput>(json!({"format": "csv", "size": size, "sha256": sum}));
            let paths: Vec<_> = read.unwrap().problems().into_iter().map(|issue| issue.path).collect();
            assert_eq!(paths, Vec::from_iter(path.map(str::to_owned)), "{size} {sum}");
        }
        assert!(input::check::<UploadInput>(json!({"format": "xml", "size": 1, "sha256": sha256})).is_err());
    }

    #[test]
    fn an_import_starts_when_none_runs_and_none_is_done() {
        let now = Timestamp::from_unix(5);
        let until =
            |second| UploadState::Importing { until: Timestamp::from_unix(second), files: Vec::new() };
        let done = UploadState::Done { version: 1, rows: 1, columns: Vec::new() };
        for (state, word, may_start) in [
            (UploadState::Waiting, "waiting", true),
            (until(6), "importing", false),
            (until(5), "importing", true),
            (done, "done", false),
            (UploadState::Failed { issues: Vec::new() }, "failed", false),
            (UploadState::Refused { issues: Vec::new() }, "refused", false),
        ] {
            let upload = upload(state.clone());
            assert_eq!((upload.may_start(now), state.word()), (may_start, word), "{state:?}");
            assert_eq!(serde_json::to_value(&state).unwrap()["state"], word);
        }
    }

    #[test]
    fn an_upload_that_waits_again_has_read_nothing() {
        let failed = upload(UploadState::Failed { issues: Vec::new() });
        assert_eq!(failed.clone().in_state(UploadState::Waiting).rows_read, 0);
        assert_eq!(failed.in_state(UploadState::Refused { issues: Vec::new() }).rows_read, 5);
    }
}
