//! The regular expressions of the page's code: none takes more than linear time on any text.
//!
//! A browser's engine tries alternatives one after the other. This one does the same and counts its steps, so the
//! test measures growth and not seconds: twice the text may take twice the steps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex_syntax::hir::{Class, Hir, HirKind, Look};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/serve-embed");

/// Texts that are bounded before they are matched, by the expression that matches them.
const BOUNDED: [&str; 1] = [
    // A file name, of which 100 characters are kept.
    r"\w+$",
];

/// The steps that count as endless.
const ENDLESS: usize = 2_000_000;

struct Engine<'a> {
    text: &'a [char],
    steps: usize,
}

type Next<'k> = &'k mut dyn FnMut(&mut Engine, usize) -> bool;

impl Engine<'_> {
    fn run(&mut self, hir: &Hir, at: usize, next: Next) -> bool {
        self.steps += 1;
        if self.steps > ENDLESS {
            return true;
        }
        match hir.kind() {
            HirKind::Empty => next(self, at),
            HirKind::Literal(literal) => {
                let literal: Vec<char> = std::str::from_utf8(&literal.0).unwrap().chars().collect();
                self.text[at..].starts_with(&literal) && next(self, at + literal.len())
            }
            HirKind::Class(class) => {
                self.text.get(at).is_some_and(|letter| contains(class, *letter)) && next(self, at + 1)
            }
            HirKind::Look(Look::Start) => at == 0 && next(self, at),
            HirKind::Look(Look::End) => at == self.text.len() && next(self, at),
            HirKind::Look(look) => panic!("{look:?} is not known here"),
            HirKind::Capture(capture) => self.run(&capture.sub, at, next),
            HirKind::Concat(parts) => self.concat(parts, at, next),
            HirKind::Alternation(parts) => parts.iter().any(|part| self.run(part, at, next)),
            HirKind::Repetition(repeated) => {
                let most = repeated.max.unwrap_or(u32::MAX);
                self.repeat((&repeated.sub, repeated.min, most, repeated.greedy), 0, at, next)
            }
        }
    }

    fn concat(&mut self, parts: &[Hir], at: usize, next: Next) -> bool {
        match parts.split_first() {
            None => next(self, at),
            Some((first, rest)) => self.run(first, at, &mut |engine, at| engine.concat(rest, at, &mut *next)),
        }
    }

    fn repeat(&mut self, repeated: (&Hir, u32, u32, bool), times: u32, at: usize, next: Next) -> bool {
        let (sub, least, most, is_greedy) = repeated;
        if !is_greedy && times >= least && next(self, at) {
            return true;
        }
        let again = times < most
            && self.run(sub, at, &mut |engine, end| {
                // A repetition that matches nothing is not tried again.
                (end > at || times < least) && engine.repeat(repeated, times + 1, end, &mut *next)
            });
        again || (is_greedy && times >= least && next(self, at))
    }
}

fn contains(class: &Class, letter: char) -> bool {
    match class {
        Class::Unicode(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&letter))
        }
        Class::Bytes(class) => {
            let byte = u8::try_from(u32::from(letter)).ok();
            byte.is_some_and(|byte| {
                class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte))
            })
        }
    }
}

/// Returns whether a text is found, with the engine that counts.
pub fn matches(pattern: &str, text: &str) -> bool {
    let hir = regex_syntax::ParserBuilder::new().build().parse(pattern).unwrap();
    let text: Vec<char> = text.chars().collect();
    let mut engine = Engine { text: &text, steps: 0 };
    let found = (0..=text.len()).any(|start| engine.run(&hir, start, &mut |_, _| true));
    assert!(engine.steps < ENDLESS, "{pattern}");
    found
}

/// The steps of a search that tries each place of the text, as `exec` does.
fn steps(hir: &Hir, text: &str) -> usize {
    let text: Vec<char> = text.chars().collect();
    let mut engine = Engine { text: &text, steps: 0 };
    let _ = (0..=text.len()).any(|start| engine.run(hir, start, &mut |_, _| true));
    engine.steps
}

