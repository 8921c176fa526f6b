//! A table as an engine reads it: immutable files, columns, and the rows that the viewer may see.

use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::row_policy::RowAccess;

/// One version of a table, for one viewer.
#[derive(Debug, Clone)]
pub struct EngineTable {
    /// The name in statements.
    pub name: String,
    pub columns: Vec<TableColumn>,
    pub rows: RowAccess,
    pub files: Files,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub name: String,
    pub kind: ColumnType,
    /// A hidden column is no part of the table that statements see. Row policies may still name it.
    pub hidden: bool,
    /// The value stands in the folder's name, `city=Berlin`, not in the file.
    pub in_path: bool,
}

impl TableColumn {
    pub fn new(name: impl Into<String>, kind: ColumnType) -> Self {
        Self { name: name.into(), kind, hidden: false, in_path: false }
    }
}

/// The Parquet files of a version.
#[derive(Debug, Clone)]
pub struct Files {
    pub store: Arc<dyn ObjectStore>,
    /// The files with size and `ETag`. A file that is no longer the same is an error, never a mix of versions.
    pub objects: Vec<ObjectMeta>,
    /// The folder that the names of partitions stand below.
    pub prefix: object_store::path::Path,
}
