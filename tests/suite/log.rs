//! The log: one line for each request, with its ids and without credentials.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use axum::http::Method;
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, set_default};
use vitrine::http::log::{crate_of, json_lines};
use vitrine_local::functions::crates_that_log;
use vitrine_tests::{ADMIN_KEY, Answer, Call, Product, SECRET, merge, sign};

use crate::forge;
use crate::wire::{Line, wired};

/// A second subscriber. With only one in the process, a callsite's interest would depend on the first thread
/// that reaches it.
static SECOND: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(json_lines(LevelFilter::TRACE, crates_that_log(), io::sink)));

/// A writer that keeps the lines instead of printing them.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn keep(level: LevelFilter) -> (Self, DefaultGuard) {
        LazyLock::force(&SECOND);
        let log = Self::default();
        let writer = log.clone();
        (log, set_default(json_lines(level, crates_that_log(), move || writer.clone())))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// All lines. Each must be JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect()
    }

    /// The final lines of the requests, by request id. Each request has exactly one.
    fn ends(&self) -> BTreeMap<String, Value> {
        let mut ends = BTreeMap::new();
        for line in self.lines() {
            if ["answered", "refused", "failed"].iter().any(|end| line["message"] == *end) {
                let id = line["span"]["request_id"].as_str().unwrap().to_owned();
                assert_eq!(ends.insert(id, line), None, "two final lines");
            }
        }
        ends
    }

    fn end_of(&self, answer: &Answer) -> Value {
        self.ends().remove(answer.header("x-request-id")).unwrap()
    }
}

const LOCKED: &str = "locked-value-Zq81";
const ASKED: &str = "asked-value-Wk27";
const ATTRIBUTE: &str = "attribute-value-Tn53";
const VIEWER: &str = "viewer-name-Rb66";
const DEFAULT: &str = "default-value-Hc19";

async fn publish(product: &Product) {
    let parameters = json!([
        {"slug": "customer", "name": "Customer", "type": "text"},
        {"slug": "city", "name": "City", "type": "text"},
        {"slug": "year", "name": "Year", "type": "text", "default": DEFAULT},
        {"slug": "plan", "name": "Plan", "type": "text", "default": DEFAULT},
    ]);
    let policy =
        json!({"customer": "locked", "city": {"attribute": "city"}, "year": "enabled", "plan": "disabled"});
    product.publish("dashboard/1", json!({"parameters": parameters, "embedding_params": policy})).await;
    product.publish("dashboard/2", json!({"enable_embedding": false})).await;
}

fn claims(product: &Product) -> Value {
    json!({
        "resource": {"dashboard": 1},
        "params": {"customer": LOCKED},
        "viewer": {"id": VIEWER, "attributes": {"city": ATTRIBUTE}},
        "exp": product.clock.now().unix() + 600,
    })
}

/// A run with valid and invalid credentials, and all the texts in it that must not be logged.
struct Run {
    product: Product,
    answers: Vec<Answer>,
    hidden: Vec<String>,
}

impl Run {
    async fn send(&mut self, call: Call) -> Answer {
        let answer = call.send().await;
        let copy = Answer {
            status: answer.status,
            headers: answer.headers.clone(),
            text: String::new(),
            json: answer.json.clone(),
        };
        self.answers.push(copy);
        answer
    }

    /// Remembers a credential and each usable part of it as texts that must not be logged.
    fn hide(&mut self, credential: &str) -> String {
        self.hidden.push(credential.to_owned());
        self.hidden.extend(credential.split('.').filter(|part| part.len() > 8).map(str::to_owned));
        if let Some((_, secret)) = credential.strip_prefix("sk-").and_then(|rest| rest.split_once('-')) {
            self.hidden.push(secret.to_owned());
        }
        credential.to_owned()
    }

