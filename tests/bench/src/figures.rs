//! What was measured of one case, over all its runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::binaries::Weight;
use crate::cases::Case;
use crate::counts::Counts;

#[derive(Default)]
pub struct Samples {
    pub ready: Vec<Duration>,
    pub first: Vec<Duration>,
    pub answers: Vec<Duration>,
    pub busy: Vec<Duration>,
    /// For one warm invocation, one sample a run.
    pub processor: Vec<Duration>,
    pub logged: Vec<f64>,
    pub peak_kib: u64,
    /// The body of the last answer.
    pub answer_bytes: usize,
}

/// The figures of one case, as they are written down.
pub fn figures(case: &Case, samples: &Samples, weight: &Weight, counts: &Counts) -> Value {
    let busy: Duration = samples.busy.iter().sum();
    json!({
        "case": case.name,
        "binary": case.binary,
        "settings": case.settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        "exec_to_ready_ms": spread(&samples.ready),
        "first_invoke_ms": spread(&samples.first),
        "warm_invoke_ms": spread(&samples.answers),
        "warm_busy_ms": spread(&samples.busy),
        "warm_per_second": rounded(samples.busy.len() as f64 / busy.as_secs_f64(), 0),
        "warm_processor_ms": spread(&samples.processor),
        "warm_log_bytes": rounded(samples.logged.iter().sum::<f64>() / samples.logged.len() as f64, 0),
        "answer_bytes": samples.answer_bytes,
        "peak_memory_kib": samples.peak_kib,
        "binary_bytes": weight.bytes,
        "zip_bytes": weight.zip_bytes,
        "round_trips": {
            "dynamodb": counts.dynamodb.as_json(),
            "secrets_manager": counts.secrets_manager.as_json(),
        },
    })
}

/// Adds what of each case is its own: what it takes more than the first one, the floor, in the same runs.
pub fn compare_with_floor(rows: &mut [Value]) {
    let figure = |row: &Value, name: &str| row[name]["p50"].as_f64().unwrap_or(f64::NAN);
    let Some(floor) = rows.first().cloned() else { return };
    for row in rows {
        let ready = figure(row, "exec_to_ready_ms") - figure(&floor, "exec_to_ready_ms");
        let warm = figure(row, "warm_invoke_ms") / figure(&floor, "warm_invoke_ms");
        row["over_floor"] = json!({"exec_to_ready_ms": rounded(ready, 3), "warm_invoke": rounded(warm, 2)});
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

fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}
