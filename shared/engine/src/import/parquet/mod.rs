//! Parquet of other programs: read into rows, because the size of row groups and the order of rows are ours.

pub(super) mod guard;
mod nested;
mod thrift;
pub(super) mod values;

use std::fs::File;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::datasource::physical_plan::parquet::Int96Coercer;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::basic::LogicalType;
use vitrine_rules::query::column_type::ColumnType;

use self::values::ColumnValues;
use super::error::{FilePlace, ImportError};
use super::source::{Row, RowSource, check_names};

/// A file with the types that its schema names.
pub struct ParquetFile {
    reader: ParquetRecordBatchReader,
    names: Vec<String>,
    kinds: Vec<ColumnType>,
    is_uuid: Vec<bool>,
    batch: Vec<ColumnValues>,
    rows: usize,
    row: usize,
    number: u64,
    scratch: String,
}

impl ParquetFile {
    pub fn open(mut file: File, each: impl FnMut() -> Result<(), ImportError>) -> Result<Self, ImportError> {
        guard::check_file(&mut file)?;
        // The schema of Arrow that some writers add is ignored: it is for their own readers.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(damaged)?;
        let batch_rows = guard::check_pages(&mut file, metadata.metadata(), each)?;
        // Older programs write timestamps as INT96. As nanoseconds, years after 2262 would wrap around.
        let schema = metadata.schema().as_ref();
        let coerced = Int96Coercer::new(metadata.parquet_schema(), schema, &TimeUnit::Microsecond).coerce();
        let fields = coerced.as_ref().unwrap_or(schema).fields().clone();
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        check_names(&names)?;
        if names.is_empty() {
            return Err(ImportError::file("the file has no columns"));
        }
        let root = metadata.parquet_schema().root_schema();
        let is_uuid: Vec<bool> = root
            .get_fields()
            .iter()
            .map(|field| matches!(field.get_basic_info().logical_type_ref(), Some(LogicalType::Uuid)))
            .collect();
        let kinds = fields.iter().zip(&is_uuid).map(|(field, is_uuid)| {
            values::kind(field.data_type(), *is_uuid).ok_or_else(|| {
                ImportError::file(format!("has a type that is not supported: {}", field.data_type()))
                    .in_column(field.name())
            })
        });
        let kinds = kinds.collect::<Result<Vec<_>, _>>()?;
        // Texts stay in the pages that they came in: a long one in a dictionary is not copied for each row.
        let schema = Arc::new(Schema::new(fields.iter().map(viewed).collect::<Vec<_>>()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = ArrowReaderMetadata::try_new(metadata.metadata().clone(), options).map_err(damaged)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(batch_rows)
            .build()
            .map_err(damaged)?;
        let batch = vec![];
        Ok(Self { reader, names, kinds, is_uuid, batch, rows: 0, row: 0, number: 0, scratch: String::new() })
    }

    /// The types of the columns.
    pub fn kinds(&self) -> &[ColumnType] {
        &self.kinds
    }
}

impl RowSource for ParquetFile {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self) -> FilePlace {
        FilePlace::Row(self.number)
    }

    fn next(&mut self, row: &mut dyn Row) -> Result<bool, ImportError> {
        self.number += 1;
        while self.row == self.rows {
            let Some(batch) = self.reader.next() else { return Ok(false) };
            let batch = batch.map_err(|error| unreadable(&error))?;
            if batch.num_columns() != self.names.len() {
                return Err(damaged(""));
            }
            let values = batch
                .columns()
                .iter()
                .zip(&self.is_uuid)
                .map(|(array, uuid)| ColumnValues::new(array, *uuid));
            self.batch = values.collect::<Result<_, _>>()?;
            (self.row, self.rows) = (0, batch.num_rows());
        }
        for (column, values) in self.batch.iter().enumerate() {
            let cell = values.cell(self.row, &mut self.scratch);
            row.cell(column, cell.map_err(|error| error.in_column(&self.names[column]))?)?;
        }
        self.row += 1;
        Ok(true)
    }
}

/// The texts of readers name offsets and buffers, which tell an owner nothing.
pub(super) fn damaged<E>(_: E) -> ImportError {
    ImportError::file("the file is not Parquet, or is damaged")
}

fn unreadable(error: &ArrowError) -> ImportError {
    match error {
        ArrowError::IoError(_, error) => ImportError::from(std::io::Error::from(error.kind())),
        _ => damaged(()),
    }
}

fn viewed(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::List(item) => DataType::List(viewed(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(viewed).collect()),
        DataType::Map(entries, is_sorted) => DataType::Map(viewed(entries), *is_sorted),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
}
