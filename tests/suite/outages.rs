//! Outages and unexpected answers of DynamoDB and Secrets Manager: never a wider view, and a server error
//! instead of a wrong refusal.

use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use vitrine_tests::{ADMIN_KEY, Answer, Call, Product, SECRET, sign, sign_with};

use crate::shape::assert_problem;
use crate::wire::{Line, Wires, wired};

const NEW_SECRET: &str = "0ddba11c0ffee0ddba11c0ffee0ddba11c0ffee0ddba11c0ffee0ddba11c0ffe";
const LONG: (&str, &str) = ("ResourceCacheSeconds", "3600");

fn keys(keys: &[(&str, &str)]) -> String {
    let keys: Vec<_> = keys.iter().map(|(kid, secret)| json!({"kid": kid, "secret": secret})).collect();
    json!({ "keys": keys }).to_string()
}

/// A token that is valid for a day, so that tests can move the clock.
fn long_token(product: &Product, kid: Option<&str>, secret: &str) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::HS256) };
    let exp = product.clock.now().unix() + 86_000;
    sign_with(&header, &json!({"resource": {"dashboard": 1}, "params": {}, "exp": exp}), secret)
}

fn assert_unavailable(answer: &Answer, case: &str) {
    assert_problem(answer, case);
    assert_eq!(answer.refusal(), (503, "unavailable"), "{case}");
    assert_eq!(answer.header("retry-after"), "1", "{case}");
    assert_eq!(answer.json["message"], "Temporarily unavailable. Try again shortly.", "{case}");
}

struct Shown {
    token: String,
    minted: String,
    session: String,
    key: String,
    key_id: String,
}

