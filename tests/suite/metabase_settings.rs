//! Metabase's settings: the global switch and the embedding secret.

use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Product, SECRET, sign};

const SWITCH: &str = "/api/setting/enable-embedding-static";
const KEY: &str = "/api/setting/embedding-secret-key";
const RANDOM: &str = "/api/util/random_token";
const OTHER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

async fn with_dashboard(settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(settings).await;
    product.publish("dashboard/1", json!({"title": "Sales"})).await;
    product
}

fn payload(product: &Product) -> Value {
    json!({"resource": {"dashboard": 1}, "params": {}, "exp": product.clock.now().unix() + 3_600})
}

async fn view(product: &Product, token: &str) -> (u16, String) {
    let answer = product.get(&format!("/api/embed/dashboard/{token}")).send().await;
    (answer.status.as_u16(), answer.json["reason"].as_str().unwrap_or("(none)").to_owned())
}

fn opened() -> (u16, String) {
    (200, "(none)".to_owned())
}

fn refused(reason: &str) -> (u16, String) {
    (if reason == "embedding_disabled" { 403 } else { 401 }, reason.to_owned())
}

async fn put(product: &Product, path: &str, value: Value) {
    let answer = product.put(path, json!({ "value": value })).admin().send().await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
}

#[tokio::test]
async fn switching_off_stops_all_views_and_the_administration_of_embedding() {
    let product = with_dashboard(&[]).await;
    let token = sign(&payload(&product), SECRET);
    let mut previewed = payload(&product);
    previewed["_embedding_params"] = json!({});
    let preview = sign(&previewed, SECRET);
    for on in [true, false, true] {
        put(&product, SWITCH, json!(on)).await;
        let switch = product.get(SWITCH).admin().send().await;
        assert_eq!((switch.status.as_u16(), switch.text.as_str()), (200, if on { "true" } else { "false" }));
        let expected = if on { opened() } else { refused("embedding_disabled") };
        assert_eq!(view(&product, &token).await, expected);
        let native = product.view(&token, "").await;
        assert_eq!(native.status.as_u16(), expected.0);
        let administration = [
            product.get("/api/dashboard/embeddable"),
            product.get("/api/card/embeddable"),
            product.get(&format!("/api/preview_embed/dashboard/{preview}")),
            product.put(
                "/api/dashboard/1",
                json!({"allowed_origins": [if on { "*" } else { "https://a.example.com" }]}),
            ),
            product.post("/api/card", json!({"name": "N", "enable_embedding": true})),
        ];
        for (index, call) in administration.into_iter().enumerate() {
            // The allowed origins can be changed while embedding is off.
            let expected = if on || index == 3 { (200, "(none)") } else { (400, "embedding_switched_off") };
            assert_eq!(call.admin().send().await.refusal(), expected, "{index}, on: {on}");
        }
        let introspected = product.post("/v1/introspect", json!({"token": token})).admin().send().await;
        assert_eq!(introspected.json["active"], on);
    }
}

#[tokio::test]
async fn the_setting_is_only_the_initial_value_of_the_switch() {
    for (first, other) in [("false", true), ("true", false)] {
        let product = with_dashboard(&[("EmbeddingEnabled", first)]).await;
        assert_eq!(product.get(SWITCH).admin().send().await.text, first);
        put(&product, SWITCH, json!(other)).await;
        assert_eq!(product.get(SWITCH).admin().send().await.json, json!(other));
        let expected = if other { opened() } else { refused("embedding_disabled") };
        assert_eq!(view(&product, &sign(&payload(&product), SECRET)).await, expected);
    }
}

#[tokio::test]
async fn switching_off_takes_effect_within_the_cache_time() {
    let product = with_dashboard(&[("ResourceCacheSeconds", "5")]).await;
    let token = sign(&payload(&product), SECRET);
    assert_eq!(view(&product, &token).await, opened());
    put(&product, SWITCH, json!(false)).await;
    // Administration does not use the cache.
    assert_eq!(
        product.get("/api/card/embeddable").admin().send().await.refusal(),
        (400, "embedding_switched_off")
    );
    product.clock.set_offset(5);
    assert_eq!(view(&product, &token).await, refused("embedding_disabled"));
}

