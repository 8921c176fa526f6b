//! A folder with one table of orders, for programs that measure.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::error::Error;
use std::path::Path as FolderPath;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use object_store::path::Path;
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_engine::store::folder;
use vitrine_engine::table::{EngineTable, Files, TableColumn};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::limits::QueryLimits;
use vitrine_rules::query::prepare::PreparedSql;
use vitrine_rules::row_policy::RowAccess;

pub const CITIES: [&str; 8] = ["Berlin", "Paris", "Oslo", "Madrid", "Rome", "Vienna", "Lisbon", "Athens"];

const COLUMNS: [(&str, ColumnType); 6] = [
    ("id", ColumnType::Integer),
    ("city", ColumnType::Text),
    ("customer", ColumnType::Text),
    ("amount", ColumnType::Number),
    ("quantity", ColumnType::Integer),
    ("created_at", ColumnType::Timestamp),
];

/// Writes so many orders, in groups as large as those of imported tables.
pub fn write(folder: &FolderPath, rows: i64) -> Result<(), Box<dyn Error>> {
    const GROUP: usize = 128 << 10;
    std::fs::create_dir_all(folder.join("orders"))?;
    let file = std::fs::File::create(folder.join("orders/0.parquet"))?;
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP)).build();
    let mut writer: Option<ArrowWriter<std::fs::File>> = None;
    let mut file = Some(file);
    for start in (0..rows).step_by(8_192) {
        let batch = orders(start..rows.min(start + 8_192))?;
        if let Some(file) = file.take() {
            writer = Some(ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()))?);
        }
        writer.as_mut().ok_or("no rows")?.write(&batch)?;
    }
    writer.ok_or("no rows")?.close()?;
    Ok(())
}

fn orders(ids: std::ops::Range<i64>) -> Result<RecordBatch, Box<dyn Error>> {
    let mixed = |id: i64, below: i64| (id.wrapping_mul(7_919) ^ (id >> 3)).rem_euclid(below);
    let city = |id| CITIES[usize::try_from(mixed(id, 8)).unwrap_or(0)];
    #[allow(clippy::cast_precision_loss)]
    let amount = |id| mixed(id, 100_000) as f64 / 100.0;
    let columns: [ArrayRef; 6] = [
        Arc::new(Int64Array::from_iter_values(ids.clone())),
        Arc::new(StringArray::from_iter_values(ids.clone().map(city))),
        Arc::new(StringArray::from_iter_values(
            ids.clone().map(|id| format!("Customer {}", mixed(id, 5_000))),
        )),
        Arc::new(Float64Array::from_iter_values(ids.clone().map(amount))),
        Arc::new(Int64Array::from_iter_values(ids.clone().map(|id| mixed(id, 9)))),
        Arc::new(TimestampMicrosecondArray::from_iter_values(
            ids.map(|id| 1_640_995_200_000_000 + id * 60_000_000),
        )),
    ];
    let names = COLUMNS.iter().map(|(name, _)| *name);
    Ok(RecordBatch::try_from_iter(names.zip(columns))?)
}

/// The table, of which `rows` may be seen.
pub async fn table(folder: &FolderPath, rows: RowAccess) -> Result<EngineTable, Box<dyn Error>> {
    let store = folder::open(folder)?;
    let prefix = Path::from("orders");
    let objects = folder::list(store.as_ref(), &prefix).await?;
    let columns = COLUMNS.iter().map(|(name, kind)| TableColumn::new(*name, *kind)).collect();
    Ok(EngineTable { name: "orders".to_owned(), columns, rows, files: Files { store, objects, prefix } })
}

/// A query over the table that is cut neither by rows nor by bytes.
pub fn query(sql: &str, table: EngineTable) -> EngineQuery {
    EngineQuery {
        prepared: PreparedSql { sql: sql.to_owned(), arguments: vec![], is_relative: false },
        syntax: QueryLimits::default(),
        tables: vec![table],
        limits: Limits {
            rows: usize::MAX,
            bytes: usize::MAX,
            time: std::time::Duration::from_secs(600),
            ..Limits::default()
        },
        time_zone: None,
        is_export: false,
    }
}
