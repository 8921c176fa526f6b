//! The query engine beside DuckDB, a row policy beside the same filter written by hand, and the memory of an export.
//!
//! Both programs are asked in turn, so that a busy machine is busy for both.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::Result;
use crate::bars::{Bound, Judged};
use crate::figures::rounded;
use crate::folders::Folders;
use crate::questions;

const ROWS: usize = 1_000_000;
const ROUNDS: usize = 12;
const TIMES: usize = 3;

/// Queries as dashboards ask them.
pub const QUERIES: [(&str, &str); 6] = [
    ("count", "select count(*) from orders"),
    (
        "filter and aggregate",
        "select city, count(*), sum(amount), avg(price) from orders where status = 'paid' and amount > 100 group by city",
    ),
    (
        "by month",
        "select date_trunc('month', created_at) as month, sum(amount) from orders group by 1 order by 1",
    ),
    ("count distinct", "select count(distinct customer_id) from orders"),
    ("top n", "select id, customer_id, amount from orders order by amount desc, id limit 10"),
    (
        "plain rows",
        "select id, customer_id, city, amount, created_at from orders where status = 'open' limit 2000",
    ),
];

/// Queries under a policy, each with the place of the same filter written by hand.
const UNDER_A_POLICY: [&str; 3] = [
    "select status, count(*), sum(amount) from orders {filter} group by status",
    "select date_trunc('month', created_at) as month, sum(price) from orders {filter} group by 1 order by 1",
    "select id, note from orders {filter} order by amount desc, id limit 100",
];
const CITY: &str = "City 7";

pub const DUCKDB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/engine/duckdb_peer.py");

/// A program that answers one line for each line.
pub struct Peer {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (asked, answers) = (child.stdin.take(), child.stdout.take());
        let (asked, answers) = (asked.ok_or("no input")?, answers.ok_or("no output")?);
        Ok(Self { child, asked, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.asked, "{question}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|error| format!("{question}: {error}"))?)
    }

    /// The milliseconds of each execution.
    pub fn times(&mut self, sql: &str, city: Option<&str>) -> Result<Vec<f64>> {
        let answer = self.ask(&json!({"sql": sql, "times": TIMES, "city": city}))?;
        let times = answer["ms"].as_array().ok_or("an answer without times")?;
        Ok(times.iter().filter_map(Value::as_f64).collect())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It has nothing to finish.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Programs<'a> {
    pub folders: &'a Folders,
    /// The Python of an environment in which DuckDB is installed.
    pub python: &'a Path,
    pub threads: String,
}

impl Programs<'_> {
    fn ours(&self, folder: &Path) -> Command {
        let mut command = Command::new(self.folders.function("vitrine-bench-engine"));
        command.arg(folder).arg(&self.threads);
        command
    }

    /// The engine without a function around it, over `orders` in a folder.
    pub fn engine_over(&self, folder: &Path) -> Result<Peer> {
        Peer::start(&mut self.ours(folder))
    }

    fn engine(&self) -> Result<Peer> {
        self.engine_over(&self.folders.scratch)
    }

    fn duckdb(&self) -> Command {
        let mut command = Command::new(self.python);
        command.args([DUCKDB, "answer"]).arg(&self.folders.scratch).arg(&self.threads);
        command
    }
}

/// Measures with the Python of an environment in which DuckDB is installed.
pub async fn measure(folders: &Folders, python: &Path) -> Result<Value> {
    let threads = std::thread::available_parallelism()?.to_string();
    let programs = Programs { folders, python, threads };
    std::fs::create_dir_all(folders.scratch.join("orders"))?;
    let generated = Command::new(python)
        .args([DUCKDB, "generate"])
        .arg(&folders.scratch)
        .arg(ROWS.to_string())
        .status()?;
    if !generated.success() {
        return Err("DuckDB did not generate the data".into());
    }
    Ok(json!({
        "rows": ROWS,
        "threads": programs.threads,
        "load": load()?,
        "queries": queries(&programs)?,
        "policies": policies(&programs)?,
        "export": {"few_kib": export(&programs, 10_000)?, "many_kib": export(&programs, ROWS)?},
        "question": Box::pin(questions::measure(&programs)).await?,
    }))
}

fn queries(programs: &Programs) -> Result<Vec<Value>> {
    let (mut ours, mut duckdb) = (programs.engine()?, Peer::start(&mut programs.duckdb())?);
    let mut samples = vec![(vec![], vec![]); QUERIES.len()];
    // The first round warms up.
    for round in 0..=ROUNDS {
        for ((_, sql), samples) in QUERIES.iter().zip(&mut samples) {
            let taken = (ours.times(sql, None)?, duckdb.times(sql, None)?);
            if round > 0 {
                samples.0.extend(taken.0);
                samples.1.extend(taken.1);
            }
        }
    }
    let rows = QUERIES.iter().zip(samples).map(|((name, _), (ours, duckdb))| {
        let (ours, duckdb) = (median(ours), median(duckdb));
        json!({"query": name, "ours_ms": rounded(ours, 3), "duckdb_ms": rounded(duckdb, 3),
               "ratio": rounded(ours / duckdb, 3)})
    });
    Ok(rows.collect())
}

fn policies(programs: &Programs) -> Result<Vec<Value>> {
    let mut ours = programs.engine()?;
    let mut rows = vec![];
    for template in UNDER_A_POLICY {
        let (by_policy, by_hand) = (
            template.replace("{filter} ", ""),
            template.replace("{filter}", &format!("where city = '{CITY}'")),
        );
        let (mut policy, mut hand) = (vec![], vec![]);
        for round in 0..=ROUNDS {
            let taken = (ours.times(&by_policy, Some(CITY))?, ours.times(&by_hand, None)?);
            if round > 0 {
                policy.extend(taken.0);
                hand.extend(taken.1);
            }
        }
        let (policy, hand) = (median(policy), median(hand));
        rows.push(json!({"query": by_policy, "policy_ms": rounded(policy, 3), "hand_ms": rounded(hand, 3),
                         "ratio": rounded(policy / hand, 3)}));
    }
    Ok(rows)
}

/// The peak memory in KiB of a process that has exported so many rows.
fn export(programs: &Programs, rows: usize) -> Result<Value> {
    let mut ours = programs.engine()?;
    let sql = format!("select * from orders where id <= {rows}");
    let answer = ours.ask(&json!({"sql": sql, "times": 1, "csv": true}))?;
    if answer["rows"] != rows {
        return Err(format!("an export of {rows} rows has {}", answer["rows"]).into());
    }
    Ok(answer["peak_kib"].clone())
}

pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

fn load() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}

