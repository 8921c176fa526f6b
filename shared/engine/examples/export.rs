//! The memory that a file of an answer takes.
//!
//! `export write FOLDER ROWS` writes a table; `export csv|json|xlsx FOLDER ROWS` makes a file of so many of its
//! rows, throws it away, and prints the figures with the peak of the process's memory.

#![allow(clippy::print_stdout, reason = "the output is for a person or a program")]

mod support;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use vitrine_engine::embedded::EmbeddedEngine;
use vitrine_engine::encode::{ExportFormat, FileOptions, FileStream};
use vitrine_rules::row_policy::RowAccess;

/// The peak so far, in KiB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, rows] = &arguments[..] else { return Err("three arguments are needed".into()) };
    let (folder, rows): (PathBuf, i64) = (folder.into(), rows.parse()?);
    if what == "write" {
        return support::write(&folder, rows);
    }
    let format = ExportFormat::from_extension(what).ok_or("the format is not known")?;
    let table = support::table(&folder, RowAccess::All).await?;
    let start = Instant::now();
    let query = support::query(&format!("select * from orders limit {rows}"), table);
    let answer = EmbeddedEngine::new(2).run(&query).await?;
    let mut file = FileStream::new(format, answer, FileOptions::default());
    while file.next().await?.is_some() {}
    let (written, seconds) = (file.written(), start.elapsed().as_secs_f64());
    let line = json!({"format": what, "rows": written.rows, "bytes": written.bytes, "seconds": seconds, "peak_kib": peak()});
    println!("{line}");
    Ok(())
}
