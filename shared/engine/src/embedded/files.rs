//! The files of a table, as a provider that only the wrapper with the row policy can reach.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::catalog::TableProvider;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::SessionContext;
use tokio::runtime::Handle;
use vitrine_rules::query::column_type::ColumnType;

use super::footers::Footers;
use super::parquet::PinnedParquet;
use super::policy::permitted_rows;
use super::table::PolicyTable;
use super::while_planning;
use crate::error::{EngineError, QueryFailure};
use crate::store::pinned::PinnedStore;
use crate::table::{EngineTable, TableColumn};

/// The table as the statement sees it.
pub fn provider(
    context: &SessionContext,
    table: &EngineTable,
    io: &Handle,
    footers: &Footers,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let listing = listing(context, table, io, footers)?;
    wrap(Arc::new(listing), table)
}

/// Puts the row policy and the hidden columns of `table` above `inner`.
pub fn wrap(
    inner: Arc<dyn TableProvider>,
    table: &EngineTable,
) -> Result<Arc<dyn TableProvider>, EngineError> {
    let rows = permitted_rows(&table.rows, &inner.schema())?;
    let is_hidden = |name: &str| !table.columns.iter().any(|column| column.name == name && !column.hidden);
    Ok(Arc::new(PolicyTable::try_new(inner, is_hidden, rows).map_err(while_planning)?))
}

fn listing(
    context: &SessionContext,
    table: &EngineTable,
    io: &Handle,
    footers: &Footers,
) -> Result<ListingTable, EngineError> {
    // Each table has a store of its own. No statement can write its address.
    let host: String = table.name.bytes().map(|byte| format!("{byte:02x}")).collect();
    let invalid = |_| EngineError::new(QueryFailure::Invalid, "The place of the table's files is not valid.");
    let root = url::Url::parse(&format!("vitrine://table-{host}/")).map_err(invalid)?;
    let folder =
        root.join(&format!("{}/", table.files.prefix.as_ref().trim_end_matches('/'))).map_err(invalid)?;
    let store = PinnedStore::new(table.files.store.clone(), &table.files.objects, io.clone());
    let store = Arc::new(store);
    context.register_object_store(&root, store.clone());
    let (in_path, in_files): (Vec<&TableColumn>, Vec<&TableColumn>) =
        table.columns.iter().partition(|column| column.in_path);
    let schema = Schema::new(in_files.iter().map(|column| field(column)).collect::<Vec<_>>());
    let partitions = in_path.iter().map(|column| (column.name.clone(), arrow_type(column.kind))).collect();
    let options = ListingOptions::new(Arc::new(PinnedParquet::new(store, footers.clone())))
        .with_file_extension("")
        .with_table_partition_cols(partitions);
    let url = ListingTableUrl::try_new(folder, None).map_err(while_planning)?;
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(Arc::new(schema));
    ListingTable::try_new(config).map_err(while_planning)
}

fn field(column: &TableColumn) -> Field {
    Field::new(&column.name, arrow_type(column.kind), true)
}

/// The type in which the engine reads a column.
pub fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text | ColumnType::Json => DataType::Utf8View,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number => DataType::Float64,
        ColumnType::Decimal { precision, scale } => {
            DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0))
        }
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}