#[tokio::test]
async fn members_may_read_the_switch_and_admins_may_change_it() {
    let product = with_dashboard(&[]).await;
    let member =
        product.key("member", &["resources:write", "resources:list", "introspect", "sessions:create"]).await;
    let admin = product.key("admin", &[]).await;
    const DENIED: (u16, &str) = (403, "access_denied");
    const DONE: (u16, &str) = (204, "(none)");
    const OK: (u16, &str) = (200, "(none)");
    // request, answer to a member, answer to an admin
    let read = |path: &'static str| (path, None);
    let write = |path: &'static str, value: Value| (path, Some(json!({ "value": value })));
    let cases = [
        (read(SWITCH), OK, OK),
        (read(RANDOM), OK, OK),
        (read(KEY), DENIED, OK),
        (write(SWITCH, json!(true)), DENIED, DONE),
        (write(SWITCH, json!("no")), DENIED, (400, "request_invalid")),
        (write(KEY, json!(SECRET)), DENIED, DONE),
        (write(KEY, json!("no")), DENIED, (400, "request_invalid")),
    ];
    for ((path, body), for_member, for_admin) in cases {
        let ask = async |key: &str| {
            let call = match &body {
                None => product.get(path),
                Some(body) => product.put(path, body.clone()),
            };
            let call = if key.is_empty() { call } else { call.header("x-metabase-session", key) };
            call.send().await
        };
        assert_eq!(ask("").await.refusal(), (401, "access_key_missing"), "{path}");
        assert_eq!(ask("wrong").await.refusal(), (401, "access_key_unknown"), "{path}");
        let denied = ask(&member).await;
        assert_eq!(denied.refusal(), for_member, "{path} {body:?}");
        assert!(!denied.text.contains(SECRET));
        for key in [admin.as_str(), ADMIN_KEY] {
            assert_eq!(ask(key).await.refusal(), for_admin, "{path} {body:?}");
        }
    }
}

#[tokio::test]
async fn the_switch_accepts_only_true_and_false() {
    let product = with_dashboard(&[]).await;
    for body in [
        json!({}),
        json!({"value": "false"}),
        json!({"value": 0}),
        json!({"value": null}),
        json!({"value": [false]}),
    ] {
        let answer = product.put(SWITCH, body.clone()).admin().send().await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "request_invalid"), vec!["value"]), "{body}");
    }
    assert_eq!(product.get(SWITCH).admin().send().await.text, "true");
    let unknown = product.get("/api/setting/enable-public-sharing").admin().send().await;
    assert_eq!(unknown.refusal(), (404, "route_not_found"));
}

#[tokio::test]
async fn a_malformed_secret_is_refused() {
    let product = with_dashboard(&[]).await;
    let upper = OTHER.to_uppercase();
    let bad = [
        json!(""),
        json!("secret"),
        json!(&OTHER[1..]),
        json!(format!("{OTHER}0")),
        json!(upper),
        json!(format!("{OTHER}\n")),
        json!(format!(" {OTHER}")),
        json!(OTHER.replace('0', "g")),
        json!(OTHER.replace('0', "０")),
    ];
    for value in bad {
        let answer = product.put(KEY, json!({ "value": value })).admin().send().await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "request_invalid"), vec!["value"]), "{value}");
        assert_eq!(
            answer.json["message"],
            "Invalid embedding-secret-key! Secret key must be a hexadecimal-encoded 256-bit key (i.e., a 64-character string)."
        );
    }
    for body in [json!({}), json!({"value": null}), json!({"value": 1}), json!({"value": [OTHER]})] {
        let answer = product.put(KEY, body.clone()).admin().send().await;
        assert_eq!((answer.refusal(), answer.issues()), ((400, "request_invalid"), vec!["value"]), "{body}");
    }
    // The current secret is unchanged.
    assert_eq!(product.get(KEY).admin().send().await.json, SECRET);
    assert_eq!(view(&product, &sign(&payload(&product), SECRET)).await, opened());
}

#[tokio::test]
async fn without_a_cache_a_new_secret_ends_old_tokens_at_once() {
    let product = with_dashboard(&[("KeyCacheSeconds", "0")]).await;
    let old = sign(&payload(&product), SECRET);
    let session = json!({"resource": {"dashboard": 1}});
    let session = product.post("/v1/sessions", session).admin().send().await.json["session"].clone();
    let minted = session.as_str().unwrap();
    let new = sign(&payload(&product), OTHER);
    assert_eq!(view(&product, &old).await, opened());
    assert_eq!(view(&product, minted).await, opened());
    assert_eq!(view(&product, &new).await, refused("token_signature"));
    put(&product, KEY, json!(OTHER)).await;
    assert_eq!(product.get(KEY).admin().send().await.json, OTHER);
    assert_eq!(view(&product, &old).await, refused("token_signature"));
    assert_eq!(view(&product, minted).await, refused("token_key_unknown"));
    assert_eq!(view(&product, &new).await, opened());
    // Minted tokens are signed with the new secret.
    let session = json!({"resource": {"dashboard": 1}});
    let session = product.post("/v1/sessions", session).admin().send().await.json["session"].clone();
    assert_eq!(view(&product, session.as_str().unwrap()).await, opened());
}

