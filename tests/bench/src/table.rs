//! The figures as tables for people: Markdown, so that they can be kept where they are read.

use serde_json::Value;

use crate::bars::{Bound, Judged};

/// What stands above a column, and what stands in it.
type Column = (&'static str, fn(&Value) -> String);

const COLUMNS: [Column; 12] = [
    ("case", |row| row["case"].as_str().unwrap_or_default().to_owned()),
    ("ready ms", |row| number(&row["exec_to_ready_ms"]["p50"], 1)),
    ("first ms", |row| number(&row["first_invoke_ms"]["p50"], 2)),
    ("warm p50 ms", |row| number(&row["warm_invoke_ms"]["p50"], 3)),
    ("warm p99 ms", |row| number(&row["warm_invoke_ms"]["p99"], 3)),
    ("x floor", |row| number(&row["over_floor"]["warm_invoke"], 2)),
    ("a second", |row| number(&row["warm_per_second"], 0)),
    ("a core could", |row| number(&row["warm_per_core_second"], 0)),
    ("instructions", |row| number(&row["instructions"]["warm"], 0)),
    ("peak MB", |row| scaled(&row["peak_memory_kib"], 1_000_000.0 / 1_024.0)),
    ("zip MB", |row| scaled(&row["bytes"]["zip"], 1_000_000.0)),
    ("round trips", |row| number(&row["round_trips"]["dynamodb"]["warm"], 2)),
];

pub fn figures(results: &Value) -> String {
    let rows = results["cases"].as_array().into_iter().flatten();
    markdown(&COLUMNS.map(|(name, _)| name), rows.map(|row| COLUMNS.map(|(_, cell)| cell(row)).to_vec()))
}

pub fn bars(judged: &[Judged]) -> String {
    let rows = judged.iter().map(|bar| {
        let bound = match bar.bound {
            Bound::AtMost(most) => format!("at most {most}"),
            Bound::AtLeast(least) => format!("at least {least}"),
            Bound::Exactly(count) => format!("exactly {count}"),
        };
        let digits = if bar.figure.abs() < 1_000.0 { 2 } else { 0 };
        let met = if bar.is_met { "met" } else { "MISSED" };
        vec![bar.name.to_owned(), format!("{:.digits$}", bar.figure), bound, met.to_owned()]
    });
    markdown(&["figure", "measured", "bar", ""], rows)
}

fn markdown(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![header.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()];
    lines.extend(rows);
    let widths: Vec<_> = (0..header.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default().max(3))
        .collect();
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text += &format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        if place == 0 {
            let rules = widths.iter().enumerate().map(|(column, &width)| match column {
                0 => "-".repeat(width),
                _ => format!("{}:", "-".repeat(width - 1)),
            });
            text += &format!("| {} |\n", rules.collect::<Vec<_>>().join(" | "));
        }
    }
    text
}

fn number(value: &Value, digits: usize) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

fn scaled(value: &Value, unit: f64) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{:.1}", number / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_line_is_as_wide_as_the_first() {
        let text = figures(&json!({
            "cases": [{"case": "a"}, {"case": "a longer one", "warm_per_second": 123_456}],
        }));
        let widths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
