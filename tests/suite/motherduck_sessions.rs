//! Embed sessions for dives: their content, their views and their end; and the accounts behind them.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;
use vitrine::aws::environment::{Environment, Names};
use vitrine::aws::process::Process;
use vitrine::aws::storage::table::DynamoTable;
use vitrine::rules::settings::Settings;
use vitrine_local::services::TABLE;
use vitrine_tests::{ADMIN_KEY, Answer, Product, SECRET, merge};

use crate::forge;
use crate::wire::{Line, wired};

fn html(text: &str) -> Value {
    json!({"type": "html", "html": text})
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// The bytes of canonical base64url without padding; none for anything else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let places: Option<Vec<_>> = text
        .chars()
        .map(|letter| ALPHABET.find(letter).and_then(|place| u32::try_from(place).ok()))
        .collect();
    let mut bytes = Vec::new();
    for chunk in places?.chunks(4) {
        let bits = chunk.iter().fold(0, |bits, place| bits << 6 | place) << (6 * (4 - chunk.len()));
        bytes.extend(&bits.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

/// The decoded session string, or null.
pub fn opened(session: &str) -> Value {
    decode(session).and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

fn token_in(session: &str) -> String {
    text(&opened(session)["token"])
}

fn claims_of(token: &str) -> Value {
    opened(forge::parts(token)[1])
}

/// A dive with a parameter that is locked to the viewer's region.
struct Dive {
    path: String,
    id: String,
}

async fn admin(product: &Product, method: Method, path: &str, body: Value) -> Value {
    let answer = product.request(method, path).json(body).admin().send().await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text);
    answer.json
}

async fn create_dive(product: &Product, fields: Value) -> Dive {
    let mut body = json!({
        "title": "A dive",
        "content": html("first"),
        "enable_embedding": true,
        "parameters": [
            {"slug": "region", "name": "Region", "type": "text"},
            {"slug": "year", "name": "Year", "type": "number", "default": 2026},
        ],
        "embedding_params": {"region": {"attribute": "region"}, "year": "enabled"},
    });
    merge(&mut body, fields);
    let id = text(&admin(product, Method::POST, "/v1/dives", body).await["id"]);
    Dive { path: format!("/v1/dives/{id}"), id }
}

async fn create_account(product: &Product, username: &str, region: &str) {
    let body = json!({"username": username, "attributes": {"region": region}});
    admin(product, Method::POST, "/v1/users", body).await;
}

async fn create_token(product: &Product, username: &str, name: &str) -> Value {
    admin(product, Method::POST, &format!("/v1/users/{username}/tokens"), json!({ "name": name })).await
}

async fn embed(product: &Product, dive: &Dive, fields: Value) -> String {
    let mut body = json!({"username": "acme"});
    merge(&mut body, fields);
    let answer = admin(product, Method::POST, &format!("{}/embed-session", dive.path), body).await;
    text(&answer["session"])
}

/// Requests the view as the page does.
async fn view(product: &Product, session: &str) -> Answer {
    product.get("/v1/view/dive").bearer(&token_in(session)).send().await
}

async fn introspect(product: &Product, session: &str) -> Value {
    admin(product, Method::POST, "/v1/introspect", json!({"token": token_in(session)})).await
}

async fn with_dive(settings: &[(&str, &str)]) -> (Product, Dive) {
    let product = Product::start_with(settings).await;
    let dive = create_dive(&product, json!({})).await;
    create_account(&product, "acme", "emea").await;
    (product, dive)
}

#[tokio::test]
async fn the_session_string_has_exactly_these_fields() {
    let (product, dive) = with_dive(&[]).await;
    create_token(&product, "acme", "of the account").await;
    let fields = json!({
        "username": "ACME",
        "session_name": "a hint of the host's",
        "initial_state": {"tab": "a state of the host's"},
        "required_resources": [{"url": "md:a_share"}],
    });
    let mut body = fields.clone();
    merge(&mut body, json!({"unknown": "a field of the host's"}));
    let now = product.clock.now().unix();
    let made = product
        .post(&format!("{}/embed-session", dive.path), body)
        .admin()
        .header("host", "embed.example.com")
        .send()
        .await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(made.json.as_object().unwrap().keys().collect::<Vec<_>>(), ["session"]);
    assert_eq!(made.header("cache-control"), "no-store");
    let session = text(&made.json["session"]);

    // It needs no percent-encoding and fits into a URL.
    assert!(session.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    assert!(session.len() < 2_000, "{} bytes", session.len());
    let bytes = decode(&session).unwrap();
    assert_eq!(forge::base64url(&bytes), session, "canonical, without padding");

    let said = opened(&session);
    let token = token_in(&session);
    assert_eq!(
        said,
        json!({"token": token, "dive_id": dive.id, "view_url": "https://embed.example.com/v1/view/dive"})
    );

    let [header, claims, _] = forge::parts(&token);
    let (header, claims) = (opened(header), opened(claims));
    let known: Map<_, _> =
        header.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    assert_eq!(Value::Object(known), json!({"alg": "HS256", "typ": "embed+jwt", "kid": "local"}));
    let mut others = claims.clone();
    for varying in ["jti", "iat", "exp", "account"] {
        assert!(others.as_object_mut().unwrap().remove(varying).is_some(), "{varying}: {claims}");
    }
    let viewer = others.as_object_mut().unwrap().remove("viewer").unwrap();
    assert_eq!(
        others,
        json!({
            "iss": "vitrine", "ver": 1, "resource": {"dive": dive.id}, "params": {}, "version": 1, "state": true,
        })
    );
    assert_eq!(viewer["id"], "acme");
    let present: Vec<_> = viewer.as_object().unwrap().iter().filter(|(_, value)| !is_empty(value)).collect();
    assert_eq!(present.len(), 1, "only the viewer's id: {viewer}");
    assert!((now..now + 60).contains(&claims["iat"].as_i64().unwrap()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86_400);

    let everything = format!("{said}{header}{claims}");
    for secret in [
        "emea",
        "region",
        "member",
        "of the host's",
        "md:a_share",
        "of the account",
        ADMIN_KEY,
        SECRET,
        "st-",
        "sk-",
    ] {
        assert!(!everything.contains(secret), "{secret}: {everything}");
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[tokio::test]
async fn the_session_holds_the_deployments_address() {
    for (settings, host, url) in [
        (&[][..], "127.0.0.1:3000", "http://127.0.0.1:3000/v1/view/dive"),
        (
            &[("PublicUrl", "https://bi.example.com")][..],
            "evil.example",
            "https://bi.example.com/v1/view/dive",
        ),
    ] {
        let (product, dive) = with_dive(settings).await;
        let made = product
            .post(&format!("{}/embed-session", dive.path), json!({"username": "acme"}))
            .header("host", host)
            .admin()
            .send()
            .await;
        assert_eq!(opened(&text(&made.json["session"]))["view_url"], url);
    }
}

#[tokio::test]
async fn each_session_is_different_and_all_are_valid() {
    let (product, dive) = with_dive(&[]).await;
    let same = json!({"session_hint": "one"});
    let sessions = [embed(&product, &dive, same.clone()).await, embed(&product, &dive, same).await];
    assert_ne!(claims_of(&token_in(&sessions[0]))["jti"], claims_of(&token_in(&sessions[1]))["jti"]);
    for session in &sessions {
        assert_eq!(view(&product, session).await.status, 200);
    }
}

#[tokio::test]
async fn a_session_opens_only_its_own_dive() {
    let (product, dive) = with_dive(&[]).await;
    let other = create_dive(&product, json!({"content": html("another")})).await;
    product.publish("dashboard/1", json!({})).await;
    let session = embed(&product, &dive, json!({})).await;
    let token = token_in(&session);
    let shown = view(&product, &session).await;
    assert_eq!((&shown.json["resource"]["id"], &shown.json["content"]), (&json!(dive.id), &html("first")));
    assert_eq!(introspect(&product, &session).await["resource"]["id"], dive.id);
    for kind in ["dashboard", "question"] {
        let answer = product.get(&format!("/v1/view/{kind}")).bearer(&token).send().await;
        assert_eq!(answer.status, 400, "{kind}: {}", answer.text);
    }
    for name in ["dive", "dive_id", "id", "resource", "version", "username", "account", "region"] {
        let answer = product.get(&format!("/v1/view/dive?{name}={}", other.id)).bearer(&token).send().await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
    }
    for (kind, id) in [("dashboard", "1"), ("card", "1")] {
        let answer = product.get(&format!("/api/embed/{kind}/{token}")).send().await;
        assert!(answer.status.is_client_error(), "{kind}/{id}: {}", answer.text);
    }

    // A session that was altered in the browser opens nothing more.
    let mut said = opened(&session);
    said["dive_id"] = json!(other.id);
    let rewritten = forge::base64url(said.to_string());
    assert_eq!(view(&product, &rewritten).await.json["resource"]["id"], dive.id);
    let [header, claims, signature] = forge::parts(&token);
    for (name, value) in [
        ("resource", json!({"dive": other.id})),
        ("version", json!(2)),
        ("exp", json!(claims_of(&token)["exp"].as_i64().unwrap() + 60)),
        ("viewer", json!({"id": "other", "attributes": {"region": "apac"}})),
        ("account", json!(null)),
    ] {
        let mut changed = opened(claims);
        merge(&mut changed, json!({ name: value }));
        let forged = format!("{header}.{}.{signature}", forge::base64url(changed.to_string()));
        assert_eq!(product.view(&forged, "").await.refusal(), (401, "token_signature"), "{name}");
    }
}

#[tokio::test]
async fn a_session_opens_its_own_version() {
    let (product, dive) = with_dive(&[]).await;
    let first = embed(&product, &dive, json!({})).await;
    let second = json!({
        "title": "Renamed", "content": html("second"), "enable_embedding": true,
        "parameters": [{"slug": "region", "name": "Region", "type": "text"}],
        "embedding_params": {"region": {"attribute": "region"}},
    });
    admin(&product, Method::PUT, &dive.path, second).await;
    let current = embed(&product, &dive, json!({})).await;
    let chosen = embed(&product, &dive, json!({"version": 1})).await;
    let named = embed(&product, &dive, json!({"version": 2})).await;
    for (session, content) in
        [(&first, "first"), (&current, "second"), (&chosen, "first"), (&named, "second")]
    {
        let shown = view(&product, session).await;
        assert_eq!(
            (&shown.json["content"], &shown.json["resource"]["title"]),
            (&html(content), &json!("Renamed"))
        );
    }
}

/// Tries every administrative route with the session in each header for keys.
#[tokio::test]
async fn no_administrative_route_accepts_a_session() {
    let (product, dive) = with_dive(&[]).await;
    admin(&product, Method::PATCH, "/v1/users/acme", json!({"role": "admin"})).await;
    let made = create_token(&product, "acme", "nightly").await;
    let session = embed(&product, &dive, json!({"initial_state": {"a": 1}})).await;
    let token = token_in(&session);
    let before = product.items().await;
    let content = json!({"title": "T", "content": html("x")});
    let routes = [
        ("GET", "/v1/dives".to_owned(), json!(null)),
        ("POST", "/v1/dives".to_owned(), content.clone()),
        ("GET", dive.path.clone(), json!(null)),
        ("PUT", dive.path.clone(), content),
        ("PATCH", dive.path.clone(), json!({"title": "T"})),
        ("DELETE", dive.path.clone(), json!(null)),
        ("GET", format!("{}/versions", dive.path), json!(null)),
        ("GET", format!("{}/versions/1", dive.path), json!(null)),
        ("POST", format!("{}/embed-session", dive.path), json!({"username": "acme"})),
        ("POST", "/v1/users".to_owned(), json!({"username": "other"})),
        ("GET", "/v1/users/acme".to_owned(), json!(null)),
        ("PATCH", "/v1/users/acme".to_owned(), json!({"role": "member"})),
        ("DELETE", "/v1/users/acme".to_owned(), json!(null)),
        ("GET", "/v1/users/acme/tokens".to_owned(), json!(null)),
        ("POST", "/v1/users/acme/tokens".to_owned(), json!({"name": "n"})),
        ("DELETE", format!("/v1/users/acme/tokens/{}", text(&made["id"])), json!(null)),
        ("GET", "/v1/resources".to_owned(), json!(null)),
        ("PUT", "/v1/resources/dashboard/1".to_owned(), json!({"title": "T"})),
        ("POST", "/v1/sessions".to_owned(), json!({"resource": {"dive": dive.id}})),
        ("POST", "/v1/sessions/revoke".to_owned(), json!({"session": token})),
        ("POST", "/v1/introspect".to_owned(), json!({"token": token})),
        ("GET", "/v1/keys".to_owned(), json!(null)),
        ("POST", "/v1/keys".to_owned(), json!({"name": "k", "role": "admin"})),
        ("GET", "/api/setting/embedding-secret-key".to_owned(), json!(null)),
        ("PUT", "/api/setting/enable-embedding-static".to_owned(), json!({"value": false})),
        ("GET", "/api/dashboard/embeddable".to_owned(), json!(null)),
    ];
    for (method, path, body) in &routes {
        for credential in [&session, &token] {
            let places = [
                ("authorization", format!("Bearer {credential}")),
                ("authorization", format!("Api-Key {credential}")),
                ("x-api-key", credential.clone()),
                ("x-metabase-session", credential.clone()),
            ];
            for (name, value) in places {
                let call = product.request(method.parse().unwrap(), path).json(body.clone());
                let answer = call.header(name, value).send().await;
                assert_eq!(answer.refusal(), (401, "access_key_unknown"), "{method} {path} {name}");
            }
        }
    }
    for credential in [&session, &token] {
        let redeemed = product.post("/v1/sessions/redeem", json!({"session": credential})).send().await;
        assert_eq!(redeemed.refusal(), (401, "session_unknown"));
    }
    assert_eq!(product.items().await, before);
    assert_eq!(view(&product, &session).await.status, 200);
    // The session string itself is no embed token either.
    assert!(product.view(&session, "").await.status.is_client_error());
}

#[tokio::test]
async fn a_session_is_valid_for_24_hours() {
    let (product, dive) = with_dive(&[]).await;
    let session = embed(&product, &dive, json!({"initial_state": {"a": 1}})).await;
    for offset in [0, 60, 23 * 3_600, 86_395] {
        product.clock.set_offset(offset);
        let shown = view(&product, &session).await;
        assert_eq!((shown.status.as_u16(), &shown.json["state"]), (200, &json!({"a": 1})), "{offset}");
    }
    // A minute of leeway for clock differences.
    for offset in [86_461, 100_000, 1_000_000] {
        product.clock.set_offset(offset);
        assert_eq!(view(&product, &session).await.refusal(), (401, "token_expired"), "{offset}");
        assert_eq!(introspect(&product, &session).await, json!({"active": false}));
    }
}

#[tokio::test]
async fn a_session_is_limited_by_the_maximum_lifetime_of_tokens() {
    let (product, dive) = with_dive(&[("MaxTokenLifetimeSeconds", "3600")]).await;
    let session = embed(&product, &dive, json!({})).await;
    assert_eq!(view(&product, &session).await.status, 200);
    product.clock.set_offset(3_661);
    assert_eq!(view(&product, &session).await.refusal(), (401, "token_expired"));
}

/// Ends the session in one of six ways and returns the viewer's refusal.
async fn end_access(product: &Product, dive: &Dive, which: usize) -> (u16, &'static str) {
    let (method, path, body, refusal) = match which {
        0 => (Method::DELETE, "/v1/users/acme".to_owned(), json!(null), (401, "token_revoked")),
        1 => (Method::DELETE, dive.path.clone(), json!(null), (404, "resource_not_found")),
        2 => (
            Method::PATCH,
            dive.path.clone(),
            json!({"enable_embedding": false}),
            (403, "resource_not_published"),
        ),
        3 => (Method::PATCH, dive.path.clone(), json!({"archived": true}), (403, "resource_archived")),
        4 => (
            Method::PUT,
            "/api/setting/enable-embedding-static".to_owned(),
            json!({"value": false}),
            (403, "embedding_disabled"),
        ),
        _ => (
            Method::PATCH,
            "/v1/users/acme".to_owned(),
            json!({"attributes": {}}),
            (403, "attribute_missing"),
        ),
    };
    admin(product, method, &path, body).await;
    refusal
}

#[tokio::test]
async fn without_a_cache_a_revocation_takes_effect_at_once() {
    for which in 0..6 {
        let (product, dive) = with_dive(&[]).await;
        let other = create_dive(&product, json!({})).await;
        create_account(&product, "initech", "apac").await;
        let beside = embed(&product, &other, json!({"username": "initech"})).await;
        let session = embed(&product, &dive, json!({})).await;
        assert_eq!(view(&product, &session).await.status, 200);
        let refusal = end_access(&product, &dive, which).await;
        let answer = view(&product, &session).await;
        assert_eq!(answer.refusal(), refusal);
        assert!(answer.json["content"].is_null());
        assert_eq!(introspect(&product, &session).await, json!({"active": false}));
        // Other sessions stay valid, except when embedding is switched off.
        assert_eq!(view(&product, &beside).await.status == 200, refusal.1 != "embedding_disabled");
    }
}

#[tokio::test]
async fn with_a_cache_a_revocation_takes_effect_within_the_cache_time() {
    for which in 0..6 {
        let (product, dive) = with_dive(&[("ResourceCacheSeconds", "5")]).await;
        let session = embed(&product, &dive, json!({"initial_state": {}})).await;
        assert_eq!(view(&product, &session).await.status, 200);
        let refusal = end_access(&product, &dive, which).await;
        // Views in between do not prolong the cache time.
        for offset in [1, 3] {
            product.clock.set_offset(offset);
            view(&product, &session).await;
        }
        product.clock.set_offset(6);
        assert_eq!(view(&product, &session).await.refusal(), refusal);
    }
}

#[tokio::test]
async fn a_new_account_of_the_same_name_inherits_no_session() {
    let (product, dive) = with_dive(&[]).await;
    let session = embed(&product, &dive, json!({})).await;
    admin(&product, Method::DELETE, "/v1/users/acme", json!(null)).await;
    create_account(&product, "Acme", "apac").await;
    assert_eq!(view(&product, &session).await.refusal(), (401, "token_revoked"));
    let fresh = embed(&product, &dive, json!({})).await;
    assert_eq!(introspect(&product, &fresh).await["values"]["region"], "apac");
}

/// A session of a new account is valid although the cache still holds the removed account.
#[tokio::test]
async fn a_session_of_a_recreated_account_is_valid_at_once() {
    let (product, dive) = with_dive(&[("ResourceCacheSeconds", "60")]).await;
    let session = embed(&product, &dive, json!({})).await;
    assert_eq!(view(&product, &session).await.status, 200);
    admin(&product, Method::DELETE, "/v1/users/acme", json!(null)).await;
    create_account(&product, "acme", "apac").await;
    let fresh = embed(&product, &dive, json!({})).await;
    let shown = view(&product, &fresh).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
}

#[tokio::test]
async fn revoking_the_token_of_a_session_ends_the_session() {
    let (product, dive) = with_dive(&[]).await;
    let sessions = [embed(&product, &dive, json!({})).await, embed(&product, &dive, json!({})).await];
    let revoked = json!({"session": token_in(&sessions[0])});
    assert_eq!(product.post("/v1/sessions/revoke", revoked).admin().send().await.status, 204);
    assert_eq!(view(&product, &sessions[0]).await.refusal(), (401, "token_revoked"));
    assert_eq!(view(&product, &sessions[1]).await.status, 200);
}

/// The owner may revoke the session string as it was returned, and must be able to rely on a success.
#[tokio::test]
async fn revoking_the_session_string_ends_the_session() {
    let (product, dive) = with_dive(&[]).await;
    let session = embed(&product, &dive, json!({})).await;
    let revoked = product.post("/v1/sessions/revoke", json!({ "session": session })).admin().send().await;
    assert_eq!(revoked.status, 204, "{}", revoked.text);
    assert_eq!(view(&product, &session).await.refusal(), (401, "token_revoked"));
}

#[tokio::test]
async fn a_view_uses_the_accounts_current_attributes() {
    let (product, dive) = with_dive(&[]).await;
    let attributes = json!({"region": "emea", "note": "not for the browser"});
    admin(&product, Method::PATCH, "/v1/users/acme", json!({ "attributes": attributes })).await;
    let session = embed(&product, &dive, json!({})).await;
    let known = introspect(&product, &session).await;
    assert_eq!(known["active"], true);
    assert_eq!((&known["viewer"]["id"], &known["viewer"]["attributes"]), (&json!("acme"), &attributes));
    assert_eq!(known["values"], json!({"region": "emea", "year": 2026}));

    let shown = view(&product, &session).await;
    assert_eq!(shown.json["viewer"], json!({"id": "acme"}));
    assert_eq!(shown.json["parameters"][0]["slug"], "year");
    assert_eq!(shown.json["parameters"].as_array().unwrap().len(), 1);
    assert!(!shown.text.contains("not for the browser"), "{}", shown.text);
    let token = token_in(&session);
    for query in ["region=apac", "region=", "parameters=%7B%22region%22%3A%22apac%22%7D"] {
        assert_eq!(product.view(&token, query).await.refusal(), (400, "parameter_locked"), "{query}");
    }
    let chosen = product.view(&token, "year=2025").await;
    assert_eq!(chosen.json["parameters"][0]["value"], "2025");

    for (attributes, region) in [
        (json!({"region": "apac"}), json!("apac")),
        (json!({"region": ["apac", "emea"], "more": 1}), json!(["apac", "emea"])),
        (json!({"region": 7}), json!(7)),
    ] {
        admin(&product, Method::PATCH, "/v1/users/acme", json!({ "attributes": attributes })).await;
        let known = introspect(&product, &session).await;
        assert_eq!((&known["values"]["region"], &known["viewer"]["attributes"]), (&region, &attributes));
    }
    // A missing attribute must not open all data.
    for attributes in [json!({}), json!({"region": []}), json!({"region": [null]}), json!({"Region": "emea"})]
    {
        admin(&product, Method::PATCH, "/v1/users/acme", json!({ "attributes": attributes })).await;
        assert_eq!(view(&product, &session).await.refusal(), (403, "attribute_missing"), "{attributes}");
        let refused =
            product.post(&format!("{}/embed-session", dive.path), json!({"username": "acme"})).admin().send();
        assert_eq!(refused.await.refusal(), (403, "attribute_missing"), "{attributes}");
    }
    // The role does not change the view.
    let restored = json!({"role": "restricted", "attributes": {"region": "emea"}});
    admin(&product, Method::PATCH, "/v1/users/acme", restored).await;
    assert_eq!(view(&product, &session).await.status, 200);
}

#[tokio::test]
async fn two_accounts_see_their_own_values_of_one_dive() {
    for remembered in ["0", "60"] {
        let (product, dive) = with_dive(&[("ResourceCacheSeconds", remembered)]).await;
        create_account(&product, "initech", "apac").await;
        let (acme, initech) = (
            embed(&product, &dive, json!({"initial_state": {"of": "acme"}})).await,
            embed(&product, &dive, json!({"username": "initech", "initial_state": {"of": "initech"}})).await,
        );
        let plain = embed(&product, &dive, json!({})).await;
        for _ in 0..3 {
            for (session, name, region) in [(&acme, "acme", "emea"), (&initech, "initech", "apac")] {
                let shown = view(&product, session).await.json;
                assert_eq!((&shown["viewer"]["id"], &shown["state"]["of"]), (&json!(name), &json!(name)));
                assert_eq!(introspect(&product, session).await["values"]["region"], region);
            }
            assert!(view(&product, &plain).await.json.get("state").is_none());
        }
    }
}

#[tokio::test]
async fn an_initial_state_of_60_kilobytes_reaches_the_view() {
    let (product, dive) = with_dive(&[]).await;
    let rows: Vec<_> =
        (0..1_100).map(|n| json!({"n": n, "text": "<ü✓\"\\\u{2028}>", "share": 0.25})).collect();
    let mut state = json!({"rows": rows, "nothing": null, "": {"deep": [[[true]]]}});
    state["fill"] = json!("x".repeat(60_000 - state.to_string().len().min(59_000)));
    assert!((60_000..65_537).contains(&state.to_string().len()), "{}", state.to_string().len());
    let session = embed(&product, &dive, json!({ "initial_state": state })).await;
    assert!(session.len() < 2_000, "{} bytes", session.len());
    for _ in 0..2 {
        let shown = view(&product, &session).await;
        assert!(shown.json["state"] == state, "{:.200}", shown.text);
    }
    // The state is not in the introspection and cannot be read without the session.
    assert!(introspect(&product, &session).await.get("state").is_none());
}

#[tokio::test]
async fn an_empty_state_is_kept() {
    let (product, dive) = with_dive(&[]).await;
    let session = embed(&product, &dive, json!({"initial_state": {}})).await;
    assert_eq!(view(&product, &session).await.json["state"], json!({}));
}

/// One cached session, fifty viewers, one read of the table.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_viewers_of_a_cached_session_cause_one_read() {
    let (product, wires) = wired(&[("ResourceCacheSeconds", "60")]).await;
    let dive = create_dive(&product, json!({})).await;
    create_account(&product, "acme", "emea").await;
    let state = json!({"tab": "x".repeat(50_000)});
    let session = embed(&product, &dive, json!({ "initial_state": state })).await;
    wires.dynamodb.asked();
    assert_eq!(view(&product, &session).await.status, 200);
    let product = Arc::new(product);
    let mut viewers = JoinSet::new();
    for _ in 0..50 {
        let (product, session) = (Arc::clone(&product), session.clone());
        viewers.spawn(async move { view(&product, &session).await });
    }
    for answer in viewers.join_all().await {
        assert_eq!((answer.status.as_u16(), &answer.json["content"]), (200, &html("first")));
        assert!(answer.json["state"] == state);
    }
    product.wait_for_background_tasks().await;
    let mut asked = wires.dynamodb.asked();
    asked.sort();
    let expected = ["BatchGetItem", "UpdateItem", "UpdateItem"];
    assert_eq!(asked, expected, "one view, and updates of the key's last use and of the day's views");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_viewers_without_a_cache_all_get_the_view() {
    let (product, dive) = with_dive(&[]).await;
    let session = embed(&product, &dive, json!({"initial_state": {"a": 1}})).await;
    let product = Arc::new(product);
    let mut viewers = JoinSet::new();
    for _ in 0..50 {
        let (product, session) = (Arc::clone(&product), session.clone());
        viewers.spawn(async move { view(&product, &session).await });
    }
    let answers = viewers.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.json["state"] == json!({"a": 1})));
}

/// A view needs one request to DynamoDB, whatever is in the session.
#[tokio::test]
async fn a_view_needs_one_read() {
    let (product, wires) = wired(&[]).await;
    let dive = create_dive(&product, json!({})).await;
    create_account(&product, "acme", "emea").await;
    let session = embed(&product, &dive, json!({"version": 1, "initial_state": {"a": 1}})).await;
    view(&product, &session).await;
    product.wait_for_background_tasks().await;
    wires.dynamodb.asked();
    for _ in 0..3 {
        assert_eq!(view(&product, &session).await.status, 200);
        assert_eq!(wires.dynamodb.asked(), ["BatchGetItem"]);
    }
    wires.dynamodb.set(Line::Cut);
    let answer = view(&product, &session).await;
    assert_eq!(answer.refusal(), (503, "unavailable"));
}

// ---- accounts ----

#[tokio::test]
async fn removing_an_account_removes_its_tokens() {
    let (product, _) = with_dive(&[]).await;
    let before = product.items().await;
    create_account(&product, "initech", "emea").await;
    let mut tokens = Vec::new();
    for number in 0..30 {
        tokens.push(text(&create_token(&product, "initech", &format!("token {number}")).await["token"]));
    }
    admin(&product, Method::PATCH, "/v1/users/initech", json!({"role": "admin"})).await;
    assert_eq!(product.get("/v1/users/initech").bearer(&tokens[0]).send().await.status, 200);
    assert_eq!(product.items().await, before + 31);
    // An account may remove itself.
    assert_eq!(product.delete("/v1/users/INITECH").bearer(&tokens[1]).send().await.status, 204);
    assert_eq!(product.items().await, before);
    for token in tokens {
        assert_eq!(
            product.get("/v1/users/acme").bearer(&token).send().await.refusal(),
            (401, "access_key_unknown")
        );
    }
}

/// Removes the account and restores the items of its tokens, as an interrupted removal leaves them.
async fn interrupted_removal(product: &Product, username: &str) {
    let config = product.services.sdk_config().await.into_builder();
    let config = config.endpoint_url(format!("http://{}", product.services.dynamodb)).build();
    let process = Process::default();
    let environment =
        Environment::new(Settings::default(), product.clock.clone(), process, Names::Process, config);
    let table = DynamoTable::of(&environment).client;
    let items = table.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    admin(product, Method::DELETE, &format!("/v1/users/{username}"), json!(null)).await;
    for item in items {
        if item["sk"].as_s().is_ok_and(|key| key.starts_with("token#")) {
            table.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn tokens_left_by_an_interrupted_removal_are_refused() {
    let (product, _) = with_dive(&[]).await;
    admin(&product, Method::PATCH, "/v1/users/acme", json!({"role": "admin"})).await;
    let token = text(&create_token(&product, "acme", "nightly").await["token"]);
    interrupted_removal(&product, "acme").await;
    let refused = async || product.get("/v1/dives").bearer(&token).send().await;
    assert_eq!(refused().await.refusal(), (401, "access_key_unknown"));
    admin(&product, Method::POST, "/v1/users", json!({"username": "acme", "role": "admin"})).await;
    assert_eq!(refused().await.refusal(), (401, "access_key_unknown"));
    let listed = product.get("/v1/users/acme/tokens").admin().send().await;
    assert_eq!(listed.json, json!({"tokens": []}));
}

/// Leftover tokens do not reserve their names.
#[tokio::test]
async fn tokens_left_by_an_interrupted_removal_reserve_no_name() {
    let (product, _) = with_dive(&[]).await;
    create_token(&product, "acme", "nightly").await;
    interrupted_removal(&product, "acme").await;
    create_account(&product, "acme", "emea").await;
    let made = product.post("/v1/users/acme/tokens", json!({"name": "nightly"})).admin().send().await;
    assert_eq!(made.status, 200, "{}", made.text);
}

/// DynamoDB deletes expired items late, so an expired token counts as deleted.
#[tokio::test]
async fn an_expired_token_counts_as_deleted() {
    let (product, _) = with_dive(&[]).await;
    let body = json!({"name": "nightly", "ttl": 300});
    admin(&product, Method::POST, "/v1/users/acme/tokens", body.clone()).await;
    product.clock.set_offset(300);
    let listed = product.get("/v1/users/acme/tokens").admin().send().await;
    let made = product.post("/v1/users/acme/tokens", body).admin().send().await;
    assert_eq!((listed.json, made.status.as_u16()), (json!({"tokens": []}), 200), "{}", made.text);
}

#[tokio::test]
async fn a_token_is_valid_until_its_expiry() {
    let (product, _) = with_dive(&[]).await;
    admin(&product, Method::PATCH, "/v1/users/acme", json!({"role": "admin"})).await;
    let made = admin(&product, Method::POST, "/v1/users/acme/tokens", json!({"name": "n", "ttl": 300})).await;
    let created: vitrine::rules::clock::Timestamp = text(&made["created_ts"]).parse().unwrap();
    assert_eq!(made["expire_at"], created.plus(300).to_string());
    let token = text(&made["token"]);
    product.clock.set_offset(297);
    assert_eq!(product.get("/v1/dives").bearer(&token).send().await.status, 200);
    product.clock.set_offset(301);
    assert_eq!(product.get("/v1/dives").bearer(&token).send().await.refusal(), (401, "access_key_unknown"));
}

#[tokio::test]
async fn an_account_has_its_current_role() {
    let (product, dive) = with_dive(&[]).await;
    let token = text(&create_token(&product, "acme", "n").await["token"]);
    let ask = async || {
        let path = format!("{}/embed-session", dive.path);
        product.post(&path, json!({"username": "acme"})).bearer(&token).send().await.status.as_u16()
    };
    for (role, status) in [("admin", 200), ("restricted", 403), ("admin", 200), ("member", 403)] {
        admin(&product, Method::PATCH, "/v1/users/acme", json!({ "role": role })).await;
        assert_eq!(ask().await, status, "{role}");
    }
}

async fn at_once(product: &Arc<Product>, path: &str, bodies: Vec<Value>) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for body in bodies {
        let (product, path) = (Arc::clone(product), path.to_owned());
        calls.spawn(async move { product.post(&path, body).admin().send().await });
    }
    calls.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_accounts_of_one_name_is_created() {
    let (product, _) = with_dive(&[]).await;
    let product = Arc::new(product);
    for round in 0..3 {
        let name =
            |n: usize| if n.is_multiple_of(2) { format!("Race_{round}") } else { format!("rACE_{round}") };
        let bodies = (0..20).map(|n| json!({"username": name(n), "attributes": {"n": n}})).collect();
        let answers = at_once(&product, "/v1/users", bodies).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(made.len(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.refusal() == (409, "name_taken")).count(), 19);
        let stored = product.get(&format!("/v1/users/race_{round}")).admin().send().await;
        assert_eq!(stored.json, made[0].json);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_tokens_of_one_name_is_created() {
    let (product, _) = with_dive(&[]).await;
    admin(&product, Method::PATCH, "/v1/users/acme", json!({"role": "admin"})).await;
    let product = Arc::new(product);
    for round in 0..3 {
        let bodies = (0..20).map(|n| json!({"name": format!("race {round}"), "ttl": 300 + n})).collect();
        let answers = at_once(&product, "/v1/users/acme/tokens", bodies).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(made.len(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.refusal() == (409, "name_taken")).count(), 19);
        let token = text(&made[0].json["token"]);
        assert_eq!(product.get("/v1/dives").bearer(&token).send().await.status, 200);
    }
    let listed = product.get("/v1/users/acme/tokens").admin().send().await;
    assert_eq!(listed.json["tokens"].as_array().unwrap().len(), 3);
}

/// Two concurrent changes that both succeed are both stored.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_changes_of_an_account_are_not_lost() {
    let (product, _) = with_dive(&[]).await;
    let product = Arc::new(product);
    for round in 0..20 {
        admin(&product, Method::PATCH, "/v1/users/acme", json!({"role": "admin"})).await;
        let mut changes = JoinSet::new();
        for body in [json!({"role": "restricted"}), json!({"attributes": {"round": round}})] {
            let product = Arc::clone(&product);
            changes.spawn(async move { product.patch("/v1/users/acme", body).admin().send().await });
        }
        let done = changes.join_all().await.iter().all(|answer| answer.status == 200);
        let stored = product.get("/v1/users/acme").admin().send().await.json;
        let both = stored["role"] == "restricted" && stored["attributes"] == json!({"round": round});
        assert!(!done || both, "round {round}: {stored}");
    }
}

/// After a lost answer of DynamoDB the request is retried, and the caller gets the true result.
#[tokio::test]
async fn changes_of_accounts_survive_a_lost_answer() {
    let (product, wires) = wired(&[]).await;
    create_account(&product, "acme", "emea").await;
    create_account(&product, "initech", "emea").await;
    let token = create_token(&product, "acme", "nightly").await;
    create_token(&product, "initech", "nightly").await;
    let before = product.items().await;
    let mut wrong = Vec::new();
    for (case, call, status) in [
        ("a new account", product.post("/v1/users", json!({"username": "fresh"})), 200),
        ("a change", product.patch("/v1/users/acme", json!({"role": "admin"})), 200),
        ("a new token", product.post("/v1/users/acme/tokens", json!({"name": "other"})), 200),
        ("a token's removal", product.delete(&format!("/v1/users/acme/tokens/{}", text(&token["id"]))), 204),
        ("an account's removal", product.delete("/v1/users/initech"), 204),
    ] {
        wires.dynamodb.set(Line::LosesOneAnswer);
        let answer = call.admin().send().await;
        wires.dynamodb.set(Line::Through);
        if answer.status != status {
            wrong.push(format!("{case}: {:?}", answer.refusal()));
        }
    }
    // One account and one token were added; one token and one account with its token were removed.
    let items = product.items().await;
    if items != before - 1 {
        wrong.push(format!("items: {items}, not {}", before - 1));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A session stays invalid although its dive is published again, and a deleted dive cannot be created again.
#[tokio::test]
async fn a_session_does_not_come_back_with_its_dive() {
    let native = |dive: &Dive| format!("/v1/resources/dive/{}", dive.id);
    for which in 0..3 {
        let (product, dive) = with_dive(&[]).await;
        let session = embed(&product, &dive, json!({})).await;
        let whole = product.get(&dive.path).admin().send().await.json;
        product.clock.set_offset(10);
        match which {
            0 => {
                admin(&product, Method::PATCH, &dive.path, json!({"enable_embedding": false})).await;
                admin(&product, Method::PATCH, &dive.path, json!({"enable_embedding": true})).await;
            }
            1 => {
                admin(&product, Method::PATCH, &dive.path, json!({"archived": true})).await;
                admin(&product, Method::PATCH, &dive.path, json!({"archived": false})).await;
            }
            _ => {
                assert_eq!(product.delete(&dive.path).admin().send().await.status, 204);
                let mut again = json!({});
                for part in ["title", "content", "parameters", "enable_embedding", "embedding_params"] {
                    again[part] = whole[part].clone();
                }
                let again = product.put(&native(&dive), again).admin().send().await;
                assert_eq!(again.refusal(), (409, "id_deleted"));
                assert_eq!(view(&product, &session).await.refusal(), (404, "resource_not_found"));
                continue;
            }
        }
        assert_eq!(view(&product, &session).await.refusal(), (401, "token_revoked"), "{which}");
        let fresh = embed(&product, &dive, json!({})).await;
        assert_eq!(view(&product, &fresh).await.status, 200, "{which}");
    }
}
