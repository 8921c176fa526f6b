//! The guard against regressions: every figure that does not depend on how busy the machine is, compared with
//! the published run.

use serde_json::Value;

use crate::Result;
use crate::results::{Results, number};

/// Allowed growth over the published figure.
const MARGIN: f64 = 0.10;

/// Allowed on top for averages of small counts. A refresh that a clock triggers adds a few hundredths.
const COUNT_NOISE: f64 = 0.02;

/// Allowed on top for the first invocation's calls of Secrets Manager: in each run one start creates the pending version,
/// which takes two calls more, and the guard's run has fewer starts than the published one.
const FIRST_START_NOISE: f64 = 0.35;

/// The figures of a case that are compared. Times are not among them: on a busy machine they differ by more
/// than the margin.
const FIGURES: [(&str, f64); 10] = [
    ("/instructions/until_ready", 0.0),
    ("/instructions/warm", 0.0),
    ("/peak_memory_kib", 0.0),
    ("/bytes/zip", 0.0),
    ("/round_trips/dynamodb/before_ready", COUNT_NOISE),
    ("/round_trips/dynamodb/first", COUNT_NOISE),
    ("/round_trips/dynamodb/warm", COUNT_NOISE),
    ("/round_trips/secrets_manager/before_ready", COUNT_NOISE),
    ("/round_trips/secrets_manager/first", FIRST_START_NOISE),
    ("/round_trips/secrets_manager/warm", COUNT_NOISE),
];

const RULES: [&str; 3] = ["/verify", "/mint", "/parameters"];

/// One figure beside the published one.
#[derive(Debug)]
pub struct Compared {
    pub name: String,
    pub published: f64,
    pub figure: f64,
    pub is_held: bool,
}

/// Compares every figure of every case. A figure that is missing on either side is not held.
pub fn compare(results: &Value, published: &Value) -> Result<Vec<Compared>> {
    let architecture = "/machine/architecture";
    if results.pointer(architecture) != published.pointer(architecture) {
        return Err("the published figures are from another processor architecture".into());
    }
    let mut compared = Vec::new();
    let mut add = |name: String, published: f64, figure: f64, noise: f64| {
        let is_held = figure <= published * (1.0 + MARGIN) + noise;
        compared.push(Compared { name, published, figure, is_held });
    };
    for row in Results(results).cases() {
        let case = row["case"].as_str().unwrap_or_default();
        let before = Results(published).case(case);
        for (figure, noise) in FIGURES {
            add(format!("{case}: {}", words(figure)), number(before, figure), number(row, figure), noise);
        }
    }
    let (rules, before) = (&results["rules_instructions"], &published["rules_instructions"]);
    for rule in RULES {
        add(format!("instructions: {}", words(rule)), number(before, rule), number(rules, rule), 0.0);
    }
    Ok(compared)
}

fn words(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace(['/', '_'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;
    use serde_json::json;

    const PUBLISHED: &str = include_str!("../results.json");

    fn published() -> Value {
        serde_json::from_str(PUBLISHED).unwrap()
    }

    fn all_held(results: &Value) -> bool {
        compare(results, &published()).unwrap().iter().all(|compared| compared.is_held)
    }

    #[test]
    fn the_published_run_has_every_case_and_holds_against_itself() {
        let published = published();
        let names: Vec<_> = Results(&published).cases().map(|row| row["case"].as_str().unwrap()).collect();
        assert_eq!(names, CASES.map(|case| case.name));
        assert!(all_held(&published));
    }

    #[test]
    fn every_compared_figure_fails_when_it_grows_by_more_than_a_tenth() {
        let rules = RULES.map(|rule| (format!("/rules_instructions{rule}"), 0.0));
        let figures = FIGURES.map(|(figure, noise)| (format!("/cases/1{figure}"), noise));
        for (pointer, noise) in rules.iter().chain(&figures) {
            let before = number(&published(), pointer);
            for (grown, held) in [(before * 1.09, true), (before * 1.11 + noise + 0.01, false)] {
                let mut results = published();
                *results.pointer_mut(pointer).unwrap() = grown.into();
                assert_eq!(all_held(&results), held, "{pointer}: {before} to {grown}");
            }
        }
    }

    #[test]
    fn a_missing_figure_and_a_case_that_was_never_published_fail() {
        let mut results = published();
        results["cases"][2]["bytes"] = Value::Null;
        assert!(!all_held(&results));
        let mut results = published();
        results["cases"][2]["case"] = json!("another one");
        assert!(!all_held(&results));
    }

    #[test]
    fn figures_of_another_processor_architecture_are_refused() {
        let mut results = published();
        results["machine"]["architecture"] = json!("another");
        assert!(compare(&results, &published()).is_err());
    }
}
