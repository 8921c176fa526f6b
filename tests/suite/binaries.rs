//! The dependencies of a function's binary: one TLS stack, one HTTP stack, and no development tools.

use std::process::Command;

use vitrine_local::functions;

/// The crates that are linked into `function`, as `name vX.Y.Z`.
fn linked(function: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", function])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut crates: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
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

#[test]
fn only_functions_that_run_queries_link_a_parser_for_sql() {
    for function in functions::NAMES.iter().filter(|name| !["run-query", "import-table"].contains(*name)) {
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
