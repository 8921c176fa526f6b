//! What enters a function's binary: one TLS stack, one HTTP stack, and nothing that only helps at home.

use std::process::Command;

const FUNCTIONS: [&str; 9] = [
    "create-session",
    "redeem-session",
    "verify-token",
    "list-embeddable",
    "publish-resource",
    "manage-access",
    "serve-embed",
    "rotate-key",
    "authorize-request",
];

/// The crates that `function` is linked from, as `name vX.Y.Z`.
fn linked(function: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--no-dedupe"])
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
fn one_stack_of_each_and_no_tools() {
    // By name, or by name and the beginning of a version.
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
    for function in FUNCTIONS {
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
