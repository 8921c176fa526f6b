//! Uploaded files on their way into a table: CSV, JSON lines and Parquet become Parquet of ours.
//!
//! - [`convert`]: the whole of it
//! - `source` and the formats below it: files as rows; `infer`: the types of their columns
//! - `columns`: rows as batches of the columns' types; `sort`: their order; `output`: the files
//!
//! The memory is bounded whatever the size of the file, and whatever the file says about itself.

mod cell;
mod columns;
mod csv;
pub mod error;
mod infer;
mod json_lines;
pub mod output;
mod parquet;
mod sort;
mod source;
mod texts;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use datafusion::arrow::array::RecordBatch;
use vitrine_rules::data::upload::FileFormat;
use vitrine_rules::query::column::Column;
use vitrine_rules::query::column_type::ColumnType;

use self::cell::Cell;
use self::columns::BatchBuilder;
use self::csv::Csv;
use self::error::{ImportError, ImportFailure};
use self::infer::Guess;
use self::json_lines::JsonLines;
use self::output::{Output, OutputFile};
use self::parquet::ParquetFile;
use self::sort::Sorter;
use self::source::{Row, Source};

/// An import of one file.
#[derive(Debug, Clone)]
pub struct Import {
    pub file: PathBuf,
    pub format: FileFormat,
    /// The columns as their owner declares them; inferred from all values without.
    pub columns: Option<Vec<Column>>,
    /// The columns that row policies name. Rows are sorted by those that the file has, so that a viewer's query
    /// skips most of the row groups.
    pub sort_by: Vec<String>,
    /// The folder of the files that are made. Files of an import that failed are removed.
    pub output: PathBuf,
    /// A folder for rows that are being sorted.
    pub scratch: PathBuf,
    pub limits: ImportLimits,
    /// The rows that were read so far.
    pub progress: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy)]
pub struct ImportLimits {
    /// The rows that wait in memory to be sorted, in bytes.
    pub sort_memory: usize,
    /// The values of all rows, in bytes. A small file can unfold to any size.
    pub unfolded: u64,
    pub deadline: Option<Instant>,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { sort_memory: 64 << 20, unfolded: 16 << 30, deadline: None }
    }
}

/// A finished import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub columns: Vec<Column>,
    pub rows: u64,
    pub files: Vec<OutputFile>,
}

/// The parsers of deep schemas are recursive.
const STACK: usize = 16 << 20;

/// Converts the file. Blocks; call it where blocking is fine.
pub fn convert(import: Import) -> Result<Imported, ImportError> {
    let thread = std::thread::Builder::new().name("import".to_owned()).stack_size(STACK);
    let running = thread.spawn(move || run(&import))?;
    // Readers panic about some damaged files.
    running.join().unwrap_or_else(|_| Err(ImportError::file("the file is damaged")))
}

fn run(import: &Import) -> Result<Imported, ImportError> {
    let file = File::open(&import.file)?;
    let watch = Watch { deadline: import.limits.deadline, count: 0 };
    let (mut source, columns) = open(file, import, watch)?;
    let mut rows =
        Rows { builder: BatchBuilder::new(&columns), positions: positions(source.names(), &columns)? };
    let schema = rows.builder.schema().clone();
    let by: Vec<usize> = import
        .sort_by
        .iter()
        .filter_map(|name| columns.iter().position(|column| column.name == *name))
        .collect();
    let mut output = Output::new(&import.output, schema.clone());
    let mut sorter = match by.is_empty() {
        true => None,
        false => Some(Sorter::new(schema, by, import.limits.sort_memory, &import.scratch)?),
    };
    let mut watch = Watch { deadline: import.limits.deadline, count: 0 };
    let (mut count, mut unfolded) = (0, 0_u64);
    let mut forward = |batch: Option<RecordBatch>| -> Result<(), ImportError> {
        let Some(batch) = batch else { return Ok(()) };
        unfolded += batch.get_array_memory_size() as u64;
        if unfolded > import.limits.unfolded {
            return Err(ImportError::new(ImportFailure::TooLarge, "the values of the file are too large"));
        }
        match &mut sorter {
            Some(sorter) => sorter.push(batch),
            None => output.write(&batch),
        }
    };
    loop {
        watch.tick()?;
        if !source.next(&mut rows).map_err(|error| placed(error, source.as_ref()))? {
            break;
        }
        rows.builder.end_row();
        count += 1;
        if rows.builder.is_full() {
            forward(rows.builder.take()?)?;
            import.progress.store(count, Ordering::Relaxed);
        }
    }
    forward(rows.builder.take()?)?;
    import.progress.store(count, Ordering::Relaxed);
    if let Some(sorter) = sorter {
        sorter.finish(&mut |batch| {
            watch.check()?;
            output.write(batch)
        })?;
    }
    Ok(Imported { columns, rows: count, files: output.finish()? })
}

