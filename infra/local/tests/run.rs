//! The local run: the real binary, its output, its flags and its exit.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;

use common::{Folder, KEY, Running, SECRET, refused, vitrine};

#[test]
fn the_output_holds_url_and_keys_and_ends_with_ready() {
    let running = Running::start(&["--memory", "--admin-key", KEY, "--signing-secret", SECRET]);
    let printed = running.printed.join("\n");
    let base_url = format!("http://{}", running.address);
    for part in [base_url.as_str(), KEY, SECRET, &format!("demo page         {base_url}/")] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    assert_eq!(*running.printed.last().unwrap(), format!("ready {base_url}"));
    assert!(running.request("GET", "/", "").contains("<title>Vitrine"));
    assert!(running.request("GET", "/openapi.json", "").contains("\"openapi\": \"3.1"));
    assert!(running.request("GET", "/healthz", "").contains("\"status\":\"ok\""));
    assert!(running.interrupt().success());
}

#[test]
fn the_demo_page_opens_its_embeds() {
    let running = Running::start(&["--memory", "--admin-key", KEY]);
    for (dialect, path) in [
        ("metabase", "/embed/dashboard/"),
        ("cube", "/embed/dashboard/"),
        ("motherduck", "/sandbox/#session="),
    ] {
        let demo = running.request("GET", &format!("/demo/embed/{dialect}"), "");
        assert!(demo.starts_with("HTTP/1.1 200") && demo.contains(path), "{demo}");
    }
    let demo = running.request("GET", "/demo/embed/metabase?seconds=60", "");
    let (_, rest) = demo.split_once("/embed/dashboard/").expect("an embed");
    let token = rest.split('"').next().unwrap();
    let page = running.request("GET", &format!("/embed/dashboard/{token}"), "");
    assert!(
        page.starts_with("HTTP/1.1 200")
            && page.contains("frame-ancestors http://127.0.0.1:* http://localhost:*"),
        "{page}"
    );
    let known = running.request("POST", "/v1/introspect", &format!("{{\"token\":\"{token}\"}}"));
    assert!(known.contains("\"active\":true") && known.contains("\"customer\":\"acme\""), "{known}");
}

#[test]
fn without_the_demo_nothing_is_published() {
    let running = Running::start(&["--memory", "--no-demo", "--admin-key", KEY]);
    assert!(!running.printed.join("\n").contains("demo"));
    assert!(running.request("GET", "/v1/resources", "").contains("\"items\":[]"));
    assert!(running.request("GET", "/", "").starts_with("HTTP/1.1 404"));
}

