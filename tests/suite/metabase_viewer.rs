//! The viewer API of the Metabase dialect, tested with the table in `tests/cases/metabase.json`.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::resource::parameter::Parameter;
use vitrine::rules::settings::Settings;
use vitrine::rules::view::resolve_parameters::{self, Given};
use vitrine_tests::{Answer, Product, SECRET};

const CASES: &str = include_str!("../cases/metabase.json");

type Named<T> = BTreeMap<String, T>;

#[derive(Deserialize)]
struct Table {
    given: Givens,
    groups: Vec<Group>,
    grid: Grid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Givens {
    resources: Named<Value>,
    claims: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    rule: String,
    #[serde(default)]
    settings: Named<String>,
    #[serde(default)]
    resources: Named<Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    #[serde(default)]
    settings: Named<String>,
    #[serde(default)]
    resources: Named<Value>,
    #[serde(default)]
    token: Token,
    #[serde(default = "dashboard_route")]
    get: String,
    expect: Expect,
}

fn dashboard_route() -> String {
    "/api/embed/dashboard/{token}".to_owned()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Made(Box<Made>),
}

impl Default for Token {
    fn default() -> Self {
        Self::Made(Box::default())
    }
}

/// The differences from a valid token.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Made {
    claims: Map<String, Value>,
    without: Vec<String>,
    header: Option<Value>,
    header_text: Option<String>,
    claims_text: Option<String>,
    secret: Option<String>,
    mistake: Option<String>,
    signed_as: Option<Algorithm>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Expect {
    Refused {
        status: u16,
        reason: String,
        message: String,
    },
    Shown {
        name: Option<String>,
        parameters: Map<String, Value>,
        /// The values in the introspection: absent if it is not checked, null if the token is inactive.
        #[serde(default, deserialize_with = "present")]
        values: Option<Option<Value>>,
    },
}

/// Distinguishes null from an absent field.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Value>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Grid {
    parameter: Value,
    refusals: Named<Refusal>,
    urls: Vec<String>,
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
struct Refusal {
    reason: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    policy: Option<String>,
    #[serde(default)]
    settings: Named<String>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    params: Value,
    #[serde(default)]
    shown: bool,
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    Refused(String),
    Value([Value; 1]),
}

fn table() -> Table {
    serde_json::from_str(CASES).unwrap()
}

/// One product for each combination of settings.
#[derive(Default)]
struct Products(BTreeMap<Named<String>, Product>);

impl Products {
    async fn with(&mut self, settings: &Named<String>, resources: &Named<Value>) -> &Product {
        if !self.0.contains_key(settings) {
            let named: Vec<_> =
                settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let product = Product::start_with(&named).await;
            publish(&product, resources).await;
            self.0.insert(settings.clone(), product);
        }
        &self.0[settings]
    }
}

async fn publish(product: &Product, resources: &Named<Value>) {
    for (name, fields) in resources {
        let mut fields = fields.clone();
        for parameter in fields["parameters"].as_array_mut().into_iter().flatten() {
            parameter.as_object_mut().unwrap().entry("name").or_insert(json!("A name"));
        }
        product.publish(name, fields).await;
    }
}

/// Replaces a time such as `now+60` with its number.
fn moments(claims: &mut Map<String, Value>, now: Timestamp) {
    for (name, claim) in claims {
        if !matches!(name.as_str(), "exp" | "nbf" | "iat") {
            continue;
        }
        let Some(offset) = claim.as_str().and_then(|text| text.strip_prefix("now")) else { continue };
        *claim = match offset.parse::<i64>() {
            Ok(seconds) => json!(now.unix() + seconds),
            Err(_) => {
                let now: f64 = now.unix().to_string().parse().unwrap();
                json!(now + offset.parse::<f64>().unwrap())
            }
        };
    }
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[bits >> (18 - 6 * place) & 63]));
        }
    }
    text
}

impl Token {
    /// The token and its claims.
    fn make(&self, given: &Map<String, Value>, now: Timestamp) -> (String, Map<String, Value>) {
        let made = match self {
            Self::Text(text) => return (text.clone(), Map::new()),
            Self::Made(made) => made,
        };
        let mut claims = given.clone();
        claims.extend(made.claims.clone());
        claims.retain(|name, _| !made.without.contains(name));
        moments(&mut claims, now);
        if let Some(pad) = claims.get_mut("pad") {
            *pad = json!("x".repeat(pad.as_u64().unwrap().try_into().unwrap()));
        }
        let sound = json!({"alg": "HS256", "typ": "JWT"});
        let header =
            made.header_text.clone().unwrap_or_else(|| made.header.as_ref().unwrap_or(&sound).to_string());
        let payload = made.claims_text.clone().unwrap_or_else(|| Value::Object(claims.clone()).to_string());
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        let secret = match made.mistake.as_deref() {
            None => made.secret.as_deref().unwrap_or(SECRET).as_bytes().to_vec(),
            Some("a line end behind it") => format!("{SECRET}\n").into_bytes(),
            Some("decoded from hex") => (0..SECRET.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&SECRET[at..at + 2], 16).unwrap())
                .collect(),
            Some(other) => panic!("an unknown mistake: {other}"),
        };
        let algorithm = made.signed_as.unwrap_or(Algorithm::HS256);
        let key = EncodingKey::from_secret(&secret);
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm).unwrap();
        (format!("{signed}.{signature}"), claims)
    }
}

