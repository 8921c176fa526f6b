//! The API description: generated from the handlers' types, and kept in `infra/openapi.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use utoipa::OpenApi;
use vitrine::rules::settings::Settings;
use vitrine_tests::Product;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.json");

macro_rules! descriptions {
    (with_routes { $($function:ident = $name:literal),+ $(,)? } without_routes $_:tt) => {
        [$($function::ApiDoc::openapi()),+]
    };
}

/// The descriptions of all functions in one document, with the parts that all routes share.
fn generated() -> Value {
    let mut whole = ProblemDoc::openapi();
    for part in vitrine_local::for_each_function!(descriptions) {
        whole.merge(part);
    }
    whole.info.title = "Vitrine".to_owned();
    whole.info.version = env!("CARGO_PKG_VERSION").to_owned();
    whole.info.description =
        Some("Signed embedding: publish resources, vouch for viewers, show views.".to_owned());
    whole.info.license = Some(
        utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
    );
    let mut document = serde_json::to_value(&whole).unwrap();
    document["components"]["securitySchemes"] = json!({
        "access_key": {"type": "http", "scheme": "bearer", "description": "An access key; also as `Authorization: Api-Key`, `x-api-key` or `X-Metabase-Session`."},
        "embed_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An embed token, signed by the owner's backend or made by `POST /v1/sessions`."},
    });
    document["security"] = json!([{"access_key": []}]);
    for (path, methods) in document["paths"].as_object_mut().unwrap() {
        for (method, operation) in methods.as_object_mut().unwrap() {
            operation["operationId"] = json!(operation_id(method, path));
            operation["responses"]["default"] = json!({
                "description": "Refused: the same shape everywhere",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            });
        }
    }
    document
}

/// The functions' own descriptions, before they are merged by the names of their schemas.
fn parts() -> Vec<Value> {
    let parts = vitrine_local::for_each_function!(descriptions);
    parts.iter().map(|part| serde_json::to_value(part).unwrap()).collect()
}

/// The names of schemas that differ from one part to another: the merged document keeps only one of them.
fn colliding_schemas(parts: &[Value]) -> BTreeSet<String> {
    let schemas = parts.iter().filter_map(|part| part.pointer("/components/schemas")?.as_object()).flatten();
    let mut first = BTreeMap::new();
    schemas
        .filter(|(name, schema)| *first.entry(*name).or_insert(*schema) != *schema)
        .map(|(name, _)| name.clone())
        .collect()
}

#[test]
fn no_two_schemas_have_the_same_name() {
    assert_eq!(colliding_schemas(&parts()), BTreeSet::new());
}

#[test]
fn a_second_schema_of_a_name_is_noticed() {
    let part = |schema: Value| json!({"components": {"schemas": {"Input": schema, "Other": {}}}});
    let same = [part(json!({"type": "object"})), part(json!({"type": "object"}))];
    assert_eq!(colliding_schemas(&same), BTreeSet::new());
    let different = [part(json!({"type": "object"})), part(json!({"type": "string"}))];
    assert_eq!(colliding_schemas(&different), BTreeSet::from(["Input".to_owned()]));
}

/// The type of a request's body must not be replaced by another type of the same name.
#[test]
fn resources_are_written_with_the_fields_of_a_resource() {
    let document = generated();
    for (method, path) in
        [("put", "/v1/resources/{kind}/{id}"), ("post", "/v1/dives"), ("put", "/v1/dives/{id}")]
    {
        let body = &document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"];
        let name = body["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let properties = &document["components"]["schemas"][name]["properties"];
        assert!(
            properties["title"].is_object() && properties["dashboard"].is_null(),
            "{method} {path}: {name}"
        );
    }
}

/// Descriptions that contain links of Rust's documentation, which mean nothing to readers of the API.
fn texts_with_rustdoc_links(document: &Value) -> Vec<String> {
    match document {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value.as_str() {
                Some(text) if ["description", "summary"].contains(&name.as_str()) => {
                    ["[`", "`]", "crate::", "Self::"]
                        .iter()
                        .any(|mark| text.contains(mark))
                        .then(|| text.to_owned())
                        .into_iter()
                        .collect()
                }
                _ => texts_with_rustdoc_links(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(texts_with_rustdoc_links).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn descriptions_contain_no_rustdoc_syntax() {
    assert_eq!(texts_with_rustdoc_links(&generated()), [""; 0]);
    let linked = json!({"schemas": [{"description": "Slug to [`Rule`]."}, {"description": "`[value]`"}]});
    assert_eq!(texts_with_rustdoc_links(&linked), ["Slug to [`Rule`]."]);
}

/// `put /v1/resources/{kind}/{id}` becomes `putV1ResourcesKindId`, unique because the route is.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| id + &word[..1].to_uppercase() + &word[1..])
}

#[derive(OpenApi)]
#[openapi(components(schemas(vitrine::http::Problem)))]
struct ProblemDoc;

/// `BLESS=1 cargo test -p vitrine-tests openapi` rewrites the document.
#[test]
fn the_committed_document_is_up_to_date() {
    let text = format!("{}\n", serde_json::to_string_pretty(&generated()).unwrap());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(KEPT, &text).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap();
    assert!(kept == text, "infra/openapi.json is out of date: BLESS=1 cargo test -p vitrine-tests openapi");
}

#[tokio::test]
async fn every_route_is_described_and_every_described_route_is_served() {
    let product = Product::start().await;
    let functions =
        vitrine_local::functions::connect_all(&product.services, &Settings::default(), &product.clock).await;
    let served: BTreeSet<(String, String)> = functions
        .iter()
        .flat_map(|function| function.routes.declared())
        .filter(|(method, _)| method != "OPTIONS")
        .map(|(method, path)| (method.as_str().to_lowercase(), (*path).to_owned()))
        .collect();
    let document = generated();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
        })
        .collect();
    assert_eq!(described, served);
}

#[test]
fn every_reference_resolves() {
    let document = generated();
    let text = document.to_string();
    for (_, rest) in text.match_indices("\"$ref\":\"#").map(|(at, _)| text.split_at(at + 9)) {
        let pointer = rest.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
