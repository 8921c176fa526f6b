//! The local run as a person meets it: the real binary, its output, its flags and its end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const KEY: &str = "an-admin-key";
const SECRET: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

fn vitrine(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end; for what must not start.
fn refused(arguments: &[&str]) -> Output {
    vitrine(arguments).output().unwrap()
}

struct Running {
    child: Child,
    address: String,
    printed: Vec<String>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let child = vitrine(&[&["--port", "0"], arguments].concat()).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Self { child, address: String::new(), printed: Vec::new() };
        for line in BufReader::new(running.child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            running.printed.push(line.clone());
            if let Some(address) = line.strip_prefix("ready http://") {
                running.address = address.to_owned();
                return running;
            }
        }
        panic!("it ended before it was ready: {:?}", running.printed);
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {KEY}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What Ctrl-C does.
    fn interrupt(mut self) -> std::process::ExitStatus {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of the test's own, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("vitrine-run-{}", vitrine::rules::random::short_id().unwrap());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn it_prints_what_a_newcomer_needs_and_ends_with_ready() {
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
fn the_demo_opens() {
    let running = Running::start(&["--memory", "--admin-key", KEY]);
    for (dialect, place) in [
        ("metabase", "/embed/dashboard/"),
        ("cube", "/embed/dashboard/"),
        ("motherduck", "/sandbox/#session="),
    ] {
        let demo = running.request("GET", &format!("/_local/demo/{dialect}"), "");
        assert!(demo.starts_with("HTTP/1.1 200") && demo.contains(place), "{demo}");
    }
    let demo = running.request("GET", "/_local/demo/metabase?seconds=60", "");
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
fn data_and_secrets_outlive_ctrl_c() {
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
fn the_clock_can_start_elsewhere_and_be_moved() {
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
    assert!(rotated.starts_with("HTTP/1.1 200") && rotated.contains("embedding_secret"), "{rotated}");
    assert!(!rotated.contains(SECRET), "{rotated}");
    let keys = running.request("GET", "/v1/signing-keys", "");
    assert!(keys.contains(r#""kid":"local""#) && keys.contains(r#""signs":true"#), "{keys}");
}

#[test]
fn what_cannot_start_says_why_in_one_line() {
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
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn the_services_run_alone_and_say_how_to_reach_them() {
    let folder = Folder::new();
    let arguments = [
        "services",
        "--dynamodb-port",
        "0",
        "--secrets-port",
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
        "TABLE_NAME=",
        "Deployments=\"1, 2\"",
    ] {
        assert!(environment.contains(name), "{name} is not in {environment}");
    }
}
