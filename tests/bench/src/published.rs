//! The published pages show the published runs: tables, picture and bars.

use std::fs;

use serde_json::Value;

use crate::bars::{self, Judged, Which};
use crate::{engine, picture, table};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const END: &str = "\n<!-- end of figures -->";

fn run(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(format!("{FOLDER}/{path}")).unwrap()).unwrap()
}

/// Compares a file's text with what it should be; `BLESS=1 cargo test -p vitrine-bench` writes it.
fn check(path: &str, wanted: impl FnOnce(&str) -> String) {
    let path = format!("{FOLDER}/{path}");
    let text = fs::read_to_string(&path).unwrap();
    let wanted = wanted(&text);
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, wanted).unwrap();
    } else {
        assert!(text == wanted, "{path} is not up to date: BLESS=1 cargo test -p vitrine-bench");
    }
}

/// Checks the part of a page that is written from `results`.
fn check_page(path: &str, results: &str, figures: &str, judged: &[Judged]) {
    let start = format!("<!-- figures: written from {results} -->\n\n");
    check(path, |page| {
        let (before, rest) = page.split_once(&start).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        [before, &start, figures, &table::bars(judged), END, after].concat()
    });
}

#[test]
fn the_readme_shows_the_published_figures() {
    let results = run("results.json");
    let figures = table::figures(&results) + "\n";
    check_page("README.md", "results.json", &figures, &bars::judge(&results, Which::Published));
    check_page("README.md", "engine/results.json", "", &engine::judge(&run("engine/results.json")));
}

#[test]
fn the_page_of_the_peers_shows_their_published_figures() {
    let results = run("peers/results.json");
    let figures = table::peer_figures(&results) + "\n";
    check_page("peers/README.md", "results.json", &figures, &bars::peer_ratios(&results));
    check("peers/results.svg", |_| picture::picture(&results));
}

#[test]
fn every_published_bar_is_met() {
    let mut judged = bars::judge(&run("results.json"), Which::Published);
    judged.extend(bars::peer_ratios(&run("peers/results.json")));
    judged.extend(engine::judge(&run("engine/results.json")));
    for bar in judged {
        assert!(bar.is_met, "{bar:?}");
    }
}
