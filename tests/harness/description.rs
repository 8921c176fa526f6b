//! The API description, generated from the handlers' types, and the check of answers against it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::OpenApi;
use vitrine::http::Problem;
use vitrine::http::requirement::Requirement;
use vitrine::rules::forms;
use vitrine::rules::viewer::service_account::Username;
use vitrine::rules::viewer::tenant::TenantName;

use crate::schema;

/// Bodies of vendors' clients, which may send more than is documented: unknown members are ignored. Every other body
/// is refused if it has one.
const OPEN_BODIES: [&str; 17] = [
    "AccountInput",
    "AccountPatch",
    "CardInput",
    "CardParameter",
    "CardQueryInput",
    "Credentials",
    "CubeSessionName",
    "DatasetInput",
    "EmbedSessionInput",
    "GenerateSession",
    "RequiredResource",
    "SecretInput",
    "SessionSettings",
    "SwitchInput",
    "TokenInput",
    "UserAttributeDefinition",
    "ValuesSource",
];

const ABOUT: &str = "Signed embedding: publish resources, vouch for viewers, show views. \
    A request needs an access key unless its operation says otherwise; the scopes of `access_key` name the permission, \
    `admin` an admin key, and `admin:stack` an admin key that is not limited to deployments. \
    API Gateway itself refuses requests above its rate (429) or size (413), and answers 500 and 503 when a function \
    cannot run; those bodies have only a `message`.";

/// The meaning of each refusal.
const REFUSALS: [(u16, &str); 10] = [
    (400, "The request is not valid"),
    (401, "The credential is missing, unknown, expired, used or revoked"),
    (403, "The credential does not allow this"),
    (404, "Not found, or outside of the deployments of the access key"),
    (409, "Taken, or changed by somebody else at the same time"),
    (413, "The body is too large"),
    (422, "The query cannot be answered"),
    (429, "Too many requests"),
    (500, "A fault of this service"),
    (503, "Temporarily unavailable: try again"),
];

/// Schemas that every part refers to, and the forms of parameters, which utoipa refers to without describing them.
#[derive(OpenApi)]
#[openapi(components(schemas(
    Problem,
    Username,
    TenantName,
    forms::AccountTokenId,
    forms::AnyId,
    forms::DiveId,
    forms::EmbedKind,
    forms::Name,
    forms::NumberedId,
    forms::PublicId,
    forms::TableName,
    forms::SourceName,
    forms::TenantInPath,
)))]
struct CommonDoc;

macro_rules! descriptions {
    (with_routes { $($function:ident = $name:literal),+ $(,)? } without_routes $_:tt) => {
        [$($function::ApiDoc::openapi()),+]
    };
}

macro_rules! requirements {
    (with_routes { $($function:ident = $name:literal),+ $(,)? } without_routes $_:tt) => {
        [$($function::routes().required().to_vec()),+].concat()
    };
}

/// The functions' own descriptions, before they are merged by the names of their schemas.
pub fn parts() -> Vec<Value> {
    let parts = vitrine_local::for_each_function!(descriptions);
    parts.iter().map(|part| serde_json::to_value(part).unwrap()).collect()
}

/// The requirement of each route that needs an access key, by method and path.
pub fn requirements() -> BTreeMap<(String, String), Requirement> {
    let required = vitrine_local::for_each_function!(requirements);
    let named = required.into_iter();
    named.map(|(method, path, need)| ((method.as_str().to_lowercase(), path.to_owned()), need)).collect()
}

/// The whole description.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(generate);
    &DOCUMENT
}

