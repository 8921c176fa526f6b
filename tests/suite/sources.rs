//! The sources as data: files, code without comments and texts, the paths that it names, the types it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Folders that hold what tools write.
const GENERATED: [&str; 3] = ["target", "node_modules", "dist"];

/// The texts below `folder`, by their path from the root of the repository.
pub fn texts(folder: &str, endings: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(&Path::new(ROOT).join(folder), folder, endings, &mut found);
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn collect(path: &Path, name: &str, endings: &[&str], found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let file_name = entry.file_name().into_string().unwrap();
        let name = format!("{name}/{file_name}");
        if entry.file_type().unwrap().is_dir() {
            if !GENERATED.contains(&file_name.as_str()) {
                collect(&entry.path(), &name, endings, found);
            }
        } else if endings.iter().any(|ending| file_name.ends_with(ending)) {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// The code of a Rust file: without comments, without what texts say, and without its tests.
pub fn code(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let is_after_word = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        at += if rest.starts_with(&['/', '/']) {
            rest.iter().position(|one| *one == '\n').unwrap_or(rest.len())
        } else if rest.starts_with(&['/', '*']) {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest).filter(|_| !is_after_word) {
            code.push_str("\"\"");
            length
        } else if rest[0] == '"' {
            code.push_str("\"\"");
            quoted(rest, '"')
        } else if rest[0] == '\'' && (rest.get(1) == Some(&'\\') || rest.get(2) == Some(&'\'')) {
            code.push_str("' '");
            quoted(rest, '\'')
        } else {
            code.push(rest[0]);
            1
        };
    }
    without_tests(code)
}

fn block_comment(text: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with(&['/', '*']) {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with(&['*', '/']) {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn raw_string(text: &[char]) -> Option<usize> {
    let start = if text.starts_with(&['b']) { 1 } else { 0 };
    let after = text.get(start..)?.strip_prefix(&['r'])?;
    let marks = after.iter().take_while(|one| **one == '#').count();
    after.get(marks).filter(|one| **one == '"')?;
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', marks)).collect();
    let body = &after[marks + 1..];
    let length = body.windows(end.len()).position(|window| window == end)?;
    Some(start + 1 + marks + 1 + length + end.len())
}

fn quoted(text: &[char], mark: char) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != mark {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn without_tests(mut code: String) -> String {
    while let Some(start) = code.find("#[cfg(test)]") {
        let Some(open) = code[start..].find(['{', ';']).map(|at| start + at) else { break };
        let mut depth = 0;
        let end = code[open..].char_indices().find(|(_, one)| {
            depth += i32::from(*one == '{') - i32::from(*one == '}');
            depth == 0
        });
        let end = end.map_or(code.len(), |(at, _)| open + at + 1);
        code.replace_range(start..end, "");
    }
    code
}

fn tokens(code: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), code);
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|one: char| !one.is_alphanumeric() && one != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    tokens
}

/// Every path in the code that begins with one of `roots`, with its braces taken apart.
pub fn paths(code: &str, roots: &[&str]) -> BTreeSet<Vec<String>> {
    let tokens = tokens(code);
    let mut found = BTreeSet::new();
    for at in 0..tokens.len() {
        let begins = roots.contains(&tokens[at]) && (at == 0 || tokens[at - 1] != "::");
        if begins && tokens.get(at + 1) == Some(&"::") {
            branches(&tokens, at, &[], &mut found);
        }
    }
    found
}

/// One branch of a tree of paths, and the place after it.
fn branches(tokens: &[&str], mut at: usize, stem: &[String], found: &mut BTreeSet<Vec<String>>) -> usize {
    let mut path = stem.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != "}") {
                    at = branches(tokens, at, &path, found);
                    at += usize::from(tokens.get(at) == Some(&","));
                }
                return at + 1;
            }
            Some(word) if word.starts_with(|first: char| first.is_alphanumeric() || first == '_') => {
                path.push((*word).to_owned());
                at += 1;
            }
            Some(_) => at += 1,
            None => {}
        }
        if tokens.get(at) == Some(&"as") {
            at += 2;
        }
        if tokens.get(at) != Some(&"::") {
            found.insert(path);
            return at;
        }
        at += 1;
    }
}

/// The names of the public types that the code makes.
pub fn public_types(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let is_type = |three: &&[&str]| {
        three[0] == "pub" && ["struct", "enum", "type", "trait"].contains(&three[1]) && three[2] != "$"
    };
    tokens.windows(3).filter(is_type).map(|three| three[2].to_owned()).collect()
}
