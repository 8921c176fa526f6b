//! Tables in a folder, and queries over them.

pub mod archive;

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use object_store::path::Path;
use tempfile::TempDir;
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::json::{AnswerRows, RowForm, collect};
use vitrine_engine::error::EngineError;
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_engine::store::folder;
use vitrine_engine::table::{EngineTable, Files, TableColumn};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::limits::QueryLimits;
use vitrine_rules::query::prepare::PreparedSql;
use vitrine_rules::query::typed_value::TypedValue;
use vitrine_rules::row_policy::{RowAccess, RowCondition, RowConditions, RowFilter, RowTest};

/// A folder of tables.
pub struct Data {
    pub folder: TempDir,
    pub tables: Vec<EngineTable>,
}

/// The columns of a table with their values.
pub type Columns = Vec<(&'static str, ColumnType, ArrayRef)>;

impl Data {
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), tables: vec![] }
    }

    /// Adds a table of one file.
    pub async fn with(self, name: &str, columns: Columns) -> Self {
        let kinds = columns.iter().map(|(name, kind, _)| TableColumn::new(*name, *kind)).collect();
        self.with_file(name, kinds, |path| write_parquet(path, &columns)).await
    }

    /// Adds a table of one file, which `write` writes.
    pub async fn with_file(
        mut self,
        name: &str,
        columns: Vec<TableColumn>,
        write: impl FnOnce(&std::path::Path),
    ) -> Self {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        write(&folder.join("0.parquet"));
        let store = folder::open(self.folder.path()).unwrap();
        let prefix = Path::from(name);
        let objects = folder::list(store.as_ref(), &prefix).await.unwrap();
        self.tables.push(EngineTable {
            name: name.to_owned(),
            columns,
            rows: RowAccess::All,
            files: Files { store, objects, prefix },
        });
        self
    }

    pub fn table(&mut self, name: &str) -> &mut EngineTable {
        self.tables.iter_mut().find(|table| table.name == name).unwrap()
    }

    /// Permits the rows that satisfy all conditions.
    pub fn permit(mut self, name: &str, conditions: &[(&str, ColumnType, RowTest)]) -> Self {
        self.table(name).rows = only(conditions);
        self
    }

    pub fn hide(mut self, name: &str, column: &str) -> Self {
        self.table(name).columns.iter_mut().find(|found| found.name == column).unwrap().hidden = true;
        self
    }

    pub fn query(&self, sql: &str, arguments: Vec<TypedValue>) -> EngineQuery {
        EngineQuery {
            prepared: PreparedSql { sql: sql.to_owned(), arguments, is_relative: false },
            syntax: QueryLimits::default(),
            tables: self.tables.clone(),
            limits: Limits::default(),
            time_zone: None,
            is_export: false,
        }
    }

    pub async fn answer(&self, sql: &str) -> Result<AnswerRows, EngineError> {
        self.answer_with(sql, vec![]).await
    }

    pub async fn answer_with(
        &self,
        sql: &str,
        arguments: Vec<TypedValue>,
    ) -> Result<AnswerRows, EngineError> {
        run(&self.query(sql, arguments)).await
    }

    /// The rows as JSON text.
    pub async fn rows(&self, sql: &str) -> String {
        match self.answer(sql).await {
            Ok(answer) => String::from_utf8(answer.rows).unwrap(),
            Err(error) => panic!("{sql}: {}", error.owner_text()),
        }
    }
}

/// Runs with one thread, so that a failure does not depend on which thread is first.
pub async fn run_alone(query: &EngineQuery) -> Result<AnswerRows, EngineError> {
    let rows = EmbeddedEngine::new(1).run(query).await?;
    collect(rows, RowForm::List).await
}

pub async fn run(query: &EngineQuery) -> Result<AnswerRows, EngineError> {
    let rows = EmbeddedEngine::new(2).run(query).await?;
    collect(rows, RowForm::List).await
}

pub fn only(conditions: &[(&str, ColumnType, RowTest)]) -> RowAccess {
    let all = conditions.iter().map(|(column, kind, test)| RowCondition {
        column: (*column).to_owned(),
        kind: *kind,
        test: test.clone(),
    });
    RowAccess::Some(RowFilter { any: vec![RowConditions { all: all.collect() }] })
}

pub fn equals(text: &str) -> RowTest {
    RowTest::Equals(TypedValue::Text(text.to_owned()))
}

pub fn write_parquet(path: &std::path::Path, columns: &Columns) {
    let batch =
        RecordBatch::try_from_iter(columns.iter().map(|(name, _, values)| (*name, values.clone()))).unwrap();
    // Small groups, so that predicates have groups to prune.
    const GROUP: usize = 64;
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP)).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    // A group at a time: the writer calls itself once for each group of a batch.
    for start in (0..batch.num_rows()).step_by(GROUP) {
        writer.write(&batch.slice(start, GROUP.min(batch.num_rows() - start))).unwrap();
    }
    writer.close().unwrap();
}

pub fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub fn integers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub fn numbers(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

pub fn booleans(values: &[Option<bool>]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

pub fn decimals(values: &[Option<i128>]) -> ArrayRef {
    Arc::new(Decimal128Array::from(values.to_vec()).with_precision_and_scale(12, 2).unwrap())
}

pub fn days(values: &[Option<i32>]) -> ArrayRef {
    Arc::new(Date32Array::from(values.to_vec()))
}

pub fn moments(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()))
}

pub const DECIMAL: ColumnType = ColumnType::Decimal { precision: 12, scale: 2 };

/// Orders of two cities. What belongs to Paris is a canary.
pub const CANARY: &str = "CANARY";

pub async fn orders() -> Data {
    let cities: Vec<_> = (0..200).map(|i| Some(if i % 2 == 0 { "Berlin" } else { "Paris" })).collect();
    let secrets: Vec<String> =
        (0..200).map(|i| if i % 2 == 0 { format!("{i}") } else { format!("{CANARY}-{i}") }).collect();
    let secrets: Vec<_> = secrets.iter().map(|secret| Some(secret.as_str())).collect();
    // Zero, and so a division that fails, only in Paris.
    let amounts: Vec<_> = (0..200).map(|i| Some(if i % 2 == 0 { i + 1 } else { 0 })).collect();
    Data::empty()
        .with(
            "orders",
            vec![
                ("id", ColumnType::Integer, integers(&(0..200).map(Some).collect::<Vec<_>>())),
                ("city", ColumnType::Text, texts(&cities)),
                ("secret", ColumnType::Text, texts(&secrets)),
                ("amount", ColumnType::Integer, integers(&amounts)),
            ],
        )
        .await
}

/// The orders under the policy that permits Berlin.
pub async fn orders_of_berlin() -> Data {
    orders().await.permit("orders", &[("city", ColumnType::Text, equals("Berlin"))])
}
