//! The pages for people: their size, their links, their picture and their table of errors.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vitrine::rules::error::Reason;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn readme() -> String {
    read(&Path::new(ROOT).join("README.md"))
}

/// Every Markdown page of the repository.
fn pages() -> Vec<PathBuf> {
    let (mut pages, mut folders) = (Vec::new(), vec![PathBuf::from(ROOT)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_ours = !name.starts_with('.') && !["target", "node_modules"].contains(&name);
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(path);
            }
        }
    }
    assert!(pages.len() >= 10, "{pages:?}");
    pages
}

/// The text without its code blocks, in which nothing is a link or a heading.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The anchors that a page's headings have on code hosts.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// The targets of a page's links, those to other sites left out.
fn local_links(text: &str) -> Vec<String> {
    let ends = text.split("](").skip(1);
    let targets = ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The first problem of a page's links, if there is one.
fn broken_link(page: &Path, text: &str) -> Option<String> {
    let text = prose(text);
    local_links(&text).into_iter().find(|target| {
        let (path, anchor) = target.split_once('#').map_or((&target[..], None), |(p, a)| (p, Some(a)));
        let linked = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
        let is_missing = |anchor: &str| {
            let text = if path.is_empty() { text.clone() } else { prose(&read(&linked)) };
            !anchors(&text).iter().any(|known| known == anchor)
        };
        !linked.exists() || anchor.is_some_and(is_missing)
    })
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    for page in pages() {
        assert_eq!(broken_link(&page, &read(&page)), None, "{}", page.display());
    }
}

#[test]
fn a_link_to_a_missing_page_or_heading_is_found() {
    let page = Path::new(ROOT).join("README.md");
    for (text, is_broken) in [
        ("[a](CONTRIBUTING.md)", false),
        ("[a](missing.md)", true),
        ("# One thing\n[a](#one-thing)", false),
        ("# One thing\n[a](#another-thing)", true),
        ("[a](CONTRIBUTING.md#missing)", true),
        ("[a](https://example.com/missing.md)", false),
    ] {
        assert_eq!(broken_link(&page, text).is_some(), is_broken, "{text}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = readme().lines().count();
    assert!(lines <= 350, "README.md has {lines} lines: move reference material to infra/");
}

#[test]
fn the_first_screen_of_the_readme_shows_a_small_picture_of_the_demo() {
    const PICTURE: &str = "infra/demo.png";
    let readme = readme();
    let first_screen: Vec<_> = readme.lines().take(15).collect();
    assert!(first_screen.iter().any(|line| line.starts_with("![") && line.contains(PICTURE)));
    let picture = fs::read(Path::new(ROOT).join(PICTURE)).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(picture.len() <= 200 * 1024, "{PICTURE} has {} bytes", picture.len());
}

/// The reasons in the README's table of errors, each with its status.
fn documented_reasons(readme: &str) -> BTreeMap<String, u16> {
    let section = readme.split_once("### Errors").unwrap().1.split_once("\n### ").unwrap().0;
    let mut reasons = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        if let Ok(status) = cells[1].parse() {
            let words = cells[2].split(", ").map(|word| word.trim_matches('`').to_owned());
            reasons.extend(words.map(|word| (word, status)));
        }
    }
    reasons
}

#[test]
fn the_readme_gives_the_right_status_of_each_reason_that_it_explains() {
    let documented = documented_reasons(&readme());
    assert!(documented.len() > 25, "{documented:?}");
    let known: BTreeMap<_, _> =
        Reason::ALL.iter().map(|reason| (reason.word(), reason.code().status())).collect();
    for (word, status) in documented {
        assert_eq!(known.get(&*word), Some(&status), "{word}");
    }
}

/// The code spans of a page that name a file or folder of the repository.
fn named_paths(text: &str) -> Vec<String> {
    let spans = prose(text);
    let spans = spans.split('`').skip(1).step_by(2);
    let roots = ["functions/", "shared/", "infra/", "tests/", "rules/", "http/", "dialects/", "app/", "aws/"];
    let is_path =
        |span: &&str| roots.iter().any(|root| span.starts_with(root)) && !span.contains(['*', '{', ' ']);
    spans.filter(is_path).map(str::to_owned).collect()
}

/// Returns whether a path exists, as ARCHITECTURE.md abbreviates it.
fn is_there(path: &str) -> bool {
    let root = Path::new(ROOT);
    let in_rules = path.strip_prefix("rules/").map(|rest| root.join("shared/rules/src").join(rest));
    let places = [Some(root.join(path)), Some(root.join("shared/vitrine/src").join(path)), in_rules];
    places.into_iter().flatten().any(|place| place.exists())
}

#[test]
fn every_path_that_the_architecture_and_contributing_pages_name_exists() {
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let paths = named_paths(&read(&Path::new(ROOT).join(page)));
        assert!(paths.len() > 8, "{page}: {paths:?}");
        for path in paths {
            assert!(is_there(&path), "{page} names {path}, which does not exist");
        }
    }
}

#[test]
fn a_path_that_does_not_exist_is_found() {
    assert!(is_there("aws/capability.rs") && is_there("rules/error.rs") && is_there("tests/suite"));
    assert!(!is_there("aws/missing.rs") && !is_there("rules/missing.rs"));
    assert_eq!(named_paths("`aws/x.rs`, `cargo run`, `/v1/view`, `functions/*`"), ["aws/x.rs"]);
}
