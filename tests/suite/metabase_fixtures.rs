//! Tokens in `tests/fixtures`, signed by the JWT libraries that Metabase's reference apps use.

use serde::Deserialize;
use serde_json::{Value, json};
use vitrine::rules::clock::Timestamp;
use vitrine_tests::{Answer, Product};

const PAYLOADS: &str = include_str!("../fixtures/payloads.json");
const MADE: [&str; 3] = [
    include_str!("../fixtures/node.json"),
    include_str!("../fixtures/python.json"),
    include_str!("../fixtures/ruby.json"),
];

#[derive(Deserialize)]
struct Made {
    signer: String,
    version: String,
    secret: String,
    now: i64,
    tokens: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    name: String,
    payload: Value,
    token: String,
}

fn made() -> [Made; 3] {
    MADE.map(|text| serde_json::from_str(text).unwrap())
}

impl Signed {
    fn kind(&self) -> &'static str {
        if self.payload["resource"]["question"].is_null() { "dashboard" } else { "question" }
    }

    fn path(&self, token: &str) -> String {
        let route = if self.kind() == "question" { "card" } else { "dashboard" };
        format!("/api/embed/{route}/{token}")
    }
}

/// A product with the tokens' resources, the time of signing and the owner's own secret.
async fn product_for(made: &Made, settings: &[(&str, &str)]) -> Product {
    let product = Product::start_with(&[&[("KeyCacheSeconds", "0")], settings].concat()).await;
    product.clock.set(Timestamp::from_unix(made.now));
    let locked = json!({
        "parameters": [{"slug": "user_id", "name": "User", "type": "text"}, {"slug": "date_range", "name": "Dates", "type": "text"}],
        "embedding_params": {"user_id": "locked", "date_range": "enabled"},
    });
    product.publish("dashboard/1", locked.clone()).await;
    product.publish("question/1", locked).await;
    product.publish("question/2", json!({})).await;
    product.publish("dashboard/V1StGXR8_Z5jdHi6B-myT", json!({})).await;
    let brought = json!({"value": made.secret});
    let brought = product.put("/api/setting/embedding-secret-key", brought).admin().send().await;
    assert_eq!(brought.status, 204, "{}", brought.text);
    product
}

async fn introspect(product: &Product, token: &str) -> Answer {
    product.post("/v1/introspect", json!({"token": token})).admin().send().await
}

/// Each library signed the same payloads. The one for Node adds `iat`.
#[test]
fn every_signer_signed_every_payload() {
    let given: Value = serde_json::from_str(PAYLOADS).unwrap();
    let signers = made().map(|made| {
        assert_eq!((json!(made.secret), json!(made.now)), (given["secret"].clone(), given["now"].clone()));
        assert_eq!(made.tokens.len(), given["tokens"].as_array().unwrap().len());
        for (signed, given) in made.tokens.iter().zip(given["tokens"].as_array().unwrap()) {
            let mut payload = signed.payload.clone();
            payload.as_object_mut().unwrap().remove("iat");
            assert_eq!((json!(signed.name), payload), (given["name"].clone(), given["payload"].clone()));
        }
        format!("{} {}", made.signer, made.version)
    });
    assert_eq!(signers, ["jsonwebtoken 9.0.3", "PyJWT 2.15.1", "ruby-jwt 2.5.0"]);
}

#[tokio::test]
async fn each_token_opens_its_view_with_its_values() {
    for made in made() {
        let product = product_for(&made, &[("RequireTokenExpiry", "false")]).await;
        for signed in &made.tokens {
            let case = format!("{} {}", made.signer, signed.name);
            let view = product.get(&signed.path(&signed.token)).send().await;
            assert_eq!(view.status, 200, "{case}: {}", view.text);
            let known = introspect(&product, &signed.token).await.json;
            assert_eq!(known["active"], true, "{case}");
            for (name, value) in signed.payload["params"].as_object().into_iter().flatten() {
                assert_eq!(known["values"][name], *value, "{case} {name}");
            }
            let named = &known["resource"];
            let id = &signed.payload["resource"][signed.kind()];
            assert!(named["id"] == *id || named["entity_id"] == *id, "{case}");
            let page = product.get(&format!("/embed/{}/{}", signed.kind(), signed.token)).send().await;
            assert_eq!(page.status, 200, "{case}");
        }
    }
}