fn generate() -> Value {
    let mut whole = CommonDoc::openapi();
    for part in vitrine_local::for_each_function!(descriptions) {
        whole.merge(part);
    }
    whole.info.title = "Vitrine".to_owned();
    whole.info.version = env!("CARGO_PKG_VERSION").to_owned();
    whole.info.description = Some(ABOUT.to_owned());
    whole.info.license = Some(
        utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
    );
    let mut document = serde_json::to_value(&whole).unwrap();
    document["components"]["securitySchemes"] = json!({
        "access_key": {"type": "http", "scheme": "bearer", "description": "An access key; also as `Authorization: Api-Key`, `x-api-key` or `X-Metabase-Session`."},
        "embed_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An embed token, signed by the owner's backend or made by `POST /v1/sessions`."},
    });
    document["components"]["schemas"]["Throttled"] = json!({
        "type": "object",
        "description": "The answer of API Gateway to requests above its rate.",
        "required": ["message"],
        "properties": {"message": {"type": "string"}},
    });
    let requirements = requirements();
    for (path, methods) in document["paths"].as_object_mut().unwrap() {
        for (method, operation) in methods.as_object_mut().unwrap() {
            operation["operationId"] = json!(operation_id(method, path));
            if let Some(requirement) = requirements.get(&(method.clone(), path.clone())) {
                let scopes: Vec<_> = requirement.scope().into_iter().collect();
                operation["security"] = json!([{"access_key": scopes}]);
            }
            describe_refusals(operation);
        }
    }
    close_bodies(&mut document);
    name_unsigned_numbers(&mut document);
    document
}

/// Names the format of numbers that are never negative: utoipa calls them `int64`, which ends at half of their range.
fn name_unsigned_numbers(part: &mut Value) {
    match part {
        Value::Object(members) => {
            let is_unsigned = members.get("minimum").and_then(Value::as_u64).is_some();
            if is_unsigned && members.get("format").is_some_and(|format| format == "int64") {
                members.insert("format".to_owned(), json!("uint64"));
            }
            members.values_mut().for_each(name_unsigned_numbers);
        }
        Value::Array(items) => items.iter_mut().for_each(name_unsigned_numbers),
        _ => {}
    }
}

/// `put /v1/resources/{kind}/{id}` becomes `putV1ResourcesKindId`, unique because the route is.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| id + &word[..1].to_uppercase() + &word[1..])
}

/// Returns whether an operation takes a credential of this scheme.
pub fn takes(operation: &Value, scheme: &str) -> bool {
    let schemes = operation["security"].as_array().into_iter().flatten();
    schemes.filter_map(Value::as_object).any(|named| named.contains_key(scheme))
}

/// Adds the refusals that follow from the operation's credential, parameters and body, and the body of every refusal.
fn describe_refusals(operation: &mut Value) {
    let is_view = takes(operation, "embed_token");
    let is_file = operation
        .pointer("/responses/200")
        .is_some_and(|found| found.pointer("/content/application~1json").is_none());
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let has = |place: &str| parameters.iter().any(|parameter| parameter["in"] == place);
    // Any other word there is no route, and frames and scripts get a page or a comment that says so.
    let names_route = parameters
        .iter()
        .any(|one| one["in"] == "path" && ["kind", "file"].contains(&one["name"].as_str().unwrap()));
    let has_body = operation["requestBody"].is_object();
    let mut statuses = BTreeSet::from([429, 500]);
    statuses.extend((!is_file).then_some(503));
    if !is_file {
        statuses.extend((has("path") || has("query") || has_body || is_view).then_some(400));
    }
    if takes(operation, "access_key") || is_view {
        statuses.extend([401, 403]);
    }
    statuses.extend(has_body.then_some(413));
    let responses = operation["responses"].as_object_mut().unwrap();
    if !is_file && (has("path") || is_view) {
        statuses.insert(404);
    }
    let declared: Vec<u16> = responses.keys().map(|status| status.parse().unwrap()).collect();
    for status in declared.iter().copied().filter(|status| *status >= 400).chain(statuses) {
        let meaning = REFUSALS.iter().find(|(known, _)| *known == status).unwrap().1;
        let response = responses.entry(status.to_string()).or_insert(json!({}));
        if response["description"].is_null() {
            response["description"] = json!(meaning);
        }
        let problem = json!({"$ref": "#/components/schemas/Problem"});
        let throttled = json!({"$ref": "#/components/schemas/Throttled"});
        let schema = match status {
            429 if declared.contains(&429) => json!({"anyOf": [problem, throttled]}),
            429 => throttled,
            _ => problem,
        };
        response["content"] = json!({"application/json": {"schema": schema}});
        if status == 404 && names_route {
            response["content"]["text/html"] = json!({"schema": {"type": "string"}});
            response["content"]["text/javascript"] = json!({"schema": {"type": "string"}});
        }
    }
    for response in responses.values_mut().filter(|response| response["description"].is_null()) {
        response["description"] = json!("Done");
    }
}

