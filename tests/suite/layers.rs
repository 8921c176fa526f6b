//! Layers: the folders depend on each other one way only, a vendor's name stays in its dialect's files, and
//! names of files and types tell them apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{code, paths, public_types, texts};

type Texts = BTreeMap<String, String>;

const VENDORS: [&str; 3] = ["metabase", "cube", "motherduck"];

/// Files that show every dialect at once.
const DEMO: [&str; 4] =
    ["infra/local/assets/", "infra/local/src/demo.rs", "infra/local/src/import/", "infra/local/tests/"];

/// Files outside a dialect that name a vendor, and why they must.
const NAME_A_VENDOR: [(&str, &str); 9] = [
    ("functions/serve-embed/src/page.rs", "one page at the addresses of all dialects, each with its tag"),
    ("functions/serve-embed/src/assets.rs", "lists the scripts of the page, the dialects' own among them"),
    ("functions/serve-embed/assets/page/address.js", "reads the addresses of all dialects"),
    ("functions/serve-embed/assets/page/dive.js", "has the modules that dives import under all their names"),
    ("functions/serve-embed/assets/page/embed.js", "starts the dialect that the address belongs to"),
    ("functions/serve-embed/assets/page/host.js", "speaks to the host page in the messages of its dialect"),
    ("functions/serve-embed/assets/page/words.js", "the words for the refusals of all dialects"),
    ("infra/local/src/publish/modules.rs", "compiles dives with the imports that their authors wrote"),
    ("infra/local/src/publish/tests.rs", "compiles dives with the imports that their authors wrote"),
];

/// The folders of the common crate, each with those that it may use.
const MAY_USE: [(&str, &[&str]); 4] =
    [("http", &["dialects", "app", "aws"]), ("dialects", &["app", "aws"]), ("app", &["aws"]), ("aws", &[])];

/// Crates that a pure crate does not need.
const IMPURE: [&str; 6] = ["aws-sdk-", "aws-config", "axum", "http", "lambda", "tokio"];

/// Types that every function has one of.
const OF_EACH_FUNCTION: [&str; 2] = ["State", "ApiDoc"];

fn is_of_a_dialect(path: &str) -> bool {
    let path = path.to_lowercase();
    let of_a_function = path.starts_with("functions/");
    path.starts_with("shared/vitrine/src/dialects/")
        || of_a_function && path.ends_with("/src/lib.rs")
        || of_a_function
            && path.split('/').skip(2).any(|part| VENDORS.iter().any(|vendor| part.contains(vendor)))
}

fn files_that_name_a_vendor(files: &Texts) -> Vec<&str> {
    let names = |text: &str| VENDORS.iter().any(|vendor| text.to_lowercase().contains(vendor));
    let files = files.iter().filter(|(path, _)| !is_of_a_dialect(path));
    let files = files.filter(|(path, _)| !DEMO.iter().any(|demo| path.starts_with(demo)));
    files.filter(|(_, text)| names(text)).map(|(path, _)| path.as_str()).collect()
}

#[test]
fn vendors_are_named_in_their_dialects_only() {
    let mut files = Texts::new();
    for folder in ["shared", "functions", "infra/local"] {
        files.extend(texts(folder, &[".rs", ".toml", ".js", ".mjs", ".ts", ".css", ".html", ".json"]));
    }
    let named = files_that_name_a_vendor(&files);
    let known: Vec<&str> = NAME_A_VENDOR.iter().map(|(path, _)| *path).collect();
    let unexpected: Vec<_> = named.iter().filter(|path| !known.contains(path)).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?} name a vendor");
    let needless: Vec<_> = NAME_A_VENDOR.iter().filter(|(path, _)| !named.contains(path)).collect();
    assert!(needless.is_empty(), "{needless:#?} name none");
}

