//! Runs the cases: all of them in turn in each run, so that a busy moment of the machine affects all alike.

use std::io::{self, IsTerminal, Write};
use std::process::Command;

use serde_json::Value;

use crate::Result;
use crate::binaries;
use crate::cases::{Case, Store};
use crate::figures::{self, Requests, Samples};
use crate::folders::Folders;
use crate::process::Process;
use crate::product::Product;

pub struct Products {
    pub small: Product,
    pub large: Product,
}

impl Products {
    pub fn of(&self, case: &Case) -> &Product {
        match case.store {
            Store::Small => &self.small,
            Store::Large => &self.large,
        }
    }

    pub fn stop(&self) {
        self.small.services.stop();
        self.large.services.stop();
    }
}

/// One row of figures for each case.
pub async fn measure(
    cases: &[Case],
    products: &Products,
    folders: &Folders,
    runs: u16,
    warm: u16,
) -> Result<Vec<Value>> {
    let mut samples: Vec<_> = cases.iter().map(|_| Samples::default()).collect();
    for run in 1..=runs {
        for (case, samples) in cases.iter().zip(&mut samples) {
            let ran = run_once(case, products.of(case), folders, warm, samples).await;
            ran.map_err(|error| format!("{}: {error}", case.name))?;
        }
        if io::stderr().is_terminal() {
            write!(io::stderr(), "\rrun {run} of {runs} ")?;
        }
    }
    let mut rows = Vec::new();
    for (case, samples) in cases.iter().zip(&samples) {
        rows.push(figures::figures(case, samples, binaries::weigh(case.program, folders)?));
    }
    figures::compare_with_floor(&mut rows);
    Ok(rows)
}

/// One start of one case and its invocations.
async fn run_once(
    case: &Case,
    product: &Product,
    folders: &Folders,
    warm: u16,
    samples: &mut Samples,
) -> Result<()> {
    let mut events = Vec::new();
    for _ in 0..=warm {
        events.push(case.ask.event(product).await?);
    }
    // Discard the requests that were made to create the events.
    Requests::default().add(product);

    let command = Command::new(case.bootstrap(folders));
    let mut process = Process::start(command, &case.environment(product), &folders.scratch).await?;
    samples.ready.push(process.ready);
    samples.before.add(product);

    let invocation = process.api.invoke(&events[0]).await?;
    case.ask.check(&invocation.body)?;
    samples.first.push(invocation.answer);
    samples.for_first.add(product);

    let (processor, logged) = (process.processor_time()?, process.logged()?);
    for event in &events[1..] {
        let invocation = process.api.invoke(event).await?;
        case.ask.check(&invocation.body)?;
        samples.answers.push(invocation.answer);
        samples.busy.push(invocation.busy);
        samples.answer_bytes = invocation.body["body"].as_str().unwrap_or_default().len();
    }
    samples.processor.push((process.processor_time()? - processor) / u32::from(warm));
    samples.logged.push((process.logged()? - logged) as f64 / f64::from(warm));
    samples.peak_kib.push(process.peak_memory()? as f64);
    samples.for_warm.add(product);
    Ok(())
}