/// Adds the place of the row to a problem of the row.
fn placed(error: ImportError, source: &dyn Source) -> ImportError {
    let is_about_a_row = error.place().is_none() && error.failure() != ImportFailure::Unavailable;
    if is_about_a_row { error.at(source.place()) } else { error }
}

/// Opens a file with the columns that it has, or that are declared.
fn open(
    file: File,
    import: &Import,
    mut watch: Watch,
) -> Result<(Box<dyn Source>, Vec<Column>), ImportError> {
    let declared = import.columns.as_ref();
    Ok(match import.format {
        FileFormat::Csv => {
            let mut source = Csv::open(file.try_clone()?)?;
            let columns = match declared {
                Some(declared) => declared.clone(),
                None => {
                    let mut guesses = Guesses(vec![Guess::default(); source.names().len()]);
                    loop {
                        watch.tick()?;
                        if !source.next(&mut guesses).map_err(|error| placed(error, &source))? {
                            break;
                        }
                    }
                    let names = source.names().iter().cloned();
                    let columns =
                        names.zip(guesses.0).map(|(name, guess)| column(name, guess.kind())).collect();
                    source = Csv::open(file)?;
                    columns
                }
            };
            (Box::new(source), columns)
        }
        FileFormat::Jsonl => {
            let columns: Vec<Column> = match declared {
                Some(declared) => declared.clone(),
                None => json_lines::infer(file.try_clone()?, || watch.tick())?
                    .into_iter()
                    .map(|(name, guess)| column(name, guess.kind()))
                    .collect(),
            };
            let names = columns.iter().map(|column| column.name.clone()).collect();
            (Box::new(JsonLines::open(file, names)?), columns)
        }
        FileFormat::Parquet => {
            let source = ParquetFile::open(file, || watch.tick())?;
            let kinds = source.names().iter().cloned().zip(source.kinds().iter().copied());
            let columns = match declared {
                Some(declared) => declared.clone(),
                None => kinds.map(|(name, kind)| column(name, kind)).collect(),
            };
            (Box::new(source), columns)
        }
    })
}

fn column(name: String, kind: ColumnType) -> Column {
    Column { name, kind, description: None, hidden: false }
}

/// The position of each column of the file among the columns of the table. Both have the same names.
fn positions(names: &[String], columns: &[Column]) -> Result<Vec<usize>, ImportError> {
    if let Some(missing) = columns.iter().find(|column| !names.contains(&column.name)) {
        return Err(ImportError::file("is declared, but the file does not have it").in_column(&missing.name));
    }
    let position = |name: &String| {
        let found = columns.iter().position(|column| column.name == *name);
        found.ok_or_else(|| ImportError::file("is not declared").in_column(name))
    };
    names.iter().map(position).collect()
}

/// The rows of a file as rows of the table.
struct Rows {
    builder: BatchBuilder,
    positions: Vec<usize>,
}

impl Row for Rows {
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), ImportError> {
        self.builder.push(self.positions[column], cell)
    }
}

struct Guesses(Vec<Guess>);

impl Row for Guesses {
    fn cell(&mut self, column: usize, cell: Cell<'_>) -> Result<(), ImportError> {
        self.0[column].observe(cell);
        Ok(())
    }
}

/// The deadline, which is looked at now and then.
#[derive(Clone)]
struct Watch {
    deadline: Option<Instant>,
    count: u32,
}

impl Watch {
    fn tick(&mut self) -> Result<(), ImportError> {
        self.count = self.count.wrapping_add(1);
        if self.count.is_multiple_of(1_024) { self.check() } else { Ok(()) }
    }

    fn check(&self) -> Result<(), ImportError> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(ImportError::new(ImportFailure::TooLarge, "the import takes longer than it may"))
            }
            _ => Ok(()),
        }
    }
}
