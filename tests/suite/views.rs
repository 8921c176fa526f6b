//! The decision about a view, tested with the table in `cases/views.json`: each row is a resource, a
//! credential, a request and the expected answer.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use vitrine_tests::{Answer, Product, SECRET, merge};

use crate::forge;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// Settings that differ from the default.
    #[serde(default)]
    settings: BTreeMap<String, String>,

    #[serde(default = "dashboard")]
    kind: String,
    /// Fields over those of a published resource; false: no resource.
    #[serde(default)]
    resource: Value,
    #[serde(default)]
    policy: Map<String, Value>,
    /// The default of the parameter `x`.
    #[serde(default = "fallback")]
    default: Value,
    #[serde(default)]
    required: bool,

    #[serde(default = "hs256")]
    header: Value,
    /// Claims beside the usual resource, empty params and expiry in ten minutes.
    #[serde(default)]
    claims: Map<String, Value>,
    #[serde(default)]
    without: Vec<String>,
    /// The token's params, as a shorter form of `claims`.
    params: Option<Value>,
    exp_in: Option<f64>,
    nbf_in: Option<f64>,
    #[serde(default = "owners")]
    secret: String,
    #[serde(default = "three_parts")]
    form: String,
    #[serde(default = "bearer")]
    authorization: Option<String>,

    #[serde(default = "any_kind")]
    route: String,
    #[serde(default)]
    query: String,
    /// The query's `parameters` as JSON.
    parameters: Option<Value>,

    expect: Expected,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    /// Status, reason and message.
    Refused(u16, String, String),
    /// The values that the viewer sees, and all values in the introspection: null if the token is inactive
    /// there.
    Shown { visible: Value, values: Value },
}

fn dashboard() -> String {
    "dashboard".to_owned()
}

fn fallback() -> Value {
    json!("fallback")
}

fn hs256() -> Value {
    json!({"alg": "HS256"})
}

fn owners() -> String {
    SECRET.to_owned()
}

fn three_parts() -> String {
    "{header}.{claims}.{signature}".to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "null means no header at all")]
fn bearer() -> Option<String> {
    Some("Bearer {token}".to_owned())
}

fn any_kind() -> String {
    "/v1/view".to_owned()
}

