//! The Parquet files of a version: several of moderate size, with row groups that can be skipped.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;

use super::columns::internal;
use super::error::ImportError;

const ROW_GROUP_ROWS: usize = 128 << 10;
/// A row group of wide rows is ended earlier.
const ROW_GROUP_BYTES: usize = 64 << 20;
const FILE_BYTES: usize = 128 << 20;

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    pub path: PathBuf,
    pub size: u64,
    pub rows: u64,
}

/// The files in a folder. Dropped before its end, it removes them.
pub struct Output {
    folder: PathBuf,
    schema: SchemaRef,
    open: Option<Open>,
    files: Vec<OutputFile>,
    is_finished: bool,
}

struct Open {
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl Output {
    pub fn new(folder: &Path, schema: SchemaRef) -> Self {
        Self { folder: folder.to_owned(), schema, open: None, files: vec![], is_finished: false }
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ImportError> {
        let Open { writer, rows, .. } = self.open()?;
        writer.write(batch).map_err(failed)?;
        *rows += batch.num_rows() as u64;
        if writer.in_progress_size() >= ROW_GROUP_BYTES {
            writer.flush().map_err(failed)?;
        }
        if writer.bytes_written() >= FILE_BYTES { self.close() } else { Ok(()) }
    }

    /// Ends the last file. A table without rows has a file all the same, which names its columns.
    pub fn finish(mut self) -> Result<Vec<OutputFile>, ImportError> {
        if self.files.is_empty() {
            self.open()?;
        }
        self.close()?;
        self.is_finished = true;
        Ok(std::mem::take(&mut self.files))
    }

    fn open(&mut self) -> Result<&mut Open, ImportError> {
        if self.open.is_none() {
            let path = self.folder.join(format!("{:05}.parquet", self.files.len()));
            let level = ZstdLevel::try_new(3).map_err(internal)?;
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(level))
                .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                .set_created_by("vitrine".to_owned())
                .build();
            // Every reader knows the types of Parquet.
            let options =
                ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
            let file = File::create_new(&path)?;
            let writer = ArrowWriter::try_new_with_options(file, self.schema.clone(), options);
            let writer = writer.map_err(failed)?;
            self.open = Some(Open { path, writer, rows: 0 });
        }
        self.open.as_mut().ok_or_else(|| internal("no file is open"))
    }

    fn close(&mut self) -> Result<(), ImportError> {
        let Some(Open { path, writer, rows }) = self.open.take() else { return Ok(()) };
        self.files.push(OutputFile { path, size: 0, rows });
        let file = writer.into_inner().map_err(failed)?;
        if let Some(last) = self.files.last_mut() {
            last.size = file.metadata()?.len();
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let open = self.open.take().map(|open| open.path);
        for path in self.files.drain(..).map(|file| file.path).chain(open) {
            // The folder is temporary: whoever made it removes what is left.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn failed(error: ParquetError) -> ImportError {
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => ImportError::from(*error),
            Err(error) => internal(error),
        },
        other => internal(other),
    }
}
