//! The product for tests: the real routers and the real SDK with an embedded engine for each test.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must stop")]

#[cfg(feature = "openapi")]
pub mod description;
#[cfg(feature = "openapi")]
pub mod schema;

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use axum::response::Response;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine::aws::environment::{Environment, Names};
use vitrine::aws::process::Process;
use vitrine::aws::storage::table::DynamoTable;
use vitrine::rules::clock::Clock;
use vitrine::rules::data::signed_request::SignedRequest;
use vitrine::rules::settings::Settings;
use vitrine_local::functions;
use vitrine_local::options::ServiceOptions;
use vitrine_local::services::{Services, TABLE};

pub const ADMIN_KEY: &str = "the-admin-key-of-the-tests";
pub const SECRET: &str = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";

pub struct Product {
    pub services: Services,
    pub clock: Clock,
    /// The functions that have no routes.
    pub rotate_key: rotate_key::State,
    pub authorize_request: authorize_request::State,
    settings: Settings,
    router: axum::Router,
}

impl Product {
    /// The routes of all functions.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// Starts an empty product without a cache of resources.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts an empty product with these settings, by name.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_behind(settings, async |_| {}).await
    }

    /// Starts an empty product with proxies between the functions and the services.
    pub async fn start_behind(
        settings: &[(&str, &str)],
        put_between: impl AsyncFnOnce(&mut Services),
    ) -> Self {
        let kept = ServiceOptions {
            memory: true,
            data: "unused".into(),
            admin_key: Some(ADMIN_KEY.to_owned()),
            signing_secret: Some(SECRET.to_owned()),
            client_secret: None,
            settings: Vec::new(),
        };
        Self::start_as(kept, settings, put_between).await
    }

    /// Starts a product with the data folder of an earlier run.
    pub async fn start_over(folder: &std::path::Path) -> Self {
        let kept = ServiceOptions {
            memory: false,
            data: folder.to_owned(),
            admin_key: None,
            signing_secret: None,
            client_secret: None,
            settings: Vec::new(),
        };
        Self::start_as(kept, &[], async |_| {}).await
    }

    async fn start_as(
        kept: ServiceOptions,
        settings: &[(&str, &str)],
        put_between: impl AsyncFnOnce(&mut Services),
    ) -> Self {
        let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let kept = ServiceOptions {
            settings: [("ResourceCacheSeconds", "0")].iter().chain(settings).map(named).collect(),
            ..kept
        };
        let mut decided = Settings::default();
        for (name, value) in &kept.settings {
            decided.set(name, value).unwrap();
        }
        let mut services = Services::start(&kept).unwrap();
        put_between(&mut services).await;
        let clock = Clock::default();
        let router =
            functions::merge_routes(functions::connect_all(&services, &decided, &clock).await).finish();
        let rotate_key = functions::rotate_key(&services, &decided, &clock).await;
        let authorize_request = functions::authorize_request(&services, &decided, &clock).await;
        Self { services, clock, rotate_key, authorize_request, settings: decided, router }
    }

    /// Has later requests answered by functions that have just started, over the same storage: as by other processes.
    pub async fn restart(&mut self) {
        let functions = functions::connect_all(&self.services, &self.settings, &self.clock).await;
        self.router = functions::merge_routes(functions).finish();
    }

    /// The same, with other settings.
    pub async fn restart_with(&mut self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.settings.set(name, value).unwrap();
        }
        self.restart().await;
    }

    pub fn request(&self, method: Method, path: &str) -> Call {
        Call {
            router: self.router.clone(),
            request: Request::builder().method(method).uri(path),
            body: Body::empty(),
        }
    }

    pub fn get(&self, path: &str) -> Call {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: Value) -> Call {
        self.request(Method::POST, path).json(body)
    }

    pub fn put(&self, path: &str, body: Value) -> Call {
        self.request(Method::PUT, path).json(body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Call {
        self.request(Method::PATCH, path).json(body)
    }

    pub fn delete(&self, path: &str) -> Call {
        self.request(Method::DELETE, path)
    }

    /// Publishes a resource with `fields` over those of an empty, published one.
    pub async fn publish(&self, name: &str, fields: Value) -> Value {
        let mut resource = json!({"title": "A resource", "enable_embedding": true});
        merge(&mut resource, fields);
        let answer = self.put(&format!("/v1/resources/{name}"), resource).admin().send().await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json
    }

    /// Creates an access key with these permissions.
    pub async fn key(&self, role: &str, permissions: &[&str]) -> String {
        let body = json!({"name": "a key", "role": role, "permissions": permissions});
        let answer = self.post("/v1/keys", body).admin().send().await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["key"].as_str().unwrap().to_owned()
    }

    /// Signs a token as an owner's backend does. Without `exp` it expires in ten minutes.
    pub fn sign(&self, claims: Value) -> String {
        self.sign_with(&Header::new(Algorithm::HS256), claims)
    }

    /// Signs a token of the type of the stack's own, in which the stack's own claims are read.
    pub fn sign_as_minted(&self, claims: Value) -> String {
        let typ = Some("embed+jwt".to_owned());
        self.sign_with(&Header { typ, ..Header::new(Algorithm::HS256) }, claims)
    }

    fn sign_with(&self, header: &Header, claims: Value) -> String {
        let mut payload = json!({"exp": self.clock.now().unix() + 600});
        merge(&mut payload, claims);
        sign_with(header, &payload, SECRET)
    }

    /// The number of items in the table.
    pub async fn items(&self) -> i32 {
        i32::try_from(self.table().await.len()).unwrap()
    }

    /// The table itself, past the functions.
    pub async fn dynamodb(&self) -> DynamoTable {
        let endpoint = format!("http://{}", self.services.dynamodb);
        let config = self.services.sdk_config().await.into_builder().endpoint_url(endpoint).build();
        let environment = Environment::new(
            Settings::default(),
            self.clock.clone(),
            Process::default(),
            Names::Process,
            config,
        );
        DynamoTable::of(&environment)
    }

    /// The items of the table once background tasks are done: their attributes, and the values of texts,
    /// numbers and flags.
    pub async fn table(&self) -> Vec<BTreeMap<String, String>> {
        self.wait_for_background_tasks().await;
        let table = self.dynamodb().await.client;
        let items = table.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default();
        let mut table = Vec::new();
        for item in items {
            let told = item.into_iter().map(|(name, value)| {
                let text = value.as_s().or_else(|_| value.as_n()).cloned();
                (name, text.or_else(|_| value.as_bool().map(bool::to_string)).unwrap_or_default())
            });
            table.push(told.collect());
        }
        table
    }

    /// Waits for the background tasks of earlier requests.
    pub async fn wait_for_background_tasks(&self) {
        self.services.process.background.finish().await;
    }

    /// Sends a request that a function signed for the bucket, as whoever was given it does.
    pub async fn send_signed(
        &self,
        method: Method,
        signed: &SignedRequest,
        body: impl Into<Body>,
    ) -> Response<Body> {
        let url: Uri = signed.url.parse().unwrap();
        let mut request = Request::builder().method(method).header("host", url.authority().unwrap().as_str());
        for (name, value) in &signed.headers {
            request = request.header(name, value);
        }
        self.services.s3_router().oneshot(request.uri(url).body(body.into()).unwrap()).await.unwrap()
    }

    /// Requests the view of a token.
    pub async fn view(&self, token: &str, query: &str) -> Answer {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        self.get(&format!("/v1/view{query}")).bearer(token).send().await
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.services.stop();
    }
}

/// A request to the product, before it is sent.
pub struct Call {
    router: axum::Router,
    request: axum::http::request::Builder,
    body: Body,
}

impl Call {
    #[must_use]
    pub fn header<V>(mut self, name: &str, value: V) -> Self
    where
        HeaderValue: TryFrom<V>,
        <HeaderValue as TryFrom<V>>::Error: Into<axum::http::Error>,
    {
        self.request = self.request.header(name, value);
        self
    }

    /// Adds what the gateway tells beside the request.
    #[must_use]
    pub fn extension(mut self, value: impl Clone + Send + Sync + 'static) -> Self {
        self.request = self.request.extension(value);
        self
    }

    #[must_use]
    pub fn bearer(self, credential: &str) -> Self {
        self.header("authorization", format!("Bearer {credential}"))
    }

    #[must_use]
    pub fn admin(self) -> Self {
        self.bearer(ADMIN_KEY)
    }

    #[must_use]
    pub fn json(self, body: Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer { status: parts.status, headers: parts.headers, text, json };
        answer.assert_described(method.as_str(), &path);
        answer
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    /// Every answer that a test gets is one that the API description has.
    #[cfg(feature = "openapi")]
    fn assert_described(&self, method: &str, path: &str) {
        let (status, content_type) = (self.status.as_u16(), self.header("content-type"));
        let found = description::contradiction(method, path, status, content_type, &self.text);
        assert_eq!(found, None);
    }

    #[cfg(not(feature = "openapi"))]
    fn assert_described(&self, _: &str, _: &str) {}

    /// The status and the reason of a refusal.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.json["reason"].as_str().unwrap_or("(none)"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or_default())
    }

    /// The fields that a refusal names.
    pub fn issues(&self) -> Vec<&str> {
        let issues = self.json["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
        issues.iter().filter_map(|issue| issue["path"].as_str()).collect()
    }
}

pub fn sign(payload: &Value, secret: &str) -> String {
    sign_with(&Header::new(Algorithm::HS256), payload, secret)
}

pub fn sign_with(header: &Header, payload: &Value, secret: &str) -> String {
    jsonwebtoken::encode(header, payload, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// Merges the members of `over` into `base`; null removes a member.
pub fn merge(base: &mut Value, over: Value) {
    let base = base.as_object_mut().expect("an object");
    for (name, value) in over.as_object().cloned().unwrap_or_default() {
        if value.is_null() {
            base.remove(&name);
        } else {
            base.insert(name, value);
        }
    }
}
