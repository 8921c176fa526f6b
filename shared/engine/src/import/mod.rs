//! Uploaded files on their way into a table: CSV, JSON lines and Parquet become Parquet of ours.
//!
//! - [`convert`]: the whole of it; [`inspect`]: the columns of files that stay where they are
//! - `source` and the formats below it: files as rows; `infer`: the types of their columns
//! - `columns`: rows as batches of the columns' types; `sort`: their order; `output`: the files
//!
//! The memory is bounded whatever the size of the file, and whatever the file says about itself.

mod cell;
mod columns;
mod csv;
pub mod error;
mod infer;
pub mod inspect;
mod json_lines;
pub mod output;
mod parquet;
mod sort;
mod source;
mod texts;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use datafusion::arrow::array::RecordBatch;
use vitrine_rules::data::upload::FileFormat;
use vitrine_rules::query::column::Column;
use vitrine_rules::query::column_type::ColumnType;

use self::cell::InputCell;
use self::columns::BatchBuilder;
use self::csv::CsvRows;
use self::error::{ImportError, ImportFailure};
use self::infer::Guess;
use self::json_lines::JsonLines;
use self::output::{Output, OutputFile};
use self::parquet::ParquetFile;
use self::sort::Sorter;
use self::source::{Row, RowSource};

/// An import of one file.
#[derive(Debug, Clone)]
pub struct Import {
    pub file: PathBuf,
    pub format: FileFormat,
    pub columns: Expected,
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
    /// Ends the import when it is set.
    pub stop: Arc<AtomicBool>,
}

/// The columns that a file has to have. Types of others are inferred from all of their values.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Expected {
    #[default]
    Any,
    /// These columns and no others, and each value has the type of its column.
    Exactly(Vec<Column>),
    /// Any columns, but those of these names have these types.
    Known(Vec<Column>),
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
    let mut watch = Watch { deadline: import.limits.deadline, stop: import.stop.clone(), count: 0 };
    let (mut source, columns) = open(file, import, watch.clone())?;
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
    source.end()?;
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
fn placed(error: ImportError, source: &dyn RowSource) -> ImportError {
    let is_about_a_row = error.place().is_none() && error.failure() != ImportFailure::Unavailable;
    if is_about_a_row { error.at(source.place()) } else { error }
}

/// Opens a file with the columns that it has, or has to have.
fn open(
    file: File,
    import: &Import,
    mut watch: Watch,
) -> Result<(Box<dyn RowSource>, Vec<Column>), ImportError> {
    let known = match &import.columns {
        Expected::Any | Expected::Exactly(_) => &[],
        Expected::Known(columns) => columns.as_slice(),
    };
    let exactly = match &import.columns {
        Expected::Exactly(columns) => Some(columns.clone()),
        Expected::Any | Expected::Known(_) => None,
    };
    let known = |name: &str| known.iter().find(|column| column.name == name).cloned();
    let typed = |name: String, kind| known(&name).unwrap_or_else(|| column(name, kind));
    Ok(match import.format {
        FileFormat::Csv => {
            let mut source = CsvRows::open(file.try_clone()?)?;
            let are_known: Option<Vec<Column>> = source.names().iter().map(|name| known(name)).collect();
            let columns = match exactly.or(are_known) {
                Some(columns) => columns,
                None => {
                    let mut guesses = Guesses(vec![Guess::default(); source.names().len()]);
                    loop {
                        watch.tick()?;
                        if !source.next(&mut guesses).map_err(|error| placed(error, &source))? {
                            break;
                        }
                    }
                    let names = source.names().iter().cloned();
                    let columns = names.zip(guesses.0).map(|(name, guess)| typed(name, guess.kind()));
                    let columns = columns.collect();
                    source = CsvRows::open(file)?;
                    columns
                }
            };
            (Box::new(source), columns)
        }
        FileFormat::Jsonl => {
            let columns: Vec<Column> = match exactly {
                Some(columns) => columns,
                None => {
                    let inferred = json_lines::infer(file.try_clone()?, || watch.tick())?;
                    inferred.into_iter().map(|(name, guess)| typed(name, guess.kind())).collect()
                }
            };
            let names = columns.iter().map(|column| column.name.clone()).collect();
            (Box::new(JsonLines::open(file, names)?), columns)
        }
        FileFormat::Parquet => {
            let source = ParquetFile::open(file, || watch.tick())?;
            let kinds = source.names().iter().cloned().zip(source.kinds().iter().copied());
            let columns = exactly.unwrap_or_else(|| kinds.map(|(name, kind)| typed(name, kind)).collect());
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
    fn cell(&mut self, column: usize, cell: InputCell<'_>) -> Result<(), ImportError> {
        self.builder.push(self.positions[column], cell)
    }
}

struct Guesses(Vec<Guess>);

impl Row for Guesses {
    fn cell(&mut self, column: usize, cell: InputCell<'_>) -> Result<(), ImportError> {
        self.0[column].observe(cell);
        Ok(())
    }
}

/// The reasons to end early, which are looked at now and then.
#[derive(Clone)]
struct Watch {
    deadline: Option<Instant>,
    stop: Arc<AtomicBool>,
    count: u32,
}

impl Watch {
    fn tick(&mut self) -> Result<(), ImportError> {
        self.count = self.count.wrapping_add(1);
        if self.count.is_multiple_of(1_024) { self.check() } else { Ok(()) }
    }

    fn check(&self) -> Result<(), ImportError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(ImportError::new(ImportFailure::Unavailable, "the import was stopped"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(ImportError::new(ImportFailure::TooLarge, "the import takes longer than it may"))
            }
            _ => Ok(()),
        }
    }
}