#[test]
fn a_vendor_in_a_comment_of_shared_code_is_noticed() {
    let files = |path: &str, text: &str| Texts::from([(path.to_owned(), text.to_owned())]);
    for (path, text) in [
        ("shared/rules/src/random.rs", "/// As in MotherDuck."),
        ("shared/vitrine/src/lib.rs", "pub mod cube;"),
        ("functions/verify-token/src/view.rs", "const METABASE: u8 = 1;"),
        ("infra/local/src/server.rs", "// cubes"),
    ] {
        assert_eq!(files_that_name_a_vendor(&files(path, text)), [path]);
    }
    for path in [
        "shared/vitrine/src/dialects/cube/paging.rs",
        "functions/verify-token/src/lib.rs",
        "functions/verify-token/src/metabase_values.rs",
        "functions/verify-token/src/motherduck/view.rs",
        "infra/local/src/demo.rs",
    ] {
        assert_eq!(files_that_name_a_vendor(&files(path, "Metabase, Cube, MotherDuck")), [""; 0]);
    }
}

/// Uses of a folder of the common crate that stands above the user's.
fn upward_uses(files: &Texts) -> Vec<String> {
    let mut upward = Vec::new();
    for (path, module) in modules(files) {
        let Some((_, allowed)) = MAY_USE.iter().find(|(folder, _)| module.first() == Some(folder)) else {
            continue;
        };
        for used in uses(&files[path], &module) {
            let folder = used.first().map_or("", String::as_str);
            let is_folder = MAY_USE.iter().any(|(name, _)| *name == folder);
            if is_folder && folder != module[0] && !allowed.contains(&folder) {
                upward.push(format!("{path} uses {}", used.join("::")));
            }
        }
    }
    upward
}

/// The files of a crate, each with the path of its module.
fn modules(files: &Texts) -> impl Iterator<Item = (&String, Vec<&str>)> {
    files.keys().map(|path| {
        let inner = path.split_once("/src/").map_or(path.as_str(), |(_, inner)| inner);
        let mut module: Vec<&str> = inner.trim_end_matches(".rs").split('/').collect();
        module.pop_if(|last| ["mod", "lib"].contains(last));
        (path, module)
    })
}

/// The paths within its crate that a file uses, from the root of the crate.
fn uses(text: &str, module: &[&str]) -> BTreeSet<Vec<String>> {
    let found = paths(&code(text), &["crate", "super", "self"]).into_iter();
    found
        .map(|path| {
            let mut from: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
            let mut rest = path.as_slice();
            while let Some((first, after)) = rest.split_first() {
                match first.as_str() {
                    "crate" => from.clear(),
                    "super" => drop(from.pop()),
                    "self" => {}
                    _ => break,
                }
                rest = after;
            }
            [from, rest.to_vec()].concat()
        })
        .collect()
}

#[test]
fn folders_of_the_common_crate_use_those_below_them() {
    let files = texts("shared/vitrine/src", &[".rs"]);
    assert_eq!(upward_uses(&files), [""; 0]);
    let seen: BTreeSet<&str> = modules(&files).filter_map(|(_, module)| module.first().copied()).collect();
    assert_eq!(seen, MAY_USE.iter().map(|(folder, _)| *folder).collect());
}

#[test]
fn a_use_of_a_folder_above_is_noticed() {
    for text in [
        "use crate::http::Json;",
        "use crate::{aws::Table, http};",
        "fn f() -> super::super::http::Json {}",
        "#[cfg(test)]\nmod tests { use crate::aws::A; }\nuse crate::dialects::cube;",
        "macro_rules! m { () => { $crate::http::f() } }",
    ] {
        let files = Texts::from([("shared/vitrine/src/app/one.rs".to_owned(), text.to_owned())]);
        assert_eq!(upward_uses(&files).len(), 1, "{text}");
    }
    for text in [
        "use crate::aws::Table;\nuse crate::app::two;",
        "// crate::http\nconst A: &str = \"crate::http::a\";",
        "use axum::http::StatusCode;",
        "#[cfg(test)]\nmod tests { use crate::http::Json; }",
    ] {
        let files = Texts::from([("shared/vitrine/src/app/one.rs".to_owned(), text.to_owned())]);
        assert_eq!(upward_uses(&files), [""; 0], "{text}");
    }
}

