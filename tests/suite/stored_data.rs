//! Compatibility: a data folder that version 0.1 wrote opens, and all its contents work.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vitrine::dialects::motherduck::SessionString;
use vitrine_tests::{Product, sign};

use crate::folder::Folder;

/// A copy of the fixture, because the engine writes into its folder.
fn copy() -> Folder {
    let folder = Folder::new();
    for file in ["dynamodb.sqlite", "secrets.json"] {
        std::fs::copy(fixture().join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/data-0.1")
}

/// The keys, sessions and ids in the folder, and the time at which they were made.
fn contents() -> Value {
    serde_json::from_slice(&std::fs::read(fixture().join("contents.json")).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_version_0_1_stored_works() {
    let (copy, contents) = (copy(), contents());
    let text = |name: &str| contents[name].as_str().unwrap();
    let product = Product::start_over(copy.path()).await;
    product.clock.set(text("made_at").parse().unwrap());
    let admin = text("admin_key");
    let sign = |claims: Value| {
        let mut payload = json!({"exp": product.clock.now().unix() + 600});
        payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        sign(&payload, text("signing_secret"))
    };

    // Resources, their policies and the versions of a dive.
    let token = sign(json!({"resource": {"dashboard": 7}, "params": {"region": "north"}}));
    let view = product.view(&token, "year=2025").await;
    assert_eq!(view.status, 200, "{}", view.text);
    assert_eq!(view.json["content"]["html"], "<h1>Sales</h1>");
    assert_eq!(view.json["parameters"][0]["value"], "2025");
    assert_eq!(product.view(&token, "region=south").await.refusal(), (400, "parameter_locked"));
    let viewer = json!({"id": "v", "attributes": {"city": "Berlin"}});
    let token = sign(json!({"resource": {"question": 8}, "params": {}, "viewer": viewer}));
    assert_eq!(product.view(&token, "").await.json["attributes"], json!({"city": "Berlin"}));
    let versions = format!("/v1/dives/{}/versions", text("dive"));
    let versions = product.get(&versions).bearer(admin).send().await;
    assert_eq!(versions.json["items"].as_array().unwrap().len(), 2, "{}", versions.text);

    // Keys, accounts and their tokens.
    let listed = product.get("/v1/resources?embeddable=true").bearer(text("access_key")).send().await;
    let ids: Vec<_> = listed.json["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert!(ids.contains(&&json!(7)) && ids.contains(&&json!(8)), "{}", listed.text);
    let account = product.get("/v1/users/fixture_account").bearer(text("account_token")).send().await;
    assert_eq!(account.json["attributes"], json!({"city": "Berlin"}), "{}", account.text);
    assert_eq!(account.json["email"], Value::Null, "{}", account.text);

    // Sessions of every kind.
    let session = SessionString::decode(text("dive_session")).unwrap();
    let dive = product.view(&session.token, "").await;
    assert_eq!(dive.json["state"], json!({"a": 1}), "{}", dive.text);
    let redeemed = product.post("/v1/sessions/redeem", json!({"session": text("session")})).send().await;
    assert_eq!(redeemed.status, 200, "{}", redeemed.text);
    assert_eq!(product.view(redeemed.json["token"].as_str().unwrap(), "").await.status, 200);
    let again = product.post("/v1/sessions/redeem", json!({"session": text("session")})).send().await;
    assert_eq!(again.refusal(), (401, "session_unknown"));
    let me = product.get("/api/v1/users/me").bearer(text("cube_token")).send().await;
    assert_eq!(me.json["embedTenantName"], "acme", "{}", me.text);
    assert_eq!(me.json["groups"], json!(["editors", "system:tenant:acme:group:finance"]));
    let exchange = json!({"sessionId": text("cube_session")});
    let exchanged = product.post("/api/v1/embed/session/token", exchange).send().await;
    assert_eq!(exchanged.status, 200, "{}", exchanged.text);
    let me = product.get("/api/v1/users/me").bearer(exchanged.json["token"].as_str().unwrap()).send().await;
    assert_eq!(me.json["email"], "user@example.com", "{}", me.text);

    // Definitions, users, and the record of a refusal.
    let attributes = product.get("/v1/attributes").bearer(admin).send().await;
    assert!(
        attributes.text.contains("\"level\"") && attributes.text.contains("\"Level\""),
        "{}",
        attributes.text
    );
    let users = product.get("/v1/external-users?tenant=acme").bearer(admin).send().await;
    assert_eq!(users.json["items"][0]["email"], "user@example.com", "{}", users.text);
    let record = format!("/v1/decisions/{}", text("refused_request"));
    let record = product.get(&record).bearer(admin).send().await;
    assert_eq!(record.json["reason"], "parameter_locked_missing", "{}", record.text);

    // Accounts without an email address get one, and are removed.
    let path = "/v1/users/fixture_account";
    let changed = product.patch(path, json!({"email": "ann@x.example"})).bearer(admin).send().await;
    assert_eq!(changed.json["email"], "ann@x.example", "{}", changed.text);
    let listed = product.get("/v1/users").bearer(admin).send().await;
    assert_eq!(
        listed.json["items"][0]["username"], "fixture_account",
        "listed once it is changed: {}",
        listed.text
    );
    assert_eq!(product.delete(path).bearer(admin).send().await.status, 204);
    let again = json!({"username": "another", "email": "ann@x.example"});
    assert_eq!(product.post("/v1/users", again).bearer(admin).send().await.status, 200);

    // The folder can be written to.
    let change = json!({"title": "Sales, renamed", "enable_embedding": false});
    let changed = product.put("/v1/resources/dashboard/7", change).bearer(admin).send().await;
    assert_eq!((changed.status.as_u16(), &changed.json["revision"]), (200, &json!(2)), "{}", changed.text);

    // Content that had no stored version yet becomes one.
    let versions = product.get("/v1/resources/dashboard/7/versions").bearer(admin).send().await;
    let numbers: Vec<_> =
        versions.json["items"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)], "{}", versions.text);
    let first = product.get("/v1/resources/dashboard/7/versions/1").bearer(admin).send().await;
    assert_eq!(first.json["content"]["html"], "<h1>Sales</h1>", "{}", first.text);
    let unchanged = product.get("/v1/resources/question/8/versions").bearer(admin).send().await;
    assert_eq!(unchanged.json["items"][0]["version"], 1, "{}", unchanged.text);
    let current = product.get("/v1/resources/question/8/versions/1").bearer(admin).send().await;
    assert_eq!(current.status, 200, "{}", current.text);
    let unknown = product.get("/v1/resources/question/8/versions/2").bearer(admin).send().await;
    assert_eq!(unknown.refusal(), (404, "version_not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_no_database_is_refused() {
    let copy = copy();
    std::fs::write(copy.path().join("secrets.json"), "{}").unwrap();
    let kept = vitrine_local::options::ServiceOptions {
        memory: false,
        data: copy.path().to_owned(),
        admin_key: None,
        signing_secret: None,
        client_secret: None,
        settings: Vec::new(),
    };
    std::fs::write(copy.path().join("dynamodb.sqlite"), "not a database").unwrap();
    assert!(vitrine_local::services::Services::start(&kept).is_err());
}
