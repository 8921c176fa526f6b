//! The rows of an answer, as a stream that keeps its limits.

use std::fmt;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Schema};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::text::display_name;

use crate::embedded::threads::Threads;
use crate::error::{EngineError, QueryFailure};

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ColumnInfo {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    pub display_name: String,
}

/// The columns of a schema.
pub fn columns(schema: &Schema) -> Vec<ColumnInfo> {
    let column = |name: &str, data_type: &DataType| ColumnInfo {
        name: name.to_owned(),
        kind: kind(data_type),
        display_name: display_name(name),
    };
    schema.fields().iter().map(|field| column(field.name(), field.data_type())).collect()
}

fn kind(data_type: &DataType) -> ColumnType {
    match data_type {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: u8::try_from(*scale).unwrap_or(0) }
        }
        DataType::Dictionary(_, values) => kind(values),
        data_type if data_type.is_integer() => ColumnType::Integer,
        data_type if data_type.is_floating() => ColumnType::Number,
        data_type if data_type.is_nested() => ColumnType::Json,
        _ => ColumnType::Text,
    }
}

/// A query that makes its rows on threads of its own.
pub(crate) struct Running {
    pub batches: mpsc::Receiver<Result<RecordBatch, EngineError>>,
    /// Ends after its last batch is sent.
    pub driver: JoinHandle<()>,
    pub _threads: Threads,
}

impl Running {
    async fn next(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        match self.batches.recv().await {
            Some(batch) => batch.map(Some),
            // No more batches: because all are sent, or because the query panicked.
            None => (&mut self.driver).await.map(|()| None).map_err(EngineError::of_task),
        }
    }
}

/// The rows of an answer. Dropping it cancels the query.
pub struct RowStream {
    columns: Vec<ColumnInfo>,
    /// `None` when the answer has ended, which stops the query.
    running: Option<Running>,
    deadline: Instant,
    rows_left: usize,
    bytes_left: usize,
    truncated: bool,
}

impl RowStream {
    pub(crate) fn new(
        running: Running,
        columns: Vec<ColumnInfo>,
        (rows_left, bytes_left): (usize, usize),
        deadline: Instant,
    ) -> Self {
        Self { columns, running: Some(running), deadline, rows_left, bytes_left, truncated: false }
    }

    pub fn columns(&self) -> &[ColumnInfo] {
        &self.columns
    }

    /// Returns whether rows were cut off. Final when `next` has answered `None`.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The time that is left.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The next rows; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        while let Some(running) = &mut self.running {
            let timeout =
                |_| EngineError::new(QueryFailure::Timeout, "The time budget of the query ran out.");
            let batch = timeout_at(self.deadline, running.next()).await.map_err(timeout).flatten();
            match batch {
                Ok(Some(batch)) if batch.num_rows() == 0 => {}
                // A row beyond the limit is asked for before the answer is called truncated.
                Ok(Some(_)) if self.rows_left == 0 || self.bytes_left == 0 => {
                    self.truncated = true;
                    self.running = None;
                }
                Ok(Some(batch)) => return Ok(Some(self.cut(batch))),
                Ok(None) => self.running = None,
                Err(error) => {
                    self.running = None;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    fn cut(&mut self, batch: RecordBatch) -> RecordBatch {
        let mut rows = batch.num_rows().min(self.rows_left);
        let size: usize = batch.columns().iter().map(slice_bytes).sum();
        let per_row = size.div_ceil(batch.num_rows()).max(1);
        if per_row * rows > self.bytes_left {
            rows = (self.bytes_left / per_row).min(rows);
            self.bytes_left = 0;
        } else {
            self.bytes_left -= per_row * rows;
        }
        self.rows_left -= rows;
        if rows < batch.num_rows() {
            self.truncated = true;
            self.running = None;
        }
        batch.slice(0, rows)
    }
}

/// The memory of the rows of an array, without what its buffers hold beyond them.
fn slice_bytes(array: &datafusion::arrow::array::ArrayRef) -> usize {
    use datafusion::arrow::array::{Array, AsArray};
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().iter().flatten().map(|text| text.len() + 16).sum(),
        _ => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").field("columns", &self.columns).finish_non_exhaustive()
    }
}
