//! The attack surface of the local run: its open ports, and the requests that it refuses before routing.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Folder, KEY, Running, SECRET, send, vitrine};

/// Local ports on which a process listens, from the kernel's tables.
#[cfg(target_os = "linux")]
fn listening_ports(process: u32) -> Vec<u16> {
    let links = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let links = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    let sockets: Vec<_> = links
        .filter_map(|link| link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']').map(str::to_owned))
        .collect();
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<_> = line.split_whitespace().collect();
            let is_listening = columns[3] == "0A";
            if is_listening && sockets.iter().any(|socket| socket == columns[9]) {
                ports.push(u16::from_str_radix(columns[1].rsplit(':').next().unwrap(), 16).unwrap());
            }
        }
    }
    ports
}

#[test]
#[cfg(target_os = "linux")]
fn a_local_run_listens_on_its_own_port_only() {
    let running = Running::start(&["--memory", "--admin-key", KEY]);
    let port: u16 = running.address.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(listening_ports(running.child.id()), [port]);
}

fn host(address: &str) -> String {
    format!("host: {address}")
}

#[test]
fn every_route_refuses_a_foreign_host() {
    let running = Running::start(&["--memory", "--admin-key", KEY]);
    let port = running.address.rsplit(':').next().unwrap();
    let key = format!("authorization: Bearer {KEY}");
    let foreign = [
        "host: evil.example".to_owned(),
        format!("host: evil.example:{port}"),
        format!("host: 127.0.0.1.evil.example:{port}"),
        format!("host: evil@127.0.0.1:{port}"),
        "host: 127.0.0.1".to_owned(),
        "host: localhost:1".to_owned(),
        "host:".to_owned(),
        format!("host: localhost:{port}\r\nhost: evil.example"),
        "x-forwarded-host: localhost".to_owned(),
    ];
    for path in [
        "/",
        "/demo/demo.js",
        "/demo/embed/metabase",
        "/openapi.json",
        "/healthz",
        "/v1/resources",
        "/v1/resources/",
        "/v1/view",
        "/api/setting/embedding-secret-key",
        "/embed/dashboard/x",
        "/_local/clock",
        "/vitrine-data/uploads/orders/x",
        "/nothing",
    ] {
        for host in &foreign {
            let answer = running.send("GET", path, &[host, &key], "");
            assert!(answer.starts_with("HTTP/1.1 403"), "{path} {host}: {answer}");
            for part in ["\"reason\":\"access_denied\"", "\"request_id\":\"", "\"code\":\"FORBIDDEN\""] {
                assert!(answer.contains(part), "{path} {host}: {answer}");
            }
            assert!(!answer.to_lowercase().contains("access-control"), "{path} {host}: {answer}");
        }
    }
    let absolute = running.send("GET", "http://evil.example/healthz", &[&host(&running.address)], "");
    assert!(absolute.starts_with("HTTP/1.1 403"), "{absolute}");
    for name in ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"] {
        let answer = running.send("GET", "/v1/resources", &[&format!("host: {name}:{port}"), &key], "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
    }
}