/// A text that an expression matches; `choice` selects among several.
fn sample(hir: &Hir, choice: usize) -> String {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).unwrap(),
        HirKind::Class(class) => {
            let letters = [' ', 'a', '/', '.', '0', '<', '-', '#', '&', ':', '~', '*', '_', '='];
            let fitting: Vec<_> = letters.into_iter().filter(|letter| contains(class, *letter)).collect();
            let other = || match class {
                Class::Unicode(class) => class.ranges()[0].start(),
                Class::Bytes(class) => char::from(class.ranges()[0].start()),
            };
            fitting.get(choice % fitting.len().max(1)).copied().unwrap_or_else(other).to_string()
        }
        HirKind::Capture(capture) => sample(&capture.sub, choice),
        HirKind::Concat(parts) => parts.iter().map(|part| sample(part, choice)).collect(),
        HirKind::Alternation(parts) => sample(&parts[choice % parts.len()], choice),
        HirKind::Repetition(repeated) => {
            let times = repeated.min.max(u32::try_from(choice % 2).unwrap());
            sample(&repeated.sub, choice).repeat(usize::try_from(times).unwrap())
        }
    }
}

/// The texts of all parts of an expression, which are what a hostile text repeats.
fn pumps(hir: &Hir, found: &mut BTreeSet<String>) {
    for choice in 0..6 {
        found.insert(sample(hir, choice));
    }
    match hir.kind() {
        HirKind::Capture(capture) => pumps(&capture.sub, found),
        HirKind::Repetition(repeated) => pumps(&repeated.sub, found),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| pumps(part, found));
        }
        _ => {}
    }
}

/// The text on which an expression takes more than linear time, if one is found.
fn worst(pattern: &str) -> Option<String> {
    // The two spellings that only JavaScript has.
    let pattern = pattern.replace("[^]", r"(?s:.)");
    let hir =
        regex_syntax::ParserBuilder::new().build().parse(&pattern).unwrap_or_else(|error| panic!("{error}"));
    let mut found = BTreeSet::new();
    pumps(&hir, &mut found);
    found.remove("");
    let mut starts: BTreeSet<String> = (0..2).map(|choice| sample(&hir, choice)).collect();
    // The beginnings of a match: everything before one of its parts.
    if let HirKind::Concat(parts) = hir.kind() {
        let so_far =
            (0..parts.len()).map(|length| parts[..length].iter().map(|part| sample(part, 1)).collect());
        starts.extend(so_far);
    }
    starts.insert(String::new());
    for start in &starts {
        for pump in &found {
            for end in ["", "\u{1}", "!"] {
                let text = |times: usize| format!("{start}{}{end}", pump.repeat(times));
                // Small exponents show at once, and powers with longer texts.
                if steps(&hir, &text(24)) > ENDLESS / 4 {
                    return Some(text(24));
                }
                let (short, long) = (steps(&hir, &text(60)), steps(&hir, &text(120)));
                if long > ENDLESS || (long > 500 && long * 10 > short * 28) {
                    return Some(text(24));
                }
            }
        }
    }
    None
}