    async fn tokens(&mut self) {
        let now = self.product.clock.now().unix();
        let variants = [
            json!({}),
            json!({"exp": now - 600}),
            json!({"exp": LOCKED}),
            json!({"exp": now + 1_000_000}),
            json!({"nbf": now + 600}),
            json!({"jti": "id-of-a-token-Vd31"}),
            json!({"sid": "session-of-a-token-Xs74"}),
            json!({"sub": VIEWER, "iss": "https://issuer.example"}),
            json!({"resource": null}),
            json!({"resource": {"dashboard": LOCKED}}),
            json!({"resource": {"dashboard": 2}}),
            json!({"resource": {"dashboard": 9}}),
            json!({"params": null}),
            json!({"params": [LOCKED]}),
            json!({"params": {}}),
            json!({"params": {"customer": {"deep": LOCKED}}}),
            json!({"params": {"customer": LOCKED, "plan": LOCKED}}),
            json!({"params": {"customer": LOCKED, "unknown": LOCKED}}),
            json!({"params": {"customer": LOCKED, "year": ASKED}}),
            json!({"viewer": {"id": VIEWER}}),
            json!({"viewer": VIEWER}),
        ];
        let mut tokens =
            vec!["garbage-as-a-token-Lm90".to_owned(), "one.two-parts-Lm91".to_owned(), "a".repeat(9_000)];
        for fields in variants {
            let mut claims = claims(&self.product);
            merge(&mut claims, fields);
            let signed = sign(&claims, SECRET);
            tokens.extend([sign(&claims, &"0".repeat(64)), format!("{signed}="), signed]);
        }
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256","kid":"invented-kid-Pq12"}"#,
            r#"{"alg":"HS256","jku":"https://evil.example/Pq13"}"#,
            r#"{"alg":"#,
        ] {
            tokens.push(forge::compact(header, &claims(&self.product).to_string(), SECRET.as_bytes()));
        }
        for token in tokens {
            let token = self.hide(&token);
            let calls = [
                self.product.get("/v1/view").bearer(&token),
                self.product.get(&format!("/v1/view/dashboard?year={ASKED}")).bearer(&token),
                self.product.get(&format!("/v1/view?customer={ASKED}")).bearer(&token),
                self.product.get(&format!("/v1/view?{ASKED}={ASKED}")).bearer(&token),
                self.product
                    .get(&format!("/v1/view?parameters=%7B%22year%22%3A%22{ASKED}%22%7D"))
                    .bearer(&token),
                self.product.get(&format!("/v1/view?token={token}")),
                self.product.get(&format!("/v1/view/{token}")),
                self.product.get(&format!("/embed/dashboard/{token}")),
                self.product.get(&format!("/embed/dive/{token}?x={ASKED}")),
                self.product.get(&format!("/embed/nothing/{token}")),
                self.product.get(&format!("/{token}")),
                self.product.request(Method::PATCH, &format!("/embed/dashboard/{token}")),
                self.product.post("/v1/introspect", json!({ "token": token })).admin(),
                self.product.post("/v1/introspect", json!({ "token": token })).bearer(&token),
                self.product.post("/v1/sessions/redeem", json!({ "session": token })),
                self.product.post("/v1/sessions/redeem", json!({ "token": token })),
                self.product.get("/v1/resources").header("x-api-key", &token),
                self.product.get(&format!("/v1/resources/dashboard/{token}")).admin(),
                self.product.get(&format!("/v1/resources?cursor={token}")).admin(),
                self.product.delete(&format!("/v1/keys/{token}")).admin(),
            ];
            for call in calls {
                self.send(call).await;
            }
        }
    }

    async fn sessions(&mut self) {
        for single_use in [false, true] {
            let wanted = json!({
                "resource": {"dashboard": 1}, "params": {"customer": LOCKED}, "single_use": single_use,
                "viewer": {"id": VIEWER, "attributes": {"city": ATTRIBUTE}},
            });
            let call = self.product.post("/v1/sessions", wanted).admin();
            let created = self.send(call).await;
            let session = self.hide(created.json["session"].as_str().unwrap());
            let mut calls = vec![
                self.product.get(&format!("/v1/view?year={ASKED}")).bearer(&session),
                self.product.get(&format!("/v1/sessions/{session}")),
                self.product
                    .request(Method::POST, "/v1/sessions/redeem")
                    .body(format!("{{\"session\":\"{session}\"")),
                self.product.post("/v1/sessions/redeem", json!({"session": session, "session2": session})),
            ];
            calls.push(self.product.post("/v1/sessions/redeem", json!({ "session": session })));
            for call in calls {
                let answer = self.send(call).await;
                if let Some(token) = answer.json["token"].as_str() {
                    let token = self.hide(token);
                    let view = self.product.get("/v1/view").bearer(&token);
                    self.send(view).await;
                }
            }
            for _ in 0..2 {
                let call = self.product.post("/v1/sessions/revoke", json!({ "session": session })).admin();
                self.send(call).await;
            }
            let call = self.product.get("/v1/view").bearer(&session);
            self.send(call).await;
        }
        for fields in [
            json!({"params": {"customer": LOCKED, "plan": LOCKED}}),
            json!({"params": LOCKED}),
            json!({"viewer": {"id": [VIEWER]}}),
        ] {
            let mut wanted = json!({"resource": {"dashboard": 1}});
            merge(&mut wanted, fields);
            let call = self.product.post("/v1/sessions", wanted).admin();
            self.send(call).await;
        }
    }

    async fn keys(&mut self) {
        let call = self
            .product
            .post("/v1/keys", json!({"name": "k", "role": "member", "permissions": ["resources:list"]}))
            .admin();
        let key = self.send(call).await.json["key"].as_str().unwrap().to_owned();
        let key = self.hide(&key);
        let wrong = format!("{}{}", &key[..key.len() - 4], "Zz9Z");
        let wrong = self.hide(&wrong);
        let invented = self.hide("an-invented-key-Gf45");
        for shown in [key.as_str(), &wrong, &invented, ADMIN_KEY, SECRET] {
            let calls = [
                self.product.get("/v1/resources").bearer(shown),
                self.product.get("/v1/keys").header("x-api-key", shown),
                self.product.get("/v1/keys").header("authorization", format!("Api-Key {shown}")),
                self.product.get("/v1/keys").header("x-metabase-session", shown),
                self.product.get(&format!("/v1/keys?key={shown}")),
                self.product.get(&format!("/v1/resources?cursor={shown}")).admin(),
                self.product.get(&format!("/v1/keys/{shown}")).admin(),
                self.product.post("/v1/keys", json!({"name": "k", "role": shown})).admin(),
                self.product.request(Method::POST, "/v1/keys").admin().body(shown.to_owned()),
                self.product.get("/v1/view").bearer(shown),
                self.product.get(&format!("/embed/dashboard/{shown}")),
            ];
            for call in calls {
                self.send(call).await;
            }
        }
    }
}

