//! The demo: three published embeds, one for each dialect, and the backend of the host page that shows them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

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
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::random;
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::settings::Settings;

use crate::services::Services;
use crate::{LocalError, orders, revenue, static_files};

/// High numbers, so that they do not collide with those that an owner starts with.
const REVENUE: u64 = 1001;
const DELIVERIES: u64 = 1002;
const FLEET: &str = "5f0b6a52-6f0e-4b52-9a0d-8f1c3a7f2d10";

/// A table open to whoever may see a resource that queries it: its resources lock the customer.
const ORDERS: &str = "orders";
/// The same rows behind row policies, by the viewer's city or depot.
const DELIVERIES_TABLE: &str = "deliveries";

/// Viewers that the page can switch between; the first of each list is shown at first.
const CUSTOMERS: [&str; 3] = ["acme", "globex", "initech"];
const PEOPLE: [(&str, &str); 3] =
    [("ann@acme.example", "Berlin"), ("bruno@acme.example", "Lisbon"), ("chloe@acme.example", "Toronto")];
const ACCOUNTS: [(&str, &str); 2] = [("northwind_north", "north"), ("northwind_south", "south")];

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
    /// A name of the dialect's list of viewers; else the first.
    #[deserr(default)]
    viewer: Option<String>,
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

    /// Publishes the demo's tables and resources through the product's API, as an owner does.
    pub async fn publish(
        &self,
        product: &Router,
        services: &Services,
    ) -> std::result::Result<(), LocalError> {
        let product = self.product.get_or_init(|| product.clone());
        self.publish_table(product, services, ORDERS, &json!({"description": "Made-up orders"})).await?;
        self.publish_table(product, services, DELIVERIES_TABLE, &deliveries_table()).await?;
        let accounts = ACCOUNTS.map(|(username, depot)| {
            (
                "/v1/users".to_owned(),
                Method::POST,
                json!({"username": username, "attributes": {"depot": depot}}),
            )
        });
        let resources = [
            (format!("/v1/resources/dashboard/{REVENUE}"), Method::PUT, revenue::dashboard()),
            ("/v1/attributes".to_owned(), Method::POST, json!({"name": "city", "type": "string"})),
            (format!("/v1/resources/dashboard/{DELIVERIES}"), Method::PUT, deliveries()),
            (format!("/v1/resources/dive/{FLEET}"), Method::PUT, fleet()),
        ];
        for (path, method, body) in resources.into_iter().chain(accounts) {
            match self.call(product, method, &path, &body).await {
                // The account exists from an earlier run.
                Err((409, _)) => {}
                Err((_, cause)) => return Err(LocalError::Demo(format!("{path}: {cause}"))),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Defines a table and imports the orders into it, unless an earlier run has done it.
    async fn publish_table(
        &self,
        product: &Router,
        services: &Services,
        name: &str,
        definition: &Value,
    ) -> std::result::Result<(), LocalError> {
        let table = format!("/v1/tables/{name}");
        let failed = |cause: String| LocalError::Demo(format!("{table}: {cause}"));
        let call = async |method, path: &str, body: &Value| {
            self.call(product, method, path, body).await.map_err(|(_, cause)| failed(cause))
        };
        if let Ok(present) = self.call(product, Method::GET, &table, &Value::Null).await
            && present["version"].as_u64().is_some_and(|version| version > 0)
        {
            return Ok(());
        }
        call(Method::PUT, &table, definition).await?;
        let csv = orders::csv().into_bytes();
        let file = json!({"format": "csv", "size": csv.len(), "sha256": random::fingerprint_bytes(&csv)});
        let upload = call(Method::POST, &format!("{table}/uploads"), &file).await?;
        services.put_file(&upload, csv).await.map_err(failed)?;
        let mut state =
            call(Method::POST, &format!("{table}/versions"), &json!({"upload": upload["upload"]})).await?;
        let path = format!("{table}/uploads/{}", upload["upload"].as_str().unwrap_or_default());
        while state["version"].is_null() {
            if state["state"] == "failed" {
                return Err(failed(state["issues"].to_string()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            state = call(Method::GET, &path, &Value::Null).await?;
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
    fn signed(&self, customer: &str, seconds: i64) -> Result<Embed> {
        let payload = json!({
            "resource": {"dashboard": REVENUE},
            "params": {"customer": customer},
            "exp": self.clock.now().unix() + seconds,
        });
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &payload, &key).map_err(Error::internal)?;
        let src = format!("{}/embed/dashboard/{token}", self.base_url);
        Ok(self.embed("Quarterly revenue", src, payload, seconds))
    }

    /// An embed session for an external user.
    async fn session(&self, person: &str, city: &str) -> Result<Embed> {
        let payload = json!({
            "deploymentId": self.deployment,
            "externalId": person,
            "userAttributes": [{"name": "city", "value": city}],
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
    async fn dive(&self, account: &str) -> Result<Embed> {
        let payload = json!({"username": account, "initial_state": {"order": "fullest"}});
        let made = self.ask(Method::POST, &format!("/v1/dives/{FLEET}/embed-session"), &payload).await?;
        let session = made["session"].as_str().unwrap_or_default();
        let src = format!("{}/sandbox/#session={session}", self.base_url);
        Ok(self.embed("Fleet", src, payload, 86_400))
    }

    fn embed(&self, title: &'static str, src: String, payload: Value, seconds: i64) -> Embed {
        Embed { title, src, base_url: self.base_url.clone(), payload, seconds }
    }
}

fn deliveries_table() -> Value {
    let own = |column: &str| json!({"groups": ["*"], "rows": [{"column": column, "op": "=", "value": {"attribute": column}}]});
    json!({
        "description": "Made-up orders, of which each viewer sees those of one city or one depot",
        "row_policies": [own("city"), own("depot")],
    })
}

fn deliveries() -> Value {
    let latest = json!({
        "sql": "select id, customer, status, day from deliveries [[where status in ({{status}})]] order by id desc limit 8",
        "tags": {"status": {"type": "text"}},
    });
    json!({
        "title": "Deliveries",
        "content": {
            "type": "html",
            "html": include_str!("../assets/content/deliveries.html"),
            "queries": {"latest": latest},
        },
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
    let trucks =
        json!({"sql": "select truck, avg(load) as load from deliveries group by truck order by truck"});
    json!({
        "title": "Fleet",
        "content": {
            "type": "html",
            "html": include_str!("../assets/content/fleet.html"),
            "queries": {"trucks": trucks},
        },
        "parameters": [{"slug": "depot", "name": "Depot", "type": "text"}],
        "enable_embedding": true,
        "embedding_params": {"depot": {"attribute": "depot"}},
    })
}

/// The entry of `list` that `wanted` names; the first if it names none.
fn chosen<'a, T>(list: &'a [T], name: impl Fn(&T) -> &str, wanted: Option<&str>) -> Result<&'a T> {
    let found = match wanted {
        None => list.first(),
        Some(wanted) => list.iter().find(|entry| name(entry) == wanted),
    };
    found.ok_or_else(|| {
        Error::new(Reason::RequestInvalid).issues(vec![Issue::new("viewer", "is not one of the demo")])
    })
}

/// The backend of the host page. It holds the admin key and the secret; the page gets an embed URL only.
async fn embed(
    State(demo): State<Demo>,
    Path(dialect): Path<String>,
    Query(wanted): Query<Wanted>,
) -> HttpResult<axum::Json<Embed>> {
    let viewer = wanted.viewer.as_deref();
    let embed = match dialect.as_str() {
        "metabase" => {
            let customer = chosen(&CUSTOMERS, |customer| customer, viewer)?;
            demo.signed(customer, wanted.seconds.unwrap_or(SECONDS))
        }
        "cube" => {
            let (person, city) = chosen(&PEOPLE, |(person, _)| person, viewer)?;
            demo.session(person, city).await
        }
        "motherduck" => demo.dive(chosen(&ACCOUNTS, |(account, _)| account, viewer)?.0).await,
        _ => Err(Reason::RouteNotFound.into()),
    };
    Ok(embed.map(axum::Json)?)
}
