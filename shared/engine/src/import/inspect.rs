//! The columns of Parquet files that someone else writes, and that stay where they are.

use std::collections::BTreeSet;

use bytes::Bytes;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::ParquetMetaDataReader;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use vitrine_rules::query::column::{Column, is_column_name};
use vitrine_rules::query::column_type::ColumnType;

use super::cell::InputCell;
use super::error::{ImportError, ImportFailure};
use super::infer::Guess;
use super::parquet::{damaged, guard, values};
use crate::store::folder;

/// The most files whose columns are read. Of more, those at equal distances.
const MAX_FOOTERS: usize = 20;

/// The columns of a folder of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    pub columns: Vec<Column>,
    /// The names of those that stand in the names of folders, `city=Berlin`. They are the last columns.
    pub in_path: Vec<String>,
    /// The reasons why columns were left out, or why queries may fail.
    pub issues: Vec<String>,
}

/// Reads the columns of all Parquet files below `prefix`.
pub async fn inspect(store: &dyn ObjectStore, prefix: &Path) -> Result<Inspected, ImportError> {
    let objects = folder::find(store, prefix).await.map_err(|error| unread(&error))?;
    let mut issues = vec![];
    if objects.is_empty() {
        return Err(ImportError::file("there are no files whose names end in .parquet"));
    }
    let (in_path, partitions) = partitions(&objects, prefix)?;
    let mut columns: Vec<Column> = vec![];
    let mut left_out = BTreeSet::new();
    for object in objects.iter().step_by(objects.len().div_ceil(MAX_FOOTERS)) {
        let of_file = |error: ImportError| match error.failure() {
            ImportFailure::Unavailable => error,
            failure => ImportError::new(failure, format!("{}: {}", object.location, error.owner_text())),
        };
        for (name, kind) in fields(store, object).await.map_err(of_file)? {
            if in_path.contains(&name) {
                continue;
            }
            let Some(kind) = kind else {
                if left_out.insert(name.clone()) {
                    issues.push(format!(
                        "column `{name}` is left out: queries cannot read its type or its name"
                    ));
                }
                continue;
            };
            match columns.iter().find(|column| column.name == name) {
                None => columns.push(column(name, kind)),
                Some(known) if known.kind != kind => issues.push(format!(
                    "column `{name}` is {} in some files and {kind} in {}",
                    known.kind, object.location
                )),
                Some(_) => {}
            }
        }
    }
    columns.retain(|column| !left_out.contains(&column.name));
    columns.extend(partitions);
    if columns.is_empty() || columns.len() > Column::MAX_COLUMNS {
        let message =
            format!("the files have {} columns, and a table has 1 to {}", columns.len(), Column::MAX_COLUMNS);
        return Err(ImportError::file(message));
    }
    Ok(Inspected { columns, in_path, issues })
}

fn column(name: String, kind: ColumnType) -> Column {
    Column { name, kind, description: None, hidden: false }
}

/// The columns in the names of folders: the same ones, in the same order, for all files.
fn partitions(objects: &[ObjectMeta], prefix: &Path) -> Result<(Vec<String>, Vec<Column>), ImportError> {
    let mut names: Option<Vec<String>> = None;
    let mut guesses = vec![];
    for object in objects {
        let below: Vec<_> = object.location.prefix_match(prefix).into_iter().flatten().collect();
        let folders = below.iter().take(below.len().saturating_sub(1));
        let pairs: Vec<(&str, &str)> = folders.filter_map(|part| part.as_ref().split_once('=')).collect();
        let found: Vec<String> = pairs.iter().map(|(name, _)| (*name).to_owned()).collect();
        if *names.get_or_insert_with(|| found.clone()) != found {
            let message =
                format!("{} is not in folders of the same columns as the other files", object.location);
            return Err(ImportError::file(message));
        }
        guesses.resize(found.len(), Guess::default());
        for (guess, (_, value)) in guesses.iter_mut().zip(pairs) {
            let is_null = value.is_empty() || value == "__HIVE_DEFAULT_PARTITION__";
            guess.observe(if is_null { InputCell::Null } else { InputCell::Field(value) });
        }
    }
    let names = names.unwrap_or_default();
    super::source::check_names(&names)?;
    let columns =
        names.iter().cloned().zip(guesses).map(|(name, guess)| column(name, guess.kind())).collect();
    Ok((names, columns))
}

/// The columns in the footer of a file; without a type those that queries cannot read where they are.
async fn fields(
    store: &dyn ObjectStore,
    object: &ObjectMeta,
) -> Result<Vec<(String, Option<ColumnType>)>, ImportError> {
    let start = object.size.checked_sub(guard::TAIL).ok_or_else(|| damaged(()))?;
    let tail = read(store, object, start..object.size).await?;
    let length = guard::footer_length(&tail, object.size)?;
    let footer = read(store, object, start - length..start).await?;
    // Readers panic about some damaged files.
    let decoded = tokio::task::spawn_blocking(move || decode(&footer)).await;
    decoded.unwrap_or_else(|_| Err(damaged(())))
}

fn decode(footer: &Bytes) -> Result<Vec<(String, Option<ColumnType>)>, ImportError> {
    guard::check_footer(footer)?;
    let metadata = ParquetMetaDataReader::decode_metadata(footer).map_err(damaged)?;
    let schema = parquet_to_arrow_schema(metadata.file_metadata().schema_descr(), None).map_err(damaged)?;
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let is_unique = names.iter().collect::<BTreeSet<_>>().len() == names.len();
    if !is_unique {
        return Err(ImportError::file("two columns have the same name"));
    }
    let kinds = schema.fields().iter().map(|field| {
        let kind = values::kind(field.data_type(), false).filter(|kind| *kind != ColumnType::Json);
        kind.filter(|_| is_column_name(field.name()))
    });
    Ok(names.into_iter().zip(kinds).collect())
}

async fn read(
    store: &dyn ObjectStore,
    object: &ObjectMeta,
    range: std::ops::Range<u64>,
) -> Result<Bytes, ImportError> {
    let bytes = store.get_ranges(&object.location, std::slice::from_ref(&range)).await;
    let bytes = bytes.map_err(|error| unread(&error))?;
    match bytes.into_iter().next() {
        Some(bytes) if bytes.len() as u64 == range.end - range.start => Ok(bytes),
        _ => Err(ImportError::new(ImportFailure::Unavailable, "a file is shorter than its listing says")),
    }
}

/// A failed read: one that the owner can mend says so to him, any other is an outage.
fn unread(error: &object_store::Error) -> ImportError {
    use object_store::Error as Store;
    match error {
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => {
            ImportError::file("the stack may not list or read these files")
        }
        Store::NotFound { .. } => ImportError::file("the bucket or a file is not there"),
        other => ImportError::new(ImportFailure::Unavailable, other.to_string()),
    }
}
