//! Access to the figures of a run. A figure that is missing reads as NaN, which meets no bar.

use serde_json::Value;

#[derive(Clone, Copy)]
pub struct Results<'a>(pub &'a Value);

impl<'a> Results<'a> {
    pub fn cases(self) -> impl Iterator<Item = &'a Value> {
        self.0["cases"].as_array().into_iter().flatten()
    }

    /// The sizes of each function.
    pub fn functions(self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0["functions"].as_object().into_iter().flatten().map(|(name, bytes)| (name.as_str(), bytes))
    }

    pub fn case(self, name: &str) -> &'a Value {
        self.cases().find(|row| row["case"] == name).unwrap_or(&Value::Null)
    }

    /// One case divided by another, at the median.
    pub fn ratio(self, case: &str, other: &str, figure: &str) -> f64 {
        p50(self.case(case), figure) / p50(self.case(other), figure)
    }
}

pub fn number(row: &Value, pointer: &str) -> f64 {
    row.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

pub fn p50(row: &Value, name: &str) -> f64 {
    row[name]["p50"].as_f64().unwrap_or(f64::NAN)
}

/// Warm invocations per second of processor time.
pub fn per_core_second(row: &Value) -> f64 {
    1_000.0 / p50(row, "warm_processor_ms")
}

pub fn peak_megabytes(row: &Value) -> f64 {
    number(row, "/peak_memory_kib") * 1_024.0 / 1_000_000.0
}

pub fn zip_megabytes(row: &Value) -> f64 {
    megabytes(row, "/bytes/zip")
}

pub fn megabytes(row: &Value, pointer: &str) -> f64 {
    number(row, pointer) / 1_000_000.0
}
