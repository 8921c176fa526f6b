//! `cargo measure`: starts the release functions as Lambda does and measures them, beside the least that a
//! function can be and beside what one would write in other languages.

mod authority;
mod bars;
mod binaries;
mod cases;
mod crowd;
mod events;
mod figures;
mod folders;
mod instructions;
#[cfg(test)]
mod kept;
mod measure;
mod picture;
mod process;
mod product;
mod results;
mod rules;
mod runtime_api;
mod table;
mod wire;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::bars::Which;
use crate::cases::{CASES, Case, Store};
use crate::folders::Folders;
use crate::measure::Products;
use crate::product::Product;
use crate::rules::Rule;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

/// Measure the functions as Lambda runs them
#[derive(Parser)]
#[command(name = "vitrine-bench", max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    part: Option<Part>,

    /// How often each program is started [default: 20; 5 with --guard]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,

    /// How many warm invocations each start is followed by [default: 300; 200 with --guard]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    warm: Option<u16>,

    /// How many published resources make a long list [default: 1000000; 20000 with --guard]
    #[arg(long, value_name = "N")]
    many: Option<usize>,

    /// Only the cases whose name or program has this in it, beside hello world; nothing is written
    #[arg(long, value_name = "WORD")]
    only: Option<String>,

    /// Take the programs as they are
    #[arg(long)]
    no_build: bool,

    /// The short form: fail where a ratio, a count or a size is worse than it may be; nothing is written
    #[arg(long)]
    guard: bool,

    /// Where `results.json` and `results.svg` are written
    #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"), value_name = "FOLDER")]
    into: PathBuf,
}

#[derive(Subcommand)]
enum Part {
    /// Apply a rule over and over, for whoever counts instructions
    #[command(hide = true)]
    Repeat { rule: Rule, times: u32 },
}

/// How many published resources make a short list.
const FEW: usize = 1_000;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let options = Options::parse();
    if let Some(Part::Repeat { rule, times }) = options.part {
        return rules::repeat(rule, times).map(|()| ExitCode::SUCCESS);
    }
    let folders = Folders::find()?;
    let cases: Vec<_> = CASES.into_iter().filter(|case| case.is_about(options.only.as_deref())).collect();
    if !options.no_build {
        binaries::make(&cases, &folders)?;
    }
    let results = measure(&cases, &options, &folders).await?;
    say(&table::figures(&results))?;
    if options.only.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("Instructions of the rules alone: {}\n", results["rules_instructions"]))?;
    let judged = bars::judge(&results, if options.guard { Which::Guarded } else { Which::Wanted });
    say(&table::bars(&judged))?;
    if options.guard {
        let held = judged.iter().all(|bar| bar.is_met);
        return Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let written = options.into.join("results.json");
    fs::write(&written, format!("{results:#}\n"))?;
    fs::write(options.into.join("results.svg"), picture::picture(&results))?;
    say(&format!("Written to {} and beside it.", written.display()))?;
    Ok(ExitCode::SUCCESS)
}

async fn measure(cases: &[Case], options: &Options, folders: &Folders) -> Result<Value> {
    let (runs, warm, many) = if options.guard { (5, 200, 20_000) } else { (20, 300, 1_000_000) };
    let (runs, warm) = (options.runs.unwrap_or(runs), options.warm.unwrap_or(warm));
    // It takes minutes to fill a large store, which not every case looks into.
    let is_large = cases.iter().any(|case| case.store == Store::Large);
    let many = if is_large { options.many.unwrap_or(many) } else { FEW };
    let authority = Authority::create(&folders.scratch)?;
    let products = Products {
        small: Product::start(&authority, FEW).await?,
        large: Product::start(&authority, many).await?,
    };
    let mut rows = measure::measure(cases, &products, folders, runs, warm).await?;
    instructions::of_cases(cases, &mut rows, &products, folders).await?;
    let rules = instructions::of_rules(folders)?;
    products.stop();
    Ok(json!({
        "runs": runs,
        "warm_invocations_a_run": warm,
        "resources": {"few": FEW, "many": many},
        "machine": machine()?,
        "transport": TRANSPORT,
        "rules_instructions": rules,
        "cases": rows,
    }))
}

/// What differs from AWS and makes these figures smaller than there.
const TRANSPORT: &str =
    "All on loopback, services behind TLS: handshakes are in these figures, the network is not.";

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