#[tokio::test]
async fn a_new_secret_replaces_the_whole_key_set() {
    let product = with_dashboard(&[("KeyCacheSeconds", "0")]).await;
    let first = "a".repeat(64);
    let set = json!({"keys": [{"kid": "b", "secret": first}, {"kid": "a", "secret": SECRET}]});
    product.services.put_signing_keys(&set.to_string()).unwrap();
    let tokens = [first.as_str(), SECRET].map(|secret| sign(&payload(&product), secret));
    for token in &tokens {
        assert_eq!(view(&product, token).await, opened());
    }
    assert_eq!(product.get(KEY).admin().send().await.json, first, "the signing key's secret");
    put(&product, KEY, json!(OTHER)).await;
    for token in &tokens {
        assert_eq!(view(&product, token).await, refused("token_signature"));
    }
    assert_eq!(view(&product, &sign(&payload(&product), OTHER)).await, opened());
}

#[tokio::test]
async fn in_other_processes_old_tokens_end_within_the_key_cache_time() {
    let product = with_dashboard(&[]).await;
    let old = sign(&payload(&product), SECRET);
    assert_eq!(view(&product, &old).await, opened());
    put(&product, KEY, json!(OTHER)).await;
    product.clock.set_offset(61);
    assert_eq!(view(&product, &old).await, refused("token_signature"));
    assert_eq!(view(&product, &sign(&payload(&product), OTHER)).await, opened());
}

/// The process that replaces the secret drops the old one from its cache, although the cache lasts for a minute.
#[tokio::test]
async fn a_replaced_secret_ends_at_once_in_the_same_process() {
    let product = with_dashboard(&[]).await;
    let old = sign(&payload(&product), SECRET);
    assert_eq!(view(&product, &old).await, opened());
    put(&product, KEY, json!(OTHER)).await;
    assert_eq!(view(&product, &old).await, refused("token_signature"));
    assert_eq!(view(&product, &sign(&payload(&product), OTHER)).await, opened());
}

/// Another process learns of a replaced secret from the first token of the new one, or when its cache expires.
#[tokio::test]
async fn a_secret_that_another_process_replaced_works_within_seconds() {
    let product = with_dashboard(&[]).await;
    let old = sign(&payload(&product), SECRET);
    assert_eq!(view(&product, &old).await, opened());
    let keys = json!({"keys": [{"kid": "other", "secret": OTHER}]});
    product.services.put_signing_keys(&keys.to_string()).unwrap();
    product.clock.set_offset(6);
    assert_eq!(view(&product, &old).await, opened(), "cached");
    assert_eq!(view(&product, &sign(&payload(&product), OTHER)).await, opened());
    assert_eq!(view(&product, &old).await, refused("token_signature"));
}

#[tokio::test]
async fn switching_on_creates_a_missing_secret_and_keeps_an_existing_one() {
    let product = with_dashboard(&[("KeyCacheSeconds", "0")]).await;
    put(&product, SWITCH, json!(true)).await;
    assert_eq!(product.get(KEY).admin().send().await.json, SECRET);
    product.services.put_signing_keys("{}").unwrap();
    assert_eq!(product.get(KEY).admin().send().await.json, Value::Null);
    // Switching off needs no secret.
    put(&product, SWITCH, json!(false)).await;
    assert_eq!(product.get(KEY).admin().send().await.json, Value::Null);
    put(&product, SWITCH, json!(true)).await;
    let made = product.get(KEY).admin().send().await.json;
    let made = made.as_str().unwrap();
    assert!(is_secret(made) && made != SECRET, "{made}");
    assert_eq!(view(&product, &sign(&payload(&product), made)).await, opened());
    assert_eq!(view(&product, &sign(&payload(&product), SECRET)).await, refused("token_signature"));
}

/// Without a secret there is an outage and never a view, whatever key signed the token.
#[tokio::test]
async fn without_a_secret_no_view_opens() {
    let product = with_dashboard(&[]).await;
    product.services.put_signing_keys("{}").unwrap();
    for secret in [SECRET, OTHER, ""] {
        let token = sign(&payload(&product), secret);
        let answer = product.get(&format!("/api/embed/dashboard/{token}")).send().await;
        assert_eq!(answer.refusal(), (503, "unavailable"));
        assert!(!answer.header("retry-after").is_empty());
    }
}

fn is_secret(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
}

#[tokio::test]
async fn random_tokens_are_generated_and_not_stored() {
    let product = with_dashboard(&[]).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let answer = product.get(RANDOM).header("x-api-key", ADMIN_KEY).send().await;
        assert_eq!(answer.json.as_object().map(serde_json::Map::len), Some(1));
        assert_eq!(answer.header("cache-control"), "no-store");
        made.push(answer.json["token"].as_str().unwrap().to_owned());
    }
    assert!(made.iter().all(|token| is_secret(token)));
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 3);
    assert_eq!(product.get(KEY).admin().send().await.json, SECRET);
    put(&product, KEY, json!(made[0])).await;
}
