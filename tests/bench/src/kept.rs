//! What is kept of the last full run says the same everywhere: the figures, the picture and the README.

use std::fs;

use serde_json::Value;

use crate::bars::{self, Which};
use crate::{picture, table};

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results.json");
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results.svg");
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

const START: &str = "<!-- figures: written from tests/bench/results.json -->\n\n";
const END: &str = "\n<!-- end of figures -->";

fn section(results: &Value) -> String {
    let judged = bars::judge(results, Which::Wanted);
    format!("{}\n{}", table::figures(results), table::bars(&judged))
}

/// `BLESS=1 cargo test -p vitrine-bench` writes the README's tables anew.
#[test]
fn the_readme_shows_the_figures_that_are_kept() {
    let results: Value = serde_json::from_str(&fs::read_to_string(RESULTS).unwrap()).unwrap();
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once(START).unwrap();
    let (kept, after) = rest.split_once(END).unwrap();
    let section = section(&results);
    if std::env::var_os("BLESS").is_some() {
        fs::write(README, [before, START, &section, END, after].concat()).unwrap();
        fs::write(PICTURE, picture::picture(&results)).unwrap();
        return;
    }
    assert_eq!(kept, section);
    assert_eq!(fs::read_to_string(PICTURE).unwrap(), picture::picture(&results));
}