fn ratios(results: &Value, list: &str) -> Vec<f64> {
    let rows = results[list].as_array().into_iter().flatten();
    rows.map(|row| row["ratio"].as_f64().unwrap_or(f64::NAN)).collect()
}

fn quotient(results: &Value, of: &str, by: &str) -> f64 {
    let number = |pointer| results.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
    number(of) / number(by)
}

/// The largest, or NaN when one is missing.
fn worst(ratios: &[f64]) -> f64 {
    let largest = ratios.iter().copied().fold(f64::NAN, f64::max);
    if ratios.iter().any(|ratio| ratio.is_nan()) { f64::NAN } else { largest }
}

/// The bars of the engine. A figure that is missing meets none.
pub fn judge(results: &Value) -> Vec<Judged> {
    let (queries, policies) = (ratios(results, "queries"), ratios(results, "policies"));
    let middle = if worst(&queries).is_nan() { f64::NAN } else { middle(queries.clone()) };
    let engine = results.pointer("/question/engine_ms").and_then(Value::as_f64).unwrap_or(f64::NAN);
    [
        ("six queries / DuckDB, warm: median", middle, 1.4),
        ("six queries / DuckDB, warm: worst", worst(&queries), 2.2),
        ("row policy / the same filter by hand: worst", worst(&policies), 1.1),
        (
            "new answer / the engine alone, warm (or 3 ms more)",
            quotient(results, "/question/new_ms", "/question/engine_ms"),
            1.3_f64.max(1.0 + 3.0 / engine),
        ),
        ("cached answer / view", quotient(results, "/question/cached_ms", "/question/view_ms"), 1.3),
        (
            "peak memory: CSV of 1,000,000 rows / of 10,000",
            quotient(results, "/export/many_kib", "/export/few_kib"),
            1.5,
        ),
        (
            "process start to first answer / Python with DuckDB",
            quotient(results, "/question/start/ours_ms", "/question/start/duckdb_ms"),
            0.25,
        ),
    ]
    .map(|(name, figure, most)| Judged {
        name,
        figure,
        bound: Some(Bound::AtMost(most)),
        is_met: figure <= most,
    })
    .into()
}

/// The mean of the two in the middle of an even number.
fn middle(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    let half = ratios.len() / 2;
    if ratios.len().is_multiple_of(2) { f64::midpoint(ratios[half - 1], ratios[half]) } else { ratios[half] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(queries: &[f64], policy: f64, many: u64, start: f64, cached: f64, new: f64) -> Value {
        let rows = |ratios: &[f64]| ratios.iter().map(|ratio| json!({"ratio": ratio})).collect::<Vec<_>>();
        json!({
            "queries": rows(queries),
            "policies": rows(&[1.0, policy]),
            "export": {"few_kib": 100, "many_kib": many},
            "question": {
                "start": {"ours_ms": start, "duckdb_ms": 100.0},
                "cached_ms": cached, "view_ms": 1.0, "new_ms": new, "engine_ms": 20.0,
            },
        })
    }

    #[test]
    fn each_bar_is_met_up_to_its_bound_and_no_further() {
        let met = |results: &Value| judge(results).iter().map(|bar| bar.is_met).collect::<Vec<_>>();
        assert_eq!(met(&results(&[1.3, 2.2, 0.5, 1.5], 1.1, 150, 25.0, 1.3, 26.0)), [true; 7]);
        assert_eq!(met(&results(&[1.5, 2.3, 1.4, 1.5], 1.11, 151, 25.1, 1.31, 26.1)), [false; 7]);
        // A fast query may take three milliseconds more.
        let mut fast = results(&[1.0], 1.0, 100, 1.0, 1.0, 7.9);
        fast["question"]["engine_ms"] = json!(5.0);
        assert_eq!(met(&fast), [true; 7]);
    }

    #[test]
    fn a_missing_figure_meets_no_bar() {
        assert!(judge(&json!({})).iter().all(|bar| !bar.is_met));
        let mut one_missing = results(&[1.0; 6], 1.0, 100, 1.0, 1.0, 20.0);
        one_missing["queries"][3]["ratio"] = Value::Null;
        one_missing["policies"][1]["ratio"] = Value::Null;
        let met: Vec<_> = judge(&one_missing).iter().map(|bar| bar.is_met).collect();
        assert_eq!(met, [false, false, false, true, true, true, true]);
    }
}
