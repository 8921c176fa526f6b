//! Introspection: describes an active token and reveals nothing about any other.

use serde_json::{Value, json};
use vitrine_tests::{Answer, Product, merge, sign};

use crate::forge;
use crate::shape::assert_problem;

const INACTIVE: &str = r#"{"active":false}"#;

async fn with_dashboard() -> Product {
    let product = Product::start().await;
    let parameters = json!([
        {"slug": "customer", "name": "Customer", "type": "text"},
        {"slug": "city", "name": "City", "type": "text"},
        {"slug": "year", "name": "Year", "type": "number", "default": 2026},
        {"slug": "plan", "name": "Plan", "type": "text", "default": "basic"},
    ]);
    let policy =
        json!({"customer": "locked", "city": {"attribute": "city"}, "year": "enabled", "plan": "disabled"});
    let fields = json!({"title": "Sales", "parameters": parameters, "embedding_params": policy});
    product.publish("dashboard/1", fields).await;
    product
}

fn claims(product: &Product) -> Value {
    json!({
        "resource": {"dashboard": 1},
        "params": {"customer": "acme"},
        "viewer": {"id": "alice", "attributes": {"city": "Berlin"}, "groups": ["sales"]},
        "exp": product.clock.now().unix() + 600,
    })
}

fn form(product: &Product, pairs: &[(&str, &str)]) -> vitrine_tests::Call {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    product
        .request(axum::http::Method::POST, "/v1/introspect")
        .admin()
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
}

/// Sends the token as JSON and as a form. Both answers must agree.
async fn ask(product: &Product, token: &str) -> Answer {
    let as_json = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
    let as_form = form(product, &[("token", token)]).send().await;
    assert_eq!((as_json.status, &as_json.text), (as_form.status, &as_form.text));
    as_json
}

#[tokio::test]
async fn an_active_token_is_described_completely() {
    let product = with_dashboard().await;
    let resource = product.get("/v1/resources/dashboard/1").admin().send().await.json;
    let now = product.clock.now().unix();
    let mut signed = claims(&product);
    merge(
        &mut signed,
        json!({"iss": "https://app.example.com", "sub": "user-7", "jti": "t-1", "iat": now, "nbf": now - 5, "aud": "ours", "secret": "x"}),
    );
    let answer = ask(&product, &sign(&signed, vitrine_tests::SECRET)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.json,
        json!({
            "active": true,
            "token_type": "embed",
            "iss": "https://app.example.com",
            "sub": "user-7",
            "jti": "t-1",
            "iat": now,
            "nbf": now - 5,
            "exp": now + 600,
            "resource": {
                "kind": "dashboard",
                "id": 1,
                "entity_id": resource["entity_id"],
                "public_id": resource["public_id"],
                "title": "Sales",
            },
            "values": {"customer": "acme", "city": "Berlin", "year": 2026, "plan": "basic"},
            "viewer": {"id": "alice", "attributes": {"city": "Berlin"}, "groups": ["sales"]},
        })
    );
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "no-store")
    );
}

#[tokio::test]
async fn absent_claims_are_absent_from_the_answer() {
    let product = Product::start_with(&[("RequireTokenExpiry", "false")]).await;
    product.publish("dive/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", json!({"title": "Deep"})).await;
    let claims = json!({"resource": {"dive": "0191E7A0-5D2B-7C3F-9B1A-2F5D8C1E4A77"}, "params": {}});
    let answer = ask(&product, &sign(&claims, vitrine_tests::SECRET)).await;
    let mut described = answer.json;
    described["resource"].as_object_mut().unwrap().remove("public_id").unwrap();
    assert_eq!(
        described,
        json!({
            "active": true,
            "token_type": "embed",
            "resource": {"kind": "dive", "id": "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", "entity_id": null, "title": "Deep"},
            "values": {},
            "viewer": {},
        })
    );
}

