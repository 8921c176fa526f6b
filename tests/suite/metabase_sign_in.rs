//! `POST /api/session` and `DELETE /api/session`: sign-in with a name and an access key as the password.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use vitrine::rules::random;
use vitrine::rules::settings::Settings;
use vitrine_tests::{ADMIN_KEY, Answer, Product, SECRET};

use crate::shape::assert_problem;

const DAY: i64 = 86_400;

async fn sign_in(product: &Product, username: &str, password: &str) -> Answer {
    product.post("/api/session", json!({"username": username, "password": password})).send().await
}

async fn session(product: &Product, password: &str) -> String {
    let answer = sign_in(product, "ann@example.com", password).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["id"].as_str().unwrap().to_owned()
}

async fn as_session(product: &Product, method: Method, path: &str, session: &str) -> Answer {
    product.request(method, path).header("x-metabase-session", session).send().await
}

async fn status(product: &Product, session: &str) -> u16 {
    as_session(product, Method::GET, "/api/user/current", session).await.status.as_u16()
}

#[tokio::test]
async fn a_session_is_random_and_stored_as_a_hash() {
    let product = Product::start().await;
    let answer = sign_in(&product, "ann@example.com", ADMIN_KEY).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json.as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
    let id = answer.json["id"].as_str().unwrap();
    assert_ne!(id, session(&product, ADMIN_KEY).await);
    let stored = format!("{:?}", product.table().await);
    assert!(stored.contains(&random::fingerprint(id)));
    for hidden in [id, ADMIN_KEY, "ann@example.com"] {
        assert!(!stored.contains(hidden), "{hidden}");
    }
}

/// A session may exactly what its key may.
#[tokio::test]
async fn a_session_acts_as_its_key() {
    let product = Product::start_with(&[("Deployments", "1,2")]).await;
    product.publish("dashboard/1", json!({})).await;
    product.publish("dashboard/2", json!({"deployment": 2})).await;
    let scoped =
        json!({"name": "k", "role": "member", "permissions": ["resources:list"], "deployments": [2]});
    let scoped =
        product.post("/v1/keys", scoped).admin().send().await.json["key"].as_str().unwrap().to_owned();
    let lister = product.key("member", &["resources:list"]).await;
    let weak = product.key("restricted", &[]).await;
    let admin = product.key("admin", &[]).await;
    // key; the status of a list and the ids in it; the statuses of a write and of an admin's route
    let cases = [
        (ADMIN_KEY, 200, json!([1, 2]), 200, 200),
        (&admin, 200, json!([1, 2]), 200, 200),
        (&lister, 200, json!([1, 2]), 403, 403),
        (&scoped, 200, json!([2]), 403, 403),
        (&weak, 403, json!([]), 403, 403),
    ];
    for (key, listed, ids, written, administered) in cases {
        let session = session(&product, key).await;
        for credential in [key, &session] {
            let list = as_session(&product, Method::GET, "/api/dashboard", credential).await;
            let found: Vec<_> = list.json.as_array().into_iter().flatten().map(|item| &item["id"]).collect();
            assert_eq!((list.status.as_u16(), json!(found)), (listed, ids.clone()));
            let write = product.put("/api/dashboard/1", json!({"description": "D"}));
            let write = write.header("x-metabase-session", credential).send().await;
            assert_eq!(write.status, written, "{}", write.text);
            let keys = as_session(&product, Method::GET, "/v1/keys", credential).await;
            assert_eq!(keys.status, administered);
        }
    }
}

/// A session is no access key: only the header that clients send sessions in takes one.
#[tokio::test]
async fn a_session_is_accepted_in_its_own_header_only() {
    let product = Product::start().await;
    let session = session(&product, ADMIN_KEY).await;
    for (header, value, expected) in [
        ("x-metabase-session", session.clone(), 200),
        ("X-Metabase-Session", format!(" {session} "), 200),
        ("authorization", format!("Bearer {session}"), 401),
        ("authorization", format!("Api-Key {session}"), 401),
        ("x-api-key", session.clone(), 401),
        ("cookie", format!("metabase.SESSION={session}"), 401),
        ("x-metabase-session", session.to_uppercase(), 401),
        ("x-metabase-session", session.replace('-', ""), 401),
        ("x-metabase-session", format!("{session}x"), 401),
        ("x-metabase-session", "0191e7a0-5d2b-4c3f-9b1a-2f5d8c1e4a77".to_owned(), 401),
    ] {
        for path in ["/api/user/current", "/v1/keys"] {
            let answer = product.get(path).header(header, value.clone()).send().await;
            assert_eq!(answer.status, expected, "{header}: {value} {path}");
        }
    }
    assert_eq!(sign_in(&product, "ann", &session).await.refusal(), (401, "password_wrong"), "not a key");
    assert_eq!(product.view(&session, "").await.status, 400, "not a token");
}