#[test]
fn local_routes_need_the_admin_key_and_refuse_pages_of_other_origins() {
    let running = Running::start(&["--memory", "--admin-key", KEY, "--signing-secret", SECRET]);
    let made = running.request("POST", "/v1/keys", r#"{"name":"k","role":"admin"}"#);
    let other_key = made.split("\"key\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a key");
    let host = host(&running.address);
    let key = format!("authorization: Bearer {KEY}");
    let same_origin = format!("origin: http://{}", running.address);
    for (path, body) in [("/_local/clock", r#"{"now":"+400d"}"#), ("/_local/rotate", "")] {
        for authorization in [
            "x: y".to_owned(),
            "authorization: Bearer".to_owned(),
            "authorization: Bearer wrong".to_owned(),
            format!("authorization: Bearer {KEY}x"),
            format!("authorization: {KEY}"),
            format!("authorization: Bearer {SECRET}"),
            format!("authorization: Bearer {other_key}"),
            format!("cookie: key={KEY}"),
        ] {
            let answer = running.send("POST", path, &[&host, &authorization], body);
            assert!(answer.starts_with("HTTP/1.1 401"), "{path} {authorization}: {answer}");
            assert!(answer.contains("\"reason\":\"access_key_"), "{path} {authorization}: {answer}");
        }
        for sender in [
            "origin: https://evil.example",
            "origin: null",
            "origin: http://localhost:1",
            "sec-fetch-site: cross-site",
            "sec-fetch-site: same-site",
        ] {
            let answer = running.send("POST", path, &[&host, &key, sender], body);
            assert!(answer.starts_with("HTTP/1.1 403"), "{path} {sender}: {answer}");
        }
    }
    assert!(running.request("GET", "/api/setting/embedding-secret-key", "").contains(SECRET), "not rotated");
    let clock = |headers: &[&str]| {
        let headers = [&[host.as_str(), key.as_str()], headers].concat();
        running.send("POST", "/_local/clock", &headers, r#"{"now":"+0s"}"#)
    };
    for headers in [&[][..], &["sec-fetch-site: none"], &[&same_origin, "sec-fetch-site: same-origin"]] {
        assert!(clock(headers).starts_with("HTTP/1.1 200"), "{headers:?}");
    }
}

#[test]
fn the_demo_answers_only_its_own_page_and_reveals_no_key() {
    let running = Running::start(&["--memory", "--admin-key", KEY, "--signing-secret", SECRET]);
    let host = host(&running.address);
    for path in ["/demo/embed/metabase", "/demo/embed/cube", "/demo/embed/motherduck"] {
        for sender in
            ["origin: https://evil.example", "sec-fetch-site: cross-site", "sec-fetch-site: same-site"]
        {
            let answer = running.send("GET", path, &[&host, sender], "");
            assert!(answer.starts_with("HTTP/1.1 403"), "{path} {sender}: {answer}");
        }
        let answer = running.send("GET", path, &[&host, "sec-fetch-site: same-origin"], "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        assert!(!answer.contains(KEY) && !answer.contains(SECRET), "{path}: {answer}");
        assert!(!answer.to_lowercase().contains("access-control"), "{path}: {answer}");
    }
    let page = running.send("GET", "/", &[&host], "");
    assert!(page.contains("<title>") && !page.contains(KEY) && !page.contains(SECRET));
}

/// The services with their addresses and the credentials that they printed.
struct Services {
    running: Running,
    access_key_id: String,
    session_token: String,
    folder: Folder,
}

impl Services {
    fn start() -> Self {
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
        ];
        let running = Running::spawn(&mut vitrine(&arguments));
        let printed = |name: &str| {
            let prefix = format!("export {name}=");
            let line = running.printed.iter().find_map(|line| line.trim().strip_prefix(&prefix));
            line.unwrap_or_default().to_owned()
        };
        let (access_key_id, session_token) = (printed("AWS_ACCESS_KEY_ID"), printed("AWS_SESSION_TOKEN"));
        Self { running, access_key_id, session_token, folder }
    }

    /// Each service with a call that is allowed with its credentials.
    fn calls(&self) -> [(String, &'static str, &'static str); 2] {
        let address = |name: &str| {
            let line = self.running.printed.iter().find(|line| line.trim().starts_with(name)).unwrap();
            line.split("http://").nth(1).unwrap().to_owned()
        };
        [
            (address("DynamoDB"), "DynamoDB_20120810.Scan", r#"{"TableName":"vitrine"}"#),
            (
                address("Secrets Manager"),
                "secretsmanager.GetSecretValue",
                r#"{"SecretId":"vitrine/admin-key"}"#,
            ),
        ]
    }
}

fn signed(id: &str) -> String {
    format!(
        "authorization: AWS4-HMAC-SHA256 Credential={id}/20260101/local/dynamodb/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}",
        "0".repeat(64)
    )
}

#[test]
fn the_services_accept_only_the_credentials_of_their_process() {
    let services = Services::start();
    let token = format!("x-amz-security-token: {}", services.session_token);
    let authorization = signed(&services.access_key_id);
    for (address, target, body) in services.calls() {
        let target = format!("x-amz-target: {target}");
        let own = host(&address);
        let call = |method: &str, headers: &[&str]| {
            let usual = ["content-type: application/x-amz-json-1.0", "x-amz-date: 20260101T000000Z", &target];
            send(&address, method, "/", &[&usual[..], headers].concat(), body)
        };
        let answer = call("POST", &[&own, &authorization, &token]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{target}: {answer}");
        assert!(!answer.to_lowercase().contains("access-control"), "{answer}");
        for (case, headers) in [
            ("no credentials", vec![own.as_str()]),
            ("a placeholder key", vec![&own, &signed("local")]),
            ("an empty key", vec![&own, &signed(""), "x-amz-security-token:"]),
            ("no token", vec![&own, &authorization]),
            ("another token", vec![&own, &authorization, "x-amz-security-token: guess"]),
            ("another key", vec![&own, &signed("local"), &token]),
            ("a foreign host", vec!["host: evil.example", &authorization, &token]),
            ("a page", vec![&own, &authorization, &token, "origin: https://evil.example"]),
            ("a page from localhost", vec![&own, &authorization, &token, "origin: http://localhost:3000"]),
            ("a page without an origin", vec![&own, &authorization, &token, "sec-fetch-site: cross-site"]),
        ] {
            for method in ["POST", "GET", "OPTIONS"] {
                let answer = call(method, &headers);
                assert!(answer.starts_with("HTTP/1.1 403"), "{target} {case}: {answer}");
                assert!(!answer.to_lowercase().contains("access-control"), "{target} {case}: {answer}");
                assert!(
                    !answer.contains("Items") && !answer.contains("SecretString"),
                    "{target} {case}: {answer}"
                );
            }
        }
    }
}

#[test]
fn another_process_has_other_credentials_and_the_file_for_functions_has_all() {
    let (first, second) = (Services::start(), Services::start());
    assert_ne!(first.access_key_id, second.access_key_id);
    assert_ne!(first.session_token, second.session_token);
    assert!(first.access_key_id.len() >= 32 && first.session_token.len() >= 43);
    let environment = fs::read_to_string(Path::new(first.folder.path()).join("watch.env")).unwrap();
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", &first.access_key_id), ("AWS_SESSION_TOKEN", &first.session_token)]
    {
        assert!(environment.contains(&format!("{name}=\"{value}\"\n")), "{environment}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Starts an upload of a small file, and returns the path of its link with the headers that belong to it.
fn started_upload(running: &Running) -> (String, Vec<String>) {
    running.request("PUT", "/v1/tables/orders", "{}");
    let digest = "309b0e45a73d3fc5325e2b6ed0a01ef8b9cde6b05a5633c1f893f970d52bfddc";
    let wanted = format!(r#"{{"format":"csv","size":4,"sha256":"{digest}"}}"#);
    let answer = running.request("POST", "/v1/tables/orders/uploads", &wanted);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let started: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let path = started["url"].as_str().unwrap().strip_prefix(&format!("http://{}", running.address));
    let headers = started["headers"].as_object().unwrap().iter();
    let headers = headers.filter(|(name, _)| *name != "content-length");
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()));
    (path.unwrap().to_owned(), headers.collect())
}

const UPLOADED: &str = "a\n1\n";

#[test]
fn links_to_objects_lead_to_the_port_and_need_host_and_signature() {
    let running = Running::start(&["--memory", "--admin-key", KEY, "--no-demo"]);
    let (path, headers) = started_upload(&running);
    let own = host(&running.address);
    let put = |path: &str, host: &str, body: &str| {
        let headers: Vec<&str> = headers.iter().map(String::as_str).chain([host]).collect();
        running.send("PUT", path, &headers, body)
    };
    let unsigned = path.split('?').next().unwrap();
    let other_file = path.replacen("/uploads/", "/uploads/x", 1);
    for (path, host, body) in [
        (&*path, "host: evil.example", UPLOADED),
        (unsigned, &*own, UPLOADED),
        (&*other_file, &*own, UPLOADED),
        (&*path, &*own, "a\n2\n"),
    ] {
        let answer = put(path, host, body);
        assert!(answer.starts_with("HTTP/1.1 4"), "{path} {host}: {answer}");
    }
    let answer = running.send("GET", &path, &[&own], "");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let answer = put(&path, &own, UPLOADED);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn data_is_private_to_its_owner() {
    let folder = Folder::new();
    let path = Path::new(folder.path());
    // Permissions as an earlier version or a plain `mkdir` leaves them.
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path.join("secrets.json"), "{}").unwrap();
    fs::set_permissions(path.join("secrets.json"), fs::Permissions::from_mode(0o644)).unwrap();
    let services = [
        "services",
        "--dynamodb-port",
        "0",
        "--secrets-port",
        "0",
        "--s3-port",
        "0",
        "--data",
        folder.path(),
    ];
    let product = ["--port", "0", "--admin-key", KEY, "--no-demo", "--data", folder.path()];
    for arguments in [&product[..], &services] {
        let running = Running::spawn(&mut vitrine(arguments));
        assert_eq!(mode(path), 0o700, "{arguments:?}");
        if arguments[0] != "services" {
            let (link, headers) = started_upload(&running);
            let own = host(&running.address);
            let headers: Vec<&str> = headers.iter().map(String::as_str).chain([&*own]).collect();
            let answer = running.send("PUT", &link, &headers, UPLOADED);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
        let (mut names, mut folders) = (Vec::new(), vec![path.to_owned()]);
        while let Some(folder) = folders.pop() {
            assert_eq!(mode(&folder), 0o700, "{arguments:?} {}", folder.display());
            for entry in fs::read_dir(folder).unwrap() {
                let file = entry.unwrap().path();
                names.push(file.file_name().unwrap().to_str().unwrap().to_owned());
                match file.is_dir() {
                    true => folders.push(file),
                    false => assert_eq!(mode(&file), 0o600, "{arguments:?} {}", file.display()),
                }
            }
        }
        for expected in ["dynamodb.sqlite", "secrets.json"] {
            assert!(names.iter().any(|name| name == expected), "{names:?}");
        }
        assert_eq!(names.iter().any(|name| name == "watch.env"), arguments[0] == "services", "{names:?}");
        drop(running);
    }
}
