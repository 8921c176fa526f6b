//! Rotation of the signing secret: its four steps, interruptions, concurrent changes, and the end of old
//! keys.

use rotate_key::Step;
use serde_json::{Value, json};
use vitrine::rules::error::Result;
use vitrine_local::secret_store::{CURRENT, PENDING};
use vitrine_local::services::SIGNING_SECRET;
use vitrine_tests::{Product, SECRET, sign};

pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
const DAY: i64 = 86_400;

/// A product without a key cache, so that a rotation takes effect at once.
async fn product() -> Product {
    let product = Product::start_with(&[("KeyCacheSeconds", "0")]).await;
    product.publish("dashboard/1", json!({})).await;
    product
}

pub async fn take(product: &Product, step: &str, version: &str) -> Result<()> {
    let event = json!({"Step": step, "SecretId": SIGNING_SECRET, "ClientRequestToken": version});
    let event: Step = serde_json::from_value(event).unwrap();
    rotate_key::take(&product.rotate_key, event).await
}

pub async fn rotate(product: &Product) -> String {
    let version = product.services.begin_rotation().unwrap();
    for step in STEPS {
        take(product, step, &version).await.unwrap();
    }
    version
}

/// A token of the owner's backend that is valid for a whole day.
pub fn signed(product: &Product, secret: &str) -> String {
    let claims = json!({"resource": {"dashboard": 1}, "params": {}, "exp": product.clock.now().unix() + DAY});
    sign(&claims, secret)
}

pub async fn opens(product: &Product, token: &str) -> bool {
    let answer = product.view(token, "").await;
    assert!([200, 401].contains(&answer.status.as_u16()), "{}", answer.text);
    answer.status == 200
}

pub fn versions_labelled(product: &Product, label: &str) -> usize {
    let secret = product.services.signing_versions().unwrap();
    secret.versions().filter(|(_, version)| version.labels.contains(label)).count()
}

pub async fn keys(product: &Product) -> Vec<Value> {
    let answer = product.get("/v1/signing-keys").admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.text.contains(SECRET) && !answer.text.contains("secret"), "{}", answer.text);
    answer.json["items"].as_array().unwrap().clone()
}

