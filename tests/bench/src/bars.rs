//! Fixed bars: ratios, counts and sizes that do not depend on an earlier run.

use serde_json::Value;

use crate::cases::{
    AUTHORIZE, CREATE, HELLO, LIST, LIST_LARGE, MINT, NODE, REDEEM, REPLACE, VIEW, VIEW_UNCACHED,
};
use crate::results::{Results, megabytes, number, p50, peak_megabytes, zip_megabytes};

#[derive(Debug, Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    Exactly(f64),
}

use Bound::{AtMost, Exactly};

/// The place of a figure in the published table.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Hidden,
    Alone,
    Beside(Bound),
}

use Shown::{Alone, Beside, Hidden};

struct Bar {
    name: &'static str,
    figure: fn(&Results) -> f64,
    /// For the full measurement on a quiet machine.
    shown: Shown,
    /// For `--guard`, which also runs on busy machines.
    guarded: Option<Bound>,
}

/// One figure and its bar. A figure without a bar is met when it was measured.
#[derive(Debug)]
pub struct Judged {
    pub name: &'static str,
    pub figure: f64,
    pub bound: Option<Bound>,
    pub is_met: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Published,
    Guarded,
}

const fn bar(name: &'static str, figure: fn(&Results) -> f64, shown: Shown, guarded: Option<Bound>) -> Bar {
    Bar { name, figure, shown, guarded }
}

const fn round_trips(name: &'static str, figure: fn(&Results) -> f64, count: f64) -> Bar {
    bar(name, figure, Beside(Exactly(count)), Some(Exactly(count)))
}

const BARS: [Bar; 17] = [
    bar(
        "verify-token: ms until ready, more than hello world",
        |all| p50(all.case(VIEW), "exec_to_ready_ms") - p50(all.case(HELLO), "exec_to_ready_ms"),
        Beside(AtMost(12.0)),
        None,
    ),
    // Medians below a millisecond differ by more than a tenth between runs on a busy machine. The guard
    // therefore has a wide bar for the time and a narrow one for the instructions.
    bar(
        "cached view / hello world: warm, in time",
        |all| all.ratio(VIEW, HELLO, "warm_invoke_ms"),
        Alone,
        Some(AtMost(2.0)),
    ),
    bar(
        "cached view / hello world: warm, in instructions",
        |all| warm_instructions(all, VIEW) / warm_instructions(all, HELLO),
        Alone,
        Some(AtMost(2.1)),
    ),
    bar("verify-token: peak memory, MB", |all| peak_megabytes(all.case(VIEW)), Beside(AtMost(16.0)), None),
    // Paths of the machine that compiles are part of a binary, and differ in length.
    bar("largest zip, MB", largest_zip, Beside(AtMost(4.05)), Some(AtMost(4.05))),
    bar("zip of the console, MB", |all| largest_zip_of(all, &CONSOLE), Hidden, Some(AtMost(4.9))),
    bar(
        "largest zip with the query engine, MB",
        |all| largest_zip_of(all, &WITH_ENGINE),
        Hidden,
        Some(AtMost(25.0)),
    ),
    bar(
        "page of 100, many / few published: in time",
        |all| all.ratio(LIST_LARGE, LIST, "warm_invoke_ms"),
        Beside(AtMost(1.2)),
        Some(AtMost(1.5)),
    ),
    bar(
        "page of 100, many / few published: in instructions",
        |all| warm_instructions(all, LIST_LARGE) / warm_instructions(all, LIST),
        Hidden,
        Some(AtMost(1.05)),
    ),
    round_trips(
        "page of 100, many - few published: round trips",
        |all| asks(all, LIST_LARGE) - asks(all, LIST),
        0.0,
    ),
    round_trips("round trips: view, cached", |all| asks(all, VIEW), 0.0),
    round_trips("round trips: view, uncached", |all| asks(all, VIEW_UNCACHED), 1.0),
    round_trips("round trips: authorize, cached", |all| asks(all, AUTHORIZE), 0.0),
    round_trips("round trips: create a session", |all| asks(all, CREATE), 3.0),
    round_trips("round trips: mint a token", |all| asks(all, MINT), 2.0),
    round_trips("round trips: redeem a session", |all| asks(all, REDEEM), 1.0),
    round_trips("round trips: replace a resource", |all| asks(all, REPLACE), 2.0),
];

/// Ratios that `--peers` publishes. They have no bar: the peers are frozen, so the guard of our own figures
/// also guards these.
const PEER_RATIOS: [Bar; 3] = [
    bar("Node / Vitrine: cold start and first view", |all| all.ratio(NODE, VIEW, "cold_ms"), Alone, None),
    bar(
        "Vitrine / Node: cached views per core and second",
        |all| all.ratio(NODE, VIEW, "warm_processor_ms"),
        Alone,
        None,
    ),
    bar(
        "Node / Vitrine: peak memory",
        |all| peak_megabytes(all.case(NODE)) / peak_megabytes(all.case(VIEW)),
        Alone,
        None,
    ),
];

