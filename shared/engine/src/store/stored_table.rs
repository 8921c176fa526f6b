//! Stored tables as an engine reads them.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use vitrine_rules::data::table::Table;
use vitrine_rules::data::version::{DataFile, TableVersion};
use vitrine_rules::row_policy::RowAccess;

use crate::error::{EngineError, QueryFailure};
use crate::table::{EngineTable, Files, TableColumn};

/// The table with the files of its current version, whose keys are those of `store`. Nothing is listed.
pub fn at_version(
    table: &Table,
    rows: RowAccess,
    store: Arc<dyn ObjectStore>,
) -> Result<EngineTable, EngineError> {
    let Some(version) = &table.current else {
        return Err(EngineError::new(
            QueryFailure::Unavailable,
            format!("The table `{}` has no version yet.", table.name),
        ));
    };
    let objects = version.files.iter().map(object).collect::<Result<Vec<_>, _>>()?;
    let prefix = Path::from(TableVersion::prefix(&table.name, version.number));
    Ok(of_files(table, rows, Files { store, objects, prefix }))
}

/// The table with files that others write. Columns that are not in the files can be in the names of folders.
pub fn of_files(table: &Table, rows: RowAccess, files: Files) -> EngineTable {
    let partitions = partitions(&files);
    let columns = table.columns.iter().map(|stored| TableColumn {
        name: stored.column.name.clone(),
        kind: stored.column.kind,
        hidden: stored.column.hidden,
        in_path: partitions.contains(&stored.column.name),
    });
    EngineTable { name: table.name.clone(), columns: columns.collect(), rows, files }
}

/// The names before `=` in the folders of the first file.
fn partitions(files: &Files) -> Vec<String> {
    let Some(first) = files.objects.first() else { return Vec::new() };
    let Some(below) = first.location.prefix_match(&files.prefix) else { return Vec::new() };
    let parts: Vec<_> = below.collect();
    let folders = parts.iter().take(parts.len().saturating_sub(1));
    let name = |part: &object_store::path::PathPart| Some(part.as_ref().split_once('=')?.0.to_owned());
    folders.filter_map(name).collect()
}

fn object(file: &DataFile) -> Result<ObjectMeta, EngineError> {
    let location = Path::parse(&file.key)
        .map_err(|error| EngineError::new(QueryFailure::Unavailable, error.to_string()))?;
    Ok(ObjectMeta {
        location,
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size: file.size,
        e_tag: Some(file.e_tag.clone()),
        version: None,
    })
}
