//! Instruction counts under callgrind, which do not depend on how busy the machine is.
//!
//! The count of one invocation is the difference between few and many invocations, so that the start and the
//! end of the program are not part of it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};

use crate::Result;
use crate::cases::Case;
use crate::figures::rounded;
use crate::folders::Folders;
use crate::measure::Products;
use crate::process::Process;

const FEW: u32 = 20;
const MANY: u32 = 100;

/// The instructions of each rule.
pub fn of_rules(folders: &Folders) -> Result<Value> {
    let mut counts = Map::new();
    for rule in ["verify", "mint", "parameters"] {
        let count = |times: u32| -> Result<u64> {
            let out = folders.scratch.join("callgrind");
            let mut command = callgrind(&folders.rules, &out);
            command.arg(rule).arg(times.to_string());
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            if !status.success() {
                return Err(format!("{command:?} failed").into());
            }
            total(&out)
        };
        counts.insert(rule.to_owned(), each(count(FEW)?, count(MANY)?).into());
    }
    Ok(counts.into())
}

/// Adds the instructions until ready and per warm invocation to the row of each case.
pub async fn of_cases(
    cases: &[Case],
    rows: &mut [Value],
    products: &Products,
    folders: &Folders,
) -> Result<()> {
    for (case, row) in cases.iter().zip(rows) {
        let ready = of_process(case, products, folders, 0).await?;
        let few = of_process(case, products, folders, FEW).await?;
        let many = of_process(case, products, folders, MANY).await?;
        row["instructions"] = serde_json::json!({"until_ready": ready, "warm": each(few, many)});
    }
    Ok(())
}

async fn of_process(case: &Case, products: &Products, folders: &Folders, times: u32) -> Result<u64> {
    let product = products.of(case);
    let out = folders.scratch.join("callgrind");
    let command = callgrind(&case.bootstrap(folders), &out);
    let mut process = Process::start(command, &case.environment(product), &folders.scratch).await?;
    for _ in 0..times {
        let event = case.ask.event(product).await?;
        case.ask.check(&process.api.invoke(&event).await?.body)?;
    }
    process.end()?;
    total(&out)
}

fn callgrind(program: &Path, out: &Path) -> Command {
    let mut file = OsStr::new("--callgrind-out-file=").to_owned();
    file.push(out);
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(file).arg(program);
    command
}

fn total(out: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(out)?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(line.ok_or("callgrind wrote no total")?.trim().parse()?)
}

fn each(few: u64, many: u64) -> f64 {
    rounded((many - few) as f64 / f64::from(MANY - FEW), 0)
}
