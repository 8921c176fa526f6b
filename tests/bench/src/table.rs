//! The figures as Markdown tables.

use serde_json::Value;

use crate::bars::{Bound, Judged};
use crate::regression::Compared;
use crate::results::{self, Results, p50};

/// The heading of a column, and the text of its cell for a case.
type Column = (&'static str, fn(&Value) -> String);

const CASE: Column = ("case", |row| row["case"].as_str().unwrap_or_default().to_owned());
const READY: Column = ("ready ms", |row| number(p50(row, "exec_to_ready_ms"), 1));
const FIRST: Column = ("first ms", |row| number(p50(row, "first_invoke_ms"), 2));
const WARM: Column = ("warm p50 ms", |row| number(p50(row, "warm_invoke_ms"), 3));
const SLOW: Column = ("warm p99 ms", |row| number(results::number(row, "/warm_invoke_ms/p99"), 3));
const FLOOR: Column = ("x hello world", |row| number(results::number(row, "/over_floor/warm_invoke"), 2));
const RATE: Column = ("per second", |row| number(results::number(row, "/warm_per_second"), 0));
const CORE: Column = ("per core-second", |row| number(results::per_core_second(row), 0));
const INSTRUCTIONS: Column = ("instructions", |row| number(results::number(row, "/instructions/warm"), 0));
const MEMORY: Column = ("peak MB", |row| number(results::peak_megabytes(row), 1));
const ZIP: Column = ("zip MB", |row| number(results::zip_megabytes(row), 1));
const TRIPS: Column = ("round trips", |row| number(results::number(row, "/round_trips/dynamodb/warm"), 2));

pub fn figures(results: &Value) -> String {
    let columns = [CASE, READY, FIRST, WARM, SLOW, FLOOR, RATE, CORE, INSTRUCTIONS, MEMORY, ZIP, TRIPS];
    cases(results, &columns)
}

/// Without the columns that a program in another language has no figure for.
pub fn peer_figures(results: &Value) -> String {
    cases(results, &[CASE, READY, FIRST, WARM, SLOW, FLOOR, RATE, CORE, MEMORY, TRIPS])
}

fn cases(results: &Value, columns: &[Column]) -> String {
    let rows = Results(results).cases().map(|row| columns.iter().map(|(_, cell)| cell(row)).collect());
    markdown(&columns.iter().map(|(name, _)| *name).collect::<Vec<_>>(), rows)
}

/// Figures and their bars, or the figures alone where none has a bar.
pub fn bars(judged: &[Judged]) -> String {
    let has_bars = judged.iter().any(|bar| bar.bound.is_some());
    let rows = judged.iter().map(|bar| {
        let mut cells = vec![bar.name.to_owned(), figure(bar.figure)];
        if has_bars {
            cells.push(match bar.bound {
                Some(Bound::AtMost(most)) => format!("at most {most}"),
                Some(Bound::Exactly(count)) => format!("exactly {count}"),
                None => "-".to_owned(),
            });
        }
        cells
    });
    let header = ["figure", "measured", "bar"];
    markdown(if has_bars { &header } else { &header[..2] }, rows)
}

/// A sentence about the bars that are not met.
pub fn missed(judged: &[Judged]) -> String {
    let missed: Vec<_> = judged.iter().filter(|bar| !bar.is_met).map(|bar| bar.name).collect();
    if missed.is_empty() { "Every bar is met.".to_owned() } else { format!("Not met: {}", missed.join("; ")) }
}

/// The figures that are more than the margin worse than published, and the number of all that were compared.
pub fn regressions(compared: &[Compared]) -> String {
    let worse: Vec<_> = compared.iter().filter(|figure| !figure.is_held).collect();
    let count =
        format!("{} figures compared with the published run, {} worse.\n", compared.len(), worse.len());
    if worse.is_empty() {
        return count;
    }
    let rows =
        worse.iter().map(|worse| vec![worse.name.clone(), figure(worse.published), figure(worse.figure)]);
    format!("{count}\n{}", markdown(&["figure", "published", "measured"], rows))
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

fn figure(figure: f64) -> String {
    number(figure, if figure.abs() < 1_000.0 { 2 } else { 0 })
}

fn number(number: f64, digits: usize) -> String {
    if number.is_nan() { "-".to_owned() } else { format!("{number:.digits$}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_lines_have_the_same_width() {
        let text = figures(&json!({
            "cases": [{"case": "a"}, {"case": "a longer one", "warm_per_second": 123_456}],
        }));
        let widths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }

    #[test]
    fn a_missed_bar_and_a_regression_are_named() {
        let bar = |is_met| Judged { name: "a bar", figure: 2.0, bound: Some(Bound::AtMost(1.0)), is_met };
        assert_eq!(missed(&[bar(true)]), "Every bar is met.");
        assert_eq!(missed(&[bar(false)]), "Not met: a bar");
        let figure = |is_held| Compared { name: "a figure".to_owned(), published: 1.0, figure: 2.0, is_held };
        assert!(!regressions(&[figure(true)]).contains("a figure"));
        assert!(regressions(&[figure(false)]).contains("| a figure |"));
    }
}
