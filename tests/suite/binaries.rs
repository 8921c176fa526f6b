//! The dependencies of a function's binary: one TLS stack, one HTTP stack, and no development tools.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use vitrine_local::functions;

/// The functions that run queries.
const ENGINE: [&str; 2] = ["run-query", "import-table"];

fn tree(options: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(options)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The crates that are linked into `function`, as `name vX.Y.Z`.
fn linked(function: &str) -> Vec<String> {
    let lines = tree(&["--edges", "normal", "--package", function]);
    let mut crates: Vec<_> =
        lines.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    crates.sort();
    crates.dedup();
    crates
}

#[test]
fn a_binary_has_one_tls_and_http_stack_and_no_development_tools() {
    // A name, or a name and the start of a version.
    let unwanted = [
        "openssl",
        "openssl-sys",
        "native-tls",
        "ring",
        "rustls v0.21",
        "rustls v0.22",
        "tokio-rustls v0.24",
        "hyper-rustls v0.24",
        "hyper v0.14",
        "http v0.2",
        "h2 v0.3",
        "reqwest",
        "rsa",
        "utoipa",
        "dynoxide-rs",
        "rusqlite",
        "clap",
        "vitrine-local",
        "vitrine-tests",
        "vitrine-bench",
        "proptest",
    ];
    for function in functions::NAMES {
        let crates = linked(function);
        assert!(crates.iter().any(|name| name.starts_with("rustls v0.23")), "{function}: {crates:?}");
        for unwanted in unwanted {
            let found = crates.iter().find(|name| {
                name.starts_with(unwanted)
                    && (unwanted.contains(' ') || name.split(' ').next() == Some(unwanted))
            });
            assert_eq!(found, None, "{function}");
        }
    }
}

/// The profile of functions that link the query engine.
const ENGINE_PROFILE: &str = "infra/profiles/engine.toml";

/// The profile of functions that are compiled for size.
const SMALL_PROFILE: &str = "infra/profiles/size.toml";
const SMALL: [&str; 3] = ["manage-data", "publish-resource", "serve-console"];

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).ok()
}

/// The text that makes cargo read `profile` when it runs in `folder`.
fn includes(folder: &str, profile: &str) -> String {
    let up = "../".repeat(folder.split('/').count() + 1);
    format!("include = [\"{up}{profile}\"]\n")
}

#[test]
fn a_function_has_the_profile_of_the_engine_exactly_if_it_links_the_engine() {
    for function in functions::NAMES {
        let folder = format!("functions/{function}");
        let links = linked(function).iter().any(|name| name.starts_with("vitrine-engine "));
        let own =
            if links { Some(ENGINE_PROFILE) } else { SMALL.contains(function).then_some(SMALL_PROFILE) };
        let config = read(&format!("{folder}/.cargo/config.toml"));
        assert_eq!(config, own.map(|profile| includes(&folder, profile)), "{function}");
    }
    // The engine alone is measured as it is deployed.
    let config = read("tests/bench/engine/.cargo/config.toml");
    assert_eq!(config, Some(includes("tests/bench/engine", ENGINE_PROFILE)));
    let small = read(SMALL_PROFILE).unwrap();
    for function in SMALL {
        assert!(small.contains(&format!("[profile.release.package.{function}]")), "{function}");
    }
    let profile: toml::Table = toml::from_str(&read(ENGINE_PROFILE).unwrap()).unwrap();
    assert_eq!(profile["profile"]["release"]["lto"].as_str(), Some("off"));
}

/// The crates of other authors in what `options` select, each with its features.
fn features(options: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut features = BTreeMap::<_, BTreeSet<_>>::new();
    for line in tree(&[options, &["--format", "{p} [{f}]"]].concat()) {
        if let Some((name, enabled)) = line.split_once(" [").filter(|(name, _)| !name.contains('/')) {
            // A crate that was listed before has a mark after its features.
            let enabled = enabled.split(']').next().unwrap_or_default();
            features.entry(name.to_owned()).or_default().insert(enabled.to_owned());
        }
    }
    features
}

#[test]
fn functions_of_one_profile_share_every_compiled_crate() {
    for links_engine in [false, true] {
        let of_the_profile = functions::NAMES.iter().filter(|name| ENGINE.contains(name) == links_engine);
        let mut shared = BTreeMap::new();
        for function in of_the_profile {
            for (name, enabled) in features(&["--edges", "normal", "--package", function]) {
                let first = shared.entry(name.clone()).or_insert_with(|| enabled.clone());
                assert_eq!(*first, enabled, "{function}: {name} is compiled once more for other features");
            }
        }
    }
}

#[test]
fn a_build_without_the_dependencies_of_tests_shares_the_compiled_engine() {
    let [alone, with_tests] =
        ["normal", "normal,dev"].map(|edges| features(&["--edges", edges, "--workspace"]));
    let engine = linked("vitrine-engine");
    let of_the_engine =
        |(name, _): &(&String, _)| engine.iter().any(|linked| name.starts_with(linked.as_str()));
    let different: Vec<_> = alone
        .iter()
        .filter(of_the_engine)
        .filter(|(name, enabled)| with_tests.get(*name) != Some(enabled))
        .collect();
    assert!(different.is_empty(), "{different:#?}");
    assert!(alone.iter().filter(of_the_engine).count() > 100);
}

#[test]
fn only_functions_that_run_queries_link_a_parser_for_sql() {
    for function in functions::NAMES.iter().filter(|name| !ENGINE.contains(name)) {
        let crates = linked(function);
        let found = crates.iter().find(|name| is_for_sql(name));
        assert_eq!(found, None, "{function}");
    }
    // The names are those of the crates that the engine links.
    assert!(linked("vitrine-engine").iter().filter(|name| is_for_sql(name)).count() >= 4);
}

fn is_for_sql(name: &str) -> bool {
    ["sqlparser ", "datafusion", "vitrine-engine ", "vitrine-query "].iter().any(|sql| name.starts_with(sql))
}
