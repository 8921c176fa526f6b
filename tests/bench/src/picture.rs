//! The figures as a picture: one view in Vitrine, Node and Python.

use serde_json::Value;

use crate::cases::{HELLO, NODE, PYTHON, VIEW};
use crate::results::{Results, p50, peak_megabytes, per_core_second};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 210.0;
const BAR: f64 = 22.0;
const STEP: f64 = 30.0;

struct Group {
    title: &'static str,
    figure: fn(&Value) -> f64,
    unit: &'static str,
    digits: usize,
}

const GROUPS: [Group; 4] = [
    Group { title: "Cold start and first view", figure: |row| p50(row, "cold_ms"), unit: "ms", digits: 1 },
    Group {
        title: "Warm view, from the cache",
        figure: |row| p50(row, "warm_invoke_ms"),
        unit: "ms",
        digits: 3,
    },
    Group { title: "Warm views per core and second", figure: per_core_second, unit: "", digits: 0 },
    Group { title: "Peak memory", figure: peak_megabytes, unit: "MB", digits: 1 },
];

const ROWS: [(&str, &str, &str); 4] = [
    (HELLO, "hello world in Rust", "#9aa5b1"),
    (VIEW, "Vitrine", "#0f766e"),
    (NODE, "Node", "#b45309"),
    (PYTHON, "Python", "#6d28d9"),
];

/// Readable on a light and on a dark background.
pub fn picture(results: &Value) -> String {
    let results = Results(results);
    let mut body = String::new();
    let mut top = 10.0;
    for group in GROUPS {
        let figures: Vec<_> = ROWS
            .iter()
            .map(|(case, name, colour)| ((group.figure)(results.case(case)), *name, *colour))
            .collect();
        let longest = figures.iter().map(|(figure, ..)| *figure).fold(0.0, f64::max);
        top += 22.0;
        body += &format!("<text x=\"10\" y=\"{top}\" class=\"title\">{}</text>\n", group.title);
        top += 10.0;
        for (figure, name, colour) in figures {
            let length = (figure / longest * (WIDTH - LEFT - 110.0)).max(1.0);
            let middle = top + BAR / 2.0 + 5.0;
            body += &format!(
                "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{name}</text>\n\
                 <rect x=\"{LEFT}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"3\" fill=\"{colour}\"/>\n\
                 <text x=\"{:.1}\" y=\"{middle}\">{figure:.*} {}</text>\n",
                LEFT - 10.0,
                LEFT + length + 8.0,
                group.digits,
                group.unit,
            );
            top += STEP;
        }
        top += 12.0;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" role=\"img\" \
         aria-label=\"Cold start, warm views and memory beside Node and Python\">\n\
         <style>text {{ font: 14px system-ui, sans-serif; fill: #57606a }} \
         .title {{ font-weight: 600 }} \
         @media (prefers-color-scheme: dark) {{ text {{ fill: #c9d1d9 }} }}</style>\n{body}</svg>\n"
    )
}
