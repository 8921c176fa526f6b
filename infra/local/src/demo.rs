//! The demo: one published dashboard, and the token that a backend would sign for it.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Method, Request, header};
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine::clock::Clock;
use vitrine::error::{Error, Result};
use vitrine::http::Routes;

use crate::services::Services;
use crate::{LocalError, documents};

/// Out of the way of the numbers that an owner begins with.
const DASHBOARD: u64 = 1001;

#[derive(Clone)]
pub struct Demo {
    base_url: String,
    admin_key: String,
    secret: String,
    clock: Clock,
}

#[derive(Serialize)]
struct Embeds {
    base_url: String,
    /// The clock that the token was signed by.
    now: i64,
    embeds: [Embed; 1],
}

#[derive(Serialize)]
struct Embed {
    kind: &'static str,
    title: &'static str,
    embed_url: String,
    payload: Value,
}

impl Demo {
    pub fn new(base_url: &str, services: &Services, clock: &Clock) -> Self {
        Self {
            base_url: base_url.to_owned(),
            admin_key: services.admin_key(),
            secret: services.embedding_secret(),
            clock: clock.clone(),
        }
    }

    pub fn routes(&self) -> Routes {
        Routes::default().get("/_local/demo", embeds).with_state(self.clone()).and(documents::demo_routes())
    }

    /// Publishes the dashboard through the front door, as an owner would.
    pub async fn publish(&self, product: &Router) -> std::result::Result<(), LocalError> {
        let failed = |error: &dyn std::fmt::Display| LocalError::Demo(error.to_string());
        let request = Request::builder()
            .method(Method::PUT)
            .uri(format!("/v1/resources/dashboard/{DASHBOARD}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.admin_key))
            .body(Body::from(dashboard().to_string()))
            .map_err(|error| failed(&error))?;
        let response = product.clone().oneshot(request).await.map_err(|error| failed(&error))?;
        if response.status().is_success() {
            return Ok(());
        }
        let body = to_bytes(response.into_body(), 64 * 1024).await.map_err(|error| failed(&error))?;
        Err(failed(&String::from_utf8_lossy(&body)))
    }
}

fn dashboard() -> Value {
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

/// What the backend of the demo's host page does: ten lines of its own, and no call to us.
async fn embeds(State(demo): State<Demo>) -> Result<axum::Json<Embeds>> {
    let now = demo.clock.now().unix();
    let payload = json!({
        "resource": {"dashboard": DASHBOARD},
        "params": {"customer": "acme"},
        "exp": now + 600,
    });
    let key = EncodingKey::from_secret(demo.secret.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &payload, &key).map_err(Error::internal)?;
    let embed = Embed {
        kind: "dashboard",
        title: "Quarterly revenue",
        embed_url: format!("/embed/dashboard/{token}"),
        payload,
    };
    Ok(axum::Json(Embeds { base_url: demo.base_url, now, embeds: [embed] }))
}