/// Whatever ends a key ends its sessions with it.
#[tokio::test]
async fn a_session_ends_with_its_key() {
    let product = Product::start().await;
    let now = product.clock.now();
    let made = async |fields: Value| {
        let mut body = json!({"name": "k", "role": "admin"});
        vitrine_tests::merge(&mut body, fields);
        let answer = product.post("/v1/keys", body).admin().send().await;
        (answer.json["id"].as_str().unwrap().to_owned(), answer.json["key"].as_str().unwrap().to_owned())
    };
    let (id, key) = made(json!({})).await;
    let (_, other) = made(json!({})).await;
    let (deleted, kept) = (session(&product, &key).await, session(&product, &other).await);
    assert_eq!((status(&product, &deleted).await, status(&product, &kept).await), (200, 200));
    assert_eq!(product.delete(&format!("/v1/keys/{id}")).admin().send().await.status, 204);
    assert_eq!((status(&product, &deleted).await, status(&product, &kept).await), (401, 200));

    let (_, short) = made(json!({"expires_at": now.plus(100).to_string()})).await;
    let short = session(&product, &short).await;
    product.clock.set_offset(90);
    assert_eq!(status(&product, &short).await, 200);
    product.clock.set_offset(101);
    assert_eq!(status(&product, &short).await, 401);
}

#[tokio::test]
async fn a_session_of_an_account_ends_with_its_token_and_with_the_account() {
    let product = Product::start().await;
    let account = async || {
        let body = json!({"username": "acme"});
        let answer = product.post("/v1/users", body).admin().send().await;
        assert!(answer.status.is_success(), "{}", answer.text);
        let patched = product.patch("/v1/users/acme", json!({"role": "admin"})).admin().send().await;
        assert!(patched.status.is_success(), "{}", patched.text);
    };
    let token = async |name: &str| {
        let answer = product.post("/v1/users/acme/tokens", json!({"name": name})).admin().send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (answer.json["id"].as_str().unwrap().to_owned(), answer.json["token"].as_str().unwrap().to_owned())
    };
    account().await;
    let (id, first) = token("first").await;
    let (_, second) = token("second").await;
    let (first, second) = (session(&product, &first).await, session(&product, &second).await);
    assert_eq!((status(&product, &first).await, status(&product, &second).await), (200, 200));
    let keys = as_session(&product, Method::GET, "/v1/keys", &first).await;
    assert_eq!(keys.status, 200, "the account is an admin");
    let demoted = product.patch("/v1/users/acme", json!({"role": "member"})).admin().send().await;
    assert!(demoted.status.is_success());
    let keys = as_session(&product, Method::GET, "/v1/keys", &first).await;
    assert_eq!(keys.refusal(), (403, "access_denied"), "the role of now, not of the sign-in");

    assert_eq!(product.delete(&format!("/v1/users/acme/tokens/{id}")).admin().send().await.status, 204);
    assert_eq!((status(&product, &first).await, status(&product, &second).await), (401, 200));
    assert_eq!(product.delete("/v1/users/acme").admin().send().await.status, 204);
    assert_eq!(status(&product, &second).await, 401);
    account().await;
    token("second").await;
    assert_eq!(status(&product, &second).await, 401, "a later account of the same name");
}

#[tokio::test]
async fn a_session_ends_after_fourteen_days() {
    let product = Product::start().await;
    let session = session(&product, ADMIN_KEY).await;
    for (offset, expected) in [(0, 200), (14 * DAY - 5, 200), (14 * DAY + 1, 401), (20 * DAY, 401)] {
        product.clock.set_offset(offset);
        assert_eq!(status(&product, &session).await, expected, "{offset}");
    }
}

