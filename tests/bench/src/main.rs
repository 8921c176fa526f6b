//! `cargo measure`: starts the release functions as Lambda does and measures them beside a hello world. With
//! `--peers`, measures one view beside the same view in Node and Python. With `--engine`, measures the query engine
//! beside DuckDB.

mod authority;
mod bars;
mod binaries;
mod cases;
mod crowd;
mod engine;
mod events;
mod figures;
mod folders;
mod instructions;
mod measure;
mod picture;
mod process;
mod product;
#[cfg(test)]
mod published;
mod questions;
mod regression;
mod results;
mod runtime_api;
mod table;
mod wire;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};
use vitrine_local::functions;

use crate::authority::Authority;
use crate::bars::Which;
use crate::cases::{CASES, Case, PEER_CASES, Store};
use crate::folders::Folders;
use crate::measure::Products;
use crate::product::Product;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

/// Measure the functions as Lambda runs them
#[derive(Parser)]
#[command(name = "vitrine-bench", max_term_width = 100)]
struct Options {
    /// Starts of each program [default: 20; 5 with --guard]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,

    /// Warm invocations after each start [default: 300; 200 with --guard]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    warm: Option<u16>,

    /// Published resources in the large store [default: 1000000; 20000 with --guard]
    #[arg(long, value_name = "N")]
    many: Option<usize>,

    /// Measure only the cases whose name or program contains this, and hello world; write nothing
    #[arg(long, value_name = "WORD")]
    only: Option<String>,

    /// Do not build the programs
    #[arg(long)]
    no_build: bool,

    /// Measure quickly, and fail when a figure is more than 10 % worse than published; write nothing
    #[arg(long, conflicts_with = "peers")]
    guard: bool,

    /// Compare one view with the frozen programs in `peers/` instead
    #[arg(long)]
    peers: bool,

    /// Compare the query engine with DuckDB instead
    #[arg(long, conflicts_with_all = ["guard", "peers", "only"])]
    engine: bool,

    /// Folder for the results
    #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"), value_name = "FOLDER")]
    into: PathBuf,
}

impl Options {
    /// Returns whether the sizes of all functions are part of the results.
    fn weighs_all(&self) -> bool {
        !self.peers && self.only.is_none()
    }
}

/// Published resources in the small store.
const FEW: usize = 1_000;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let folders = Folders::find()?;
    if options.engine {
        return compare_engines(&options, &folders).await;
    }
    let cases: &[Case] = if options.peers { &PEER_CASES } else { &CASES };
    let cases: Vec<_> =
        cases.iter().copied().filter(|case| case.is_selected(options.only.as_deref())).collect();
    if !options.no_build {
        let others = if options.weighs_all() { functions::NAMES } else { &[] };
        binaries::make(&cases, others, &folders)?;
    }
    let results = Box::pin(measure(&cases, &options, &folders)).await?;
    say(&if options.peers { table::peer_figures(&results) } else { table::figures(&results) })?;
    if options.only.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    if options.guard {
        return guard(&results);
    }
    if options.peers {
        say(&table::bars(&bars::peer_ratios(&results)))?;
        fs::write(options.into.join("peers/results.svg"), picture::picture(&results))?;
        return write_results(&options.into.join("peers/results.json"), &results);
    }
    say(&format!("Instructions of the rules alone: {}\n", results["rules_instructions"]))?;
    let judged = bars::judge(&results, Which::Published);
    say(&table::bars(&judged))?;
    say(&table::missed(&judged))?;
    write_results(&options.into.join("results.json"), &results)
}

async fn compare_engines(options: &Options, folders: &Folders) -> Result<ExitCode> {
    let python = binaries::python_with_duckdb()?;
    if !options.no_build {
        binaries::make_functions(["vitrine-bench-engine", "run-query", "verify-token"])?;
    }
    let mut results = Box::pin(engine::measure(folders, &python)).await?;
    results["machine"] = machine()?;
    let judged = engine::judge(&results);
    say(&format!("{results:#}"))?;
    say(&table::bars(&judged))?;
    say(&table::missed(&judged))?;
    write_results(&options.into.join("engine/results.json"), &results)
}

fn write_results(path: &Path, results: &Value) -> Result<ExitCode> {
    fs::write(path, format!("{results:#}\n"))?;
    say(&format!("Written to {}. Update the pages: BLESS=1 cargo test -p vitrine-bench", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Fails when a fixed bar is missed, or a figure is more than a tenth worse than published.
fn guard(results: &Value) -> Result<ExitCode> {
    let published = serde_json::from_str(include_str!("../results.json"))?;
    let judged = bars::judge(results, Which::Guarded);
    let compared = regression::compare(results, &published)?;
    say(&table::bars(&judged))?;
    say(&table::regressions(&compared))?;
    let held = judged.iter().all(|bar| bar.is_met) && compared.iter().all(|figure| figure.is_held);
    say(&table::missed(&judged))?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(cases: &[Case], options: &Options, folders: &Folders) -> Result<Value> {
    let (runs, warm, many) = if options.guard { (5, 200, 20_000) } else { (20, 300, 1_000_000) };
    let (runs, warm) = (options.runs.unwrap_or(runs), options.warm.unwrap_or(warm));
    // Filling a large store takes minutes, and few cases read from it.
    let is_large = cases.iter().any(|case| case.store == Store::Large);
    let many = if is_large { options.many.unwrap_or(many) } else { FEW };
    let authority = Authority::create(&folders.scratch)?;
    let products = Products {
        small: Product::start(&authority, FEW).await?,
        large: Product::start(&authority, many).await?,
    };
    let mut rows = measure::measure(cases, &products, folders, runs, warm).await?;
    let mut results = json!({
        "runs": runs,
        "warm_invocations_a_run": warm,
        "machine": machine()?,
        "transport": TRANSPORT,
    });
    if !options.peers {
        instructions::of_cases(cases, &mut rows, &products, folders).await?;
        results["rules_instructions"] = instructions::of_rules(folders)?;
        results["resources"] = json!({"few": FEW, "many": many});
    }
    if options.weighs_all() {
        results["functions"] = binaries::weigh_all(folders)?;
    }
    products.stop();
    results["cases"] = rows.into();
    Ok(results)
}

/// The difference to AWS that makes these figures smaller than there.
const TRANSPORT: &str = "Loopback only, services behind TLS: the figures include handshakes, but no network.";

fn machine() -> Result<Value> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism()?;
    Ok(
        json!({"processor": model.map(|(_, name)| name), "architecture": std::env::consts::ARCH, "cores": cores}),
    )
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}