#[tokio::test]
async fn without_the_setting_a_token_without_expiry_is_refused() {
    for made in made() {
        let product = product_for(&made, &[]).await;
        for signed in &made.tokens {
            let answer = product.get(&signed.path(&signed.token)).send().await;
            let expected =
                if signed.payload["exp"].is_null() { (401, "token_without_expiry") } else { (200, "(none)") };
            assert_eq!(answer.refusal(), expected, "{} {}", made.signer, signed.name);
        }
    }
}

#[tokio::test]
async fn expired_tokens_are_refused() {
    for made in made() {
        let product = product_for(&made, &[("RequireTokenExpiry", "false")]).await;
        product.clock.set(Timestamp::from_unix(made.now + 600 + 60));
        for signed in &made.tokens {
            let answer = product.get(&signed.path(&signed.token)).send().await;
            let expected =
                if signed.payload["exp"].is_null() { (200, "(none)") } else { (401, "token_expired") };
            assert_eq!(answer.refusal(), expected, "{} {}", made.signer, signed.name);
        }
    }
}

#[tokio::test]
async fn under_another_secret_the_tokens_are_refused() {
    for made in made() {
        let product = product_for(&made, &[("RequireTokenExpiry", "false")]).await;
        let other = json!({"value": "0".repeat(64)});
        assert_eq!(product.put("/api/setting/embedding-secret-key", other).admin().send().await.status, 204);
        for signed in &made.tokens {
            let answer = product.get(&signed.path(&signed.token)).send().await;
            assert_eq!(answer.refusal(), (401, "token_signature"), "{} {}", made.signer, signed.name);
        }
    }
}

/// The text with another letter at this position.
fn altered(text: &str, at: usize) -> String {
    let letter = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{letter}{}", &text[..at], &text[at + 1..])
}

#[tokio::test]
async fn a_token_altered_in_any_part_is_refused() {
    const SIGNATURE: (u16, &str) = (401, "token_signature");
    for made in made() {
        let product = product_for(&made, &[("RequireTokenExpiry", "false")]).await;
        for (index, signed) in made.tokens.iter().enumerate() {
            let [header, payload, signature]: [&str; 3] =
                signed.token.split('.').collect::<Vec<_>>().try_into().unwrap();
            let other = &made.tokens[(index + 1) % made.tokens.len()].token;
            let [_, other_payload, other_signature]: [&str; 3] =
                other.split('.').collect::<Vec<_>>().try_into().unwrap();
            let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
            let cases = [
                (format!("{header}.{}.{signature}", altered(payload, payload.len() / 2)), SIGNATURE),
                (format!("{header}.{payload}.{}", altered(signature, 0)), SIGNATURE),
                (format!("{header}.{payload}.{}", altered(signature, 20)), SIGNATURE),
                (format!("{header}.{payload}.{other_signature}"), SIGNATURE),
                (format!("{header}.{other_payload}.{signature}"), SIGNATURE),
                (format!("{header}.{payload}."), SIGNATURE),
                (format!("{header}.{payload}.{}", &signature[..40]), SIGNATURE),
                (format!("{header}.{payload}"), (400, "token_malformed")),
                (format!("{}.{signature}", signed.token), (400, "token_malformed")),
                (format!("{none}.{payload}.{signature}"), (401, "token_algorithm")),
                (format!("{none}.{payload}."), (401, "token_algorithm")),
            ];
            for (token, expected) in cases {
                let case = format!("{} {}: {token}", made.signer, signed.name);
                assert_eq!(product.get(&signed.path(&token)).send().await.refusal(), expected, "{case}");
                assert_eq!(introspect(&product, &token).await.json, json!({"active": false}), "{case}");
            }
        }
    }
}
