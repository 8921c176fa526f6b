//! The environment of the functions: the embedded services behind TLS, published resources and credentials.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tower::ServiceExt;
use vitrine::rules::clock::Clock;
use vitrine::rules::random;
use vitrine::rules::settings::Settings;
use vitrine_local::functions;
use vitrine_local::options::ServiceOptions;
use vitrine_local::services::{BUCKET, Ports, Services};

use crate::Result;
use crate::authority::Authority;
use crate::crowd;
use crate::wire::Wire;

pub struct Product {
    pub services: Services,
    ports: Ports,
    pub dynamodb: Wire,
    pub secrets_manager: Wire,
    /// The access key of the owner's backend.
    pub key: String,
    /// The query for a page in the middle of the list.
    pub middle: String,
    /// The pending version of the signing secret.
    pub pending_version: String,
    router: axum::Router,
    roots: [(&'static str, String); 3],
}

impl Product {
    /// Starts the services with this number of published dashboards.
    pub async fn start(authority: &Authority, published: usize) -> Result<Self> {
        let kept = ServiceOptions {
            memory: true,
            data: "unused".into(),
            admin_key: None,
            signing_secret: None,
            client_secret: None,
            settings: Vec::new(),
        };
        let services = Services::start(&kept)?;
        let ports = services.listen([0; 3]).await?;
        let functions = functions::connect_all(&services, &Settings::default(), &Clock::default()).await;
        let root = authority.root.display().to_string();
        let mut product = Self {
            dynamodb: Wire::before(ports.dynamodb, &authority.acceptor).await?,
            secrets_manager: Wire::before(ports.secrets_manager, &authority.acceptor).await?,
            pending_version: services.begin_rotation()?,
            key: String::new(),
            middle: String::new(),
            router: functions::merge_routes(functions).finish(),
            roots: [
                ("SSL_CERT_FILE", authority.roots.display().to_string()),
                ("NODE_EXTRA_CA_CERTS", root.clone()),
                ("AWS_CA_BUNDLE", root),
            ],
            services,
            ports,
        };
        let key =
            json!({"name": "k", "role": "member", "permissions": ["sessions:create", "resources:list"]});
        let key = product.call(Method::POST, "/v1/keys", Some(&key)).await?;
        product.key = text(&key["key"])?;
        for number in 1..=2 {
            let path = format!("/v1/resources/dashboard/{number}");
            product.call(Method::PUT, &path, Some(&resource(number))).await?;
        }
        crowd::fill(&product.services, published).await?;
        product.middle = product.middle_of(published).await?;
        Ok(product)
    }

    /// The environment variables of a function's process.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = self.services.environment(&self.ports);
        // A later entry overrides an earlier one.
        environment.push(("AWS_ENDPOINT_URL_DYNAMODB", format!("https://{}", self.dynamodb.address)));
        environment
            .push(("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("https://{}", self.secrets_manager.address)));
        environment.extend(self.roots.clone());
        environment
    }

    /// A token for dashboard 1.
    pub fn token(&self) -> Result<String> {
        self.sign(&json!({"resource": {"dashboard": 1}, "params": {"customer": "acme"}}))
    }

    /// A token signed as the owner's backend signs it.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let mut claims = claims.clone();
        claims["exp"] = (Clock::default().now().unix() + 36_000).into();
        let secret = self.services.embedding_secret();
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))?)
    }

    /// A new single-use session.
    pub async fn session(&self) -> Result<String> {
        let answer = self.call(Method::POST, "/v1/sessions", Some(&session_request(true))).await?;
        text(&answer["session"])
    }

    /// Defines a table and imports a Parquet file into it.
    pub async fn import(&self, name: &str, file: &Path) -> Result<()> {
        let file = std::fs::read(file)?;
        let table = format!("/v1/tables/{name}");
        self.put(&table, &json!({})).await?;
        let wanted =
            json!({"format": "parquet", "size": file.len(), "sha256": random::fingerprint_bytes(&file)});
        let upload = self.call(Method::POST, &format!("{table}/uploads"), Some(&wanted)).await?;
        self.services.put_file(&upload, file).await?;
        let commit = json!({"upload": upload["upload"]});
        let mut state = self.call(Method::POST, &format!("{table}/versions"), Some(&commit)).await?;
        while state["version"].is_null() {
            if state["state"] == "failed" {
                return Err(format!("the import of {name}: {state}").into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            let path = format!("{table}/uploads/{}", text(&upload["upload"])?);
            state = self.call(Method::GET, &path, None).await?;
        }
        Ok(())
    }

    /// The key and the bytes of the one imported file, as the functions read it.
    pub async fn imported_file(&self) -> Result<(String, Vec<u8>)> {
        let known: HashMap<_, _> = self.services.environment(&self.ports).into_iter().collect();
        let value = |name: &str| known.get(name).cloned().ok_or_else(|| format!("{name} is missing"));
        let (id, secret) = (value("AWS_ACCESS_KEY_ID")?, value("AWS_SECRET_ACCESS_KEY")?);
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("local"))
            .credentials_provider(Credentials::new(id, secret, None, None, "benchmark"))
            .endpoint_url(value("AWS_ENDPOINT_URL_S3")?)
            .force_path_style(true);
        let client = aws_sdk_s3::Client::from_conf(config.build());
        let listed = client.list_objects_v2().bucket(BUCKET).prefix("tables/").send().await?;
        let [file] = listed.contents() else { return Err("not exactly one imported file".into()) };
        let key = file.key().ok_or("a file without a key")?;
        let object = client.get_object().bucket(BUCKET).key(key).send().await?;
        Ok((key.to_owned(), object.body.collect().await?.to_vec()))
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// The query of the page that begins in the middle of the list, so that its position shows in the figures.
    async fn middle_of(&self, published: usize) -> Result<String> {
        let (step, mut before, mut cursor) = (1_000.min(published / 2), 0, String::new());
        while before < published / 2 {
            let path = format!("/v1/resources?{PUBLISHED}&limit={step}{cursor}");
            let page = self.call(Method::GET, &path, None).await?;
            cursor = format!("&cursor={}", text(&page["next_cursor"])?);
            before += step;
        }
        Ok(format!("{PUBLISHED}&limit=100{cursor}"))
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.services.admin_key()))
            .header("content-type", "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
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

const PUBLISHED: &str = "kind=dashboard&embeddable=true";

/// A dashboard as an owner publishes it.
pub fn resource(number: usize) -> Value {
    json!({
        "title": format!("Dashboard {number}"),
        "content": {"type": "html", "html": "<h1>Hello from inside</h1>"},
        "parameters": [
            {"slug": "customer", "name": "Customer", "type": "text"},
            {"slug": "region", "name": "Region", "type": "category", "values": [["emea", "EMEA"]]},
        ],
        "enable_embedding": true,
        "embedding_params": {"customer": "locked", "region": "enabled"},
    })
}

pub fn session_request(single_use: bool) -> Value {
    json!({"resource": {"dashboard": 1}, "params": {"customer": "acme"}, "single_use": single_use})
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().ok_or_else(|| format!("{value} is not a string"))?.to_owned())
}
