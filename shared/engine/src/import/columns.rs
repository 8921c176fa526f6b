//! Rows on their way into batches: each value is converted to the type of its column, or refused.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, RecordBatch,
    RecordBatchOptions, StringBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use vitrine_rules::query::column::Column;
use vitrine_rules::query::column_type::ColumnType;

use super::cell::InputCell;
use super::error::{ImportError, ImportFailure};
use super::texts::{self, is_stored, midnight};

const MICROS_OF_A_DAY: i64 = 86_400_000_000;

/// Rows and bytes of a batch. A row beyond them begins the next batch.
const MAX_ROWS: usize = 8_192;
const MAX_BYTES: usize = 4 << 20;

/// The rows of the next batch.
pub struct BatchBuilder {
    schema: SchemaRef,
    names: Vec<String>,
    columns: Vec<ColumnBuilder>,
    rows: usize,
    bytes: usize,
}

impl BatchBuilder {
    pub fn new(columns: &[Column]) -> Self {
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, stored_type(column.kind), true)).collect();
        Self {
            schema: Arc::new(Schema::new(fields)),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            columns: columns.iter().map(|column| ColumnBuilder::new(column.kind)).collect(),
            rows: 0,
            bytes: 0,
        }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds a value to the row that is not ended yet. Each column gets exactly one.
    pub fn push(&mut self, column: usize, cell: InputCell<'_>) -> Result<(), ImportError> {
        match self.columns[column].push(cell) {
            Some(bytes) => {
                self.bytes += bytes;
                Ok(())
            }
            None => {
                let kind = self.columns[column].kind;
                let message = format!("`{}` is not {}", texts::excerpt(&cell.to_text()), described(kind));
                Err(ImportError::file(message).in_column(&self.names[column]))
            }
        }
    }

    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    pub fn is_full(&self) -> bool {
        self.rows >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    /// The rows so far; `None` without any.
    pub fn take(&mut self) -> Result<Option<RecordBatch>, ImportError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        (self.rows, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map(Some).map_err(internal)
    }
}

/// A failure that no file should be able to cause.
pub(super) fn internal(error: impl std::fmt::Display) -> ImportError {
    ImportError::new(ImportFailure::Unavailable, format!("the import failed: {error}"))
}

/// The type in which files of a table have a column.
fn stored_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text | ColumnType::Json => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number => DataType::Float64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale.cast_signed()),
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

fn described(kind: ColumnType) -> String {
    match kind {
        ColumnType::Text => "text".to_owned(),
        ColumnType::Integer => "an integer".to_owned(),
        ColumnType::Number => "a number".to_owned(),
        ColumnType::Decimal { .. } => format!("a {kind}"),
        ColumnType::Boolean => "true or false".to_owned(),
        ColumnType::Date => "a date such as 2024-12-31".to_owned(),
        ColumnType::Timestamp => "a timestamp such as 2024-12-31T23:59:59Z".to_owned(),
        ColumnType::Json => "JSON, or is nested too deeply".to_owned(),
    }
}

struct ColumnBuilder {
    kind: ColumnType,
    values: Values,
}

enum Values {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Decimal(Decimal128Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl ColumnBuilder {
    fn new(kind: ColumnType) -> Self {
        let values = match kind {
            ColumnType::Text | ColumnType::Json => Values::Text(StringBuilder::new()),
            ColumnType::Integer => Values::Integer(Int64Builder::new()),
            ColumnType::Number => Values::Number(Float64Builder::new()),
            ColumnType::Decimal { .. } => {
                Values::Decimal(Decimal128Builder::new().with_data_type(stored_type(kind)))
            }
            ColumnType::Boolean => Values::Boolean(BooleanBuilder::new()),
            ColumnType::Date => Values::Date(Date32Builder::new()),
            ColumnType::Timestamp => Values::Timestamp(TimestampMicrosecondBuilder::new()),
        };
        Self { kind, values }
    }

    /// Adds a value and returns its size; `None` if the column cannot hold it.
    fn push(&mut self, cell: InputCell<'_>) -> Option<usize> {
        let is_null = matches!((cell, self.kind), (InputCell::Null, _))
            || matches!(cell, InputCell::Empty) && self.kind != ColumnType::Text;
        match (&mut self.values, self.kind) {
            (Values::Text(values), _) if is_null => values.append_null(),
            (Values::Text(values), kind) => {
                let text = if kind == ColumnType::Json { cell.to_json()? } else { cell.to_text() };
                values.append_value(&text);
                return Some(text.len() + 4);
            }
            (Values::Integer(values), _) => values.append_option(unless(is_null, || integer(cell))?),
            (Values::Number(values), _) => values.append_option(unless(is_null, || number(cell))?),
            (Values::Decimal(values), ColumnType::Decimal { precision, scale }) => {
                values.append_option(unless(is_null, || decimal(cell, precision, scale))?);
                return Some(16);
            }
            (Values::Boolean(values), _) => values.append_option(unless(is_null, || boolean(cell))?),
            (Values::Date(values), _) => values.append_option(unless(is_null, || date(cell))?),
            (Values::Timestamp(values), _) => values.append_option(unless(is_null, || timestamp(cell))?),
            (Values::Decimal(_), _) => return None,
        }
        Some(8)
    }

    fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Text(values) => Arc::new(values.finish()),
            Values::Integer(values) => Arc::new(values.finish()),
            Values::Number(values) => Arc::new(values.finish()),
            Values::Decimal(values) => Arc::new(values.finish()),
            Values::Boolean(values) => Arc::new(values.finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Timestamp(values) => Arc::new(values.finish()),
        }
    }
}

/// NULL, or a value if there is one.
fn unless<T>(is_null: bool, value: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    if is_null { Some(None) } else { value().map(Some) }
}

fn integer(cell: InputCell<'_>) -> Option<i64> {
    match cell {
        InputCell::Integer(value) => Some(value),
        InputCell::Boolean(_) | InputCell::Date(_) | InputCell::Timestamp(_) | InputCell::Json(_) => None,
        other => texts::integer(&other.to_text()),
    }
}

fn number(cell: InputCell<'_>) -> Option<f64> {
    match cell {
        InputCell::Number(value) => Some(value),
        InputCell::Boolean(_) | InputCell::Date(_) | InputCell::Timestamp(_) | InputCell::Json(_) => None,
        other => texts::number(&other.to_text()),
    }
}

fn decimal(cell: InputCell<'_>, precision: u8, scale: u8) -> Option<i128> {
    match cell {
        InputCell::Boolean(_) | InputCell::Date(_) | InputCell::Timestamp(_) | InputCell::Json(_) => None,
        other => texts::decimal(&other.to_text(), precision, scale),
    }
}

fn boolean(cell: InputCell<'_>) -> Option<bool> {
    match cell {
        InputCell::Boolean(value) => Some(value),
        other => texts::boolean(&other.to_text()),
    }
}

fn date(cell: InputCell<'_>) -> Option<i32> {
    match cell {
        InputCell::Date(days) => midnight(days).map(|_| days),
        // A moment is a date if it is the beginning of one: no hours are lost.
        other => {
            let micros = timestamp(other).filter(|micros| micros % MICROS_OF_A_DAY == 0)?;
            i32::try_from(micros / MICROS_OF_A_DAY).ok()
        }
    }
}

fn timestamp(cell: InputCell<'_>) -> Option<i64> {
    let micros = match cell {
        InputCell::Timestamp(micros) => micros,
        InputCell::Date(days) => midnight(days)?,
        InputCell::Field(text) | InputCell::Text(text) => texts::timestamp(text)?,
        _ => return None,
    };
    is_stored(micros).then_some(micros)
}