#[test]
fn data_and_secrets_are_kept_after_ctrl_c() {
    let folder = Folder::new();
    let first = Running::start(&["--data", folder.path(), "--admin-key", KEY]);
    let secret = first.printed.iter().find(|line| line.contains("embedding secret")).unwrap().clone();
    assert!(
        first.request("PUT", "/v1/resources/dashboard/5", r#"{"title":"Kept"}"#).starts_with("HTTP/1.1 201")
    );
    assert!(first.interrupt().success());
    let second = Running::start(&["--data", folder.path()]);
    assert!(second.printed.contains(&secret));
    assert!(second.request("GET", "/v1/resources/dashboard/5", "").contains("Kept"));
}

#[test]
fn the_clock_can_start_at_another_time_and_be_moved() {
    let running = Running::start(&["--memory", "--admin-key", KEY, "--now", "2031-05-01T12:00:00Z"]);
    let created = running.request("PUT", "/v1/resources/dashboard/5", r#"{"title":"T"}"#);
    assert!(created.contains("\"created_at\":\"2031-05-01T12:00:0"), "{created}");
    let moved = running.request("POST", "/_local/clock", r#"{"now":"2040-01-01T00:00:00Z"}"#);
    assert!(moved.contains("\"now\":\"2040-01-01T00:00:0"), "{moved}");
    let back = running.request("POST", "/_local/clock", r#"{"now":"+0s"}"#);
    assert!(back.starts_with("HTTP/1.1 200") && !back.contains("2040"), "{back}");
    let refused = running.request("POST", "/_local/clock", r#"{"now":"noon"}"#);
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("\"path\":\"now\""), "{refused}");
}

#[test]
fn the_signing_secret_can_be_rotated() {
    let running = Running::start(&["--memory", "--admin-key", KEY, "--signing-secret", SECRET]);
    let rotated = running.request("POST", "/_local/rotate", "");
    assert!(rotated.starts_with("HTTP/1.1 200") && rotated.contains("version"), "{rotated}");
    assert!(!rotated.contains(SECRET), "{rotated}");
    // Only the product's own route returns the new secret.
    let setting = running.request("GET", "/api/setting/embedding-secret-key", "");
    let secret = setting.split('"').find(|part| part.len() == 64).expect("a secret");
    assert!(secret != SECRET && !rotated.contains(secret), "{rotated}");
    let keys = running.request("GET", "/v1/signing-keys", "");
    assert!(keys.contains(r#""kid":"local""#) && keys.contains(r#""signs":true"#), "{keys}");
}

#[test]
fn a_failed_start_prints_its_cause_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = Folder::new();
    std::fs::write(&folder.0, "a file, not a folder").unwrap();
    let cases: [(&[&str], &str); 9] = [
        (&["--memory", "--port", &port], "cannot be used"),
        (&["--port", "0", "--data", folder.path()], "cannot be used"),
        (&["--memory", "--port", "0", "--set", "Nothing=1"], "there is no setting `Nothing`"),
        (&["--memory", "--port", "0", "--set", "EmbeddingEnabled=maybe"], "takes `true` or `false`"),
        (&["--memory", "--port", "0", "--signing-secret", "abc"], "64 lowercase hex"),
        (&["--memory", "--port", "0", "--now", "noon"], "such as +23h59m"),
        (&["--port", "many"], "invalid value 'many'"),
        (&["--nonsense"], "unexpected argument '--nonsense'"),
        (&["nonsense"], "unrecognized subcommand 'nonsense'"),
    ];
    for (arguments, cause) in cases {
        let output = refused(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains(cause), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
    std::fs::remove_file(&folder.0).unwrap();
}

#[test]
fn help_explains_each_flag() {
    let output = refused(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for flag in [
        "--port",
        "--memory",
        "--data",
        "--admin-key",
        "--signing-secret",
        "--now",
        "--no-demo",
        "--set",
        "services",
        "[env: VITRINE_ADMIN_KEY]",
        "[env: VITRINE_SIGNING_SECRET]",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn the_services_run_alone_and_print_how_to_reach_them() {
    let folder = Folder::new();
    let arguments = [
        "services",
        "--dynamodb-port",
        "0",
        "--secrets-port",
        "0",
        "--s3-port",
        "0",
        "--data",
        folder.path(),
        "--set",
        "Deployments=1, 2",
    ];
    let mut child = vitrine(&arguments).spawn().unwrap();
    let ready = BufReader::new(child.stdout.take().unwrap()).lines().any(|line| line.unwrap() == "ready");
    let environment = std::fs::read_to_string(Path::new(folder.path()).join("watch.env")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ready);
    for name in [
        "AWS_ENDPOINT_URL_DYNAMODB=\"http://127.0.0.1:",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER=\"http://127.0.0.1:",
        "AWS_ENDPOINT_URL_S3=\"http://127.0.0.1:",
        "AWS_ENDPOINT_URL_LAMBDA=\"http://127.0.0.1:9000\"",
        "TABLE_NAME=",
        "DATA_BUCKET=",
        "IMPORT_FUNCTION=",
        "Deployments=\"1, 2\"",
    ] {
        assert!(environment.contains(name), "{name} is not in {environment}");
    }
}

#[test]
fn keys_can_come_from_the_environment() {
    let other = "0123456789abcdef".repeat(4);
    let mut command = vitrine(&["--port", "0", "--memory", "--no-demo"]);
    let running = Running::spawn(command.env("VITRINE_ADMIN_KEY", KEY).env("VITRINE_SIGNING_SECRET", SECRET));
    let printed = running.printed.join("\n");
    assert!(printed.contains(KEY) && printed.contains(SECRET), "{printed}");
    assert!(running.request("GET", "/v1/keys", "").starts_with("HTTP/1.1 200"));
    // A flag overrides the environment.
    let mut command = vitrine(&["--port", "0", "--memory", "--no-demo", "--signing-secret", &other]);
    let running = Running::spawn(command.env("VITRINE_SIGNING_SECRET", SECRET));
    let printed = running.printed.join("\n");
    assert!(printed.contains(&other) && !printed.contains(SECRET), "{printed}");
}

#[test]
fn keys_are_printed_neither_by_the_help_nor_by_errors() {
    let output = vitrine(&["--help"]).env("VITRINE_ADMIN_KEY", KEY).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("VITRINE_ADMIN_KEY") && !help.contains(KEY), "{help}");
    for (name, flag, value) in [
        ("VITRINE_SIGNING_SECRET", "--signing-secret", "ABCDEF0123456789"),
        ("VITRINE_ADMIN_KEY", "--admin-key", "not one word"),
    ] {
        let from_environment = vitrine(&["--memory"]).env(name, value).output().unwrap();
        let from_flag = refused(&["--memory", flag, value]);
        for output in [from_environment, from_flag] {
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success());
            assert!(error.contains(flag) && error.contains("must be"), "{error}");
            assert!(!error.contains(value), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
