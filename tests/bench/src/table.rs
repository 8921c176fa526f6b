//! The figures as tables for people: Markdown, so that they can be kept where they are read.

use serde_json::Value;

use crate::bars::{Bound, Judged};
use crate::results::{self, Results, p50};

/// What stands above a column, and what stands in it.
type Column = (&'static str, fn(&Value) -> String);

const COLUMNS: [Column; 12] = [
    ("case", |row| row["case"].as_str().unwrap_or_default().to_owned()),
    ("ready ms", |row| number(p50(row, "exec_to_ready_ms"), 1)),
    ("first ms", |row| number(p50(row, "first_invoke_ms"), 2)),
    ("warm p50 ms", |row| number(p50(row, "warm_invoke_ms"), 3)),
    ("warm p99 ms", |row| number(results::number(row, "/warm_invoke_ms/p99"), 3)),
    ("x floor", |row| number(results::number(row, "/over_floor/warm_invoke"), 2)),
    ("a second", |row| number(results::number(row, "/warm_per_second"), 0)),
    ("a core could", |row| number(results::per_core_second(row), 0)),
    ("instructions", |row| number(results::number(row, "/instructions/warm"), 0)),
    ("peak MB", |row| number(results::peak_megabytes(row), 1)),
    ("zip MB", |row| number(results::zip_megabytes(row), 1)),
    ("round trips", |row| number(results::number(row, "/round_trips/dynamodb/warm"), 2)),
];

pub fn figures(results: &Value) -> String {
    let rows = Results(results).cases().map(|row| COLUMNS.map(|(_, cell)| cell(row)).to_vec());
    markdown(&COLUMNS.map(|(name, _)| name), rows)
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

fn number(number: f64, digits: usize) -> String {
    if number.is_nan() { "-".to_owned() } else { format!("{number:.digits$}") }
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
