//! Files of owners become tables.

mod hostile;
mod inspect;
mod memory;
mod order;
mod parquet;
mod property;
mod texts;

use std::fs::File;
use std::path::Path as FilePath;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use object_store::path::Path;
use tempfile::TempDir;
use vitrine_engine::import::error::ImportError;
use vitrine_engine::import::{Expected, Import, ImportLimits, Imported, convert};
use vitrine_engine::store::folder;
use vitrine_engine::table::{EngineTable, Files, TableColumn};
use vitrine_rules::data::upload::FileFormat;
use vitrine_rules::query::column::Column;
use vitrine_rules::row_policy::RowAccess;

use crate::support::Data;

/// A folder with a file to import, and folders for what is made of it.
pub struct TestImport {
    pub folder: TempDir,
    pub import: Import,
}

impl TestImport {
    pub fn new(format: FileFormat, file: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [output, scratch] = ["output", "scratch"].map(|name| folder.path().join(name));
        std::fs::create_dir(&output).unwrap();
        std::fs::create_dir(&scratch).unwrap();
        let path = folder.path().join("upload");
        std::fs::write(&path, file).unwrap();
        let import = Import {
            file: path,
            format,
            columns: Expected::Any,
            sort_by: vec![],
            output,
            scratch,
            limits: ImportLimits::default(),
            progress: Arc::default(),
            stop: Arc::default(),
        };
        Self { folder, import }
    }

    pub fn declare(mut self, columns: &[(&str, &str)]) -> Self {
        self.import.columns = Expected::Exactly(columns_of(columns));
        self
    }

    pub fn sort_by(mut self, columns: &[&str]) -> Self {
        self.import.sort_by = columns.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    pub fn convert(&self) -> Result<Imported, ImportError> {
        let result = convert(self.import.clone());
        let left = |folder: &FilePath| std::fs::read_dir(folder).unwrap().count();
        assert_eq!(left(&self.import.scratch), 0, "scratch files are left");
        match &result {
            Ok(imported) => assert_eq!(left(&self.import.output), imported.files.len()),
            Err(_) => assert_eq!(left(&self.import.output), 0, "files of a failed import are left"),
        }
        result
    }

    /// The text for the owner of the failure that the import must end with.
    pub fn refusal(&self) -> String {
        match self.convert() {
            Ok(imported) => panic!("it was imported: {:?}", imported.columns),
            Err(error) => error.owner_text(),
        }
    }

    /// The columns, and all rows as the engine answers them.
    pub async fn answer(&self) -> (String, String) {
        let imported = match self.convert() {
            Ok(imported) => imported,
            Err(error) => panic!("{}", error.owner_text()),
        };
        let columns: Vec<_> =
            imported.columns.iter().map(|column| format!("{} {}", column.name, column.kind)).collect();
        let store = folder::open(self.folder.path()).unwrap();
        let prefix = Path::from("output");
        let objects = folder::list(store.as_ref(), &prefix).await.unwrap();
        let table = EngineTable {
            name: "t".to_owned(),
            columns: imported
                .columns
                .iter()
                .map(|column| TableColumn::new(&column.name, column.kind))
                .collect(),
            rows: RowAccess::All,
            files: Files { store, objects, prefix },
        };
        let data = Data { folder: tempfile::tempdir().unwrap(), tables: vec![table] };
        (columns.join(", "), data.rows("select * from t").await)
    }
}

pub fn columns_of(columns: &[(&str, &str)]) -> Vec<Column> {
    columns.iter().map(|(name, kind)| column(name, kind)).collect()
}

pub fn column(name: &str, kind: &str) -> Column {
    Column { name: name.to_owned(), kind: kind.parse().unwrap(), description: None, hidden: false }
}

pub fn csv(text: &str) -> TestImport {
    TestImport::new(FileFormat::Csv, text.as_bytes())
}

pub fn jsonl(text: &str) -> TestImport {
    TestImport::new(FileFormat::Jsonl, text.as_bytes())
}

/// All rows of the files that an import made, as they are in the files.
pub fn stored(imported: &Imported) -> RecordBatch {
    let mut batches = vec![];
    let mut schema = None;
    for file in &imported.files {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file.path).unwrap()).unwrap();
        schema.get_or_insert_with(|| reader.schema().clone());
        assert_eq!(reader.metadata().file_metadata().num_rows() as u64, file.rows);
        assert_eq!(std::fs::metadata(&file.path).unwrap().len(), file.size);
        batches.extend(reader.build().unwrap().map(Result::unwrap));
    }
    let all = concat_batches(&schema.unwrap(), &batches).unwrap();
    assert_eq!(all.num_rows() as u64, imported.rows);
    all
}