/// Files of different folders that use each other, directly or by way of others.
fn circles_between_folders(files: &Texts) -> BTreeSet<(String, String)> {
    let of_module: BTreeMap<Vec<&str>, &String> =
        modules(files).map(|(path, module)| (module, path)).collect();
    let mut reached: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (path, module) in modules(files) {
        let used =
            uses(&files[path], &module).into_iter().filter_map(|used| file_of(files, &of_module, &used));
        reached.insert(path, used.filter(|used| *used != path).collect());
    }
    loop {
        let before: usize = reached.values().map(BTreeSet::len).sum();
        for path in files.keys() {
            let next: BTreeSet<&String> =
                reached[path].iter().flat_map(|used| reached[used].clone()).collect();
            reached.entry(path).or_default().extend(next);
        }
        if reached.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let pairs = reached.iter().flat_map(|(path, used)| used.iter().map(move |used| (*path, *used)));
    pairs
        .filter(|(one, other)| one < other && reached[other].contains(one) && folder(one) != folder(other))
        .map(|(one, other)| (one.clone(), other.clone()))
        .collect()
}

/// The file that makes what a path names, behind the re-exports of a folder.
fn file_of<'a>(
    files: &Texts,
    of_module: &BTreeMap<Vec<&str>, &'a String>,
    path: &[String],
) -> Option<&'a String> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let length = (0..=path.len()).rev().find(|length| of_module.contains_key(&path[..*length]))?;
    let file = of_module[&path[..length]];
    let name = path.get(length)?;
    let roots: Vec<&str> =
        of_module.keys().filter(|module| module.len() == length + 1).map(|m| m[length]).collect();
    let exported = paths(&code(&files[file]), &roots).into_iter();
    let exported = exported.filter(|one| one.len() > 1 && one.last().is_some_and(|last| last == name));
    let exported =
        exported.map(|one| [path[..length].iter().map(|part| (*part).to_owned()).collect(), one].concat());
    exported.filter_map(|one| file_of(files, of_module, &one)).find(|other| *other != file).or(Some(file))
}

#[test]
fn files_of_different_folders_do_not_use_each_other() {
    for folder in ["shared/rules/src", "shared/vitrine/src"] {
        let circles = circles_between_folders(&texts(folder, &[".rs"]));
        assert!(circles.is_empty(), "{circles:#?}");
    }
}

#[test]
fn a_circle_between_folders_is_noticed() {
    let crate_of = |files: &[(&str, &str)]| -> Texts {
        files.iter().map(|(path, text)| (format!("c/src/{path}"), (*text).to_owned())).collect()
    };
    let circle = [
        ("lib.rs", "pub mod a; pub mod b;"),
        ("a/mod.rs", "pub mod x; pub use x::X;"),
        ("a/x.rs", "use crate::b::Y; pub struct X(Y);"),
        ("b/mod.rs", "pub mod y; pub mod z; pub use z::Z; pub use y::Y;"),
        ("b/y.rs", "use super::Z; pub struct Y(Z);"),
        ("b/z.rs", "use crate::a::X; pub struct Z(Option<Box<X>>);"),
    ];
    assert!(!circles_between_folders(&crate_of(&circle)).is_empty());
    let mut real = texts("shared/rules/src", &[".rs"]);
    real.get_mut("shared/rules/src/clock.rs").unwrap().push_str("use crate::token::mint::TokenToMint;");
    assert!(!circles_between_folders(&real).is_empty());
    let mut straight = circle;
    straight[5].1 = "pub struct Z;";
    assert_eq!(circles_between_folders(&crate_of(&straight)), BTreeSet::new());
}

fn impure_dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = toml::from_str(manifest).unwrap();
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"].into_iter();
    let named = sections.filter_map(|section| manifest.get(section)?.as_table()).flat_map(toml::Table::keys);
    let is_impure = |name: &&String| {
        IMPURE.iter().any(|word| {
            name.as_str() == *word
                || "-_".contains(|c| name.starts_with(&format!("{word}{c}")))
                || word.ends_with('-') && name.starts_with(word)
        })
    };
    named.filter(is_impure).cloned().collect()
}

