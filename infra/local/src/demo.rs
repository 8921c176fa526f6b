//! The demo: three published embeds, one for each dialect, and the backend of the host page that shows them.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{Method, Request, header};
use deserr::Deserr;
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine::http::{HttpResult, Query, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::settings::Settings;

use crate::services::Services;
use crate::{LocalError, static_files};

/// High numbers, so that they do not collide with those that an owner starts with.
const REVENUE: u64 = 1001;
const DELIVERIES: u64 = 1002;
const FLEET: &str = "5f0b6a52-6f0e-4b52-9a0d-8f1c3a7f2d10";
const VIEWER: &str = "northwind_viewer";

/// Lifetime of a token that the demo's backend signs.
const SECONDS: i64 = 600;

#[derive(Clone)]
pub struct Demo {
    base_url: String,
    admin_key: String,
    secret: String,
    deployment: Deployment,
    clock: Clock,
    /// The product's router, set once it is complete. The demo's backend calls it like any other backend.
    product: Arc<OnceLock<Router>>,
}

#[derive(Serialize)]
struct Embed {
    title: &'static str,
    src: String,
    base_url: String,
    /// The claims or the request body that the backend made.
    payload: Value,
    seconds: i64,
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
struct Wanted {
    /// Lifetime of the token.
    #[deserr(default, try_from(String) = parse_seconds -> Wrong)]
    seconds: Option<i64>,
}

fn parse_seconds(text: String) -> std::result::Result<Option<i64>, Wrong> {
    let seconds = text.parse().ok().filter(|seconds| (1..=SECONDS).contains(seconds));
    seconds.map(Some).ok_or(Wrong("must be 1 to 600 seconds"))
}

impl Demo {
    pub fn new(base_url: &str, services: &Services, settings: &Settings, clock: &Clock) -> Self {
        Self {
            base_url: base_url.to_owned(),
            admin_key: services.admin_key(),
            secret: services.embedding_secret(),
            deployment: settings.first_deployment(),
            clock: clock.clone(),
            product: Arc::default(),
        }
    }

    pub fn routes(&self) -> Routes {
        Routes::default()
            .get("/demo/embed/{dialect}", embed)
            .with_state(self.clone())
            .and(static_files::demo_routes())
    }

    /// Publishes the demo's resources through the product's API, as an owner does.
    pub async fn publish(&self, product: &Router) -> std::result::Result<(), LocalError> {
        let product = self.product.get_or_init(|| product.clone());
        for (method, path, body) in [
            (Method::PUT, format!("/v1/resources/dashboard/{REVENUE}"), revenue()),
            (Method::POST, "/v1/attributes".to_owned(), json!({"name": "city", "type": "string"})),
            (Method::PUT, format!("/v1/resources/dashboard/{DELIVERIES}"), deliveries()),
            (Method::PUT, format!("/v1/resources/dive/{FLEET}"), fleet()),
            (
                Method::POST,
                "/v1/users".to_owned(),
                json!({"username": VIEWER, "attributes": {"depot": "north"}}),
            ),
        ] {
            match self.call(product, method, &path, &body).await {
                // The account exists from an earlier run.
                Err((409, _)) => {}
                Err((_, cause)) => return Err(LocalError::Demo(format!("{path}: {cause}"))),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Calls the product. An error is the status and the body.
    async fn call(
        &self,
        product: &Router,
        method: Method,
        path: &str,
        body: &Value,
    ) -> std::result::Result<Value, (u16, String)> {
        let failed = |error: &dyn std::fmt::Display| (500, error.to_string());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.admin_key))
            .header(header::HOST, self.base_url.trim_start_matches("http://"))
            .body(Body::from(body.to_string()))
            .map_err(|error| failed(&error))?;
        let response = product.clone().oneshot(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1024 * 1024).await.map_err(|error| failed(&error))?;
        if status.is_success() {
            Ok(serde_json::from_slice(&body).unwrap_or_default())
        } else {
            Err((status.as_u16(), String::from_utf8_lossy(&body).into_owned()))
        }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let product = self.product.get().ok_or_else(|| Error::internal("the demo is not published"))?;
        self.call(product, method, path, body).await.map_err(|(_, cause)| Error::internal(cause))
    }

    /// A token that the backend signs itself, without calling the product.
    fn signed(&self, seconds: i64) -> Result<Embed> {
        let payload = json!({
            "resource": {"dashboard": REVENUE},
            "params": {"customer": "acme"},
            "exp": self.clock.now().unix() + seconds,
        });
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &payload, &key).map_err(Error::internal)?;
        let src = format!("{}/embed/dashboard/{token}", self.base_url);
        Ok(self.embed("Quarterly revenue", src, payload, seconds))
    }

    /// An embed session for an external user.
    async fn session(&self) -> Result<Embed> {
        let payload = json!({
            "deploymentId": self.deployment,
            "externalId": "ann@acme.example",
            "userAttributes": [{"name": "city", "value": "Berlin"}],
        });
        let made = self.ask(Method::POST, "/api/v1/embed/generate-session", &payload).await?;
        let path = format!("/v1/resources/dashboard/{DELIVERIES}");
        let dashboard = self.ask(Method::GET, &path, &Value::Null).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, session) = (text(&dashboard["public_id"]), text(&made["sessionId"]));
        let src = format!("{}/embed/dashboard/{id}?session={session}", self.base_url);
        Ok(self.embed("Deliveries", src, payload, 86_400))
    }

    /// An embed session for a dive.
    async fn dive(&self) -> Result<Embed> {
        let payload = json!({"username": VIEWER, "initial_state": {"order": "fullest"}});
        let made = self.ask(Method::POST, &format!("/v1/dives/{FLEET}/embed-session"), &payload).await?;
        let session = made["session"].as_str().unwrap_or_default();
        let src = format!("{}/sandbox/#session={session}", self.base_url);
        Ok(self.embed("Fleet", src, payload, 86_400))
    }

    fn embed(&self, title: &'static str, src: String, payload: Value, seconds: i64) -> Embed {
        Embed { title, src, base_url: self.base_url.clone(), payload, seconds }
    }
}

fn revenue() -> Value {
    json!({
        "title": "Quarterly revenue",
        "description": "Recognised revenue by quarter and region, in US dollars.",
        "content": {"type": "html", "html": include_str!("../assets/content/revenue.html")},
        "parameters": [
            {"slug": "customer", "name": "Customer", "type": "category"},
            {
                "slug": "region", "name": "Region", "type": "category", "multiple": true,
                "values": [["amer", "Americas"], ["emea", "EMEA"], ["apac", "APAC"]],
            },
            {"slug": "year", "name": "Year", "type": "number", "default": 2026},
        ],
        "enable_embedding": true,
        "embedding_params": {"customer": "locked", "region": "enabled", "year": "enabled"},
    })
}

fn deliveries() -> Value {
    json!({
        "title": "Deliveries",
        "content": {"type": "html", "html": include_str!("../assets/content/deliveries.html")},
        "parameters": [
            {"slug": "city", "name": "City", "type": "text"},
            {
                "slug": "status", "name": "Status", "type": "category",
                "values": [["delivered", "Delivered"], ["on its way", "On its way"], ["late", "Late"]],
            },
        ],
        "enable_embedding": true,
        "embedding_params": {"city": {"attribute": "city"}, "status": "enabled"},
    })
}

fn fleet() -> Value {
    json!({
        "title": "Fleet",
        "content": {"type": "html", "html": include_str!("../assets/content/fleet.html")},
        "parameters": [{"slug": "depot", "name": "Depot", "type": "text"}],
        "enable_embedding": true,
        "embedding_params": {"depot": {"attribute": "depot"}},
    })
}

/// The backend of the host page. It holds the admin key and the secret; the page gets an embed URL only.
async fn embed(
    State(demo): State<Demo>,
    Path(dialect): Path<String>,
    Query(wanted): Query<Wanted>,
) -> HttpResult<axum::Json<Embed>> {
    let embed = match dialect.as_str() {
        "metabase" => demo.signed(wanted.seconds.unwrap_or(SECONDS)),
        "cube" => demo.session().await,
        "motherduck" => demo.dive().await,
        _ => Err(Reason::RouteNotFound.into()),
    };
    Ok(embed.map(axum::Json)?)
}
