//! The figures as a table for people.

use serde_json::Value;

/// What stands above a column, and what stands in it.
type Column = (&'static str, fn(&Value) -> String);

const COLUMNS: [Column; 12] = [
    ("case", |row| row["case"].as_str().unwrap_or_default().to_owned()),
    ("ready ms", |row| number(&row["exec_to_ready_ms"]["p50"], 1)),
    ("over floor", |row| number(&row["over_floor"]["exec_to_ready_ms"], 1)),
    ("first ms", |row| number(&row["first_invoke_ms"]["p50"], 2)),
    ("warm p50", |row| number(&row["warm_invoke_ms"]["p50"], 3)),
    ("x floor", |row| number(&row["over_floor"]["warm_invoke"], 2)),
    ("warm p99", |row| number(&row["warm_invoke_ms"]["p99"], 3)),
    ("a second", |row| number(&row["warm_per_second"], 0)),
    ("cpu ms", |row| number(&row["warm_processor_ms"]["p50"], 3)),
    ("peak MiB", |row| scaled(&row["peak_memory_kib"], 1_024.0)),
    ("zip MB", |row| scaled(&row["zip_bytes"], 1_000_000.0)),
    ("asks", |row| number(&row["round_trips"]["dynamodb"]["warm"], 1)),
];

/// Markdown, so that it can be kept where it is read.
pub fn table(rows: &[Value]) -> String {
    let mut lines = vec![COLUMNS.map(|(name, _)| name.to_owned())];
    lines.extend(rows.iter().map(|row| COLUMNS.map(|(_, cell)| cell(row))));
    let widths: Vec<_> = (0..COLUMNS.len())
        .map(|column| lines.iter().map(|line| line[column].len()).max().unwrap_or_default())
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
    format!("{:.digits$}", value.as_f64().unwrap_or(f64::NAN))
}

fn scaled(value: &Value, unit: f64) -> String {
    format!("{:.1}", value.as_f64().unwrap_or(f64::NAN) / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_line_is_as_wide_as_the_first() {
        let text =
            table(&[json!({"case": "a"}), json!({"case": "a longer one", "warm_per_second": 123_456})]);
        let widths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