#[tokio::test]
async fn the_log_contains_no_credentials() {
    for level in [LevelFilter::DEBUG, LevelFilter::TRACE] {
        let (log, _guard) = Log::keep(level);
        let product = Product::start().await;
        publish(&product).await;
        let hidden =
            [SECRET, ADMIN_KEY, LOCKED, ASKED, ATTRIBUTE, VIEWER, DEFAULT].map(str::to_owned).to_vec();
        let mut run = Run { product, answers: Vec::new(), hidden };
        run.tokens().await;
        run.sessions().await;
        run.keys().await;
        // The header that all tokens share is not a secret.
        let shared = forge::base64url(r#"{"typ":"JWT","alg":"HS256"}"#);
        run.hidden.retain(|hidden| *hidden != shared);
        let text = log.text();
        for hidden in &run.hidden {
            let line = text.lines().find(|line| line.contains(hidden.as_str()));
            assert_eq!(line, None, "{level}: {hidden:.60}");
        }
        assert!(text.len() > 100_000, "{level}: the log was captured");

        let routes = declared(&run.product).await;
        let ends = log.ends();
        // Two resources were published before this.
        assert_eq!(ends.len(), run.answers.len() + 2, "{level}");
        for answer in &run.answers {
            let line = &ends[answer.header("x-request-id")];
            let status = answer.status.as_u16();
            assert_eq!(line["status"], status, "{line}");
            assert!(line["milliseconds"].is_u64(), "{line}");
            assert!(line["span"]["method"].is_string(), "{line}");
            let route = line["span"]["route"].as_str().unwrap();
            assert!(route == "none" || routes.contains(&route), "{line}");
            if status < 400 {
                assert_eq!((&line["message"], &line["reason"]), (&json!("answered"), &Value::Null), "{line}");
            } else {
                assert_eq!(
                    (&line["message"], &line["reason"]),
                    (&json!("refused"), &answer.json["reason"]),
                    "{line}"
                );
            }
        }
    }
}

/// A function logs the lines of its own crate, which is the one that defines its state. Lines of dependencies below WARN
/// are not written.
#[test]
fn info_lines_of_functions_are_written_and_those_of_dependencies_are_not() {
    macro_rules! log_a_line_for_each {
        (
            with_routes { $($routed:ident = $routed_name:literal),+ $(,)? }
            without_routes { $($called:ident = $called_name:literal),+ $(,)? }
        ) => {{
            $(assert_eq!(crate_of::<$routed::State>(), stringify!($routed));)+
            $(assert_eq!(crate_of::<$called::State>(), stringify!($called));)+
            $(tracing::info!(target: concat!(stringify!($routed), "::module"), $routed_name);)+
            $(tracing::info!(target: concat!(stringify!($called), "::module"), $called_name);)+
        }};
    }
    let (log, _guard) = Log::keep(LevelFilter::INFO);
    vitrine_local::for_each_function!(log_a_line_for_each);
    for name in vitrine_local::functions::NAMES {
        let written = log.lines().iter().filter(|line| line["message"] == *name).count();
        assert_eq!(written, 1, "the log's filter misses {name}");
    }
    tracing::info!(target: "hyper::client", "of a dependency");
    tracing::warn!(target: "hyper::client", "a warning of a dependency");
    let messages: Vec<_> = log.lines().iter().map(|line| line["message"].clone()).collect();
    assert!(!messages.contains(&json!("of a dependency")));
    assert!(messages.contains(&json!("a warning of a dependency")));
}

async fn declared(product: &Product) -> Vec<&'static str> {
    let settings = vitrine::rules::settings::Settings::default();
    let functions = vitrine_local::functions::connect_all(&product.services, &settings, &product.clock).await;
    functions.iter().flat_map(|function| function.routes.declared()).map(|(_, path)| *path).collect()
}

