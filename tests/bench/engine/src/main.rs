//! Runs queries over a folder of Parquet files and says how long each took. `duckdb_peer.py` speaks the same language.
//!
//! Arguments: the folder with `orders/*.parquet`, and the number of threads. Each line of the input is a query:
//! `{"sql": text, "times": number, "city": policy, "csv": as CSV instead of JSON}`. Each line of the output has the
//! milliseconds of every time, the rows, the bytes of text, and the peak memory of this process in KiB.

#![allow(clippy::print_stdout, reason = "the output is for a program")]

use std::error::Error;
use std::io::{BufRead, stdin};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use object_store::path::Path;
use serde::Deserialize;
use serde_json::json;
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::file::FileStream;
use vitrine_engine::encode::format::{ExportFormat, FileOptions};
use vitrine_engine::encode::json::{RowForm, collect};
use vitrine_engine::error::EngineError;
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_engine::store::folder;
use vitrine_engine::table::{EngineTable, Files, TableColumn};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::limits::{FunctionLimits, QueryLimits};
use vitrine_rules::query::prepare::PreparedSql;
use vitrine_rules::query::typed_value::TypedValue;
use vitrine_rules::row_policy::{RowAccess, RowCondition, RowConditions, RowFilter, RowTest};

const COLUMNS: [(&str, ColumnType); 9] = [
    ("id", ColumnType::Integer),
    ("customer_id", ColumnType::Integer),
    ("city", ColumnType::Text),
    ("status", ColumnType::Text),
    ("amount", ColumnType::Number),
    ("price", ColumnType::Decimal { precision: 12, scale: 2 }),
    ("quantity", ColumnType::Integer),
    ("created_at", ColumnType::Timestamp),
    ("note", ColumnType::Text),
];

/// No limit is reached here: they are tested elsewhere.
const LIMITS: Limits = Limits {
    rows: usize::MAX,
    bytes: usize::MAX,
    time: Duration::from_secs(300),
    memory: 1 << 30,
    functions: FunctionLimits::DEFAULT,
};

#[derive(Deserialize)]
struct Ask {
    sql: String,
    times: usize,
    city: Option<String>,
    #[serde(default)]
    csv: bool,
}

fn only(city: String) -> RowAccess {
    let test = RowTest::Equals(TypedValue::Text(city));
    let all = vec![RowCondition { column: "city".to_owned(), kind: ColumnType::Text, test }];
    RowAccess::Some(RowFilter { any: vec![RowConditions { all }] })
}

async fn files(root: &std::path::Path) -> Result<Files, EngineError> {
    let store = folder::open(root)?;
    let prefix = Path::from("orders");
    let objects = folder::list(store.as_ref(), &prefix).await?;
    Ok(Files { store, objects, prefix })
}

/// The rows and the bytes of the text of one execution.
async fn run(engine: &EmbeddedEngine, query: &EngineQuery, csv: bool) -> Result<(usize, usize), EngineError> {
    let answer = engine.run(query).await?;
    if !csv {
        let answer = collect(answer, RowForm::List).await?;
        return Ok((answer.count, answer.rows.len()));
    }
    let (mut file, mut bytes) = (FileStream::new(ExportFormat::Csv, answer, FileOptions::default()), 0);
    while let Some(piece) = file.next().await? {
        bytes += piece.len();
    }
    Ok((file.written().rows, bytes))
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(root), Some(threads)) = (arguments.next(), arguments.next()) else {
        return Err("a folder and a number of threads are needed".into());
    };
    let engine = EmbeddedEngine::new(threads.parse()?);
    let files = files(&PathBuf::from(root)).await?;
    for line in stdin().lock().lines() {
        let Ask { sql, times, city, csv } = serde_json::from_str(&line?)?;
        let orders = EngineTable {
            name: "orders".to_owned(),
            columns: COLUMNS.map(|(name, kind)| TableColumn::new(name, kind)).to_vec(),
            rows: city.map_or(RowAccess::All, only),
            files: files.clone(),
        };
        let query = EngineQuery {
            prepared: PreparedSql { sql, arguments: vec![], is_relative: false },
            syntax: QueryLimits::default(),
            tables: vec![orders],
            limits: LIMITS,
            time_zone: None,
            is_export: csv,
        };
        let (mut taken, mut last) = (vec![], (0, 0));
        for _ in 0..times {
            let start = Instant::now();
            last = run(&engine, &query, csv).await.map_err(|error| error.owner_text().to_owned())?;
            taken.push(start.elapsed().as_secs_f64() * 1_000.0);
        }
        println!("{}", json!({"ms": taken, "rows": last.0, "bytes": last.1, "peak_kib": peak_kib()}));
    }
    Ok(())
}