/// A session that was stolen for a moment must not become a key for ever.
#[tokio::test]
async fn a_key_made_with_a_session_ends_with_it() {
    let product = Product::start().await;
    let session = session(&product, ADMIN_KEY).await;
    let body = json!({"name": "k", "role": "admin"});
    let made = product.post("/v1/keys", body).header("x-metabase-session", session).send().await;
    assert_eq!(made.status, 201, "{}", made.text);
    let key = made.json["key"].as_str().unwrap();
    for (offset, expected) in [(0, 200), (14 * DAY - 5, 200), (14 * DAY + 1, 401)] {
        product.clock.set_offset(offset);
        assert_eq!(status(&product, key).await, expected, "{offset}");
    }
}

#[tokio::test]
async fn a_session_can_be_ended() {
    let product = Product::start().await;
    let (ended, kept) = (session(&product, ADMIN_KEY).await, session(&product, ADMIN_KEY).await);
    let end = async |session: &str| as_session(&product, Method::DELETE, "/api/session", session).await;
    let answer = end(&ended).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!((status(&product, &ended).await, status(&product, &kept).await), (401, 200));
    assert_eq!(end(&ended).await.refusal(), (401, "access_key_unknown"));
    assert_eq!(end("wrong").await.refusal(), (401, "access_key_unknown"));
    assert_eq!(product.delete("/api/session").send().await.refusal(), (401, "access_key_missing"));
    // The key itself is not a session, and stays valid.
    assert_eq!(end(ADMIN_KEY).await.refusal(), (404, "key_session_not_found"));
    assert_eq!(product.delete("/api/session").admin().send().await.refusal(), (404, "key_session_not_found"));
    assert_eq!((status(&product, ADMIN_KEY).await, status(&product, &kept).await), (200, 200));
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_words_that_clients_read() {
    let product = Product::start().await;
    let weak = product.key("restricted", &[]).await;
    let before = product.items().await;
    for (number, password) in
        ["wrong", SECRET, &ADMIN_KEY[1..], &format!("{ADMIN_KEY}x"), &weak[..20], &"x".repeat(10_000)]
            .into_iter()
            .enumerate()
    {
        let answer = sign_in(&product, &format!("user{number}"), password).await;
        assert_problem(&answer, password);
        assert_eq!(answer.refusal(), (401, "password_wrong"), "{password:.20}");
        assert_eq!(answer.json["message"], "Password did not match stored password.");
        assert_eq!(answer.json["errors"], json!({"password": "did not match stored password"}));
    }
    assert!(product.items().await > before, "they are counted");
    // An account's token that only reads data is no key.
    let account = product.post("/v1/users", json!({"username": "acme"})).admin().send().await;
    assert!(account.status.is_success());
    let reads = json!({"name": "reads", "token_type": "read_scaling"});
    let reads = product.post("/v1/users/acme/tokens", reads).admin().send().await;
    let reads = reads.json["token"].as_str().unwrap();
    assert_eq!(sign_in(&product, "reads", reads).await.refusal(), (401, "password_wrong"));
    // Requests without either are not attempts.
    let before = product.items().await;
    for (body, issues) in [
        (json!({}), vec!["password", "username"]),
        (json!({"username": "ann"}), vec!["password"]),
        (json!({"username": "ann", "password": " "}), vec!["password"]),
        (json!({"username": "", "password": "wrong"}), vec!["username"]),
        (json!({"username": 1, "password": ["wrong"]}), vec!["password", "username"]),
    ] {
        let answer = product.post("/api/session", body.clone()).send().await;
        assert_problem(&answer, &body.to_string());
        let mut named = answer.issues();
        named.sort_unstable();
        assert_eq!((answer.refusal(), named), ((400, "request_invalid"), issues), "{body}");
    }
    assert_eq!(product.items().await, before);
    let extra = json!({"username": "ann", "password": ADMIN_KEY, "remember": true});
    assert_eq!(product.post("/api/session/", extra).send().await.status, 200);
}

#[tokio::test]
async fn the_eleventh_wrong_password_within_fifteen_minutes_is_refused_for_a_while() {
    let product = Product::start().await;
    for attempt in 0..10 {
        product.clock.set_offset(attempt * 60);
        assert_eq!(sign_in(&product, "ann", "wrong").await.refusal(), (401, "password_wrong"), "{attempt}");
    }
    for name in ["ann", " Ann "] {
        let locked = sign_in(&product, name, "wrong").await;
        assert_problem(&locked, name);
        assert_eq!(locked.refusal(), (429, "sign_in_locked"));
        let wait: i64 = locked.header("retry-after").parse().unwrap();
        assert!((355..=360).contains(&wait), "{wait}");
        let text = locked.json["errors"]["username"].as_str().unwrap();
        assert!(text.starts_with("Too many attempts! You must wait"), "{text}");
        assert_eq!(locked.json["message"], text);
    }
    // Refused attempts do not prolong it, and other names are not concerned.
    assert_eq!(sign_in(&product, "bob", "wrong").await.refusal(), (401, "password_wrong"));
    product.clock.set_offset(901);
    assert_eq!(sign_in(&product, "ann", "wrong").await.refusal(), (401, "password_wrong"));
    assert_eq!(sign_in(&product, "ann", "wrong").await.refusal(), (429, "sign_in_locked"));
    product.clock.set_offset(9 * 60 + 901);
    for attempt in 0..9 {
        assert_eq!(sign_in(&product, "ann", "wrong").await.refusal(), (401, "password_wrong"), "{attempt}");
    }
}

/// Somebody who guesses in the owner's name locks nobody out.
#[tokio::test]
async fn the_right_password_is_accepted_while_wrong_ones_are_not() {
    let product = Product::start().await;
    for _ in 0..12 {
        sign_in(&product, "ann@example.com", "wrong").await;
    }
    assert_eq!(sign_in(&product, "ann@example.com", "wrong").await.refusal(), (429, "sign_in_locked"));
    let id = session(&product, ADMIN_KEY).await;
    assert_eq!(status(&product, &id).await, 200);
    assert_eq!(status(&product, ADMIN_KEY).await, 200);
    assert_eq!(sign_in(&product, "ann@example.com", "wrong").await.refusal(), (429, "sign_in_locked"));
}

/// However many run at once, exactly ten wrong passwords are answered as such.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_wrong_passwords_are_counted_exactly() {
    let product = Arc::new(Product::start().await);
    for name in ["ann", "bob", "eve"] {
        let mut attempts = tokio::task::JoinSet::new();
        for _ in 0..60 {
            let product = Arc::clone(&product);
            attempts.spawn(async move { sign_in(&product, name, "wrong").await.status.as_u16() });
        }
        let answers = attempts.join_all().await;
        let of = |status: u16| answers.iter().filter(|answer| **answer == status).count();
        assert_eq!((of(401), of(429)), (10, 50), "{name}");
    }
}