#[test]
fn the_rules_depend_on_nothing_that_reaches_out() {
    let manifests = texts("shared/rules", &["Cargo.toml"]);
    assert_eq!(impure_dependencies(&manifests["shared/rules/Cargo.toml"]), [""; 0]);
    for name in ["aws-sdk-dynamodb", "aws-config", "axum", "http", "lambda_http", "tokio"] {
        let manifest = format!("[dependencies]\n{name} = \"1\"\nserde = \"1\"");
        assert_eq!(impure_dependencies(&manifest), [name]);
    }
    assert_eq!(impure_dependencies("[dependencies]\naws-lc-rs = \"1\"\nserde_json = \"1\""), [""; 0]);
}

/// Names of one folder that differ by the ending of a plural only.
fn plural_pairs<'a>(paths: impl Iterator<Item = &'a String>) -> BTreeSet<(String, String)> {
    let mut folders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for path in paths {
        let (mut rest, mut name) = path.rsplit_once('/').unwrap();
        name = name.split('.').next().unwrap();
        loop {
            folders.entry(rest).or_default().insert(name);
            let Some(up) = rest.rsplit_once('/') else { break };
            (rest, name) = up;
        }
    }
    let mut pairs = BTreeSet::new();
    for (folder, names) in folders {
        for name in &names {
            let stem =
                name.strip_suffix('y').map_or_else(|| format!("{name}es"), |stem| format!("{stem}ies"));
            for plural in [format!("{name}s"), stem] {
                if names.contains(plural.as_str()) {
                    pairs.insert((format!("{folder}/{name}"), plural));
                }
            }
        }
    }
    pairs
}

#[test]
fn no_file_is_named_by_the_plural_of_another() {
    let mut files = texts("shared", &[".rs"]);
    files.extend(texts("functions", &[".rs", ".js", ".mjs"]));
    files.extend(texts("infra/local", &[".rs", ".js"]));
    assert_eq!(plural_pairs(files.keys()), BTreeSet::new());
}

#[test]
fn a_plural_beside_its_singular_is_noticed() {
    for (one, other) in [("view.rs", "views.rs"), ("policy.rs", "policies.rs"), ("view/mod.rs", "views.rs")] {
        let files = [format!("shared/src/{one}"), format!("shared/src/{other}")];
        assert_eq!(plural_pairs(files.iter()).len(), 1, "{one} {other}");
    }
    let files = ["shared/src/view.rs".to_owned(), "shared/src/http/views.rs".to_owned()];
    assert_eq!(plural_pairs(files.iter()), BTreeSet::new());
}

/// Names of public types that more than one file makes, with those files.
fn shared_type_names(files: &Texts) -> BTreeMap<String, Vec<&str>> {
    let mut makers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, text) in files {
        for name in public_types(&code(text)) {
            if !(path.starts_with("functions/") && OF_EACH_FUNCTION.contains(&name.as_str())) {
                makers.entry(name).or_default().push(path);
            }
        }
    }
    makers.retain(|_, makers| makers.len() > 1);
    makers
}

#[test]
fn public_types_have_names_of_their_own() {
    let mut files = Texts::new();
    for folder in ["shared", "functions", "infra/local"] {
        files.extend(texts(folder, &[".rs"]));
    }
    let shared = shared_type_names(&files);
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn a_second_public_type_of_a_name_is_noticed() {
    let files = |one: &str, other: &str| {
        Texts::from([
            ("functions/a/src/lib.rs".to_owned(), one.to_owned()),
            ("shared/b.rs".to_owned(), other.to_owned()),
        ])
    };
    for (one, other) in [
        ("pub struct Version;", "pub enum Version {}"),
        ("pub type Version = u8;", "/// Doc\npub trait Version {}"),
        ("function_state! { pub struct Version { a: A } }", "pub struct Version<'a>(&'a str);"),
    ] {
        assert_eq!(shared_type_names(&files(one, other)).len(), 1, "{one}");
    }
    for (one, other) in [
        ("pub struct Version;", "struct Version;"),
        ("pub struct Version;", "// pub struct Version;\nconst A: &str = \"pub struct Version\";"),
        ("pub struct State;", "pub struct State;"),
        ("pub struct Version;", "#[cfg(test)]\nmod tests { pub struct Version; }"),
    ] {
        assert_eq!(shared_type_names(&files(one, other)).len(), 0, "{one}");
    }
}