/// Escapes the characters that a URL cannot contain and keeps its delimiters.
fn escape(url: &str) -> String {
    url.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'"' | b'{' | b'}' | b'[' | b']' | b' ' | 0x80.. => text.push_str(&format!("%{byte:02X}")),
            byte => text.push(char::from(byte)),
        }
        text
    })
}

/// Checks that a refusal has the common format and no other members.
fn is_well_formed(answer: &Answer) -> bool {
    let families =
        BTreeMap::from([(400, "BAD_REQUEST"), (401, "UNAUTHORIZED"), (403, "FORBIDDEN"), (404, "NOT_FOUND")]);
    let members: Vec<_> =
        answer.json.as_object().map(|body| body.keys().map(String::as_str).collect()).unwrap_or_default();
    members == ["code", "message", "reason", "request_id"]
        && answer.json["request_id"] == answer.header("x-request-id")
        && match answer.refusal() {
            (404, "route_not_found") => answer.json["code"] == "ROUTE_NOT_FOUND",
            (status, _) => families.get(&status).copied() == answer.json["code"].as_str(),
        }
        && answer.header("content-type") == "application/json"
        && answer.header("cache-control") == "no-store"
}

/// The visible parameters with their values.
fn shown(answer: &Answer) -> Map<String, Value> {
    let parameters = answer.json["parameters"].as_array().cloned().unwrap_or_default();
    parameters
        .into_iter()
        .map(|parameter| (parameter["slug"].as_str().unwrap().to_owned(), parameter["value"].clone()))
        .collect()
}

async fn introspect(product: &Product, token: &str) -> Option<Value> {
    let answer = product.post("/v1/introspect", json!({"token": token})).admin().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (answer.json["active"] == true).then(|| answer.json["values"].clone())
}

/// The differences between the answer and the case.
async fn problems(product: &Product, case: &Case, claims: &Map<String, Value>) -> Vec<String> {
    // Times are exact only if the second does not change during the request.
    let (answer, token, claims) = loop {
        let now = product.clock.now();
        let (token, claims) = case.token.make(claims, now);
        let path = case.get.replace("{token}", &token).replace("{escaped}", &token.replace('.', "%2E"));
        let answer = product.get(&escape(&path)).send().await;
        if product.clock.now() == now {
            break (answer, token, claims);
        }
    };
    let mut problems = Vec::new();
    let mut expect = |what: &str, actual: Value, expected: Value| {
        if actual != expected {
            problems.push(format!("{what}: {actual}, not {expected}"));
        }
    };
    match &case.expect {
        Expect::Refused { status, reason, message } => {
            let message = message
                .replace("{exp}", &claims.get("exp").unwrap_or(&Value::Null).to_string())
                .replace("{nbf}", &claims.get("nbf").unwrap_or(&Value::Null).to_string());
            expect("status", json!(answer.status.as_u16()), json!(status));
            expect("reason", answer.json["reason"].clone(), json!(reason));
            expect("message", answer.json["message"].clone(), json!(message));
            expect("well formed", json!(is_well_formed(&answer)), json!(true));
        }
        Expect::Shown { name, parameters, values } => {
            expect("status", json!(answer.status.as_u16()), json!(200));
            expect("reason", answer.json["reason"].clone(), Value::Null);
            expect("parameters", Value::Object(shown(&answer)), json!(parameters));
            if let Some(name) = name {
                expect("name", answer.json["name"].clone(), json!(name));
            }
            if let Some(values) = values {
                expect("values", json!(introspect(product, &token).await), json!(values));
            }
        }
    }
    problems
}