/// Writes into the schemas of bodies that no other members are taken.
fn close_bodies(document: &mut Value) {
    let mut names = BTreeSet::new();
    let bodies: Vec<_> =
        operations(document).filter_map(|(_, _, operation)| operation.get("requestBody")).collect();
    for body in bodies {
        collect_references(document, body, &mut names);
    }
    let open = document["components"]["schemas"].clone();
    for (name, schema) in document["components"]["schemas"].as_object_mut().unwrap() {
        // A schema that extends one of a body cannot refer to the closed one.
        for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
            let extended = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
            if let Some(extended) = extended.filter(|extended| names.contains(*extended)) {
                *part = open[extended].clone();
            }
        }
        if names.contains(name.as_str()) && !OPEN_BODIES.contains(&name.as_str()) {
            for object in schema::variants_mut(schema) {
                if object.get("properties").is_some() {
                    object["additionalProperties"] = json!(false);
                }
            }
        }
    }
}

fn collect_references(document: &Value, part: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str)
                && let Some(name) = reference.strip_prefix("#/components/schemas/")
                && names.insert(name.to_owned())
            {
                collect_references(document, &document["components"]["schemas"][name], names);
            }
            members.values().for_each(|member| collect_references(document, member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(document, item, names)),
        _ => {}
    }
}

/// Every operation with its method and path.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(move |(method, found)| (method.as_str(), path.as_str(), found))
    })
}

/// The operation that serves a path; literal segments come first, as in the router.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let asked: Vec<_> = path.split('/').collect();
    let parameters = |pattern: &str| {
        let pattern: Vec<_> = pattern.split('/').collect();
        let is_parameter = |segment: &&str| segment.starts_with('{');
        let mut pairs = pattern.iter().zip(&asked);
        let fits = pairs.all(|(named, asked)| named == asked || is_parameter(named) && !asked.is_empty());
        (fits && pattern.len() == asked.len())
            .then(|| pattern.iter().filter(|named| is_parameter(named)).count())
    };
    let served = document()["paths"].as_object().unwrap().iter();
    let served = served.filter_map(|(pattern, methods)| Some((parameters(pattern)?, methods)));
    served.min_by_key(|(count, _)| *count)?.1.get(method.to_lowercase())
}

/// The difference between an answer and its description, if there is one.
pub fn contradiction(
    method: &str,
    path: &str,
    status: u16,
    content_type: &str,
    body: &str,
) -> Option<String> {
    let operation = operation(method, path)?;
    let Some(response) = operation["responses"].get(status.to_string()) else {
        return Some(format!("{method} {path} answers {status}, which is not described"));
    };
    let Some(content) = response["content"].as_object() else {
        let is_described = body.is_empty() || !content_type.starts_with("application/json");
        return (!is_described).then(|| format!("{method} {path}: {status} is described without a body"));
    };
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let Some(schema) = content.get(media_type).map(|described| &described["schema"]) else {
        return Some(format!("{method} {path}: {status} has the content type {media_type:?}"));
    };
    if media_type != "application/json" {
        return None;
    }
    let value = serde_json::from_str(body).unwrap_or(Value::Null);
    let violations = schema::violations(document(), schema, &value);
    (!violations.is_empty()).then(|| format!("{method} {path}: {status}: {violations:?} in {body}"))
}
