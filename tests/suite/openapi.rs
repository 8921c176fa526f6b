//! The API description: generated from the handlers' types, and kept in `infra/openapi.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vitrine::rules::settings::Settings;
use vitrine_tests::Product;
use vitrine_tests::description::{document, operations, parts, requirements};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.json");

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
    let document = document();
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
    assert_eq!(texts_with_rustdoc_links(document()), [""; 0]);
    let linked = json!({"schemas": [{"description": "Slug to [`Rule`]."}, {"description": "`[value]`"}]});
    assert_eq!(texts_with_rustdoc_links(&linked), ["Slug to [`Rule`]."]);
}

/// `BLESS=1 cargo test -p vitrine-tests openapi` rewrites the document.
#[test]
fn the_committed_document_is_up_to_date() {
    let text = format!("{}\n", serde_json::to_string_pretty(document()).unwrap());
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
    let document = document();
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
    let document = document();
    let text = document.to_string();
    for (_, rest) in text.match_indices("\"$ref\":\"#").map(|(at, _)| text.split_at(at + 9)) {
        let pointer = rest.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

/// The parameters of an operation that are in this place.
fn parameters<'a>(operation: &'a Value, place: &'a str) -> BTreeSet<&'a str> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(|parameter| parameter["in"] == place).filter_map(|one| one["name"].as_str()).collect()
}

/// Operations whose parameters in the path are not those that the path names.
fn misplaced_parameters(document: &Value) -> Vec<String> {
    let named = |path: &str| -> BTreeSet<String> {
        path.split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(str::to_owned)
            .collect()
    };
    operations(document)
        .filter(|(_, path, operation)| {
            named(path) != parameters(operation, "path").into_iter().map(str::to_owned).collect()
        })
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect()
}

#[test]
fn every_path_names_its_parameters() {
    assert_eq!(misplaced_parameters(document()), [""; 0]);
    let of = |place: &str| {
        json!({"paths": {"/a/{b}": {"get": {"parameters": [
            {"name": "b", "in": "path"}, {"name": "limit", "in": place},
        ]}}}})
    };
    assert_eq!(misplaced_parameters(&of("query")), [""; 0]);
    assert_eq!(misplaced_parameters(&of("path")), ["get /a/{b}"]);
}

/// Operations that say nothing about their credential, or something else than their handlers.
fn operations_of_unknown_access(document: &Value) -> Vec<String> {
    let required = requirements();
    operations(document)
        .filter(|(method, path, operation)| {
            let needs_key = required.contains_key(&((*method).to_owned(), (*path).to_owned()));
            let needs_only_key = operation["security"]
                .as_array()
                .is_some_and(|all| all.len() == 1 && all[0].get("access_key").is_some());
            operation["security"].is_null() || needs_only_key != needs_key
        })
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect()
}

#[test]
fn every_operation_says_which_credential_it_needs() {
    assert_eq!(operations_of_unknown_access(document()), [""; 0]);
    let of = |security: Value| json!({"paths": {"/new": {"get": {"security": security}}}});
    assert_eq!(operations_of_unknown_access(&of(json!([{}]))), [""; 0]);
    assert_eq!(operations_of_unknown_access(&of(Value::Null)), ["get /new"]);
    assert_eq!(operations_of_unknown_access(&of(json!([{"access_key": ["admin"]}]))), ["get /new"]);
}

#[test]
fn every_response_has_a_number_and_a_description() {
    for (method, path, operation) in operations(document()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(status.parse::<u16>().is_ok(), "{method} {path}: {status}");
            assert!(
                response["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{method} {path}: {status}"
            );
        }
    }
}
