//! The samples of one case over all runs, and the figures made from them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cases::Case;
use crate::product::Product;
use crate::results::p50;

/// Requests to the services in one phase of a start, over all runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Requests {
    dynamodb: usize,
    secrets_manager: usize,
}

impl Requests {
    /// Adds the requests since the last call.
    pub fn add(&mut self, product: &Product) {
        self.dynamodb += product.dynamodb.taken();
        self.secrets_manager += product.secrets_manager.taken();
    }
}

#[derive(Default)]
pub struct Samples {
    pub ready: Vec<Duration>,
    pub first: Vec<Duration>,
    pub answers: Vec<Duration>,
    pub busy: Vec<Duration>,
    /// Of one warm invocation; one sample per run.
    pub processor: Vec<Duration>,
    pub logged: Vec<f64>,
    pub peak_kib: Vec<f64>,
    /// Size of the last answer's body.
    pub answer_bytes: usize,
    pub before: Requests,
    pub for_first: Requests,
    pub for_warm: Requests,
}

/// The figures of one case, as published.
pub fn figures(case: &Case, samples: &Samples, weight: Option<Value>) -> Value {
    let busy: Duration = samples.busy.iter().sum();
    let cold: Vec<_> =
        samples.ready.iter().zip(&samples.first).map(|(ready, first)| *ready + *first).collect();
    let asked = |of: fn(&Requests) -> usize| {
        let each = |asked: &Requests, times: usize| rounded(of(asked) as f64 / times as f64, 2);
        json!({
            "before_ready": each(&samples.before, samples.ready.len()),
            "first": each(&samples.for_first, samples.first.len()),
            "warm": each(&samples.for_warm, samples.answers.len()),
        })
    };
    json!({
        "case": case.name,
        "program": case.program.name(),
        "settings": case.settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        "exec_to_ready_ms": spread(&samples.ready),
        "first_invoke_ms": spread(&samples.first),
        "cold_ms": spread(&cold),
        "warm_invoke_ms": spread(&samples.answers),
        "warm_busy_ms": spread(&samples.busy),
        "warm_per_second": rounded(samples.busy.len() as f64 / busy.as_secs_f64(), 0),
        "warm_processor_ms": spread(&samples.processor),
        "warm_log_bytes": rounded(mean(&samples.logged), 0),
        "answer_bytes": samples.answer_bytes,
        "peak_memory_kib": samples.peak_kib.iter().copied().fold(0.0, f64::max),
        "bytes": weight,
        "round_trips": {
            "dynamodb": asked(|asked| asked.dynamodb),
            "secrets_manager": asked(|asked| asked.secrets_manager),
        },
    })
}

/// Adds the difference of each case to the first one, the hello world of the same runs.
pub fn compare_with_floor(rows: &mut [Value]) {
    let Some(floor) = rows.first().cloned() else { return };
    for row in rows {
        row["over_floor"] = json!({
            "exec_to_ready_ms":
                rounded(p50(row, "exec_to_ready_ms") - p50(&floor, "exec_to_ready_ms"), 3),
            "warm_invoke": rounded(p50(row, "warm_invoke_ms") / p50(&floor, "warm_invoke_ms"), 2),
        });
    }
}

fn spread(samples: &[Duration]) -> Value {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| {
        let place = (share * (sorted.len() - 1) as f64).round() as usize;
        rounded(sorted[place].as_secs_f64() * 1_000.0, 3)
    };
    json!({"p50": at(0.5), "p99": at(0.99)})
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

pub fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}
