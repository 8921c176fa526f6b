//! Tasks of the function that imports tables and checks queries.
//!
//! That function alone, beside the one that runs queries, has the query engine, and a client of the bucket. Others invoke it
//! with these types.

use serde::{Deserialize, Serialize};

use crate::data::finding::Finding;
use crate::data::signed_request::SignedRequest;
use crate::data::upload::Upload;
use crate::query::column::Column;
use crate::query::column_type::ColumnType;
use crate::query::definition::QueryDefinition;

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Work {
    /// Makes a version of a table from an upload. Nobody waits for the answer: the upload has the outcome.
    Import { table: String, upload: String, force: bool },
    /// Reads the columns of files that others write.
    Inspect { source: String, location: String },
    /// Plans queries as publishing does. Reads no rows.
    Check { queries: Vec<QueryToCheck> },
    /// Signs the request that takes the file of an upload.
    SignUpload { upload: Upload },
    /// Deletes files that no version has any more.
    DeleteFiles { keys: Vec<String> },
}

/// The answer of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum WorkDone {
    Import,
    Inspect { columns: Vec<Column>, issues: Vec<Finding> },
    Check { reports: Vec<QueryReport> },
    SignUpload { request: SignedRequest },
    DeleteFiles,
}

/// A query of a resource that is about to be published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryToCheck {
    /// The place of the query in the request, such as `content.query`.
    pub path: String,
    pub query: QueryDefinition,
}

/// The findings about one query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryReport {
    pub path: String,
    /// Reasons to refuse it. They are for the owner: their texts name tables and columns.
    pub issues: Vec<Finding>,
    /// The issues say that the SQL does not parse or is not one query, so that not even a draft can be saved.
    #[serde(default)]
    pub unparsable: bool,
    pub warnings: Vec<Finding>,
    /// The tables that it reads.
    pub tables: Vec<TableUse>,
    /// The columns of its answer; empty if it has issues.
    pub columns: Vec<OutputColumn>,
}

/// A table that a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUse {
    pub name: String,
    /// Without one the whole table is open to whoever may see the resource.
    pub has_row_policy: bool,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColumn {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
}