/// Invented names must not fill the table.
#[tokio::test]
async fn a_name_of_any_length_takes_one_small_item() {
    let product = Product::start().await;
    for _ in 0..15 {
        sign_in(&product, &"n".repeat(100_000), "wrong").await;
    }
    let table = product.table().await;
    assert_eq!(table.len(), 1);
    assert!(table[0].values().map(String::len).sum::<usize>() < 300, "{table:?}");
    assert!(table[0].contains_key("ttl"));
}

/// Sign-in faces everybody, so it runs where neither access keys nor signing keys can be written.
#[tokio::test]
async fn the_function_that_signs_in_can_create_no_keys() {
    let product = Product::start().await;
    let functions =
        vitrine_local::functions::connect_all(&product.services, &Settings::default(), &product.clock).await;
    let serves = |path: &str| {
        let mut owners = functions
            .iter()
            .filter(|function| function.routes.declared().iter().any(|(_, declared)| *declared == path));
        owners.next().unwrap()
    };
    let signs_in = serves("/api/session");
    let actions: Vec<_> = signs_in.grants.iter().map(|grant| grant.action).collect();
    for forbidden in ["dynamodb:PutItem", "dynamodb:DeleteItem", "secretsmanager:PutSecretValue"] {
        assert!(!actions.contains(&forbidden), "{forbidden}");
    }
    for path in ["/api/setting", "/api/session/properties"] {
        let reads = serves(path).grants.iter().any(|grant| grant.on.logical_id == "SigningSecret");
        assert!(!reads, "{path}: the secret cannot be shown where it cannot be read");
    }
}