/// The last use of a key. A background task writes it after the answer.
async fn used(product: &Product, index: usize) -> Value {
    for _ in 0..200 {
        let key = keys(product).await.swap_remove(index);
        if !key["last_used_at"].is_null() {
            return key;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the last use was not written");
}

#[tokio::test]
async fn a_new_key_signs_and_the_old_one_still_verifies() {
    let product = product().await;
    let before = signed(&product, SECRET);
    rotate(&product).await;
    let secret = product.services.embedding_secret();
    assert_ne!(secret, SECRET);
    for token in [&before, &signed(&product, &secret), &signed(&product, SECRET)] {
        assert!(opens(&product, token).await);
    }
    let session = product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin().send().await;
    assert!(opens(&product, session.json["session"].as_str().unwrap()).await);
    let returned = product.get("/api/setting/embedding-secret-key").admin().send().await;
    assert_eq!(returned.json, secret);
    let signs: Vec<_> = keys(&product).await.iter().map(|key| key["signs"].clone()).collect();
    assert_eq!(signs, [true, false]);
}

#[tokio::test]
async fn every_step_can_be_repeated_and_a_finished_rotation_changes_nothing() {
    let product = product().await;
    let version = product.services.begin_rotation().unwrap();
    for step in STEPS {
        for _ in 0..3 {
            take(&product, step, &version).await.unwrap();
        }
    }
    let secret = product.services.embedding_secret();
    for step in STEPS {
        take(&product, step, &version).await.unwrap();
    }
    assert_eq!(product.services.embedding_secret(), secret);
    assert_eq!(keys(&product).await.len(), 2);
}

#[tokio::test]
async fn after_an_interrupted_rotation_tokens_work_and_the_next_rotation_succeeds() {
    for done in 0..STEPS.len() {
        let product = product().await;
        let token = signed(&product, SECRET);
        let version = product.services.begin_rotation().unwrap();
        for step in &STEPS[..done] {
            take(&product, step, &version).await.unwrap();
        }
        assert_eq!(product.services.embedding_secret(), SECRET, "after {done} steps");
        assert!(opens(&product, &token).await);
        rotate(&product).await;
        assert_ne!(product.services.embedding_secret(), SECRET);
        assert_eq!(keys(&product).await.len(), 2, "after {done} steps");
        assert!(opens(&product, &token).await);
        // The interrupted rotation's key does not come back.
        take(&product, "finishSecret", &version).await.unwrap_err();
        assert!(opens(&product, &token).await);
    }
}

#[tokio::test]
async fn concurrent_runs_of_one_rotation_create_one_key() {
    for _ in 0..10 {
        let product = product().await;
        let version = product.services.begin_rotation().unwrap();
        for step in STEPS {
            let all = (0..20).map(|_| take(&product, step, &version));
            for taken in futures_util::future::join_all(all).await {
                taken.unwrap();
            }
        }
        assert_eq!(keys(&product).await.len(), 2);
        assert_ne!(product.services.embedding_secret(), SECRET);
        assert!(opens(&product, &signed(&product, SECRET)).await);
    }
}

#[tokio::test]
async fn a_key_set_that_changed_during_a_rotation_is_not_overwritten() {
    let other = "0123456789abcdef".repeat(4);
    for done in 1..STEPS.len() {
        let product = product().await;
        let version = product.services.begin_rotation().unwrap();
        for step in &STEPS[..done] {
            take(&product, step, &version).await.unwrap();
        }
        // A leaked secret that is replaced during the rotation must not come back.
        let body = json!({ "value": other });
        let replaced = product.put("/api/setting/embedding-secret-key", body).admin().send().await;
        assert_eq!(replaced.status, 204, "{}", replaced.text);
        take(&product, "finishSecret", &version).await.unwrap_err();
        assert_eq!(product.services.embedding_secret(), other);
        assert!(!opens(&product, &signed(&product, SECRET)).await);
        assert_eq!(versions_labelled(&product, PENDING), 0, "no pending version blocks the next rotation");
        rotate(&product).await;
        assert!(opens(&product, &signed(&product, &other)).await);
        assert!(!opens(&product, &signed(&product, SECRET)).await);
        assert_eq!(versions_labelled(&product, CURRENT), 1);
    }
}

#[tokio::test]
async fn tokens_survive_two_rotations_and_keys_are_removed_after_their_last_token() {
    let product = product().await;
    let oldest = signed(&product, SECRET);
    rotate(&product).await;
    let second = product.services.embedding_secret();
    rotate(&product).await;
    assert!(opens(&product, &oldest).await && opens(&product, &signed(&product, &second)).await);
    // The backend reads the secret late. Tokens that it signs within the grace period are valid until their
    // expiry.
    product.clock.set_offset(DAY - 60);
    let late = signed(&product, SECRET);
    product.clock.set_offset(2 * DAY - 120);
    assert!(opens(&product, &late).await);
    product.clock.set_offset(2 * DAY + 120);
    assert!(!opens(&product, &late).await);
    for old in [SECRET, second.as_str()] {
        assert!(!opens(&product, &signed(&product, old)).await, "a key past its end verifies no token");
    }
    rotate(&product).await;
    assert_eq!(keys(&product).await.len(), 2, "the next rotation removes it");
}

#[tokio::test]
async fn a_rotation_of_another_secret_or_with_steps_out_of_order_is_refused() {
    let product = product().await;
    let version = product.services.begin_rotation().unwrap();
    take(&product, "setsecret", &version).await.unwrap_err();
    take(&product, "finishSecret", "never-begun").await.unwrap_err();
    take(&product, "testSecret", &version).await.unwrap_err();
    take(&product, "finishSecret", &version).await.unwrap_err();
    let event = Step {
        step: "createSecret".to_owned(),
        secret_id: "another".to_owned(),
        client_request_token: version.clone(),
    };
    rotate_key::take(&product.rotate_key, event).await.unwrap_err();
    assert_eq!(product.services.embedding_secret(), SECRET);
    // A malformed secret is not rotated into a valid one.
    product.services.put_signing_keys("{}").unwrap();
    take(&product, "createSecret", &version).await.unwrap_err();
}

#[tokio::test]
async fn only_an_unused_key_is_retired_unless_forced() {
    let product = product().await;
    let first = keys(&product).await[0]["kid"].as_str().unwrap().to_owned();
    let path = |kid: &str| format!("/v1/signing-keys/{kid}");
    assert_eq!(product.delete(&path(&first)).admin().send().await.refusal(), (409, "signing_key_in_use"));
    assert_eq!(product.delete(&path("none")).admin().send().await.refusal(), (404, "signing_key_not_found"));

    rotate(&product).await;
    assert!(opens(&product, &signed(&product, SECRET)).await);
    let old = used(&product, 1).await;
    assert_eq!((old["kid"].as_str(), &old["safe_to_retire"]), (Some(first.as_str()), &json!(false)));
    assert_eq!(old["first_used_at"], old["last_used_at"]);
    assert_eq!(product.delete(&path(&first)).admin().send().await.refusal(), (409, "signing_key_in_use"));
    assert!(opens(&product, &signed(&product, SECRET)).await);

    product.clock.set_offset(DAY + 120);
    let old = used(&product, 1).await;
    assert_eq!(old["safe_to_retire"], true, "{old}");
    assert_eq!(product.delete(&path(&first)).admin().send().await.status, 204);
    assert!(!opens(&product, &signed(&product, SECRET)).await);
    assert_eq!(keys(&product).await.len(), 1);

    // With `force` at once, although the key is in use.
    let second = keys(&product).await[0]["kid"].as_str().unwrap().to_owned();
    let token = signed(&product, &product.services.embedding_secret());
    assert!(opens(&product, &token).await);
    rotate(&product).await;
    assert_eq!(product.delete(&path(&second)).admin().send().await.refusal(), (409, "signing_key_in_use"));
    let forced = product.delete(&format!("{}?force=true", path(&second))).admin().send().await;
    assert_eq!(forced.status, 204, "{}", forced.text);
    assert!(!opens(&product, &token).await);
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute_and_only_admins_list_signing_keys() {
    let product = product().await;
    for _ in 0..5 {
        assert!(opens(&product, &signed(&product, SECRET)).await);
    }
    let first = used(&product, 0).await;
    product.clock.set_offset(30);
    assert!(opens(&product, &signed(&product, SECRET)).await);
    product.clock.set_offset(90);
    assert!(opens(&product, &signed(&product, SECRET)).await);
    for _ in 0..200 {
        let key = keys(&product).await.swap_remove(0);
        if key["last_used_at"] != first["last_used_at"] {
            assert_eq!(key["first_used_at"], first["first_used_at"]);
            let member = product.key("member", &["sessions:create"]).await;
            let refused = product.get("/v1/signing-keys").bearer(&member).send().await;
            assert_eq!(refused.refusal(), (403, "access_denied"));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the later use was not written");
}

/// Without a longest lifetime, nobody but the owner knows when the last token of a key was used.
#[tokio::test]
async fn without_a_longest_lifetime_old_keys_verify_until_they_are_retired() {
    let settings = [("KeyCacheSeconds", "0"), ("MaxTokenLifetimeSeconds", "0")];
    let product = Product::start_with(&settings).await;
    product.publish("dashboard/1", json!({})).await;
    let claims = json!({"resource": {"dashboard": 1}, "params": {}, "exp": 6_001_674_655_534_i64});
    let token = sign(&claims, SECRET);
    rotate(&product).await;
    rotate(&product).await;
    for years in [0, 3] {
        product.clock.set_offset(years * 365 * DAY);
        assert!(opens(&product, &token).await, "{years}");
        let old = keys(&product).await.swap_remove(2);
        assert_eq!(
            (&old["verifies_until"], &old["safe_to_retire"]),
            (&Value::Null, &json!(false)),
            "{years}"
        );
    }
    let old = keys(&product).await.swap_remove(2)["kid"].as_str().unwrap().to_owned();
    let retire =
        async |query: &str| product.delete(&format!("/v1/signing-keys/{old}{query}")).admin().send().await;
    assert_eq!(retire("").await.refusal(), (409, "signing_key_in_use"));
    assert_eq!(retire("?force=true").await.status, 204);
    assert!(!opens(&product, &token).await);
}

/// Tokens of the stack itself live for at most a year.
#[tokio::test]
async fn without_a_longest_lifetime_the_stacks_own_credentials_still_end() {
    let product = Product::start_with(&[("MaxTokenLifetimeSeconds", "0")]).await;
    product.publish("dashboard/1", json!({})).await;
    for (seconds, expected) in [(31_536_000, 201), (31_536_001, 400)] {
        let body = json!({"resource": {"dashboard": 1}, "ttl_seconds": seconds});
        let created = product.post("/v1/sessions", body).admin().send().await;
        assert_eq!(created.status, expected, "{}", created.text);
    }
    let usual = product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin().send().await;
    assert_eq!(usual.status, 201, "{}", usual.text);
}
