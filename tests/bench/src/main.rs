//! `cargo run --release -p vitrine-bench`: starts the release functions as Lambda does and measures them,
//! all cases in turn in each run, so that a busy moment of the machine favours none.

mod binaries;
mod cases;
mod counting;
mod counts;
mod figures;
mod process;
mod product;
mod runtime_api;
mod table;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::{Value, json};

use crate::cases::{CASES, Case};
use crate::figures::Samples;
use crate::process::Process;
use crate::product::Product;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measure the functions as Lambda runs them
#[derive(Parser)]
#[command(name = "vitrine-bench", max_term_width = 100)]
struct Options {
    /// How often each binary is started
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,

    /// How many warm invocations each start is followed by
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    warm: u16,

    /// Take the binaries as they are
    #[arg(long)]
    no_build: bool,

    /// Where the figures are written
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/results.json"), value_name = "FILE")]
    json: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if !options.no_build {
        binaries::build()?;
    }
    let folder = std::env::temp_dir().join(format!("vitrine-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(&options, &folder).await;
    fs::remove_dir_all(&folder)?;
    let rows = measured?;
    let results = json!({
        "runs": options.runs,
        "warm_invocations_a_run": options.warm,
        "machine": machine()?,
        "services": TRANSPORT,
        "services_built_for": BUILT_FOR,
        "cases": rows,
    });
    fs::write(&options.json, format!("{results:#}\n"))?;
    say(&format!(
        "\n{} starts of each, {} warm invocations after each start.\n{TRANSPORT}\nThe services are a {BUILT_FOR} build.\n\n{}\nWritten to {}.",
        options.runs,
        options.warm,
        table::table(&rows),
        options.json.display()
    ))
}

/// The functions are release builds always. The services are part of this program, and slow in a dev build.
const BUILT_FOR: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// What differs from AWS and makes these figures smaller than there.
const TRANSPORT: &str =
    "The services answer over plain HTTP on loopback: no TLS handshake and no network is in these figures.";

async fn measure(options: &Options, folder: &Path) -> Result<Vec<Value>> {
    let product = Product::start().await?;
    let binaries = binaries::folder()?;
    let mut samples: Vec<_> = CASES.iter().map(|_| Samples::default()).collect();
    for run in 1..=options.runs {
        for (case, samples) in CASES.iter().zip(&mut samples) {
            let ran = run_once(case, &binaries, &product, folder, options.warm, samples).await;
            ran.map_err(|error| format!("{}: {error}", case.name))?;
        }
        write!(io::stderr(), "\rrun {run} of {}", options.runs)?;
    }
    let mut rows = Vec::new();
    for (case, samples) in CASES.iter().zip(&samples) {
        let binary = binaries.join(case.binary);
        let counts = counts::count(case, &binary, &product, folder).await?;
        rows.push(figures::figures(case, samples, &binaries::weigh(&binary, folder)?, &counts));
    }
    figures::compare_with_floor(&mut rows);
    product.services.stop();
    Ok(rows)
}

/// One start of one case, and what follows it.
async fn run_once(
    case: &Case,
    binaries: &Path,
    product: &Product,
    folder: &Path,
    warm: u16,
    samples: &mut Samples,
) -> Result<()> {
    let mut events = Vec::new();
    for _ in 0..=warm {
        events.push(case.event(product).await?);
    }
    let mut environment = product.services.environment();
    environment.extend(case.settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let mut process = Process::start(&binaries.join(case.binary), &environment, folder).await?;
    samples.ready.push(process.ready);

    let invocation = process.api.invoke(&events[0]).await?;
    good(&invocation.body)?;
    samples.first.push(invocation.answer);

    let (processor, logged) = (process.processor_time()?, process.logged()?);
    for event in &events[1..] {
        let invocation = process.api.invoke(event).await?;
        good(&invocation.body)?;
        samples.answers.push(invocation.answer);
        samples.busy.push(invocation.busy);
        samples.answer_bytes = invocation.body["body"].as_str().unwrap_or_default().len();
    }
    samples.processor.push((process.processor_time()? - processor) / u32::from(warm));
    samples.logged.push((process.logged()? - logged) as f64 / f64::from(warm));
    samples.peak_kib = samples.peak_kib.max(process.peak_memory()?);
    Ok(())
}

/// A refusal is quicker than an answer: it must not be measured.
fn good(answer: &Value) -> Result<()> {
    match answer["statusCode"].as_u64() {
        Some(200..300) => Ok(()),
        _ => Err(format!("it answered {answer}").into()),
    }
}

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
