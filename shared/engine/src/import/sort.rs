//! The order of rows: sorted in memory in parts, each of which goes to the disk, and merged from there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter};

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::interleave_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::CompressionType;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use datafusion::arrow::row::{OwnedRow, RowConverter, Rows, SortField};

use super::columns::internal;
use super::error::{ImportError, ImportFailure};

/// The rows and bytes of a batch on the disk. One batch of each part is in memory during the merge.
const MAX_ROWS: usize = 8_192;
const PART_BATCH_BYTES: usize = 1 << 20;
/// More parts would hold more files and memory than the process has.
const MAX_PARTS: usize = 400;

/// The receiver of the rows in order.
pub type Sink<'a> = dyn FnMut(&RecordBatch) -> Result<(), ImportError> + 'a;

pub struct Sorter {
    schema: SchemaRef,
    /// The columns by which rows are sorted, the first first.
    by: Vec<usize>,
    converter: RowConverter,
    /// The most bytes that wait in memory.
    memory: usize,
    held: Vec<RecordBatch>,
    held_bytes: usize,
    /// Files without a name, which end with the process.
    parts: Vec<File>,
    folder: std::path::PathBuf,
}

impl Sorter {
    pub fn new(
        schema: SchemaRef,
        by: Vec<usize>,
        memory: usize,
        folder: &std::path::Path,
    ) -> Result<Self, ImportError> {
        let fields = by.iter().map(|column| SortField::new(schema.field(*column).data_type().clone()));
        let converter = RowConverter::new(fields.collect()).map_err(internal)?;
        let folder = folder.to_owned();
        Ok(Self { schema, by, converter, memory, held: vec![], held_bytes: 0, parts: vec![], folder })
    }

    pub fn push(&mut self, batch: RecordBatch) -> Result<(), ImportError> {
        self.held_bytes += batch.get_array_memory_size();
        self.held.push(batch);
        if self.held_bytes < self.memory {
            return Ok(());
        }
        if self.parts.len() >= MAX_PARTS {
            return Err(ImportError::new(ImportFailure::TooLarge, "the rows are too large to be sorted"));
        }
        let file = tempfile::tempfile_in(&self.folder)?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(internal)?;
        let output = BufWriter::new(file.try_clone()?);
        let mut writer = StreamWriter::try_new_with_options(output, &self.schema, options).map_err(failed)?;
        self.drain(PART_BATCH_BYTES, &mut |batch| writer.write(batch).map_err(failed))?;
        writer.finish().map_err(failed)?;
        drop(writer);
        self.parts.push(file);
        Ok(())
    }

    /// Hands all rows, in order, to `sink`.
    pub fn finish(mut self, sink: &mut Sink<'_>) -> Result<(), ImportError> {
        if self.parts.is_empty() {
            return self.drain(usize::MAX, sink);
        }
        // The rows in memory are the last part.
        let mut last = vec![];
        self.drain(PART_BATCH_BYTES, &mut |batch| {
            last.push(batch.clone());
            Ok(())
        })?;
        self.merge(last, sink)
    }

    fn keys(&self, batch: &RecordBatch) -> Result<Rows, ImportError> {
        let columns: Vec<ArrayRef> = self.by.iter().map(|column| batch.column(*column).clone()).collect();
        self.converter.convert_columns(&columns).map_err(internal)
    }

    /// Hands the rows in memory, in order, to `sink`. Rows with equal keys stay as they were.
    fn drain(&mut self, batch_bytes: usize, sink: &mut Sink<'_>) -> Result<(), ImportError> {
        let held = std::mem::take(&mut self.held);
        let bytes = std::mem::take(&mut self.held_bytes);
        let keys = held.iter().map(|batch| self.keys(batch)).collect::<Result<Vec<_>, _>>()?;
        let rows = held.iter().enumerate();
        let mut order: Vec<(usize, usize)> =
            rows.flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row))).collect();
        order.sort_by(|a, b| keys[a.0].row(a.1).cmp(&keys[b.0].row(b.1)));
        drop(keys);
        let row_bytes = (bytes / order.len().max(1)).max(1);
        let batches: Vec<&RecordBatch> = held.iter().collect();
        for rows in order.chunks((batch_bytes / row_bytes).clamp(1, MAX_ROWS)) {
            sink(&interleave_record_batch(&batches, rows).map_err(internal)?)?;
        }
        Ok(())
    }

    fn merge(mut self, last: Vec<RecordBatch>, sink: &mut Sink<'_>) -> Result<(), ImportError> {
        let mut parts: Vec<Part> = vec![];
        for mut file in std::mem::take(&mut self.parts) {
            std::io::Seek::rewind(&mut file)?;
            let reader = StreamReader::try_new(BufReader::new(file), None).map_err(failed)?;
            parts.push(Part::new(Box::new(reader)));
        }
        parts.push(Part::new(Box::new(last.into_iter().map(Ok))));
        let mut heap = BinaryHeap::new();
        for (index, part) in parts.iter_mut().enumerate() {
            if let Some(key) = part.next_batch(&self)? {
                heap.push(Reverse((key, index)));
            }
        }
        let mut order: Vec<(usize, usize)> = vec![];
        while let Some(Reverse((_, index))) = heap.pop() {
            order.push((index, parts[index].row));
            let key = match parts[index].advance() {
                Some(key) => Some(key),
                None => {
                    // The batch of this part is about to be replaced.
                    emit(&parts, &mut order, sink)?;
                    parts[index].next_batch(&self)?
                }
            };
            if let Some(key) = key {
                heap.push(Reverse((key, index)));
            }
            if order.len() >= MAX_ROWS {
                emit(&parts, &mut order, sink)?;
            }
        }
        emit(&parts, &mut order, sink)
    }
}

fn emit(parts: &[Part], order: &mut Vec<(usize, usize)>, sink: &mut Sink<'_>) -> Result<(), ImportError> {
    if order.is_empty() {
        return Ok(());
    }
    // Parts that have ended have no batch: those that have one stand closer together.
    let mut positions = vec![0; parts.len()];
    let mut batches = vec![];
    for (index, part) in parts.iter().enumerate() {
        if let Some((batch, _)) = &part.batch {
            positions[index] = batches.len();
            batches.push(batch);
        }
    }
    order.iter_mut().for_each(|(part, _)| *part = positions[*part]);
    sink(&interleave_record_batch(&batches, order).map_err(internal)?)?;
    order.clear();
    Ok(())
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// One sorted part, batch by batch.
struct Part {
    batches: Batches,
    batch: Option<(RecordBatch, Rows)>,
    row: usize,
}

impl Part {
    fn new(batches: Batches) -> Self {
        Self { batches, batch: None, row: 0 }
    }

    /// Moves to the next row of the batch.
    fn advance(&mut self) -> Option<OwnedRow> {
        let (_, keys) = self.batch.as_ref()?;
        self.row += 1;
        (self.row < keys.num_rows()).then(|| keys.row(self.row).owned())
    }

    /// Moves to the first row of the next batch.
    fn next_batch(&mut self, sorter: &Sorter) -> Result<Option<OwnedRow>, ImportError> {
        self.batch = None;
        let Some(batch) = self.batches.next() else { return Ok(None) };
        let batch = batch.map_err(failed)?;
        let keys = sorter.keys(&batch)?;
        let first = keys.row(0).owned();
        self.batch = Some((batch, keys));
        self.row = 0;
        Ok(Some(first))
    }
}

fn failed(error: ArrowError) -> ImportError {
    match error {
        ArrowError::IoError(_, error) => ImportError::from(error),
        other => internal(other),
    }
}
