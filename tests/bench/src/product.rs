//! What the functions work with: the embedded services, something published, and credentials for it.

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine::clock::Clock;
use vitrine::settings::Settings;
use vitrine_local::assemble;
use vitrine_local::options::Kept;
use vitrine_local::services::Services;

use crate::Result;

pub struct Product {
    pub services: Services,
    /// What an owner's backend calls with.
    pub key: String,
    router: axum::Router,
}

impl Product {
    pub async fn start() -> Result<Self> {
        let kept = Kept {
            memory: true,
            data: "unused".into(),
            admin_key: None,
            signing_secret: None,
            settings: Vec::new(),
        };
        let services = Services::start(&kept, 0, 0).await?;
        let functions = assemble::functions(&services, &Settings::default(), &Clock::default()).await;
        let mut product = Self { services, key: String::new(), router: assemble::merge(functions).finish() };
        let key =
            json!({"name": "k", "role": "member", "permissions": ["sessions:create", "resources:list"]});
        let key = product.call(Method::POST, "/v1/keys", &key).await?;
        product.key = key["key"].as_str().ok_or("a key without a key")?.to_owned();
        for number in 1..=20 {
            let resource = json!({
                "title": format!("Dashboard {number}"),
                "content": {"type": "html", "html": "<h1>Hello from inside</h1>"},
                "parameters": [
                    {"slug": "customer", "name": "Customer", "type": "text"},
                    {"slug": "region", "name": "Region", "type": "category", "values": [["emea", "EMEA"]]},
                ],
                "enable_embedding": true,
                "embedding_params": {"customer": "locked", "region": "enabled"},
            });
            product.call(Method::PUT, &format!("/v1/resources/dashboard/{number}"), &resource).await?;
        }
        Ok(product)
    }

    /// What an owner's backend signs.
    pub fn token(&self) -> Result<String> {
        let exp = Clock::default().now().unix() + 36_000;
        let claims = json!({"resource": {"dashboard": 1}, "params": {"customer": "acme"}, "exp": exp});
        let secret = self.services.embedding_secret();
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
    }

    /// A session that can be exchanged once.
    pub async fn session(&self) -> Result<String> {
        let answer = self.call(Method::POST, "/v1/sessions", &session_request()).await?;
        Ok(answer["session"].as_str().ok_or("a session without a session")?.to_owned())
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.services.admin_key()))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))?;
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status();
        let answer = to_bytes(response.into_body(), usize::MAX).await?;
        if status.is_success() {
            Ok(serde_json::from_slice(&answer)?)
        } else {
            Err(format!("{path}: {status} {}", String::from_utf8_lossy(&answer)).into())
        }
    }
}

pub fn session_request() -> Value {
    json!({"resource": {"dashboard": 1}, "params": {"customer": "acme"}, "single_use": true})
}
