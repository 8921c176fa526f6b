//! Bounds: no request makes an answer, a header, a stored item or a number of items grow without limit, and no
//! text of a caller reaches a key of the table that it cannot be.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use vitrine::aws::environment::{Environment, Names};
use vitrine::aws::process::Process;
use vitrine::aws::storage::table::{DynamoTable, text, text_of};
use vitrine::rules::settings::Settings;
use vitrine_local::services::TABLE;
use vitrine_tests::{Answer, Product};

use crate::shape::assert_problem;
use crate::wire::{Line, wired};

/// More than any error needs: 50 problems with paths of 200 characters.
const LONGEST_ERROR: usize = 64 * 1024;

const DIVE: &str = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";

fn description() -> Value {
    serde_json::from_str(include_str!("../../infra/openapi.json")).unwrap()
}

/// The routes of the API description: method, path, and whether it has a body.
fn routes() -> Vec<(Method, String, bool)> {
    let document = description();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            routes.push((method, path.clone(), operation["requestBody"].is_object()));
        }
    }
    routes
}

/// A value that a parameter of a path can have.
fn plausible(path: &str, name: &str) -> &'static str {
    match name {
        "kind" => "dashboard",
        "id" if path.starts_with("/v1/dives") => DIVE,
        "dive_id" => DIVE,
        "public_id" => "aB3dE6gH9jK2",
        "username" => "some_account",
        "tenant" => "acme",
        "id" | "deployment" | "version" => "1",
        _ => "none",
    }
}

fn filled(path: &str, odd: Option<(&str, &str)>) -> String {
    let parts =
        path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => part.to_owned(),
            Some(name) => match odd {
                Some((odd, value)) if odd == name => value.to_owned(),
                _ => plausible(path, name).to_owned(),
            },
        });
    parts.collect::<Vec<_>>().join("/")
}

