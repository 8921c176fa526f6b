//! `vitrine import metabase`: the real binary, against a server that it reaches over the network.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod common;

use std::process::Output;

use common::{KEY, Running, vitrine};
use serde_json::{Value, json};

const EXPORT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases/metabase_export");

/// Runs the command with the key of an access key in its environment, as a person does.
fn import(arguments: &[&str], key: Option<&str>) -> Output {
    let mut command = vitrine(&[&["import", "metabase"], arguments].concat());
    command.env_remove("VITRINE_KEY").env_remove("METABASE_API_KEY");
    if let Some(key) = key {
        command.env("VITRINE_KEY", key).env("METABASE_API_KEY", key);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_of(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 2"), "{answer}");
    serde_json::from_str(body).unwrap()
}

fn access_key(running: &Running, role: &str, permissions: &[&str]) -> String {
    let body = json!({"name": role, "role": role, "permissions": permissions}).to_string();
    let host = format!("host: {}", running.address);
    let headers = [host.as_str(), &format!("authorization: Bearer {KEY}"), "content-type: application/json"];
    let made = json_of(&running.send("POST", "/v1/keys", &headers, &body));
    made["key"].as_str().unwrap().to_owned()
}

#[test]
fn an_export_is_published_over_the_network_with_an_access_key() {
    // With the demo, which has a table of orders.
    let running = Running::start(&["--memory", "--admin-key", KEY]);
    let address = format!("http://{}", running.address);
    let key = access_key(&running, "admin", &[]);
    let read = |path: &str| json_of(&running.request("GET", path, ""));

    let dry = import(&[EXPORT, "--to", &address, "--dry-run"], Some(&key));
    let told = text(&dry.stdout);
    assert!(dry.status.success() && told.starts_with("Nothing was written"), "{told}");
    assert!(running.request("GET", "/api/dashboard/dashboardSales0000001", "").starts_with("HTTP/1.1 404"));

    let done = import(&[EXPORT, "--to", &address], Some(&key));
    let told = text(&done.stdout);
    assert!(done.status.success(), "{told}{}", text(&done.stderr));
    assert!(told.contains("Orders by month\" in the collection \"Shop / Sales figures\""), "{told}");
    for secret in [key.as_str(), KEY] {
        assert!(!told.contains(secret) && !text(&done.stderr).contains(secret));
    }
    let dashboard = read("/api/dashboard/dashboardSales0000001");
    assert_eq!(dashboard["dashcards"].as_array().unwrap().len(), 2, "{dashboard}");
    let question = read("/api/card/cardOrdersByCity00001");
    assert_eq!(question["name"], "Orders by city");

    // A second import changes what is there, and one from this server to itself finds everything in its place.
    assert!(import(&[EXPORT, "--to", &address], Some(&key)).status.success());
    assert_eq!(read("/api/card/cardOrdersByCity00001")["id"], question["id"]);
    let own = import(&["--url", &address, "--to", &address, "--dry-run"], Some(&key));
    assert!(
        own.status.success() && text(&own.stdout).contains("\"Orders by city\""),
        "{}",
        text(&own.stdout)
    );
}

#[test]
fn an_import_without_the_right_key_or_address_says_so_and_writes_nothing() {
    let running = Running::start(&["--memory", "--no-demo", "--admin-key", KEY]);
    let address = format!("http://{}", running.address);
    let member = access_key(&running, "member", &["introspect"]);
    let cases = [
        (vec![EXPORT, "--to", &address], None, "set VITRINE_KEY to the key"),
        (vec![EXPORT, "--to", &address], Some("wrong"), "401"),
        (vec![EXPORT, "--to", &address], Some(member.as_str()), "403"),
        (vec![EXPORT, "--to", "http://embed.example.com"], Some(KEY), "over https only"),
        (vec![EXPORT, "--to", "https://127.0.0.1:1"], Some(KEY), "cannot be reached"),
        (vec!["/nowhere", "--to", &address], Some(KEY), "cannot be read"),
        (vec!["--to", &address], Some(KEY), "required arguments were not provided"),
    ];
    for (arguments, key, reason) in cases {
        let refused = import(&arguments, key);
        let told = text(&refused.stderr);
        assert!(!refused.status.success() && told.contains(reason), "{arguments:?}: {told}");
        assert!(!told.contains(KEY) && !told.contains(&member), "{told}");
    }
    assert!(running.request("GET", "/v1/resources", "").contains("\"items\":[]"));
}