/// The ids of the caller, the key and the resource.
#[tokio::test]
async fn each_line_holds_the_ids_of_its_request() {
    let (log, _guard) = Log::keep(LevelFilter::INFO);
    let product = Product::start().await;
    publish(&product).await;
    let made = product.post("/v1/keys", json!({"name": "k", "role": "admin"})).admin().send().await;
    let (id, key) = (made.json["id"].as_str().unwrap(), made.json["key"].as_str().unwrap());
    let good = sign(&claims(&product), SECRET);
    let mut locked_out = claims(&product);
    locked_out["params"] = json!({});
    let locked_out = sign(&locked_out, SECRET);
    let expired = product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": 1}));
    let forged = sign(&claims(&product), &"0".repeat(64));
    let session = json!({
        "resource": {"dashboard": 1}, "params": {"customer": "acme"}, "viewer": {"attributes": {"city": "x"}},
    });
    let (resource, none) = ("dashboard#1", Value::Null);
    let cases = [
        // call, route, status, reason, resource, key, caller
        (
            product.get("/v1/view").bearer(&good),
            "/v1/view",
            200,
            none.clone(),
            json!(resource),
            json!("local"),
            none.clone(),
        ),
        (
            product.get("/v1/view/dashboard").bearer(&good),
            "/v1/view/{kind}",
            200,
            none.clone(),
            json!(resource),
            json!("local"),
            none.clone(),
        ),
        (
            product.get("/v1/view").bearer(&locked_out),
            "/v1/view",
            400,
            json!("parameter_locked_missing"),
            json!(resource),
            json!("local"),
            none.clone(),
        ),
        (
            product.get("/v1/view").bearer(&forged),
            "/v1/view",
            401,
            json!("token_signature"),
            none.clone(),
            none.clone(),
            none.clone(),
        ),
        (
            product.get("/v1/view"),
            "/v1/view",
            401,
            json!("token_missing"),
            none.clone(),
            none.clone(),
            none.clone(),
        ),
        (
            product.get("/v1/resources/dashboard/1").bearer(key),
            "/v1/resources/{kind}/{id}",
            200,
            none.clone(),
            json!(resource),
            none.clone(),
            json!(id),
        ),
        (
            product.get("/v1/resources/dashboard/9").bearer(key),
            "/v1/resources/{kind}/{id}",
            404,
            json!("resource_not_found"),
            json!("dashboard#9"),
            none.clone(),
            json!(id),
        ),
        (
            product.get("/v1/resources").admin(),
            "/v1/resources",
            200,
            none.clone(),
            none.clone(),
            none.clone(),
            json!("bootstrap"),
        ),
        (
            product.get("/v1/keys").bearer("garbage"),
            "/v1/keys",
            401,
            json!("access_key_unknown"),
            none.clone(),
            none.clone(),
            none.clone(),
        ),
        (
            product.post("/v1/sessions", session).bearer(key),
            "/v1/sessions",
            201,
            none.clone(),
            json!(resource),
            none.clone(),
            json!(id),
        ),
        (
            product.post("/v1/introspect", json!({"token": good})).bearer(key),
            "/v1/introspect",
            200,
            none.clone(),
            json!(resource),
            json!("local"),
            json!(id),
        ),
        (
            product.delete(&format!("/v1/keys/{id}")).bearer(key),
            "/v1/keys/{id}",
            204,
            none.clone(),
            none.clone(),
            none.clone(),
            json!(id),
        ),
        (
            product.get("/nothing"),
            "none",
            404,
            json!("route_not_found"),
            none.clone(),
            none.clone(),
            none.clone(),
        ),
    ];
    for (call, route, status, reason, resource, key, caller) in cases {
        let answer = call.send().await;
        let line = log.end_of(&answer);
        assert_eq!((&line["status"], &line["reason"]), (&json!(status), &reason), "{line}");
        let span = &line["span"];
        assert_eq!(
            (&span["route"], &span["resource"], &span["key"], &span["caller"]),
            (&json!(route), &resource, &key, &caller),
            "{line}"
        );
    }
    // The reason why a token is inactive is for the owner, not for the caller.
    let asked = product.post("/v1/introspect", json!({ "token": expired })).admin().send().await;
    assert_eq!(asked.text, r#"{"active":false}"#);
    let id = asked.header("x-request-id");
    let lines = log.lines();
    let told =
        lines.iter().find(|line| line["span"]["request_id"] == id && line["message"] == "inactive").unwrap();
    assert_eq!(told["reason"], "token_expired");
}

#[tokio::test]
async fn failures_are_logged_without_the_input() {
    let (log, _guard) = Log::keep(LevelFilter::DEBUG);
    let (product, wires) = wired(&[]).await;
    publish(&product).await;
    let good = sign(&claims(&product), SECRET);
    assert_eq!(product.view(&good, "").await.status, 200);
    let theirs =
        json!({"__type": "ValidationException", "message": format!("about {LOCKED} {SECRET}")}).to_string();
    let mut answers = Vec::new();
    for line in [
        Line::Cut,
        Line::Says(400, theirs),
        Line::Says(500, SECRET.to_owned()),
        Line::Says(200, SECRET.to_owned()),
    ] {
        wires.dynamodb.set(line);
        answers.push(product.view(&good, &format!("year={ASKED}")).await);
        answers.push(product.get("/v1/keys").admin().send().await);
        answers.push(product.post("/v1/introspect", json!({ "token": good })).admin().send().await);
    }
    wires.dynamodb.set(Line::Through);
    for (offset, document) in
        (1..).zip([format!("{SECRET} "), json!({"kid": "k", "secret": SECRET.to_uppercase()}).to_string()])
    {
        product.services.put_signing_keys(&document).unwrap();
        product.clock.set_offset(61 * offset);
        assert_eq!(product.view(&good, "").await.status, 200);
        answers.push(product.get("/healthz").send().await);
    }
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let line = log.end_of(answer);
        // A request that DynamoDB does not take is a fault of ours, and no outage.
        let is_invalid =
            line["detail"].as_str().is_some_and(|detail| detail.ends_with("ValidationException"));
        let reason = if is_invalid { "internal" } else { "unavailable" };
        assert_eq!(
            (&line["message"], &line["reason"], &line["level"]),
            (&json!("failed"), &json!(reason), &json!("ERROR")),
            "{line}"
        );
        assert!(line["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{line}");
    }
    let text = log.text();
    for hidden in [SECRET, &SECRET.to_uppercase(), ADMIN_KEY, LOCKED, ASKED, &good] {
        assert_eq!(text.lines().find(|line| line.contains(hidden)), None);
    }
    let warned = log.lines().iter().filter(|line| line["level"] == "WARN").count();
    assert!(warned >= 2, "a failed refresh of the keys is logged");
}

/// A second redemption of a session is logged with both times and without the session.
#[tokio::test]
async fn a_second_redemption_of_a_session_is_logged() {
    for revoked in [false, true] {
        let (log, _guard) = Log::keep(LevelFilter::INFO);
        let product = Product::start_with(&[("RevokeOnReplay", &revoked.to_string())]).await;
        let body = json!({"deploymentId": 1, "externalId": VIEWER});
        let made = product.post("/api/v1/embed/generate-session", body).admin().send().await;
        let session = made.json["sessionId"].as_str().unwrap();
        let exchange = || product.post("/api/v1/embed/session/token", json!({ "sessionId": session }));
        let token = exchange().send().await.json["token"].as_str().unwrap().to_owned();
        assert!(!log.text().contains("session_replayed"));
        product.clock.set_offset(1_000);
        let second = exchange().send().await;
        let lines = log.lines();
        let alarms: Vec<_> = lines.iter().filter(|line| line["alarm"] == "session_replayed").collect();
        let [alarm] = alarms[..] else { panic!("{lines:?}") };
        let moment =
            |name: &str| alarm[name].as_str().unwrap().parse::<vitrine::rules::clock::Timestamp>().unwrap();
        let between = moment("second_exchange").since(moment("first_exchange"));
        assert!((999..=1_005).contains(&between), "{alarm}");
        assert_eq!(alarm["span"]["request_id"], second.header("x-request-id"));
        assert_eq!(alarm["level"], "WARN");
        assert_eq!(alarm["first_token_revoked"], revoked);
        for hidden in [session, &token, VIEWER] {
            assert!(!log.text().contains(hidden), "{hidden}");
        }
    }
}

/// Routes of the vendors ignore what newer clients send, and tell the owner which fields.
#[tokio::test]
async fn ignored_fields_are_logged_by_name_and_without_values() {
    let (log, _guard) = Log::keep(LevelFilter::INFO);
    let product = Product::start().await;
    let mut body =
        json!({"deploymentId": 1, "externalId": VIEWER, "newer": LOCKED, "x\ny\"": {"inner": LOCKED}});
    let sent = product.post("/api/v1/embed/generate-session", body.clone()).admin().send().await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let notices = |log: &Log| -> Vec<Value> {
        log.lines().into_iter().filter(|line| line["message"] == "unknown fields ignored").collect()
    };
    let [notice] = &notices(&log)[..] else { panic!("{}", log.text()) };
    assert_eq!((&notice["fields"], &notice["count"]), (&json!("newer, x\ny\""), &json!(2)));
    assert_eq!(notice["span"]["request_id"], sent.header("x-request-id"));

    for number in 0..500 {
        body[format!("{number}{}", "n".repeat(200))] = json!(LOCKED);
    }
    assert_eq!(product.post("/api/v1/embed/generate-session", body).admin().send().await.status, 200);
    let many = &notices(&log)[1];
    assert_eq!(many["count"], 502);
    assert!(many["fields"].as_str().unwrap().len() < 1_300, "{many}");

    let known = json!({"deploymentId": 1, "externalId": VIEWER, "tenantId": 7});
    assert_eq!(product.post("/api/v1/embed/generate-session", known).admin().send().await.status, 200);
    assert_eq!(notices(&log).len(), 2, "fields of older clients are known");
    for (path, body) in [
        ("/v1/users", json!({"username": "acme", "newer": LOCKED})),
        ("/v1/users/acme/tokens", json!({"name": "t", "newer": LOCKED})),
        ("/api/v1/user-attributes", json!({"name": "city", "type": "string", "newer": LOCKED})),
    ] {
        let before = notices(&log).len();
        assert!(product.post(path, body).admin().send().await.status.is_success(), "{path}");
        assert_eq!(notices(&log).len(), before + 1, "{path}");
    }
    assert!(!log.text().contains(LOCKED));
}