fn assert_bounded(answer: &Answer, case: &str) {
    assert!(answer.status.as_u16() < 500, "{case}: {:.300}", answer.text);
    assert!(answer.text.len() <= LONGEST_ERROR, "{case}: {} bytes", answer.text.len());
    let issues = answer.json["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(issues.len() <= 50, "{case}: {} issues", issues.len());
    for issue in issues {
        assert!(issue["path"].as_str().unwrap().chars().count() <= 200, "{case}: {issue:.300}");
    }
    assert!(answer.json["issues_omitted"].is_null() || issues.len() == 50, "{case}");
}

#[tokio::test]
async fn no_body_makes_a_longer_error_than_an_answer_may_be() {
    let product = Product::start().await;
    let bodies = [
        (
            "many fields",
            Value::Object((0..12_000).map(|index| (format!("field{index}"), json!(1))).collect()),
        ),
        ("a long field", json!({ "x".repeat(100_000): 1 })),
        ("a list", json!(vec![json!({}); 20_000])),
    ];
    let mut counted = BTreeSet::new();
    for (method, path, has_body) in routes() {
        if !has_body {
            continue;
        }
        for (case, body) in &bodies {
            let case = format!("{method} {path}: {case}");
            let call = product.request(method.clone(), &filled(&path, None)).json(body.clone());
            let answer = call.admin().send().await;
            assert_bounded(&answer, &case);
            if let Some(omitted) = answer.json["issues_omitted"].as_u64() {
                assert_eq!(answer.status, 400, "{case}");
                assert!(omitted >= 11_000, "{case}: {omitted}");
                counted.insert(format!("{method} {path}"));
            }
        }
    }
    assert!(counted.len() >= 10, "{counted:?}");
}

/// body -> the number of problems that are named, and of those that are not.
#[tokio::test]
async fn problems_are_named_up_to_50() {
    let product = Product::start().await;
    product.publish(&format!("dive/{DIVE}"), json!({"content": {"type": "html", "html": "x"}})).await;
    product.publish("dashboard/1", json!({})).await;
    let resource = "/v1/resources/dashboard/1".to_owned();
    let dive = format!("/v1/dives/{DIVE}");
    let policies = |count: usize| -> Value {
        Value::Object((0..count).map(|index| (format!("p{index}"), json!("locked"))).collect())
    };
    let slug = "é".repeat(20_000);
    let origins = json!(vec!["nonsense"; 20_000]);
    let parameters = json!(vec![json!({"slug": "a", "name": "A", "type": "nothing"}); 3_000]);
    let published =
        |policy: Value| json!({"title": "T", "enable_embedding": true, "embedding_params": policy});
    let members = json!({"members": vec![json!({}); 20_000]});
    let cases = [
        (
            Method::PUT,
            &resource,
            json!({"title": "T", "allowed_origins": origins}),
            1,
            None,
            "allowed_origins",
        ),
        (Method::PATCH, &dive, json!({ "allowed_origins": origins }), 1, None, "allowed_origins"),
        (
            Method::PUT,
            &"/api/dashboard/1".to_owned(),
            json!({ "allowed_origins": origins }),
            1,
            None,
            "allowed_origins",
        ),
        (Method::PUT, &resource, json!({"title": "T", "parameters": parameters}), 1, None, "parameters"),
        (
            Method::PUT,
            &"/api/dashboard/1".to_owned(),
            json!({ "parameters": parameters }),
            1,
            None,
            "parameters",
        ),
        (Method::PUT, &resource, published(policies(50)), 50, None, "embedding_params.p0"),
        (Method::PUT, &resource, published(policies(51)), 50, Some(1), "embedding_params.p0"),
        (Method::PUT, &resource, published(policies(20_000)), 50, Some(19_950), "embedding_params.p0"),
        (
            Method::PUT,
            &resource,
            published(json!({ &slug: "locked" })),
            1,
            None,
            &format!("embedding_params.{}…", "é".repeat(182)),
        ),
        (Method::POST, &"/api/v1/embed-tenants/acme/groups/1/users".to_owned(), members, 1, None, "members"),
        (
            Method::POST,
            &"/api/v1/embed-tenants/acme/users".to_owned(),
            json!({"users": vec![json!({}); 20_000]}),
            1,
            None,
            "users",
        ),
        (
            Method::POST,
            &"/api/v1/embed/generate-session".to_owned(),
            json!({"externalId": "ann", "deploymentId": 1, "groups": vec![json!(1); 20_000]}),
            1,
            None,
            "groups",
        ),
    ];
    for (method, path, body, named, omitted, first) in cases {
        let answer = product.request(method.clone(), path).json(body).admin().send().await;
        let case = format!("{method} {path} {first}: {:.300}", answer.text);
        assert_eq!(answer.refusal(), (400, "request_invalid"), "{case}");
        assert_eq!(answer.issues().len(), named, "{case}");
        assert_eq!(answer.json["issues_omitted"].as_u64(), omitted, "{case}");
        assert_eq!(answer.issues()[0], first, "{case}");
        assert!(
            answer.json.as_object().unwrap().contains_key("issues_omitted") == omitted.is_some(),
            "{case}"
        );
    }
}

#[tokio::test]
async fn no_id_in_a_path_is_too_long_for_the_table() {
    let product = Product::start().await;
    let long = [
        "x".repeat(3_000),
        "7".repeat(3_000),
        "%C3%A9".repeat(1_500),
        "%F0%9F%A6%80".repeat(256),
        format!("a{}", "_".repeat(1_100)),
        "a-b.c~".repeat(300),
    ];
    let (mut tried, mut asked) = (0, 0);
    for (method, path, has_body) in routes() {
        let names: Vec<_> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for name in names {
            for odd in &long {
                let call = product.request(method.clone(), &filled(&path, Some((name, odd))));
                let call = if has_body { call.json(json!({})) } else { call };
                let answer = call.admin().send().await;
                let case = format!("{method} {path} with {name} {:.20}: {:.200}", odd, answer.text);
                // The page and its frame are always 200 with HTML.
                let is_page = path.starts_with("/embed/") && method == Method::GET;
                if !(is_page && answer.status == 200) {
                    assert!([400, 401, 403, 404].contains(&answer.status.as_u16()), "{case}");
                    assert_problem(&answer, &case);
                    assert!(answer.text.len() < 1_000, "{case}");
                    asked += 1;
                }
                tried += 1;
            }
        }
    }
    assert!(tried >= 250 && asked >= 230, "{tried} {asked}");
}

#[tokio::test]
async fn an_unknown_id_of_another_form_is_like_an_unknown_one() {
    let product = Product::start().await;
    let account = product.post("/v1/users", json!({"username": "abc"})).admin().send().await;
    assert_eq!(account.status, 200, "{}", account.text);
    for (path, reason) in [
        ("/v1/users/abc/tokens/{}", "account_not_found"),
        ("/v1/attributes/{}", "attribute_not_found"),
        ("/v1/groups/{}", "group_not_found"),
        ("/v1/keys/{}", "access_key_not_found"),
        ("/v1/signing-keys/{}", "signing_key_not_found"),
    ] {
        for id in ["none".to_owned(), "x".repeat(3_000), "%F0%9F%A6%80".repeat(255)] {
            let answer = product.delete(&path.replace("{}", &id)).admin().send().await;
            assert_eq!(answer.refusal(), (404, reason), "{path} {id:.20}");
        }
    }
    // A name of the right form can still be removed.
    let token = product.post("/v1/users/abc/tokens", json!({"name": "t"})).admin().send().await;
    let path = format!("/v1/users/abc/tokens/{}", token.json["id"].as_str().unwrap());
    assert_eq!(product.delete(&path).admin().send().await.status, 204);
    let longest = "ä".repeat(255);
    for (path, body) in [
        ("/v1/attributes", json!({"name": longest, "type": "string"})),
        ("/v1/groups", json!({ "name": longest })),
    ] {
        assert_eq!(product.post(path, body).admin().send().await.status, 201, "{path}");
        let path = format!("{path}/{}", "%C3%A4".repeat(255));
        assert_eq!(product.delete(&path).admin().send().await.status, 204, "{path}");
    }
    // A name can be longer than a key of the table.
    let session = json!({
        "deploymentId": 1, "externalId": "ann", "creatorMode": true, "embedTenantName": "acme",
        "userAttributeDefinitions": [{"name": "🦀".repeat(255), "type": "string"}],
    });
    let refused = product.post("/api/v1/embed/generate-session", session).admin().send().await;
    assert_eq!(refused.issues(), ["userAttributeDefinitions[0].name"], "{}", refused.text);
}

#[tokio::test]
async fn a_session_id_of_another_form_belongs_to_no_session() {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({})).await;
    let hex = "a".repeat(64);
    for sid in
        ["x".repeat(3_000), String::new(), "é".repeat(1_500), hex.to_uppercase(), hex[1..].to_owned(), hex]
    {
        let token = product.sign_as_minted(json!({"resource": {"dashboard": 1}, "params": {}, "sid": sid}));
        for call in [
            product.get("/v1/view").bearer(&token),
            product.get(&format!("/api/embed/dashboard/{token}")),
            product.get("/v1/view/dashboard/1").bearer(&token),
        ] {
            assert_eq!(call.send().await.refusal(), (401, "token_revoked"), "{sid:.70}");
        }
        let asked = product.post("/v1/introspect", json!({ "token": token })).admin().send().await;
        assert_eq!(asked.text, r#"{"active":false}"#);
        let revoked = product.post("/v1/sessions/revoke", json!({ "session": token })).admin().send().await;
        assert_eq!(revoked.status, 204, "{sid:.70}: {}", revoked.text);
    }
}

/// The service will never take such a request, so nobody is told to try again, and it is sent once.
#[tokio::test]
async fn a_request_that_dynamodb_does_not_take_is_our_fault() {
    let (product, wires) = wired(&[]).await;
    product.publish("dashboard/1", json!({})).await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    assert_eq!(product.view(&token, "").await.status, 200);
    product.wait_for_background_tasks().await;
    let body = |word: &str| {
        json!({"__type": format!("com.amazon.coral.validate#{word}"), "message": "a text of theirs"})
            .to_string()
    };
    let calls = || {
        [
            ("a view", product.get("/v1/view").bearer(&token), 1),
            ("a list", product.get("/v1/keys").admin(), 1),
            ("a change", product.put("/v1/resources/dashboard/1", json!({"title": "T"})).admin(), 1),
            ("an exchange", product.post("/v1/sessions/redeem", json!({"session": "none"})), 1),
        ]
    };
    wires.dynamodb.asked();
    wires.dynamodb.set(Line::Says(400, body("ValidationException")));
    for (case, call, requests) in calls() {
        let answer = call.send().await;
        assert_problem(&answer, case);
        assert_eq!(answer.refusal(), (500, "internal"), "{case}");
        assert_eq!(answer.header("retry-after"), "", "{case}");
        assert!(!answer.text.contains("theirs"), "{case}");
        product.wait_for_background_tasks().await;
        assert_eq!(wires.dynamodb.asked().len(), requests, "{case}");
    }
    wires.dynamodb.set(Line::Says(400, body("ThrottlingException")));
    for (case, call, _) in calls() {
        assert_eq!(call.send().await.refusal(), (503, "unavailable"), "{case}");
    }
    let cancelled = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "a text of theirs",
        "CancellationReasons": [{"Code": "None"}, {"Code": "ValidationError", "Message": "theirs"}],
    });
    wires.dynamodb.set(Line::Says(400, cancelled.to_string()));
    let dashboard = product.delete("/api/v1/embed-tenants/acme").admin().send().await;
    assert!(dashboard.status.as_u16() >= 500, "{}", dashboard.text);
}