#[tokio::test]
async fn minted_tokens_are_described_too() {
    let product = with_dashboard().await;
    let wanted = json!({
        "resource": {"dashboard": 1}, "params": {"customer": "acme"}, "ttl_seconds": 60,
        "viewer": {"id": "alice", "attributes": {"city": "Berlin"}},
    });
    for single_use in [false, true] {
        let mut wanted = wanted.clone();
        wanted["single_use"] = json!(single_use);
        let created = product.post("/v1/sessions", wanted).admin().send().await.json;
        let mut token = created["session"].clone();
        if single_use {
            assert_eq!(ask(&product, token.as_str().unwrap()).await.text, INACTIVE, "not exchanged yet");
            let redeemed = product.post("/v1/sessions/redeem", json!({ "session": token })).send().await;
            token = redeemed.json["token"].clone();
        }
        let token = token.as_str().unwrap();
        let described = ask(&product, token).await.json;
        assert_eq!((&described["active"], &described["iss"]), (&json!(true), &json!("vitrine")));
        assert_eq!(
            described["values"],
            json!({"customer": "acme", "city": "Berlin", "year": 2026, "plan": "basic"})
        );
        let expires: vitrine::rules::clock::Timestamp =
            created["expires_at"].as_str().unwrap().parse().unwrap();
        assert_eq!(described["exp"], expires.unix());
        let lives = described["exp"].as_i64().unwrap() - described["iat"].as_i64().unwrap();
        assert!(
            (50..=60).contains(&lives),
            "the expiry counts from the session, not from the exchange: {lives}"
        );
        assert!(described["jti"].as_str().is_some_and(|id| !id.is_empty()));
        assert_eq!(described.get("sid"), None);

        let revoked = product.post("/v1/sessions/revoke", json!({ "session": token })).admin().send().await;
        assert_eq!(revoked.status, 204);
        assert_eq!(ask(&product, token).await.text, INACTIVE, "revoked");
    }
}

