//! What the figures are held against: ratios, counts and sizes, and hardly ever time.

use serde_json::Value;

use crate::cases::{
    AUTHORIZE, CREATE, HELLO, LIST, LIST_LARGE, MINT, NODE, PUBLISH, REDEEM, VIEW, VIEW_ANEW,
};
use crate::results::{Results, number, p50, peak_megabytes, zip_megabytes};

#[derive(Debug, Clone, Copy)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
    Exactly(f64),
}

use Bound::{AtLeast, AtMost, Exactly};

struct Bar {
    name: &'static str,
    figure: fn(&Results) -> f64,
    /// What we want, measured with patience on a quiet machine.
    wanted: Option<Bound>,
    /// What every change is held against, with room for a machine that has other things to do.
    guarded: Option<Bound>,
}

/// One figure beside its bar.
#[derive(Debug)]
pub struct Judged {
    pub name: &'static str,
    pub figure: f64,
    pub bound: Bound,
    pub is_met: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Wanted,
    Guarded,
}

const fn bar(
    name: &'static str,
    figure: fn(&Results) -> f64,
    wanted: Option<Bound>,
    guarded: Option<Bound>,
) -> Bar {
    Bar { name, figure, wanted, guarded }
}

const BARS: [Bar; 22] = [
    bar(
        "verify-token: ms until ready, more than hello world",
        |all| p50(all.case(VIEW), "exec_to_ready_ms") - p50(all.case(HELLO), "exec_to_ready_ms"),
        Some(AtMost(12.0)),
        None,
    ),
    bar(
        "verify-token / hello world: instructions until ready",
        |all| all.until_ready(VIEW) / all.until_ready(HELLO),
        None,
        Some(AtMost(115.0)),
    ),
    bar(
        "remembered view / hello world: warm, in time",
        |all| all.ratio(VIEW, HELLO, "warm_invoke_ms"),
        Some(AtMost(1.25)),
        Some(AtMost(2.0)),
    ),
    bar(
        "remembered view / hello world: warm, in instructions",
        |all| all.warm_instructions(VIEW) / all.warm_instructions(HELLO),
        None,
        Some(AtMost(2.1)),
    ),
    bar(
        "Node / ours: cold start and first view",
        |all| all.ratio(NODE, VIEW, "cold_ms"),
        Some(AtLeast(8.0)),
        Some(AtLeast(6.0)),
    ),
    bar(
        "ours / Node: remembered views that a core can do",
        |all| all.ratio(NODE, VIEW, "warm_processor_ms"),
        Some(AtLeast(4.0)),
        Some(AtLeast(2.0)),
    ),
    bar(
        "verify-token: peak memory, MB",
        |all| peak_megabytes(all.case(VIEW)),
        Some(AtMost(16.0)),
        Some(AtMost(12.0)),
    ),
    bar("largest zip, MB", |all| all.largest_zip(), Some(AtMost(4.0)), Some(AtMost(4.0))),
    bar(
        "page of 100, of many / of few: in time",
        |all| all.ratio(LIST_LARGE, LIST, "warm_invoke_ms"),
        Some(AtMost(1.2)),
        Some(AtMost(1.5)),
    ),
    bar(
        "page of 100, of many / of few: in instructions",
        |all| all.warm_instructions(LIST_LARGE) / all.warm_instructions(LIST),
        None,
        Some(AtMost(1.05)),
    ),
    bar(
        "page of 100, of many - of few: round trips",
        |all| all.asks(LIST_LARGE) - all.asks(LIST),
        Some(Exactly(0.0)),
        Some(Exactly(0.0)),
    ),
    bar("round trips: view, remembered", |all| all.asks(VIEW), Some(Exactly(0.0)), Some(Exactly(0.0))),
    bar("round trips: view, read anew", |all| all.asks(VIEW_ANEW), Some(Exactly(1.0)), Some(Exactly(1.0))),
    bar("round trips: authorize, remembered", |all| all.asks(AUTHORIZE), None, Some(Exactly(0.0))),
    bar("round trips: create a session", |all| all.asks(CREATE), None, Some(Exactly(3.0))),
    bar("round trips: mint a token", |all| all.asks(MINT), None, Some(Exactly(2.0))),
    bar("round trips: redeem a session", |all| all.asks(REDEEM), None, Some(Exactly(1.0))),
    bar("round trips: publish anew", |all| all.asks(PUBLISH), None, Some(Exactly(2.0))),
    bar("instructions: verify", |all| all.rule("verify"), None, Some(AtMost(80_000.0))),
    bar("instructions: mint", |all| all.rule("mint"), None, Some(AtMost(54_000.0))),
    bar("instructions: parameters", |all| all.rule("parameters"), None, Some(AtMost(36_000.0))),
    bar("instructions: page of 100", |all| all.warm_instructions(LIST), None, Some(AtMost(10_500_000.0))),
];

/// Every bar of that sort, with the figure that it is about. A figure that is not there is not met.
pub fn judge(results: &Value, which: Which) -> Vec<Judged> {
    let results = Results(results);
    let judged = |bar: &Bar| {
        let bound = match which {
            Which::Wanted => bar.wanted,
            Which::Guarded => bar.guarded,
        }?;
        let figure = (bar.figure)(&results);
        Some(Judged { name: bar.name, figure, bound, is_met: bound.is_met_by(figure) })
    };
    BARS.iter().filter_map(judged).collect()
}

impl Bound {
    fn is_met_by(self, figure: f64) -> bool {
        match self {
            AtMost(most) => figure <= most,
            AtLeast(least) => figure >= least,
            // Counts are averages of whole numbers: one too many in a hundred is noise of a clock.
            Exactly(count) => (figure - count).abs() < 0.02,
        }
    }
}

impl Results<'_> {
    /// Of two cases, in the middle of their runs.
    fn ratio(&self, case: &str, other: &str, figure: &str) -> f64 {
        p50(self.case(case), figure) / p50(self.case(other), figure)
    }

    fn asks(&self, case: &str) -> f64 {
        number(self.case(case), "/round_trips/dynamodb/warm")
    }

    fn warm_instructions(&self, case: &str) -> f64 {
        number(self.case(case), "/instructions/warm")
    }

    fn until_ready(&self, case: &str) -> f64 {
        number(self.case(case), "/instructions/until_ready")
    }

    fn rule(&self, name: &str) -> f64 {
        number(&self.0["rules_instructions"], &format!("/{name}"))
    }

    fn largest_zip(&self) -> f64 {
        self.cases().map(zip_megabytes).fold(f64::NAN, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_not_measured_meets_no_bar() {
        for which in [Which::Wanted, Which::Guarded] {
            assert!(judge(&json!({}), which).iter().all(|judged| !judged.is_met));
        }
    }

    #[test]
    fn bounds() {
        for (bound, figure, met) in [
            (AtMost(1.0), 1.0, true),
            (AtMost(1.0), 1.01, false),
            (AtLeast(4.0), 4.0, true),
            (AtLeast(4.0), 3.99, false),
            (Exactly(1.0), 1.01, true),
            (Exactly(1.0), 1.1, false),
            (Exactly(1.0), 0.9, false),
            (AtMost(1.0), f64::NAN, false),
            (AtLeast(1.0), f64::NAN, false),
            (Exactly(1.0), f64::NAN, false),
        ] {
            assert_eq!(bound.is_met_by(figure), met, "{bound:?} {figure}");
        }
    }
}