/// The literals of regular expressions in a script.
fn literals(script: &str) -> Vec<String> {
    let letters: Vec<char> = script.chars().collect();
    let (mut found, mut at, mut before) = (Vec::new(), 0, '(');
    // Code in a template is read like any other: the braces that are open in each of them.
    let mut templates: Vec<usize> = Vec::new();
    let template = |at: &mut usize, templates: &mut Vec<usize>| {
        while *at < letters.len() && letters[*at] != '`' {
            if letters[*at] == '$' && letters.get(*at + 1) == Some(&'{') {
                *at += 2;
                templates.push(0);
                return '{';
            }
            *at += 1 + usize::from(letters[*at] == '\\');
        }
        *at += 1;
        '`'
    };
    while at < letters.len() {
        let letter = letters[at];
        let following = letters.get(at + 1).copied().unwrap_or(' ');
        at += 1;
        match letter {
            '/' if following == '/' => {
                at += letters[at..].iter().take_while(|letter| **letter != '\n').count();
            }
            '/' if following == '*' => {
                let rest: String = letters[at..].iter().collect();
                at += rest.split("*/").next().unwrap().chars().count() + 2;
                continue;
            }
            '/' if "(,=:[!&|?{};>".contains(before) => {
                let (start, mut in_class) = (at, false);
                while letters[at] != '/' || in_class {
                    match letters[at] {
                        '\\' => at += 1,
                        '[' => in_class = true,
                        ']' => in_class = false,
                        '\n' => panic!("a literal without its end"),
                        _ => {}
                    }
                    at += 1;
                }
                found.push(letters[start..at].iter().collect());
                at += 1;
            }
            '"' | '\'' => {
                while letters[at] != letter {
                    at += 1 + usize::from(letters[at] == '\\');
                }
                at += 1;
            }
            '`' => {
                before = template(&mut at, &mut templates);
                continue;
            }
            '{' => templates.last_mut().into_iter().for_each(|open| *open += 1),
            '}' => match templates.last_mut() {
                Some(0) => {
                    templates.pop();
                    before = template(&mut at, &mut templates);
                    continue;
                }
                Some(open) => *open -= 1,
                None => {}
            },
            _ => {}
        }
        if !letter.is_whitespace() {
            before = letter;
        }
    }
    found
}

fn scripts() -> Vec<(String, String)> {
    let mut scripts = Vec::new();
    for folder in ["assets/page", "sdk"] {
        for entry in fs::read_dir(Path::new(PAGE).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "js" || kind == "mjs") {
                scripts.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    scripts
}

#[test]
fn every_regular_expression_of_the_page_is_linear() {
    let mut checked = BTreeSet::new();
    for (path, script) in scripts() {
        assert!(!script.contains("RegExp("), "{path}: an expression that is made of text cannot be checked");
        for pattern in literals(&script) {
            if !BOUNDED.contains(&pattern.as_str()) {
                assert_eq!(worst(&pattern), None, "{path}: /{pattern}/");
            }
            checked.insert(pattern);
        }
    }
    assert!(checked.len() >= 25, "{checked:?}");
    for known in BOUNDED.iter().copied().chain(["^[A-Za-z0-9]{12}$", r"^(.*)\/sandbox\/?$", "/"]) {
        assert_eq!(checked.contains(known), known != "/", "{known}");
    }
}

#[test]
fn expressions_that_are_not_linear_are_noticed() {
    for pattern in [
        r"^\s*(<!--[^]*?-->\s*)*<!doctype",
        "(a+)+$",
        "(a|aa)*$",
        r"\w+$",
        r"\s+$",
        "a*a*b",
        "^(.*),(.*),(.*)x$",
        r"^(\d+)*!$",
        r"^[a-z]{2,8}([-_]\w{1,8})*$",
    ] {
        assert!(worst(pattern).is_some(), "/{pattern}/");
    }
    for pattern in [r"\S|$", "[#&]session=([^&]*)", r"\/$", "^a*$", "^[a-z]{2,8}([-_][a-z0-9]{1,8})*$"] {
        assert_eq!(worst(pattern), None, "/{pattern}/");
    }
}

#[test]
fn literals_are_found_in_scripts() {
    let script = r#"
        // a comment with /no/ literal
        const a = /one/i, b = x / y / z; /* /no/ */
        if (/t[/]wo\//.test(`${c ? `in ${/three/.test("/no/")}` : '/no/'} /no/`)) return "\"/no/";
        d.replace(/four$/, (all) => /five/.exec(all));
    "#;
    assert_eq!(literals(script), ["one", "t[/]wo\\/", "three", "four$", "five"]);
}