/// The origins of a `frame-ancestors` directive.
fn ancestors(page: &Answer) -> Vec<String> {
    let policy = page.header("content-security-policy");
    let (_, list) = policy.split_once("frame-ancestors ").unwrap();
    list.split(' ').map(str::to_owned).collect()
}

/// Origins of 200 bytes each with the space after it.
fn long_origins(count: usize) -> Vec<String> {
    let labels = format!("{0}.{0}.{0}", "a".repeat(60));
    (0..count).map(|index| format!("https://h{index:03}.{labels}.com")).collect()
}

#[tokio::test]
async fn a_published_resource_has_origins_for_4_kib_of_a_header() {
    let stack = "https://stack.example.com";
    let product = Product::start_with(&[("AllowedOrigins", stack)]).await;
    let origins = long_origins(50);
    let each = origins[0].len() + 1;
    let fitting = (4_096 - stack.len() - 1) / each;
    let publish = async |path: &str, enabled: bool, count: usize| {
        let body = json!({"title": "T", "enable_embedding": enabled, "allowed_origins": origins[..count]});
        product.put(path, body).admin().send().await
    };
    let path = "/v1/resources/dashboard/1";
    assert_eq!(publish(path, true, fitting).await.status, 201);
    for count in [fitting + 1, 50] {
        let refused = publish(path, true, count).await;
        assert_eq!(
            (refused.refusal(), refused.issues()),
            ((400, "request_invalid"), vec!["allowed_origins"])
        );
    }
    // An unpublished resource may have them, and cannot be published with them.
    assert_eq!(publish(path, false, 50).await.status, 200);
    for (method, path) in [(Method::PUT, "/api/dashboard/1"), (Method::PUT, "/v1/resources/dashboard/1")] {
        let body = json!({"title": "T", "enable_embedding": true, "allowed_origins": origins});
        let body = if path.starts_with("/api") { json!({"enable_embedding": true}) } else { body };
        let refused = product.request(method, path).json(body).admin().send().await;
        assert_eq!(refused.issues(), ["allowed_origins"], "{path}");
    }
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
    assert_eq!(ancestors(&page).len(), fitting + 1);
    assert!(page.header("content-security-policy").len() < 4_096 + 400);
    let mut settings = Settings::default();
    assert!(settings.set("AllowedOrigins", &origins[..20].join(",")).is_ok());
    assert!(settings.set("AllowedOrigins", &origins.join(",")).is_err());
}