async fn with_everything(settings: &[(&str, &str)]) -> (Product, Wires, Shown) {
    let (product, wires) = wired(settings).await;
    product.publish("dashboard/1", json!({"allowed_origins": ["https://host.example"]})).await;
    product.services.put_signing_keys(&keys(&[("local", SECRET)])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let session = async |single_use: bool| {
        let body = json!({"resource": {"dashboard": 1}, "single_use": single_use, "ttl_seconds": 80_000});
        text(&product.post("/v1/sessions", body).admin().send().await.json["session"])
    };
    let (minted, session) = (session(false).await, session(true).await);
    let key = product.post("/v1/keys", json!({"name": "k", "role": "admin"})).admin().send().await.json;
    let shown = Shown {
        token: long_token(&product, None, SECRET),
        minted,
        session,
        key: text(&key["key"]),
        key_id: text(&key["id"]),
    };
    (product, wires, shown)
}

impl Shown {
    /// A call to every route that needs the table.
    fn calls(&self, product: &Product) -> Vec<(&'static str, Call)> {
        let wanted = json!({"resource": {"dashboard": 1}});
        let single = json!({"resource": {"dashboard": 1}, "single_use": true});
        vec![
            ("a view", product.get("/v1/view").bearer(&self.token)),
            ("a view with the kind in the path", product.get("/v1/view/dashboard").bearer(&self.token)),
            ("a view by a minted token", product.get("/v1/view").bearer(&self.minted)),
            ("introspection", product.post("/v1/introspect", json!({"token": self.token})).admin()),
            ("health", product.get("/healthz")),
            (
                "a write",
                product
                    .put("/v1/resources/dashboard/1", json!({"title": "T", "enable_embedding": true}))
                    .admin(),
            ),
            (
                "a new resource",
                product.put("/v1/resources/dashboard/V1StGXR8_Z5jdHi6B-myT", json!({"title": "T"})).admin(),
            ),
            ("a read", product.get("/v1/resources/dashboard/1").admin()),
            ("a removal", product.delete("/v1/resources/dashboard/1").admin()),
            ("a list", product.get("/v1/resources").admin()),
            ("a list of published resources", product.get("/v1/resources?embeddable=true").admin()),
            ("Metabase's list of cards", product.get("/api/card/embeddable").admin()),
            ("Metabase's list of dashboards", product.get("/api/dashboard/embeddable").admin()),
            ("a token", product.post("/v1/sessions", wanted).admin()),
            ("a session", product.post("/v1/sessions", single).admin()),
            ("an exchange", product.post("/v1/sessions/redeem", json!({"session": self.session}))),
            (
                "a revocation of a session",
                product.post("/v1/sessions/revoke", json!({"session": self.session})).admin(),
            ),
            (
                "a revocation of a token",
                product.post("/v1/sessions/revoke", json!({"session": self.minted})).admin(),
            ),
            ("a key", product.post("/v1/keys", json!({"name": "k", "role": "admin"})).admin()),
            ("a list of keys", product.get("/v1/keys").admin()),
            ("a removal of a key", product.delete(&format!("/v1/keys/{}", self.key_id)).admin()),
            ("a call by a key", product.get("/v1/resources").bearer(&self.key)),
        ]
    }

    /// Makes every function read its secrets.
    async fn warm(&self, product: &Product) {
        for (case, call) in [
            ("view", product.get("/v1/view").bearer(&self.token)),
            ("introspect", product.post("/v1/introspect", json!({"token": "none"})).admin()),
            ("list", product.get("/v1/resources").admin()),
            ("revoke", product.post("/v1/sessions/revoke", json!({"session": "a.b.c"})).admin()),
            ("page", product.get(&format!("/embed/dashboard/{}", self.token))),
        ] {
            let answer = call.send().await;
            assert!(answer.status.is_success(), "{case}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn without_the_table_no_view_opens_and_no_session_is_spent() {
    let (product, wires, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    let items = product.items().await;
    wires.dynamodb.set(Line::Cut);
    for (case, call) in shown.calls(&product) {
        assert_unavailable(&call.send().await, case);
    }
    let page = product.get(&format!("/embed/dashboard/{}", shown.token)).send().await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.header("content-security-policy").ends_with("frame-ancestors 'none'"));

    wires.dynamodb.set(Line::Through);
    assert_eq!(product.items().await, items);
    assert_eq!(product.view(&shown.token, "").await.status, 200);
    assert_eq!(product.view(&shown.minted, "").await.status, 200);
    let redeemed = product.post("/v1/sessions/redeem", json!({"session": shown.session})).send().await;
    assert_eq!(redeemed.status, 200, "the session was not spent: {}", redeemed.text);
}

/// Tries every kind of error that DynamoDB may answer.
#[tokio::test]
async fn an_error_of_dynamodb_opens_no_view() {
    let (product, wires, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    let error = |name: &str| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "a text of theirs"});
    let unprocessed = json!({
        "Responses": {"vitrine": []},
        "UnprocessedKeys": {"vitrine": {"Keys": [{"pk": {"S": "dashboard#1"}, "sk": {"S": "resource"}}]}},
    });
    for (case, status, body) in [
        ("throttled", 400, error("ProvisionedThroughputExceededException").to_string()),
        ("throttled by another error", 400, error("ThrottlingException").to_string()),
        ("over a request limit", 400, error("RequestLimitExceeded").to_string()),
        ("broken", 500, error("InternalServerError").to_string()),
        ("away", 503, String::new()),
        ("access denied", 400, error("AccessDeniedException").to_string()),
        ("no such table", 400, error("ResourceNotFoundException").to_string()),
        ("unknown", 400, error("SomethingNew").to_string()),
        ("not JSON", 200, "<html>a proxy's page</html>".to_owned()),
        ("unprocessed keys", 200, unprocessed.to_string()),
    ] {
        wires.dynamodb.set(Line::Says(status, body));
        for token in [&shown.token, &shown.minted] {
            let answer = product.view(token, "").await;
            assert_unavailable(&answer, case);
            assert!(!answer.text.contains("theirs"), "{case}");
        }
        let introspected = product.post("/v1/introspect", json!({"token": shown.token})).admin().send().await;
        assert_unavailable(&introspected, case);
    }
    let unreadable = json!({
        "Responses": {"vitrine": [{"pk": {"S": "dashboard#1"}, "sk": {"S": "resource"}, "document": {"S": "{}"}}]},
        "UnprocessedKeys": {},
    });
    wires.dynamodb.set(Line::Says(200, unreadable.to_string()));
    for answer in [
        product.view(&shown.token, "").await,
        product.post("/v1/introspect", json!({"token": shown.token})).admin().send().await,
        product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin().send().await,
    ] {
        assert_problem(&answer, "unreadable");
        assert_eq!(answer.refusal(), (500, "internal"));
        assert_eq!(answer.json["message"], "Something went wrong on our side.");
    }
}

/// A token is valid only if DynamoDB answered that it is not revoked. A missing answer is not enough.
#[tokio::test]
async fn an_incomplete_answer_is_an_outage() {
    let (product, wires, shown) = with_everything(&[LONG]).await;
    let revoked = product.post("/v1/sessions/revoke", json!({"session": shown.minted})).admin().send().await;
    assert_eq!(revoked.status, 204);
    shown.warm(&product).await;
    for body in ["", "{}", r#"{"Responses":{}}"#, r#"{"Responses":{"another table":[]}}"#] {
        wires.dynamodb.set(Line::Says(200, body.to_owned()));
        assert_unavailable(&product.view(&shown.minted, "").await, body);
    }
    wires.dynamodb.set(Line::Through);
    assert_eq!(product.view(&shown.minted, "").await.refusal(), (401, "token_revoked"));
}

#[tokio::test]
async fn a_silent_table_causes_a_refusal_within_the_time_limit() {
    let (product, wires, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    wires.dynamodb.set(Line::Silent);
    let started = Instant::now();
    assert_unavailable(&product.view(&shown.token, "").await, "silent");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
}

/// After a lost answer the request is retried, and the caller still gets the session.
#[tokio::test]
async fn an_exchange_survives_a_lost_answer() {
    let (product, wires, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    wires.dynamodb.set(Line::LosesOneAnswer);
    let redeemed = product.post("/v1/sessions/redeem", json!({"session": shown.session})).send().await;
    assert_eq!(redeemed.status, 200, "{}", redeemed.text);
    let again = product.post("/v1/sessions/redeem", json!({"session": shown.session})).send().await;
    assert_eq!(again.refusal(), (401, "session_unknown"));
}

#[tokio::test]
async fn writes_survive_a_lost_answer() {
    let (product, wires, _) = with_everything(&[]).await;
    for (case, title, success) in [("create", "T", [200, 201]), ("replace", "U", [200, 200])] {
        wires.dynamodb.set(Line::LosesOneAnswer);
        let write =
            async || product.put("/v1/resources/question/1", json!({"title": title})).admin().send().await;
        let mut answer = write().await;
        // On a busy machine the retries can take longer than the time that a call has. What was asked may be asked again.
        for _ in 0..3 {
            if answer.status == 503 {
                answer = write().await;
            }
        }
        assert!(success.contains(&answer.status.as_u16()), "{case}: {}", answer.text);
    }
    let stored = product.get("/v1/resources/question/1").admin().send().await.json;
    assert_eq!(stored["title"], "U");
}

#[tokio::test]
async fn without_both_services_every_call_is_refused() {
    let (product, _, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    product.services.stop();
    for (case, call) in shown.calls(&product) {
        assert_unavailable(&call.send().await, case);
    }
}

#[tokio::test]
async fn cached_keys_are_used_during_an_outage() {
    let (product, wires, shown) = with_everything(&[("KeyCacheSeconds", "60")]).await;
    shown.warm(&product).await;
    wires.secrets_manager.set(Line::Cut);
    for offset in [0, 59, 60, 61, 3_600, 70_000] {
        product.clock.set_offset(offset);
        assert_eq!(product.view(&shown.token, "").await.status, 200, "{offset}");
        assert_eq!(product.view(&shown.minted, "").await.status, 200, "{offset}");
        assert_eq!(product.get("/v1/resources").admin().send().await.status, 200, "{offset}");
        let created =
            product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin().send().await;
        assert_eq!(created.status, 201, "{offset}: {}", created.text);
        assert_eq!(product.view(created.json["session"].as_str().unwrap(), "").await.status, 200, "{offset}");
    }
    let forged = long_token(&product, None, NEW_SECRET);
    assert_eq!(product.view(&forged, "").await.refusal(), (401, "token_signature"));
    assert_eq!(
        product.get("/v1/resources").bearer("garbage").send().await.refusal(),
        (401, "access_key_unknown")
    );
}

#[tokio::test]
async fn cached_keys_are_used_while_secrets_manager_is_silent() {
    let (product, wires, shown) = with_everything(&[("KeyCacheSeconds", "60")]).await;
    shown.warm(&product).await;
    wires.secrets_manager.set(Line::Silent);
    product.clock.set_offset(61);
    let started = Instant::now();
    assert_eq!(product.view(&shown.token, "").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let started = Instant::now();
    assert_eq!(product.view(&shown.token, "").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn concurrent_views_read_the_keys_once() {
    let (product, wires) = wired(&[]).await;
    product.publish("dashboard/1", json!({})).await;
    wires.secrets_manager.asked();
    let token = long_token(&product, None, SECRET);
    let mut views = tokio::task::JoinSet::new();
    for _ in 0..30 {
        views.spawn(product.get("/v1/view").bearer(&token).send());
    }
    assert!(views.join_all().await.iter().all(|view| view.status == 200));
    assert_eq!(wires.secrets_manager.asked(), ["GetSecretValue"]);
}

#[tokio::test]
async fn a_cached_view_needs_no_service() {
    let (product, wires, shown) = with_everything(&[LONG]).await;
    shown.warm(&product).await;
    assert_eq!(product.view(&shown.minted, "").await.status, 200);
    wires.dynamodb.set(Line::Cut);
    wires.secrets_manager.set(Line::Cut);
    for offset in [0, 61, 3_500] {
        product.clock.set_offset(offset);
        assert_eq!(product.view(&shown.token, "").await.status, 200, "{offset}");
        assert_eq!(product.view(&shown.minted, "").await.status, 200, "{offset}");
    }
    product.clock.set_offset(3_601);
    assert_unavailable(&product.view(&shown.token, "").await, "cache expired");
}

#[tokio::test]
async fn without_keys_every_call_that_needs_them_is_refused() {
    let (product, wires, shown) = with_everything(&[]).await;
    wires.secrets_manager.set(Line::Cut);
    for (case, call) in [
        ("view", product.get("/v1/view").bearer(&shown.token)),
        ("view by a forged token", product.get("/v1/view").bearer(&long_token(&product, None, NEW_SECRET))),
        ("health", product.get("/healthz")),
        ("exchange", product.post("/v1/sessions/redeem", json!({"session": shown.session}))),
        ("list by the admin key", product.get("/v1/resources").admin()),
        ("list by garbage", product.get("/v1/resources").bearer("garbage")),
        (
            "introspection by a key",
            product.post("/v1/introspect", json!({"token": shown.token})).bearer(&shown.key),
        ),
    ] {
        assert_unavailable(&call.send().await, case);
    }
    assert_eq!(
        product.get("/v1/resources").bearer(&shown.key).send().await.status,
        200,
        "an access key needs no signing secret"
    );
    let page = product.get(&format!("/embed/dashboard/{}", shown.token)).send().await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").ends_with("frame-ancestors 'none'"));

    wires.secrets_manager.set(Line::Through);
    assert_eq!(product.view(&shown.token, "").await.status, 200, "right after the outage");
    let redeemed = product.post("/v1/sessions/redeem", json!({"session": shown.session})).send().await;
    assert_eq!(redeemed.status, 200, "the session was not spent: {}", redeemed.text);
}

#[tokio::test]
async fn unreadable_key_sets_open_no_view() {
    let upper = NEW_SECRET.to_uppercase();
    let documents = [
        String::new(),
        "oops".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({"keys": []}).to_string(),
        json!({"keys": {}}).to_string(),
        json!({"keys": [{"kid": "a"}]}).to_string(),
        json!(NEW_SECRET).to_string(),
        keys(&[("a", "")]),
        keys(&[("a", "changeme")]),
        keys(&[("a", &upper)]),
        keys(&[("a", &format!("{NEW_SECRET}\n"))]),
        keys(&[("", NEW_SECRET)]),
        keys(&[("a", NEW_SECRET), ("a", SECRET)]),
        keys(&[("a", NEW_SECRET), ("b", "short")]),
    ];
    let (product, _) = wired(&[]).await;
    product.publish("dashboard/1", json!({})).await;
    let token = long_token(&product, None, SECRET);
    for document in &documents {
        product.services.put_signing_keys(document).unwrap();
        assert_unavailable(&product.view(&token, "").await, document);
        assert_unavailable(&product.get("/healthz").send().await, document);
    }
    product.services.put_signing_keys(&keys(&[("local", SECRET)])).unwrap();
    assert_eq!(product.view(&token, "").await.status, 200, "right after the outage");

    for (offset, document) in (1..).zip(&documents) {
        product.services.put_signing_keys(document).unwrap();
        product.clock.set_offset(offset * 61);
        assert_eq!(product.view(&token, "").await.status, 200, "{document}: the cached keys are still used");
    }
    product.services.put_signing_keys(&keys(&[("new", NEW_SECRET)])).unwrap();
    product.clock.set_offset(2_000);
    assert_eq!(product.view(&long_token(&product, None, NEW_SECRET), "").await.status, 200);
    assert_eq!(product.view(&token, "").await.refusal(), (401, "token_signature"));
}

#[tokio::test]
async fn a_rotation_keeps_all_tokens_and_removing_a_key_ends_its_tokens() {
    let (product, _, shown) = with_everything(&[("KeyCacheSeconds", "60")]).await;
    shown.warm(&product).await;
    let named_new = long_token(&product, Some("new"), NEW_SECRET);
    let new = long_token(&product, None, NEW_SECRET);
    let named_old = long_token(&product, Some("local"), SECRET);
    for unknown in [&named_new, &new] {
        assert_eq!(product.view(unknown, "").await.status, 401);
    }

    product.services.put_signing_keys(&keys(&[("new", NEW_SECRET), ("local", SECRET)])).unwrap();
    product.clock.set_offset(6);
    assert_eq!(product.view(&new, "").await.status, 200, "a new key without a kid is found at once");
    assert_eq!(product.view(&named_new, "").await.status, 200, "a new key is found by its kid");
    for token in [&new, &shown.token, &shown.minted, &named_old] {
        assert_eq!(product.view(token, "").await.status, 200);
    }
    product.clock.set_offset(70);
    let created = product
        .post("/v1/sessions", json!({"resource": {"dashboard": 1}, "ttl_seconds": 80_000}))
        .admin()
        .send()
        .await;
    let minted_new = created.json["session"].as_str().unwrap().to_owned();

    product.services.put_signing_keys(&keys(&[("new", NEW_SECRET)])).unwrap();
    product.clock.set_offset(131);
    for (token, reason) in [
        (&shown.token, "token_signature"),
        (&named_old, "token_key_unknown"),
        (&shown.minted, "token_key_unknown"),
    ] {
        assert_eq!(product.view(token, "").await.refusal(), (401, reason));
    }
    for token in [&new, &named_new, &minted_new] {
        assert_eq!(product.view(token, "").await.status, 200);
    }
}

#[tokio::test]
async fn tokens_of_a_new_key_without_a_kid_work_within_the_cache_time() {
    let (product, _, shown) = with_everything(&[("KeyCacheSeconds", "60")]).await;
    shown.warm(&product).await;
    product.services.put_signing_keys(&keys(&[("new", NEW_SECRET), ("local", SECRET)])).unwrap();
    product.clock.set_offset(61);
    assert_eq!(product.view(&long_token(&product, None, NEW_SECRET), "").await.status, 200);
}

/// Anybody can send a made-up kid, so the reads of the keys are limited.
#[tokio::test]
async fn made_up_kids_cause_a_limited_number_of_reads() {
    let (product, wires, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    wires.secrets_manager.asked();
    let began = product.clock.now();
    for offset in [0, 10, 20] {
        product.clock.set_offset(offset);
        for number in 0..40 {
            let invented = long_token(&product, Some(&format!("invented-{number}")), NEW_SECRET);
            assert_eq!(product.view(&invented, "").await.refusal(), (401, "token_key_unknown"));
        }
    }
    let (asked, seconds) = (wires.secrets_manager.asked().len(), product.clock.now().since(began));
    assert!(
        (1..=1 + seconds / 5).contains(&i64::try_from(asked).unwrap()),
        "{asked} times in {seconds} seconds"
    );
}

/// A withdrawal takes effect within `ResourceCacheSeconds`; a publication takes effect at once.
#[tokio::test]
async fn a_withdrawal_takes_effect_within_the_cache_time() {
    let (product, wires) = wired(&[("ResourceCacheSeconds", "5")]).await;
    let x = json!([{"slug": "x", "name": "X", "type": "text"}]);
    let cases = [
        ("unpublished", Some(json!({"enable_embedding": false})), (403, "resource_not_published")),
        ("archived", Some(json!({"archived": true})), (403, "resource_archived")),
        (
            "locked",
            Some(json!({"parameters": x, "embedding_params": {"x": "locked"}})),
            (400, "parameter_locked_missing"),
        ),
        // The last, because its id cannot be published again.
        ("removed", None, (404, "resource_not_found")),
    ];
    let token = long_token(&product, None, SECRET);
    for (offset, (case, change, expected)) in (0..).step_by(100).zip(cases) {
        product.clock.set_offset(offset);
        product.publish("dashboard/1", json!({})).await;
        assert_eq!(product.view(&token, "").await.status, 200, "{case}: published at once");
        product.wait_for_background_tasks().await;
        wires.dynamodb.asked();
        assert_eq!(product.view(&token, "").await.status, 200);
        assert_eq!(wires.dynamodb.asked(), [""; 0], "{case}: from the cache");
        match change {
            Some(fields) => drop(product.publish("dashboard/1", fields).await),
            None => drop(product.delete("/v1/resources/dashboard/1").admin().send().await),
        }
        let session =
            product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin().send().await;
        assert_eq!(session.refusal(), expected, "{case}: no new credential from the cache");
        product.clock.set_offset(offset + 5);
        assert_eq!(product.view(&token, "").await.refusal(), expected, "{case}");
        assert_eq!(product.view(&token, "").await.refusal(), expected, "{case}, still");
    }
}

#[tokio::test]
async fn a_publication_takes_effect_at_once() {
    let product = Product::start_with(&[LONG]).await;
    let token = long_token(&product, None, SECRET);
    for (fields, expected) in [
        (None, (404, "resource_not_found")),
        (Some(json!({"enable_embedding": false})), (403, "resource_not_published")),
        (Some(json!({"archived": true})), (403, "resource_archived")),
    ] {
        if let Some(fields) = fields {
            product.publish("dashboard/1", fields).await;
        }
        assert_eq!(product.view(&token, "").await.refusal(), expected);
    }
    product.publish("dashboard/1", json!({})).await;
    assert_eq!(product.view(&token, "").await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_ends_within_the_cache_time() {
    let product = Product::start_with(&[("ResourceCacheSeconds", "5")]).await;
    product.publish("dashboard/1", json!({})).await;
    let create = async |single_use: bool| {
        let body = json!({"resource": {"dashboard": 1}, "single_use": single_use});
        product.post("/v1/sessions", body).admin().send().await.json["session"].as_str().unwrap().to_owned()
    };
    let session = create(true).await;
    let redeemed = product.post("/v1/sessions/redeem", json!({ "session": session })).send().await;
    let redeemed = redeemed.json["token"].as_str().unwrap().to_owned();
    for (token, revoke) in [(create(false).await, None), (redeemed, Some(session))] {
        product.clock.set_offset(0);
        assert_eq!(product.view(&token, "").await.status, 200);
        let revoked =
            product.post("/v1/sessions/revoke", json!({"session": revoke.as_ref().unwrap_or(&token)}));
        assert_eq!(revoked.admin().send().await.status, 204);
        product.clock.set_offset(5);
        assert_eq!(product.view(&token, "").await.refusal(), (401, "token_revoked"));
    }
}

#[tokio::test]
async fn cache_entries_from_the_future_are_not_used() {
    let product = Product::start_with(&[("ResourceCacheSeconds", "5")]).await;
    product.publish("dashboard/1", json!({})).await;
    let token = long_token(&product, None, SECRET);
    product.clock.set_offset(1_000);
    assert_eq!(product.view(&token, "").await.status, 200);
    product.publish("dashboard/1", json!({"enable_embedding": false})).await;
    product.clock.set_offset(0);
    assert_eq!(product.view(&token, "").await.refusal(), (403, "resource_not_published"));
}

/// One request to DynamoDB for a view that is not cached, none for one that is.
#[tokio::test]
async fn each_call_needs_few_requests_to_dynamodb() {
    let (product, wires, shown) = with_everything(&[("ResourceCacheSeconds", "30")]).await;
    shown.warm(&product).await;
    product.wait_for_background_tasks().await;
    let with_id = product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "jti": "an id"}));
    let none: [&str; 0] = [];
    let page = format!("/embed/dashboard/{}", shown.token);
    let cases = [
        ("a cached view", product.get("/v1/view").bearer(&shown.token), &none[..]),
        ("a view whose token id is not cached", product.get("/v1/view").bearer(&with_id), &["BatchGetItem"]),
        ("the same view again", product.get("/v1/view").bearer(&with_id), &none),
        (
            "an invalid token",
            product.get("/v1/view").bearer(&sign(&json!({"exp": 1}), SECRET)),
            // The refusal record, in a background task.
            &["PutItem"],
        ),
        ("a page", product.get(&page), &none),
        ("a list", product.get("/v1/resources").admin(), &["Query"]),
        ("a list by a key", product.get("/v1/resources").bearer(&shown.key), &["GetItem", "Query"]),
        ("an exchange", product.post("/v1/sessions/redeem", json!({"session": "none"})), &["UpdateItem"]),
        (
            "a minted token",
            product.post("/v1/sessions", json!({"resource": {"dashboard": 1}})).admin(),
            &["BatchGetItem"],
        ),
    ];
    wires.dynamodb.asked();
    for (case, call, expected) in cases {
        call.send().await;
        product.wait_for_background_tasks().await;
        assert_eq!(wires.dynamodb.asked(), expected, "{case}");
    }
    product.clock.set_offset(31);
    assert_eq!(product.get("/v1/view").bearer(&shown.token).send().await.status, 200);
    product.wait_for_background_tasks().await;
    let expected = ["BatchGetItem", "UpdateItem"];
    assert_eq!(wires.dynamodb.asked(), expected, "a view, cache expired, and the number of the day's views");
    product.clock.set_offset(100);
    assert_eq!(product.get("/v1/view").bearer(&shown.token).send().await.status, 200);
    product.wait_for_background_tasks().await;
    assert_eq!(
        wires.dynamodb.asked().len(),
        3,
        "once a minute a background task writes the key's last use as well"
    );
    assert_eq!(product.get("/v1/keys").header("x-api-key", ADMIN_KEY).send().await.status, 200);
    assert_eq!(wires.dynamodb.asked(), ["Query"], "the admin key is not stored in the table");
}

/// Tries every kind of error that Secrets Manager may answer: no view opens without keys, and cached keys are
/// still used.
#[tokio::test]
async fn an_error_of_secrets_manager_opens_no_view_without_cached_keys() {
    let (product, wires, shown) = with_everything(&[("KeyCacheSeconds", "60")]).await;
    let error = |name: &str| json!({"__type": name, "message": "a text of theirs"}).to_string();
    let cases = [
        (400, error("ThrottlingException")),
        (400, error("AccessDeniedException")),
        (400, error("ResourceNotFoundException")),
        (400, error("DecryptionFailure")),
        (500, error("InternalServiceError")),
        (503, String::new()),
        (200, "<html>a proxy's page</html>".to_owned()),
        (200, "{}".to_owned()),
        (200, json!({"SecretBinary": "AAAA"}).to_string()),
    ];
    for (status, body) in &cases {
        wires.secrets_manager.set(Line::Says(*status, body.clone()));
        for token in [&shown.token, &shown.minted] {
            let answer = product.view(token, "").await;
            assert_unavailable(&answer, body);
            assert!(!answer.text.contains("theirs"), "{body}");
        }
    }
    wires.secrets_manager.set(Line::Through);
    shown.warm(&product).await;
    for (offset, (status, body)) in (1..).zip(cases) {
        wires.secrets_manager.set(Line::Says(status, body.clone()));
        product.clock.set_offset(offset * 61);
        assert_eq!(product.view(&shown.token, "").await.status, 200, "{body}");
        let forged = long_token(&product, None, NEW_SECRET);
        assert_eq!(product.view(&forged, "").await.refusal(), (401, "token_signature"), "{body}");
    }
}

/// An answer without the session is an outage, and the session is not spent.
#[tokio::test]
async fn a_garbled_answer_to_an_exchange_is_an_outage() {
    let (product, wires, shown) = with_everything(&[]).await;
    shown.warm(&product).await;
    let redeem = || product.post("/v1/sessions/redeem", json!({"session": shown.session}));
    for body in ["", "{}", "<html>", r#"{"Attributes":{}}"#, r#"{"Attributes":{"document":{"S":"{}"}}}"#] {
        wires.dynamodb.set(Line::Says(200, body.to_owned()));
        let answer = redeem().send().await;
        assert!([500, 503].contains(&answer.status.as_u16()), "{body}: {}", answer.text);
        assert_eq!(answer.json.get("token"), None, "{body}");
    }
    wires.dynamodb.set(Line::Through);
    assert_eq!(redeem().send().await.status, 200);
}

/// A failing background task does not change the answer.
#[tokio::test]
async fn a_failed_write_of_the_last_use_changes_no_answer() {
    let (product, wires, shown) = with_everything(&[]).await;
    let last_used = async || {
        product.wait_for_background_tasks().await;
        let keys = product.get("/v1/signing-keys").admin().send().await.json;
        keys["items"][0]["last_used_at"].clone()
    };
    wires.dynamodb.set(Line::CutFor("UpdateItem"));
    wires.dynamodb.asked();
    let answer = product.view(&shown.token, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(last_used().await, Value::Null);
    assert!(wires.dynamodb.asked().contains(&"UpdateItem".to_owned()), "the write was tried");

    wires.dynamodb.set(Line::Through);
    product.clock.set_offset(60);
    let later = product.view(&shown.token, "").await;
    assert_eq!((later.status, &later.json["resource"]), (answer.status, &answer.json["resource"]));
    assert_ne!(last_used().await, Value::Null, "a minute later the write succeeds");
}