/// The bars of the functions.
pub fn judge(results: &Value, which: Which) -> Vec<Judged> {
    judged(&BARS, results, which)
}

/// The ratios to the peers.
pub fn peer_ratios(results: &Value) -> Vec<Judged> {
    judged(&PEER_RATIOS, results, Which::Published)
}

fn judged(bars: &[Bar], results: &Value, which: Which) -> Vec<Judged> {
    let results = Results(results);
    let judged = |bar: &Bar| {
        let bound = match (which, bar.shown) {
            (Which::Published, Beside(bound)) => Some(bound),
            (Which::Published, Alone) => None,
            (Which::Published, Hidden) => return None,
            (Which::Guarded, _) => Some(bar.guarded?),
        };
        let figure = (bar.figure)(&results);
        let is_met = bound.map_or(!figure.is_nan(), |bound| bound.is_met_by(figure));
        Some(Judged { name: bar.name, figure, bound, is_met })
    };
    bars.iter().filter_map(judged).collect()
}

impl Bound {
    fn is_met_by(self, figure: f64) -> bool {
        match self {
            AtMost(most) => figure <= most,
            // Counts are averages over all invocations. A refresh that a clock triggers adds a few hundredths.
            Exactly(count) => (figure - count).abs() < 0.02,
        }
    }
}

fn asks(results: &Results, case: &str) -> f64 {
    number(results.case(case), "/round_trips/dynamodb/warm")
}

fn warm_instructions(results: &Results, case: &str) -> f64 {
    number(results.case(case), "/instructions/warm")
}

/// The functions that link the query engine, which is larger than all the others together.
const WITH_ENGINE: [&str; 2] = ["run-query", "import-table"];

/// The function that publishes content in every form, and has the pages for it.
const CONSOLE: [&str; 1] = ["serve-console"];

fn largest_zip(results: &Results) -> f64 {
    let is_other = |name: &str| !WITH_ENGINE.iter().chain(&CONSOLE).any(|other| *other == name);
    let cases = results.cases().filter(|row| row["program"].as_str().is_none_or(is_other));
    let functions = results.functions().filter(|(name, _)| is_other(name));
    let sizes = cases.map(zip_megabytes).chain(functions.map(|(_, bytes)| megabytes(bytes, "/zip")));
    sizes.fold(f64::NAN, f64::max)
}

/// Nothing when there is none of the functions.
fn largest_zip_of(results: &Results, names: &[&str]) -> f64 {
    let none = if results.functions().next().is_some() { 0.0 } else { f64::NAN };
    let functions = results.functions().filter(|(name, _)| names.contains(name));
    functions.map(|(_, bytes)| megabytes(bytes, "/zip")).fold(none, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missing_figure_meets_no_bar() {
        for which in [Which::Published, Which::Guarded] {
            assert!(judge(&json!({}), which).iter().all(|judged| !judged.is_met));
        }
        assert!(peer_ratios(&json!({})).iter().all(|judged| !judged.is_met));
    }

    #[test]
    fn a_function_has_the_bar_for_its_zip_that_it_needs() {
        let zip = |bytes: u64| json!({"zip": bytes});
        for (functions, small, console, engine) in [
            (json!({"a": zip(4_000_000), "run-query": zip(25_000_000)}), 4.0, 0.0, 25.0),
            (
                json!({"a": zip(5_000_000), "serve-console": zip(6_300_000), "serve-embed": zip(3_000_000)}),
                5.0,
                6.3,
                0.0,
            ),
            (json!({"a": zip(1), "b": zip(4_100_000), "import-table": zip(26_000_000)}), 4.1, 0.0, 26.0),
        ] {
            let results = json!({"functions": functions});
            assert_eq!(largest_zip(&Results(&results)), small);
            assert_eq!(largest_zip_of(&Results(&results), &CONSOLE), console);
            assert_eq!(largest_zip_of(&Results(&results), &WITH_ENGINE), engine);
        }
    }

    #[test]
    fn bounds() {
        for (bound, figure, met) in [
            (AtMost(1.0), 1.0, true),
            (AtMost(1.0), 1.01, false),
            (Exactly(1.0), 1.01, true),
            (Exactly(1.0), 1.1, false),
            (Exactly(1.0), 0.9, false),
            (AtMost(1.0), f64::NAN, false),
            (Exactly(1.0), f64::NAN, false),
        ] {
            assert_eq!(bound.is_met_by(figure), met, "{bound:?} {figure}");
        }
    }
}