#[tokio::test]
async fn each_case_of_the_table_gets_its_answer() {
    let table = table();
    let mut products = Products::default();
    let mut failed = Vec::new();
    for group in &table.groups {
        for case in &group.cases {
            let mut settings = group.settings.clone();
            settings.extend(case.settings.clone());
            let product = products.with(&settings, &table.given.resources).await;
            for resources in [&group.resources, &case.resources] {
                assert!(resources.keys().all(|name| !table.given.resources.contains_key(name)));
                publish(product, resources).await;
            }
            for problem in problems(product, case, &table.given.claims).await {
                failed.push(format!("{} / {}: {problem}", group.rule, case.case));
            }
        }
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}

/// Each group has accepted and refused cases, and the cases of a group have different names.
#[test]
fn every_group_has_accepted_and_refused_cases() {
    let table = table();
    for group in &table.groups {
        let shown = group.cases.iter().filter(|case| matches!(case.expect, Expect::Shown { .. })).count();
        let names: std::collections::BTreeSet<_> = group.cases.iter().map(|case| &case.case).collect();
        assert_eq!(names.len(), group.cases.len(), "{}", group.rule);
        assert!(shown > 0, "{}", group.rule);
        assert!(shown < group.cases.len() || group.rule.contains("default"), "{}", group.rule);
    }
    let rows: usize = table.groups.iter().map(|group| group.cases.len()).sum();
    assert!(rows >= 120, "{rows}");
}

/// The effective value that the pure rule computes. An answer to a viewer has no value of a hidden parameter.
fn effective(grid: &Grid, policy: &Policy, params: &Value, url: &str) -> Result<Value, String> {
    let mut settings = Settings::default();
    for (name, value) in &policy.settings {
        settings.set(name, value).unwrap();
    }
    let given = Given {
        token: params.as_object().unwrap(),
        url: &resolve_parameters::from_query(&escape(url)).unwrap(),
        attributes: &BTreeMap::new(),
    };
    let declared: Vec<Parameter> = serde_json::from_value(json!([grid.parameter])).unwrap();
    let listed = serde_json::from_value(embedding_params(policy)).unwrap();
    resolve_parameters::resolve(&declared, &listed, given, &settings)
        .map(|resolved| resolved.given_values["x"].clone())
        .map_err(|error| error.reason.word().to_owned())
}

fn embedding_params(policy: &Policy) -> Value {
    policy.policy.as_ref().map_or(json!({}), |word| json!({ "x": word }))
}

#[tokio::test]
async fn each_cell_of_the_grid_gets_its_value_or_refusal() {
    let Table { grid, .. } = table();
    let mut products = Products::default();
    let mut failed = Vec::new();
    for policy in &grid.policies {
        let product = products.with(&policy.settings, &Named::new()).await;
        let resource = json!({"parameters": [grid.parameter], "embedding_params": embedding_params(policy)});
        for (kind, route) in [("dashboard", "dashboard"), ("question", "card")] {
            product.publish(&format!("{kind}/1"), resource.clone()).await;
            for row in &policy.rows {
                assert_eq!(row.cells.len(), grid.urls.len());
                let token = product.sign(json!({"resource": {kind: 1}, "params": row.params}));
                for (url, cell) in grid.urls.iter().zip(&row.cells) {
                    let answer =
                        product.get(&escape(&format!("/api/embed/{route}/{token}?{url}"))).send().await;
                    let by_rule = effective(&grid, policy, &row.params, url);
                    let good = match cell {
                        Cell::Refused(name) => {
                            let Refusal { reason, message } = &grid.refusals[name];
                            answer.refusal() == (400, reason)
                                && answer.json["message"] == **message
                                && is_well_formed(&answer)
                                && by_rule.as_ref() == Err(reason)
                        }
                        Cell::Value([value]) => {
                            let expected: Map<_, _> =
                                row.shown.then(|| ("x".to_owned(), value.clone())).into_iter().collect();
                            answer.status == 200
                                && shown(&answer) == expected
                                && by_rule.as_ref() == Ok(value)
                        }
                    };
                    if !good {
                        failed.push(format!(
                            "{:?} {:?} {kind} token {} url {url:?}: {} and {by_rule:?}",
                            policy.policy, policy.settings, row.params, answer.text
                        ));
                    }
                }
                // Introspection has no query, so it equals the first column.
                let expected = match &row.cells[0] {
                    Cell::Refused(_) => None,
                    Cell::Value([value]) => Some(json!({ "x": value })),
                };
                let actual = introspect(product, &token).await;
                if actual != expected {
                    failed.push(format!("introspected {:?} token {}: {actual:?}", policy.policy, row.params));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}

/// Compares the whole answer, so that a new field cannot go unnoticed.
#[tokio::test]
async fn the_answer_has_exactly_these_fields() {
    let table = table();
    let product = Product::start().await;
    publish(&product, &table.given.resources).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {"customer": "a secret name"}}));
    let answer = product.get(&format!("/api/embed/dashboard/{token}?region=emea")).send().await;
    let resource = product.get("/v1/resources/dashboard/1").admin().send().await.json;
    let expected = json!({
        "id": 1,
        "entity_id": resource["entity_id"],
        "name": "Sales",
        "description": "By region",
        "parameters": [
            {"slug": "region", "name": "Region", "type": "category", "id": "a1b2c3d4", "required": false,
             "multiple": false, "values": [["emea", "EMEA"], ["apac"]], "value": "emea"},
            {"slug": "year", "name": "Year", "type": "number", "default": 2026, "required": false,
             "multiple": false, "value": 2026},
        ],
        "content": {"type": "html", "html": "<h1>Sales</h1>"},
    });
    assert_eq!((answer.status.as_u16(), &answer.json), (200, &expected));
    assert!(!answer.text.contains("a secret name"));
    // Pages of any origin may read the answer, and no cache may store it.
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// A resource opens by its number, its entity id and its public id.
#[tokio::test]
async fn every_id_of_a_resource_opens_it() {
    let product = Product::start().await;
    for (kind, route) in [("dashboard", "dashboard"), ("question", "card")] {
        let resource = product.publish(&format!("{kind}/7"), json!({"title": "Seven"})).await;
        for id in [&resource["id"], &resource["entity_id"], &resource["public_id"]] {
            let token = product.sign(json!({"resource": {kind: id}, "params": {}}));
            let answer = product.get(&format!("/api/embed/{route}/{token}")).send().await;
            assert_eq!((answer.status.as_u16(), &answer.json["id"]), (200, &json!(7)), "{kind} {id}");
        }
        let deleted = product.delete(&format!("/v1/resources/{kind}/7")).admin().send().await;
        assert_eq!(deleted.status, 204);
        for id in [&resource["id"], &resource["entity_id"], &resource["public_id"]] {
            let token = product.sign(json!({"resource": {kind: id}, "params": {}}));
            let answer = product.get(&format!("/api/embed/{route}/{token}")).send().await;
            assert_eq!(answer.refusal(), (404, "resource_not_found"), "{kind} {id}");
        }
    }
}

/// The page of a kind is served for any token. The resource's allowed origins are in its `frame-ancestors`.
#[tokio::test]
async fn the_page_is_the_same_for_every_token() {
    let product = Product::start_with(&[("AllowedOrigins", "https://every.example.com")]).await;
    let framed = json!({"allowed_origins": ["https://one.example.com"]});
    product.publish("dashboard/1", framed.clone()).await;
    product.publish("question/1", framed).await;
    let sign = |claims: Value| product.sign(claims);
    let expired = sign(json!({"resource": {"dashboard": 1}, "params": {}, "exp": 1}));
    let cases = [
        (format!("/embed/dashboard/{}", sign(json!({"resource": {"dashboard": 1}, "params": {}}))), true),
        (format!("/embed/question/{}", sign(json!({"resource": {"question": 1}, "params": {}}))), true),
        (format!("/embed/dashboard/{expired}"), true),
        (format!("/embed/dashboard/{}?region=emea", sign(json!({"resource": {"dashboard": 1}}))), true),
        (format!("/embed/question/{}", sign(json!({"resource": {"dashboard": 1}, "params": {}}))), false),
        (format!("/embed/dashboard/{}", sign(json!({"resource": {"dashboard": 9}, "params": {}}))), false),
        ("/embed/dashboard/garbage".to_owned(), false),
    ];
    let kind = |path: &str| path.split('/').nth(2).unwrap_or_default().to_owned();
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    for (path, known) in cases {
        let page = product.get(&path).send().await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("x-frame-options"), "", "{path}");
        let first = pages.entry(kind(&path)).or_insert_with(|| page.text.clone());
        assert!(page.text == *first, "{path}");
        let ancestors = page.header("content-security-policy").rsplit_once("frame-ancestors ").unwrap().1;
        let expected = if known {
            "https://every.example.com https://one.example.com"
        } else {
            "https://every.example.com"
        };
        assert_eq!(ancestors, expected, "{path}");
    }
    let token = sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let view = product.get(&format!("/api/embed/dashboard/{token}")).send().await;
    assert_eq!(view.header("x-frame-options"), "DENY");
}

/// Metabase's embedding snippet loads the resizer from this path.
#[tokio::test]
async fn the_resizer_is_served() {
    let product = Product::start().await;
    let script = product.get("/app/iframeResizer.js").send().await;
    assert_eq!(
        (script.status.as_u16(), script.header("content-type")),
        (200, "text/javascript; charset=utf-8")
    );
    assert!(script.text.contains("iFrameResize") && script.text.contains("v4.3.2"));
}