/// A resource that an older version stored can have more. The header then has the origins of the stack and as many of its
/// own as fit: the others may not frame it, and everything else works.
#[tokio::test]
async fn the_origins_of_an_old_resource_that_do_not_fit_may_not_frame_it() {
    let stack = "https://stack.example.com";
    let product = Product::start_with(&[("AllowedOrigins", stack)]).await;
    product.publish("dashboard/1", json!({"allowed_origins": ["https://to-be-replaced.example.com"]})).await;
    let origins = long_origins(50);
    let endpoint = format!("http://{}", product.services.dynamodb);
    let config = product.services.sdk_config().await.into_builder().endpoint_url(endpoint).build();
    let environment = Environment::new(
        Settings::default(),
        product.clock.clone(),
        Process::default(),
        Names::Process,
        config,
    );
    let table = DynamoTable::of(&environment);
    let stored = table.client.scan().table_name(TABLE).send().await.unwrap().items.unwrap_or_default();
    let mut changed = 0;
    for mut item in stored {
        let Some(document) = text_of(&item, "document").map(str::to_owned) else { continue };
        if document.contains("to-be-replaced") {
            let document =
                document.replace(r#"["https://to-be-replaced.example.com"]"#, &json!(origins).to_string());
            item.insert("document".to_owned(), text(document));
            table.client.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
            changed += 1;
        }
    }
    assert_eq!(changed, 3, "the copies under its three ids");

    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let page = product.get(&format!("/embed/dashboard/{token}")).send().await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").len() < 4_096 + 400);
    let named = ancestors(&page);
    assert!(named.contains(&stack.to_owned()) && named.contains(&origins[0]), "{named:?}");
    assert!(!named.contains(&origins[49]) && !named.contains(&"*".to_owned()), "{named:?}");
    let view = product.view(&token, "").await;
    assert_eq!(view.status, 200, "{}", view.text);
    let listed: BTreeSet<_> = view.json["frame_origins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(listed, named.into_iter().collect(), "the page asks the same list");
    // It can be unpublished, and published again with a shorter list.
    let off = product.put("/api/dashboard/1", json!({"enable_embedding": false})).admin().send().await;
    assert_eq!(off.status, 200, "{}", off.text);
    let on = json!({"enable_embedding": true, "allowed_origins": origins[..5]});
    assert_eq!(product.put("/api/dashboard/1", on).admin().send().await.status, 200);
}