#[tokio::test]
async fn an_invalid_token_is_inactive_and_nothing_more_is_said() {
    let product = with_dashboard().await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
    product.publish("dashboard/3", json!({"archived": true})).await;
    let now = product.clock.now().unix();
    let signed = |fields: Value| {
        let mut claims = claims(&product);
        merge(&mut claims, fields);
        sign(&claims, vitrine_tests::SECRET)
    };
    let good = signed(json!({}));
    assert_eq!(ask(&product, &good).await.json["active"], true);
    let [header, payload, signature] = forge::parts(&good);
    let cases = [
        ("nothing", String::new()),
        ("a word", "garbage".to_owned()),
        ("two parts", format!("{header}.{payload}")),
        ("padding", format!("{good}=")),
        ("a leading space", format!(" {good}")),
        ("a line end after it", format!("{good}\n")),
        ("no signature", format!("{header}.{payload}.")),
        ("too many bytes", "a".repeat(9_000)),
        ("characters outside of ASCII", "é.é.é".to_owned()),
        ("another secret", sign(&claims(&product), &"0".repeat(64))),
        ("another algorithm", forge::compact(r#"{"alg":"none"}"#, &claims(&product).to_string(), b"")),
        (
            "an unknown key",
            forge::compact(r#"{"alg":"HS256","kid":"x"}"#, &claims(&product).to_string(), b""),
        ),
        ("the claims of another token", format!("{header}.{}.{signature}", forge::base64url("{}"))),
        ("claims of the wrong type", signed(json!({"exp": "soon"}))),
        ("no expiry", signed(json!({"exp": null}))),
        ("expired", signed(json!({"exp": now - 60}))),
        ("an expiry too far ahead", signed(json!({"exp": now + 100_000}))),
        ("not valid yet", signed(json!({"nbf": now + 100}))),
        ("no resource", signed(json!({"resource": null}))),
        ("two resources", signed(json!({"resource": {"dashboard": 1, "question": 1}}))),
        ("a bad id", signed(json!({"resource": {"dashboard": "1"}}))),
        ("unknown", signed(json!({"resource": {"dashboard": 9}}))),
        ("an unpublished resource", signed(json!({"resource": {"dashboard": 2}, "params": {}}))),
        ("archived", signed(json!({"resource": {"dashboard": 3}, "params": {}}))),
        ("no params", signed(json!({"params": null}))),
        ("params that are a list", signed(json!({"params": ["a"]}))),
        ("a locked parameter without a value", signed(json!({"params": {}}))),
        ("a locked parameter with an empty list", signed(json!({"params": {"customer": []}}))),
        ("an unknown parameter", signed(json!({"params": {"customer": "acme", "planet": 1}}))),
        ("a disabled parameter", signed(json!({"params": {"customer": "acme", "plan": "gold"}}))),
        ("a missing attribute", signed(json!({"viewer": {"id": "bob"}}))),
        ("an unknown session", {
            let mut claims = claims(&product);
            merge(&mut claims, json!({"sid": "invented"}));
            product.sign_as_minted(claims)
        }),
        ("an access key", vitrine_tests::ADMIN_KEY.to_owned()),
        ("the secret", vitrine_tests::SECRET.to_owned()),
    ];
    for (case, token) in cases {
        let answer = ask(&product, &token).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, INACTIVE), "{case}");
    }
    assert_eq!(ask(&product, &good).await.json["active"], true, "still");
}

#[tokio::test]
async fn a_token_is_active_exactly_while_its_view_opens() {
    let product = with_dashboard().await;
    let token = sign(&claims(&product), vitrine_tests::SECRET);
    for (offset, active) in [(0, true), (599, true), (650, true), (661, false), (0, true)] {
        product.clock.set_offset(offset);
        assert_eq!(ask(&product, &token).await.json["active"], active, "{offset}");
        assert_eq!(product.view(&token, "").await.status == 200, active, "{offset}");
    }
    product.publish("dashboard/1", json!({"enable_embedding": false})).await;
    assert_eq!(ask(&product, &token).await.text, INACTIVE);
}

#[tokio::test]
async fn while_embedding_is_off_every_token_is_inactive() {
    let product = Product::start_with(&[("EmbeddingEnabled", "false")]).await;
    product.publish("dashboard/1", json!({})).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    assert_eq!(ask(&product, &token).await.text, INACTIVE);
}

/// A request with a body of the given content type.
fn post(product: &Product, kind: Option<&str>, body: &str) -> vitrine_tests::Call {
    let call = product.request(axum::http::Method::POST, "/v1/introspect").admin().body(body.to_owned());
    kind.into_iter().fold(call, |call, kind| call.header("content-type", kind))
}

const JSON: Option<&str> = Some("application/json");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

#[tokio::test]
async fn json_and_form_bodies_are_accepted() {
    let product = with_dashboard().await;
    let token = sign(&claims(&product), vitrine_tests::SECRET);
    let cases = [
        (None, json!({ "token": token }).to_string()),
        (JSON, json!({ "token": token }).to_string()),
        (JSON, json!({"token": token, "token_type_hint": "access_token"}).to_string()),
        (Some("application/json; charset=utf-8"), json!({ "token": token }).to_string()),
        (FORM, format!("token={token}")),
        (FORM, format!("token_type_hint=access_token&token={token}")),
        (FORM, format!("token={}&client_id=x", token.replace('.', "%2E"))),
        (Some("application/x-www-form-urlencoded; charset=UTF-8"), format!("token={token}")),
        (Some("Application/X-WWW-Form-URLEncoded"), format!("token={token}")),
    ];
    for (kind, body) in cases {
        let answer = post(&product, kind, &body).send().await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json["active"]),
            (200, &json!(true)),
            "{kind:?} {body:.30}: {:.200}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_body_without_exactly_one_token_is_refused() {
    let product = with_dashboard().await;
    let token = sign(&claims(&product), vitrine_tests::SECRET);
    let cases = [
        (None, String::new(), "body_malformed"),
        (None, format!("token={token}"), "body_malformed"),
        (JSON, format!("token={token}"), "body_malformed"),
        (JSON, format!(r#"{{"token":"{token}","token":"{token}"}}"#), "body_malformed"),
        (JSON, "{}".to_owned(), "request_invalid"),
        (JSON, json!({"token": null}).to_string(), "request_invalid"),
        (JSON, json!({"token": [token]}).to_string(), "request_invalid"),
        (JSON, json!({"Token": token}).to_string(), "request_invalid"),
        (FORM, String::new(), "request_invalid"),
        (FORM, json!({ "token": token }).to_string(), "request_invalid"),
        (FORM, format!("TOKEN={token}"), "request_invalid"),
        (FORM, format!("token={token}&token=garbage"), "request_invalid"),
        (FORM, format!("token=garbage&token={token}"), "request_invalid"),
    ];
    for (kind, body, reason) in cases {
        let answer = post(&product, kind, &body).send().await;
        assert_problem(&answer, &format!("{kind:?} {body:.40}"));
        assert_eq!(answer.refusal(), (400, reason), "{kind:?} {body:.40}");
    }
    let in_query = product
        .request(axum::http::Method::POST, &format!("/v1/introspect?token={token}"))
        .admin()
        .body("{}");
    assert_eq!(in_query.send().await.issues(), ["token"]);
}