/// Replaces names in braces with their values. A text that is only a placeholder becomes the value itself.
fn fill(template: &Value, values: &Value) -> Value {
    match template {
        Value::String(text) => match text.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => values[name].clone(),
            None => json!(fill_text(text, values)),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), fill(value, values)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn fill_text(template: &str, values: &Value) -> String {
    values.as_object().unwrap().iter().fold(template.to_owned(), |text, (name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.replace(&format!("{{{name}}}"), &value)
    })
}

impl Row {
    /// Publishes the resource, if there is one, and returns its ids.
    async fn publish(&self, product: &Product, number: usize) -> Value {
        let id = match self.kind.as_str() {
            "dive" => json!(format!("00000000-0000-4000-8000-{number:012}")),
            _ => json!(number),
        };
        if self.resource == json!(false) {
            return json!({ "id": id });
        }
        let mut x = json!({"slug": "x", "name": "X", "type": "text", "required": self.required});
        merge(&mut x, json!({ "default": self.default }));
        let mut resource = json!({"parameters": [x], "embedding_params": self.policy});
        merge(&mut resource, self.resource.clone());
        let name = format!("{}/{}", self.kind, fill_text("{id}", &json!({ "id": id })));
        product.publish(&name, resource).await
    }

    fn claims(&self, product: &Product, ids: &Value) -> Value {
        let now = product.clock.now().unix();
        let at = |seconds: f64| {
            if seconds.fract() == 0.0 { json!(now + seconds as i64) } else { json!(now as f64 + seconds) }
        };
        let mut claims = Map::from_iter([
            ("resource".to_owned(), json!({ &self.kind: ids["id"] })),
            ("params".to_owned(), self.params.clone().unwrap_or_else(|| json!({}))),
            ("exp".to_owned(), at(self.exp_in.unwrap_or(600.0))),
        ]);
        claims.extend(self.nbf_in.map(|seconds| ("nbf".to_owned(), at(seconds))));
        claims.extend(self.claims.clone());
        claims.retain(|name, _| !self.without.contains(name));
        fill(&Value::Object(claims), ids)
    }

    fn query(&self, token: &str) -> String {
        let asked = self.parameters.as_ref().map(|parameters| {
            form_urlencoded::Serializer::new(String::new())
                .append_pair("parameters", &parameters.to_string())
                .finish()
        });
        let plain = self.query.replace("{token}", token);
        [asked.unwrap_or_default(), plain]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Runs the row and returns the differences from the expected answer.
    async fn run(&self, product: &Product, number: usize) -> Vec<String> {
        let ids = self.publish(product, number).await;
        let claims = self.claims(product, &ids);
        let signed = forge::compact(&self.header.to_string(), &claims.to_string(), self.secret.as_bytes());
        let [header, payload, signature] = forge::parts(&signed);
        let token =
            fill_text(&self.form, &json!({"header": header, "claims": payload, "signature": signature}));

        let mut call = product.get(&format!("{}?{}", self.route, self.query(&token)));
        if let Some(authorization) = &self.authorization {
            call = call.header("authorization", &authorization.replace("{token}", &token));
        }
        let answer = call.send().await;
        let introspected = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;

        let mut wrong = Vec::new();
        let mut compare = |what: &str, actual: Value, expected: Value| {
            if actual != expected {
                wrong.push(format!("{what}: {actual}, not {expected}"));
            }
        };
        match &self.expect {
            Expected::Refused(status, reason, message) => {
                let message = fill_text(message, &claims);
                compare("answer", outcome(&answer), json!([status, reason, message]));
                // A refusal that is caused by the viewer's request does not make the token inactive.
                let blameless =
                    self.query.is_empty() && self.parameters.is_none() && self.route == any_kind();
                if blameless && self.authorization == bearer() {
                    compare("introspection", introspected.json, json!({"active": false}));
                }
            }
            Expected::Shown { visible, values } => {
                compare("answer", outcome(&answer), json!([200, null, null]));
                compare("visible", visible_values(&answer), visible.clone());
                compare("introspection", introspected.json["values"].clone(), values.clone());
                compare("active", introspected.json["active"].clone(), json!(!values.is_null()));
            }
        }
        wrong
    }
}

fn outcome(answer: &Answer) -> Value {
    json!([answer.status.as_u16(), answer.json["reason"], answer.json["message"]])
}

fn visible_values(answer: &Answer) -> Value {
    let visible = answer.json["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let value =
        |parameter: &Value| (parameter["slug"].as_str().unwrap().to_owned(), parameter["value"].clone());
    visible.iter().map(value).collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn each_row_of_the_table_gets_its_decision() {
    let table: BTreeMap<String, Vec<Row>> =
        serde_json::from_str(include_str!("../cases/views.json")).unwrap();
    let mut products: BTreeMap<&BTreeMap<String, String>, Product> = BTreeMap::new();
    let mut wrong = Vec::new();
    let rows = table.iter().flat_map(|(section, rows)| rows.iter().map(move |row| (section, row)));
    for (number, (section, row)) in (1..).zip(rows) {
        let product = match products.entry(&row.settings) {
            Entry::Occupied(product) => product.into_mut(),
            Entry::Vacant(place) => {
                let settings: Vec<_> =
                    row.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                place.insert(Product::start_with(&settings).await)
            }
        };
        for difference in row.run(product, number).await {
            wrong.push(format!("{section} / {}: {difference}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every view names its resource and its end, and reveals no locked parameter.
#[tokio::test]
async fn a_view_holds_only_the_data_for_the_browser() {
    let product = Product::start().await;
    let resource = product
        .publish(
            "dashboard/1",
            json!({
                "title": "Sales",
                "description": "By region",
                "content": {"type": "html", "html": "<p>hello</p>"},
                "parameters": [
                    {"slug": "customer", "name": "Customer", "type": "text", "id": "c1"},
                    {"slug": "region", "name": "Region", "type": "category", "multiple": true, "values": [["emea", "EMEA"], ["apac"]]},
                    {"slug": "plan", "name": "Plan", "type": "text", "default": "a secret plan"},
                ],
                "embedding_params": {"customer": "locked", "region": "enabled"},
            }),
        )
        .await;
    let now = product.clock.now();
    let token = product.sign(json!({
        "resource": {"dashboard": 1},
        "params": {"customer": "acme"},
        "exp": now.unix() + 100,
        "viewer": {"id": "alice", "attributes": {"city": "Berlin"}, "groups": ["sales"]},
    }));
    let view = product.view(&token, "region=emea").await;
    assert_eq!(view.status, StatusCode::OK, "{}", view.text);
    let server_time: vitrine::rules::clock::Timestamp =
        view.json["server_time"].as_str().unwrap().parse().unwrap();
    assert!((0..60).contains(&server_time.since(now)));
    assert_eq!(
        view.json,
        json!({
            "resource": {
                "kind": "dashboard",
                "id": 1,
                "entity_id": resource["entity_id"],
                "public_id": resource["public_id"],
                "title": "Sales",
                "description": "By region",
            },
            "parameters": [{
                "slug": "region", "name": "Region", "type": "category", "required": false, "multiple": true,
                "values": [["emea", "EMEA"], ["apac"]], "value": "emea",
            }],
            "content": {"type": "html", "html": "<p>hello</p>"},
            "viewer": {"id": "alice"},
            "downloads": false,
            "frame_origins": [],
            "expires_at": now.plus(100).to_string(),
            "server_time": view.json["server_time"],
        })
    );
    assert_eq!(view.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_view_without_an_end_has_a_null_expiry() {
    let product = Product::start_with(&[("RequireTokenExpiry", "false")]).await;
    product.publish("dashboard/1", json!({})).await;
    let view = product
        .view(&product.sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": null})), "")
        .await;
    assert_eq!((view.status.as_u16(), &view.json["expires_at"]), (200, &Value::Null));
}

/// Two customers view one resource in one process.
#[tokio::test]
async fn the_values_of_one_viewer_never_reach_another() {
    let product = Product::start_with(&[("ResourceCacheSeconds", "60")]).await;
    let fields = json!({
        "parameters": [{"slug": "x", "name": "X", "type": "text"}, {"slug": "y", "name": "Y", "type": "text"}],
        "embedding_params": {"x": "locked", "y": "enabled"},
    });
    product.publish("dashboard/1", fields).await;
    let tokens = ["acme", "initech"].map(|customer| {
        (
            customer,
            product.sign(json!({"resource": {"dashboard": 1}, "params": {"x": customer, "y": customer}})),
        )
    });
    for _ in 0..3 {
        for (customer, token) in &tokens {
            let known = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
            assert_eq!(known.json["values"], json!({"x": customer, "y": customer}));
            assert_eq!(visible_values(&product.view(token, "").await), json!({ "y": customer }));
            assert_eq!(visible_values(&product.view(token, "y=z").await), json!({"y": "z"}));
        }
    }
}
