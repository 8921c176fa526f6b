//! Imports and publications over HTTPS, with certificates of a private authority. Needs openssl and python3.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use common::{Folder, KEY, Running, vitrine};
use serde_json::json;

const EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/metabase_export");
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/tls.py");

/// An authority of its own, and a certificate of it for `localhost`.
struct Authority {
    folder: Folder,
}

impl Authority {
    fn new() -> Self {
        let folder = Folder::new();
        std::fs::create_dir(folder.path()).unwrap();
        std::fs::write(folder.0.join("names"), "subjectAltName=DNS:localhost").unwrap();
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let openssl = |arguments: &[&str]| {
            let mut command = Command::new("openssl");
            let ran = command.args(arguments).current_dir(folder.path()).output().unwrap();
            assert!(ran.status.success(), "{}", text(&ran.stderr));
        };
        let root = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=A private authority", "-days", "2"];
        openssl(&[&["req", "-x509"], key.as_slice(), root.as_slice()].concat());
        let leaf = ["-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost"];
        openssl(&[&["req"], key.as_slice(), leaf.as_slice()].concat());
        let signed =
            ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem", "-days", "2"];
        let names = ["-extfile", "names"];
        openssl(&[&["x509", "-req", "-in", "leaf.csr"], signed.as_slice(), names.as_slice()].concat());
        Self { folder }
    }

    fn path(&self, file: &str) -> String {
        self.folder.0.join(file).to_str().unwrap().to_owned()
    }

    /// HTTPS in front of a server, or of a file of answers.
    fn serve(&self, upstream: &str) -> Secured {
        let arguments = [TLS, &self.path("leaf.pem"), &self.path("leaf.key"), upstream];
        let mut child = Command::new("python3").args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Secured { child, port: port.trim().to_owned() }
    }
}

struct Secured {
    child: Child,
    port: String,
}

impl Secured {
    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs a command that trusts the authorities of this file, or those of the machine.
fn run(arguments: &[&str], authorities: Option<&str>) -> Output {
    let mut command = vitrine(arguments);
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command.env("VITRINE_KEY", KEY).env("METABASE_API_KEY", "metabase");
    if let Some(file) = authorities {
        command.env("SSL_CERT_FILE", file);
    }
    command.output().unwrap()
}

fn nothing_is_there(running: &Running) -> bool {
    running.request("GET", "/v1/resources", "").contains("\"items\":[]")
}

#[test]
fn an_export_is_published_to_a_stack_behind_a_private_authority() {
    // With the demo, which has a table of orders.
    let running = Running::start(&["--memory", "--admin-key", KEY]);
    let published = || running.request("GET", "/api/dashboard/dashboardSales0000001", "");
    let (authority, other) = (Authority::new(), Authority::new());
    let secured = authority.serve(&running.address);
    let (named, numbered) = (secured.url("localhost"), secured.url("127.0.0.1"));
    let (trusted, strange) = (authority.path("ca.pem"), other.path("ca.pem"));
    let (missing, key) = (authority.path("missing.pem"), authority.path("ca.key"));
    for (address, authorities, reason) in [
        (&named, None, "certificate"),
        (&named, Some(strange.as_str()), "certificate"),
        (&numbered, Some(trusted.as_str()), "certificate"),
        (&named, Some(missing.as_str()), "SSL_CERT_FILE"),
        (&named, Some(key.as_str()), "SSL_CERT_FILE"),
    ] {
        let refused = run(&["import", "metabase", EXPORT, "--to", address], authorities);
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{told}");
        assert!(told.contains(reason) && !told.contains(KEY), "{address} {authorities:?}: {told}");
        assert!(published().starts_with("HTTP/1.1 404"), "{address} {authorities:?}");
    }
    let done = run(&["import", "metabase", EXPORT, "--to", &named], Some(&trusted));
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    assert!(published().starts_with("HTTP/1.1 200"), "{}", published());
}

#[test]
fn a_dive_is_published_to_a_stack_behind_a_private_authority() {
    let running = Running::start(&["--memory", "--no-demo", "--admin-key", KEY]);
    let authority = Authority::new();
    let secured = authority.serve(&running.address);
    let (file, url) = (authority.path("dive.tsx"), secured.url("localhost"));
    std::fs::write(Path::new(&file), "export default () => <p/>;").unwrap();
    let publish = ["publish", "dive", &file, "--to", &url];
    assert_eq!(run(&publish, None).status.code(), Some(1));
    assert!(nothing_is_there(&running));
    let done = run(&publish, Some(&authority.path("ca.pem")));
    assert!(done.status.success() && text(&done.stdout).contains("version 1"), "{}", text(&done.stderr));
    assert!(!nothing_is_there(&running));
}

#[test]
fn an_installation_is_read_over_https() {
    let running = Running::start(&["--memory", "--no-demo", "--admin-key", KEY]);
    let authority = Authority::new();
    let native = json!({"query": "select 1 as one", "template-tags": {}});
    let card = json!({
        "id": 4, "entity_id": "cardOverHttps00000001", "name": "One", "display": "scalar", "archived": false,
        "dataset_query": {"type": "native", "database": 1, "native": native}, "visualization_settings": {},
    });
    let answers = json!({
        "/api/database": {"data": [{"id": 1, "name": "Sample"}]}, "/api/card": [card], "/api/dashboard": [],
        "/api/collection": [], "/api/native-query-snippet": [],
    });
    let file = authority.path("answers.json");
    std::fs::write(Path::new(&file), answers.to_string()).unwrap();
    let (site, stack) = (authority.serve(&file), authority.serve(&running.address));
    let (from, to, trusted) = (site.url("localhost"), stack.url("localhost"), authority.path("ca.pem"));
    let import = ["import", "metabase", "--url", &from, "--to", &to];

    let refused = run(&import, None);
    assert!(refused.status.code() == Some(1) && text(&refused.stderr).contains("certificate"));
    assert!(nothing_is_there(&running));
    let done = run(&import, Some(&trusted));
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    let read = running.request("GET", "/api/card/cardOverHttps00000001", "");
    assert!(read.starts_with("HTTP/1.1 200") && read.contains("\"One\""), "{read}");
}
