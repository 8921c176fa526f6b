//! Answers queries over a folder of Parquet files, for comparisons with other engines.
//!
//! Arguments: the folder. `tables.json` in it names the columns: `{"orders": [["id", "integer"]]}`; the rows of a
//! table are in `NAME/*.parquet`. Each line of the input is one query; each line of the output is its answer.

#![allow(clippy::print_stdout, reason = "the output is for a program")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, stdin};
use std::path::PathBuf;

use object_store::path::Path;
use serde_json::{Value, json};
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::json::{RowForm, collect};
use vitrine_engine::error::EngineError;
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_engine::store::folder;
use vitrine_engine::table::{EngineTable, Files, TableColumn};
use vitrine_rules::query::limits::QueryLimits;
use vitrine_rules::query::prepare::PreparedSql;
use vitrine_rules::row_policy::RowAccess;

async fn tables(root: &std::path::Path) -> Result<Vec<EngineTable>, Box<dyn Error>> {
    let described: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_slice(&std::fs::read(root.join("tables.json"))?)?;
    let store = folder::open(root)?;
    let mut tables = vec![];
    for (name, columns) in described {
        let columns = columns
            .into_iter()
            .map(|(name, kind)| Ok(TableColumn::new(name, kind.parse().map_err(|_| kind)?)));
        let prefix = Path::from(name.as_str());
        let objects = folder::list(store.as_ref(), &prefix).await?;
        let files = Files { store: store.clone(), objects, prefix };
        let columns = columns.collect::<Result<_, String>>()?;
        tables.push(EngineTable { name, columns, rows: RowAccess::All, files });
    }
    Ok(tables)
}

async fn answer(sql: &str, tables: &[EngineTable]) -> Result<Value, EngineError> {
    let query = EngineQuery {
        prepared: PreparedSql { sql: sql.to_owned(), arguments: vec![], is_relative: false },
        syntax: QueryLimits::default(),
        tables: tables.to_vec(),
        limits: Limits { rows: 100_000, ..Limits::default() },
        time_zone: None,
        is_export: false,
    };
    let rows = EmbeddedEngine::default().run(&query).await?;
    let answer = collect(rows, RowForm::List).await?;
    let rows: Value = serde_json::from_slice(&answer.rows).unwrap_or_default();
    Ok(json!({"columns": answer.columns, "rows": rows}))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::args().nth(1).ok_or("the folder is missing")?);
    let tables = tables(&root).await?;
    for sql in stdin().lock().lines() {
        let line = answer(&sql?, &tables)
            .await
            .unwrap_or_else(|error| json!({"failure": error.failure().word(), "error": error.owner_text()}));
        println!("{line}");
    }
    Ok(())
}
