//! Invalid requests: each gets the right status in the common error format, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use vitrine::rules::settings::Settings;
use vitrine_tests::{ADMIN_KEY, Answer, Call, Product, SECRET, merge, sign};

use crate::shape::assert_problem;

const KIBI: usize = 1024;

/// A route that takes a body, with a valid body and its limits.
struct Taker {
    method: Method,
    path: &'static str,
    good: Value,
    success: u16,
    limit: usize,
}

fn takers() -> Vec<Taker> {
    let taker =
        |method, path, good, success, limit| Taker { method, path, good, success, limit: limit * KIBI };
    vec![
        taker(Method::PUT, "/v1/resources/dashboard/9", json!({"title": "T"}), 201, 512),
        taker(Method::POST, "/v1/sessions", json!({"resource": {"dashboard": 1}}), 201, 256),
        taker(Method::POST, "/v1/sessions/redeem", json!({"session": "none"}), 401, 256),
        taker(Method::POST, "/v1/sessions/revoke", json!({"session": "none"}), 204, 256),
        taker(Method::POST, "/v1/introspect", json!({"token": "none"}), 200, 256),
        taker(Method::POST, "/v1/keys", json!({"name": "k", "role": "member"}), 201, 256),
    ]
}

impl Taker {
    fn call(&self, product: &Product, body: impl Into<Body>) -> Call {
        product
            .request(self.method.clone(), self.path)
            .admin()
            .header("content-type", "application/json")
            .body(body)
    }

    fn with(&self, fields: Value) -> Value {
        let mut body = self.good.clone();
        merge(&mut body, fields);
        body
    }

    /// The body without its closing brace, so that members can be appended.
    fn open(&self) -> String {
        let good = self.good.to_string();
        good[..good.len() - 1].to_owned()
    }
}

async fn with_dashboard() -> Product {
    let product = Product::start().await;
    product.publish("dashboard/1", json!({})).await;
    product
}

async fn refused(call: Call, case: &str) -> Answer {
    let answer = call.send().await;
    assert_problem(&answer, case);
    answer
}

#[tokio::test]
async fn malformed_json_is_refused() {
    let product = with_dashboard().await;
    let before = product.items().await;
    for taker in takers() {
        let good = taker.good.to_string();
        let (name, value) = taker.good.as_object().unwrap().iter().next().unwrap();
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", Vec::new()),
            ("blanks", b"  ".to_vec()),
            ("the first half", good.as_bytes()[..good.len() / 2].to_vec()),
            ("a trailing comma", format!("{},}}", taker.open()).into()),
            ("twice", format!("{good}{good}").into()),
            ("text after the document", format!("{good}x").into()),
            ("a byte order mark", format!("\u{feff}{good}").into()),
            ("single quotes", good.replace('"', "'").into()),
            ("a comment", format!("/**/{good}").into()),
            ("NaN", format!("{},\"a\":NaN}}", taker.open()).into()),
            ("a number out of range", format!("{},\"a\":1e999}}", taker.open()).into()),
            ("a form", b"title=T&token=none".to_vec()),
            ("a duplicate member", format!("{},\"{name}\":{value}}}", taker.open()).into()),
            ("a nested duplicate member", format!("{},\"a\":{{\"b\":1,\"b\":2}}}}", taker.open()).into()),
            ("an unpaired surrogate", format!("{},\"a\":\"\\ud800\"}}", taker.open()).into()),
            ("deep nesting without an end", "[".repeat(100_000).into()),
            ("deep nesting", [&b"[".repeat(1_000)[..], &b"]".repeat(1_000)[..]].concat()),
            ("invalid UTF-8", [good.as_bytes(), &[0xff]].concat()),
            ("invalid UTF-8 in a string", [b"{\"title\":\"".as_slice(), &[0xc3, 0x28], b"\"}"].concat()),
            ("UTF-16", good.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ];
        for (case, body) in bodies {
            let case = format!("{} {}: {case}", taker.method, taker.path);
            assert_eq!(
                refused(taker.call(&product, body), &case).await.refusal(),
                (400, "body_malformed"),
                "{case}"
            );
        }
    }
    assert_eq!(product.items().await, before);
}

#[tokio::test]
async fn a_body_that_is_not_an_object_is_refused() {
    let product = with_dashboard().await;
    let before = product.items().await;
    for taker in takers() {
        for body in [json!(null), json!(true), json!(1), json!("text"), json!([]), json!([taker.good])] {
            let case = format!("{}: {body}", taker.path);
            let answer = refused(taker.call(&product, body.to_string()), &case).await;
            assert_eq!(answer.refusal(), (400, "request_invalid"), "{case}");
            assert!(!answer.issues().is_empty(), "{case}");
        }
    }
    assert_eq!(product.items().await, before);
}

#[tokio::test]
async fn unknown_fields_are_named() {
    let product = with_dashboard().await;
    let before = product.items().await;
    for taker in takers() {
        for extra in ["extra", "Title", "__proto__", "constructor", "", "a.b", "\u{202e}"] {
            let body = taker.with(json!({ extra: 1 }));
            let answer = refused(taker.call(&product, body.to_string()), taker.path).await;
            assert_eq!(
                (answer.refusal(), answer.issues()),
                ((400, "request_invalid"), vec![extra]),
                "{}",
                taker.path
            );
        }
    }
    assert_eq!(product.items().await, before);
}

/// Tries each field of each body with each type that it does not accept.
#[tokio::test]
async fn wrong_types_are_named() {
    let product = with_dashboard().await;
    let before = product.items().await;
    let fields: [(&str, &str, Vec<Value>); 26] = [
        ("/v1/resources/dashboard/9", "title", vec![json!("T")]),
        ("/v1/resources/dashboard/9", "description", vec![json!("D"), json!(null)]),
        ("/v1/resources/dashboard/9", "content", vec![json!({}), json!(null)]),
        ("/v1/resources/dashboard/9", "parameters", vec![json!([])]),
        ("/v1/resources/dashboard/9", "enable_embedding", vec![json!(true)]),
        ("/v1/resources/dashboard/9", "embedding_params", vec![json!({})]),
        ("/v1/resources/dashboard/9", "allowed_origins", vec![json!([])]),
        ("/v1/resources/dashboard/9", "archived", vec![json!(true)]),
        ("/v1/resources/dashboard/9", "deployment", vec![json!(1), json!(null)]),
        ("/v1/sessions", "resource", vec![json!({})]),
        ("/v1/sessions", "params", vec![json!({}), json!(null)]),
        ("/v1/sessions", "viewer", vec![json!({}), json!(null)]),
        ("/v1/sessions", "viewer.id", vec![json!("alice"), json!(null)]),
        ("/v1/sessions", "viewer.attributes", vec![json!({})]),
        ("/v1/sessions", "viewer.groups", vec![json!([])]),
        ("/v1/sessions", "ttl_seconds", vec![json!(1), json!(null)]),
        ("/v1/sessions", "single_use", vec![json!(true)]),
        ("/v1/sessions/redeem", "session", vec![json!("none")]),
        ("/v1/sessions/revoke", "session", vec![json!("none")]),
        ("/v1/introspect", "token", vec![json!("none")]),
        ("/v1/keys", "name", vec![json!("k")]),
        ("/v1/keys", "role", vec![json!("member")]),
        ("/v1/keys", "permissions", vec![json!([])]),
        ("/v1/keys", "deployments", vec![json!([])]),
        ("/v1/keys", "expires_at", vec![json!("2999-01-01T00:00:00Z"), json!(null)]),
        ("/v1/sessions", "resource.dashboard", vec![json!(1), json!("V1StGXR8_Z5jdHi6B-myT")]),
    ];
    let same_type =
        |value: &Value, other: &Value| std::mem::discriminant(value) == std::mem::discriminant(other);
    for (path, field, right) in fields {
        let taker = takers().into_iter().find(|taker| taker.path == path).unwrap();
        for wrong in
            [json!(null), json!(true), json!(7), json!(1.5), json!("text"), json!([7]), json!({"a": 1})]
        {
            let fraction = wrong == json!(1.5) && right.contains(&json!(1));
            if right.iter().any(|right| same_type(right, &wrong)) && !fraction {
                continue;
            }
            let mut body = taker.good.clone();
            let (outer, inner) = field.split_once('.').unwrap_or((field, ""));
            if inner.is_empty() {
                body[outer] = wrong.clone();
            } else {
                body[outer] = json!({ inner: wrong });
            }
            let case = format!("{path} {field}: {wrong}");
            let answer = refused(taker.call(&product, body.to_string()), &case).await;
            assert_eq!(answer.refusal(), (400, "request_invalid"), "{case}");
            let issues = answer.issues();
            assert!(
                !issues.is_empty() && issues.iter().all(|issue| issue.starts_with(outer)),
                "{case}: {issues:?}"
            );
        }
    }
    assert_eq!(product.items().await, before);
}

/// A body of exactly the limit is accepted, and one byte more is refused, with or without a content-length.
#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let product = with_dashboard().await;
    for taker in takers() {
        let good = taker.good.to_string();
        let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
        let before = product.items().await;
        let over = padded(taker.limit + 1);
        let calls = [
            ("one byte over the limit", taker.call(&product, over.clone())),
            (
                "one byte over the limit, with content-length",
                taker.call(&product, over.clone()).header("content-length", over.len()),
            ),
            ("far over the limit", taker.call(&product, "x".repeat(6 * KIBI * KIBI))),
            (
                "a large content-length on a small body",
                taker.call(&product, good.clone()).header("content-length", usize::MAX),
            ),
        ];
        for (case, call) in calls {
            let case = format!("{}: {case}", taker.path);
            assert_eq!(refused(call, &case).await.refusal(), (413, "body_too_large"), "{case}");
        }
        assert_eq!(product.items().await, before, "{}", taker.path);
        let fits = taker.call(&product, padded(taker.limit)).send().await;
        assert_eq!(fits.status, taker.success, "{}: {}", taker.path, fits.text);
    }
}

#[tokio::test]
async fn permissions_are_checked_before_the_body() {
    let product = with_dashboard().await;
    let huge = "x".repeat(600 * KIBI);
    for taker in takers().into_iter().filter(|taker| taker.path != "/v1/sessions/redeem") {
        for body in ["{", r#"{"extra":1}"#, huge.as_str()] {
            let call = product.request(taker.method.clone(), taker.path).body(body.to_owned());
            assert_eq!(
                refused(call, taker.path).await.refusal(),
                (401, "access_key_missing"),
                "{}",
                taker.path
            );
        }
    }
}

#[tokio::test]
async fn malformed_and_unknown_ids_are_refused() {
    let product = with_dashboard().await;
    let before = product.items().await;
    let uuid = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";
    let cases = [
        ("dashboard/0", "id_invalid"),
        ("dashboard/01", "id_invalid"),
        ("dashboard/-1", "id_invalid"),
        ("dashboard/+1", "id_invalid"),
        ("dashboard/1.0", "id_invalid"),
        ("dashboard/1e3", "id_invalid"),
        ("dashboard/0x1", "id_invalid"),
        ("dashboard/9007199254740992", "id_invalid"),
        ("dashboard/18446744073709551617", "id_invalid"),
        ("dashboard/one", "id_invalid"),
        ("dashboard/%D9%A1", "id_invalid"),
        ("dashboard/1%20", "id_invalid"),
        ("dashboard/V1StGXR8_Z5jdHi6B-my", "id_invalid"),
        ("dashboard/V1StGXR8_Z5jdHi6B-myTT", "id_invalid"),
        ("dashboard/V1StGXR8_Z5jdHi6B~myT", "id_invalid"),
        (&format!("dashboard/{uuid}"), "id_invalid"),
        ("question/0", "id_invalid"),
        ("dive/1", "id_invalid"),
        ("dive/V1StGXR8_Z5jdHi6B-myT", "id_invalid"),
        (&format!("dive/{}", uuid.replace('-', "")), "id_invalid"),
        (&format!("dive/%7B{uuid}%7D"), "id_invalid"),
        (&format!("dive/{}", "a".repeat(4_000)), "id_invalid"),
        ("card/1", "route_not_found"),
        ("Dashboard/1", "route_not_found"),
        ("dashboards/1", "route_not_found"),
        ("%00/1", "route_not_found"),
        ("{kind}/1", "route_not_found"),
    ];
    for (name, reason) in cases {
        let path = format!("/v1/resources/{name}");
        let put = product.put(&path, json!({"title": "T"}));
        for call in [put, product.get(&path), product.delete(&path)] {
            let answer = refused(call.admin(), name).await;
            assert_eq!(answer.json["reason"], reason, "{name:.80}");
        }
    }
    // Bytes that are not UTF-8 are no id either.
    for name in ["dashboard/%ff", "dashboard/%C3%28", "%ff/1"] {
        let answer = refused(product.get(&format!("/v1/resources/{name}")).admin(), name).await;
        assert_eq!(answer.status, 400, "{name}");
    }
    // The caller cannot choose a public id.
    let chosen = refused(
        product.put("/v1/resources/dashboard/abcdefghijkl", json!({"title": "T"})).admin(),
        "public id",
    )
    .await;
    assert_eq!(chosen.refusal(), (404, "resource_not_found"));
    assert_eq!(product.items().await, before);
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_own_list() {
    let product = Product::start().await;
    for name in ["dashboard/1", "dashboard/2", "question/1", "question/2"] {
        product.publish(name, json!({})).await;
    }
    for _ in 0..2 {
        product.key("admin", &[]).await;
    }
    let cursor = async |path: &str| {
        let page = product.get(path).admin().send().await;
        page.json["next_cursor"].as_str().unwrap_or_else(|| panic!("{path}: {}", page.text)).to_owned()
    };
    let dashboards = cursor("/v1/resources?limit=1&kind=dashboard").await;
    let questions = cursor("/v1/resources?limit=1&kind=question").await;
    let keys = cursor("/v1/keys?limit=1").await;
    let mut tampered = dashboards.clone();
    tampered.replace_range(tampered.len() - 1.., if dashboards.ends_with('A') { "B" } else { "A" });
    for path in [
        format!("/v1/resources?cursor={keys}"),
        format!("/v1/keys?cursor={dashboards}"),
        format!("/v1/resources?kind=dashboard&cursor={questions}"),
        format!("/v1/resources?kind=question&cursor={dashboards}"),
        format!("/v1/resources?kind=dive&cursor={dashboards}"),
        format!("/v1/resources?cursor={tampered}"),
        format!("/v1/resources?cursor={dashboards}="),
        format!("/v1/resources?cursor={dashboards}AAAA"),
        format!("/v1/resources?cursor={}", &dashboards[..dashboards.len() - 4]),
        "/v1/resources?cursor=".to_owned(),
        "/v1/resources?cursor=%ff".to_owned(),
        "/v1/resources?cursor=null".to_owned(),
        "/v1/resources?cursor=2".to_owned(),
        format!("/v1/resources?cursor={}", "A".repeat(6_000)),
        "/v1/keys?cursor=".to_owned(),
        format!("/v1/keys?cursor={keys}="),
        format!("/v1/keys?cursor={}", &keys[..keys.len() - 4]),
    ] {
        let answer = refused(product.get(&path).admin(), &path[..path.len().min(80)]).await;
        assert_eq!(answer.refusal(), (400, "cursor_invalid"), "{path:.80}");
    }
    for path in [format!("/v1/resources?kind=question&cursor={questions}"), format!("/v1/keys?cursor={keys}")]
    {
        let page = product.get(&path).admin().send().await;
        assert_eq!((page.status.as_u16(), page.json["items"].as_array().unwrap().len()), (200, 1), "{path}");
    }
}

#[tokio::test]
async fn invalid_query_strings_are_refused() {
    let product = with_dashboard().await;
    let cases = [
        ("/v1/resources?page=2", vec!["page"]),
        ("/v1/resources?Kind=dashboard", vec!["Kind"]),
        ("/v1/resources?kind=dashboard&offset=1&sort=id", vec!["offset", "sort"]),
        ("/v1/resources?kind=card", vec!["kind"]),
        ("/v1/resources?kind=", vec!["kind"]),
        ("/v1/resources?embeddable=yes", vec!["embeddable"]),
        ("/v1/resources?embeddable=1", vec!["embeddable"]),
        ("/v1/resources?embeddable", vec!["embeddable"]),
        ("/v1/resources?limit=0", vec!["limit"]),
        ("/v1/resources?limit=-1", vec!["limit"]),
        ("/v1/resources?limit=1001", vec!["limit"]),
        ("/v1/resources?limit=1e2", vec!["limit"]),
        ("/v1/resources?limit=99999999999999999999", vec!["limit"]),
        ("/v1/resources?limit=", vec!["limit"]),
        ("/v1/resources?limit=1&limit=2", vec!["limit"]),
        ("/v1/resources?limit=x&kind=y", vec!["kind", "limit"]),
        ("/v1/resources?=1", vec![""]),
        ("/v1/keys?kind=dashboard", vec!["kind"]),
        ("/v1/keys?limit=0", vec!["limit"]),
        ("/v1/keys?limit=1001", vec!["limit"]),
        ("/v1/keys?cursor=a&cursor=b", vec!["cursor"]),
        ("/v1/attributes?first=1", vec!["first"]),
        ("/v1/attributes?limit=0", vec!["limit"]),
        ("/v1/groups?after=x&first=1", vec!["after", "first"]),
        ("/v1/groups?limit=1001", vec!["limit"]),
        ("/v1/external-users?first=1", vec!["first"]),
        ("/v1/external-users?limit=x&tenant=A", vec!["limit", "tenant"]),
        ("/api/v1/embed-tenants?limit=1&cursor=x", vec!["cursor", "limit"]),
    ];
    for (path, issues) in cases {
        let answer = refused(product.get(path).admin(), path).await;
        assert_eq!(answer.refusal(), (400, "request_invalid"), "{path}");
        assert_eq!(
            answer.issues().into_iter().collect::<BTreeSet<_>>(),
            issues.into_iter().collect(),
            "{path}"
        );
    }
    for path in ["/v1/resources?limit=1000", "/v1/resources?", "/v1/resources?&", "/v1/keys?limit=1"] {
        assert_eq!(product.get(path).admin().send().await.status, 200, "{path}");
    }
    // Metabase's own clients send other parameters.
    let listed = product.get("/api/dashboard/embeddable?archived=false&page=2").admin().send().await;
    assert_eq!(listed.json.as_array().map(Vec::len), Some(1), "{}", listed.text);
}

/// Every served route with its methods.
async fn served(product: &Product) -> BTreeMap<&'static str, BTreeSet<String>> {
    let functions =
        vitrine_local::functions::connect_all(&product.services, &Settings::default(), &product.clock).await;
    let mut served: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (method, path) in functions.iter().flat_map(|function| function.routes.declared()) {
        served.entry(*path).or_default().insert(method.to_string());
    }
    served
}

/// A path that matches the pattern.
fn example(pattern: &str) -> String {
    let names = [
        ("{kind}", "dashboard"),
        ("{id}", "1"),
        ("{credential}", "abcdefghijkl"),
        ("{file}", "embed.js"),
        ("{tenant}", "acme"),
    ];
    names.iter().fold(pattern.to_owned(), |path, (name, value)| path.replace(name, value))
}

#[tokio::test]
async fn a_wrong_method_gets_the_allowed_methods() {
    let product = with_dashboard().await;
    let before = product.items().await;
    for (pattern, mut methods) in served(&product).await {
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            if methods.contains(method) {
                continue;
            }
            let case = format!("{method} {pattern}");
            let answer = product.request(method.parse().unwrap(), &example(pattern)).admin().send().await;
            assert_eq!(answer.status, 405, "{case}");
            let allowed: BTreeSet<_> =
                answer.header("allow").split(',').map(|name| name.trim().to_owned()).collect();
            assert_eq!(allowed, methods, "{case}");
            if method != "HEAD" {
                assert_problem(&answer, &case);
                assert_eq!(answer.refusal(), (405, "method_not_allowed"), "{case}");
            }
        }
    }
    assert_eq!(product.items().await, before);
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let product = with_dashboard().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/resources",
        "/v1/resource",
        "/v1/resources/dashboard",
        "/v1/resources/dashboard/1/content",
        "/v1/sessions/any",
        "/v1/keys/a/b",
        "/api",
        "/api/collection/1/items/1",
        "/api/card/embeddable/1",
        "/embed",
        "/embed/card/x",
        "/embed/dashboard",
        "/embed/dashboard/x/y",
        "/embed/assets",
        "/embed/assets/nothing.js",
        "/embed/assets/../page",
        "/_local/clock",
        "/_local/demo/metabase",
        "/openapi.json",
        "/favicon.ico",
        "/.env",
        "/healthz/live",
        "/v1/view/dashboard/1/x",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let call = product.request(method.clone(), path).admin();
            // A path that exists for other methods answers 405.
            if method != Method::GET && ["/v1/sessions/any", "/embed/assets/nothing.js"].contains(&path) {
                continue;
            }
            let answer = refused(call, path).await;
            assert_eq!(answer.refusal(), (404, "route_not_found"), "{method} {path}");
            assert_eq!(answer.json["code"], "ROUTE_NOT_FOUND", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let product = with_dashboard().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    type At<'a> = &'a dyn Fn(&str) -> Call;
    let calls: [(&str, At); 14] = [
        ("/healthz", &|path| product.get(path)),
        ("/v1/resources", &|path| product.get(path).admin()),
        ("/v1/resources/dashboard/1", &|path| product.get(path).admin()),
        ("/v1/resources/dashboard/9", &|path| product.get(path).admin()),
        ("/v1/resources/dashboard/9", &|path| product.delete(path).admin()),
        ("/v1/keys", &|path| product.get(path)),
        ("/v1/keys", &|path| product.post(path, json!({})).admin()),
        ("/v1/sessions", &|path| product.post(path, json!({})).admin()),
        ("/v1/introspect", &|path| product.post(path, json!({"token": "none"})).admin()),
        ("/api/dashboard/embeddable", &|path| product.get(path).admin()),
        ("/v1/view", &|path| product.get(path)),
        ("/v1/view/question", &|path| product.get(path).bearer(&token)),
        ("/embed/dashboard/abcdefghijkl", &|path| product.get(path)),
        ("/v1/nothing", &|path| product.get(path)),
    ];
    let comparable = |mut answer: Answer| {
        if let Some(members) = answer.json.as_object_mut() {
            members.remove("request_id");
        }
        let headers = ["content-type", "content-security-policy"].map(|name| answer.header(name).to_owned());
        (answer.status, headers, answer.json)
    };
    for (path, call) in calls {
        let plain = comparable(call(path).send().await);
        for suffix in ["/", "//"] {
            assert_eq!(comparable(call(&format!("{path}{suffix}")).send().await), plain, "{path}{suffix}");
        }
    }
    let asked = product.get("/v1/resources/?limit=0").admin().send().await;
    assert_eq!(asked.issues(), ["limit"], "the query string is kept");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let product = with_dashboard().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    for (path, credential) in [
        ("/healthz", None),
        ("/v1/resources", Some(ADMIN_KEY)),
        ("/v1/resources", None),
        ("/v1/resources?limit=0", Some(ADMIN_KEY)),
        ("/v1/resources/dashboard/1", Some(ADMIN_KEY)),
        ("/v1/resources/dashboard/9", Some(ADMIN_KEY)),
        ("/v1/keys", Some(ADMIN_KEY)),
        ("/v1/view", Some(token.as_str())),
        ("/v1/view", Some("garbage")),
        ("/v1/view", None),
        ("/embed/dashboard/abcdefghijkl", None),
        ("/embed/assets/nothing.js", None),
        ("/nothing", None),
    ] {
        let call = |method| {
            let call = product.request(method, path);
            credential.into_iter().fold(call, |call, credential| call.bearer(credential))
        };
        let (get, head) = (call(Method::GET).send().await, call(Method::HEAD).send().await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path} {credential:?}");
        for name in [
            "content-type",
            "cache-control",
            "content-security-policy",
            "x-frame-options",
            "www-authenticate",
        ] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        assert!(!head.header("x-request-id").is_empty(), "{path}");
    }
}

/// Routes that a page in a sandboxed frame calls, with the origin `null`.
const OPEN: [&str; 14] = [
    "/cubejs-api/v1/load",
    "/cubejs-api/v1/sql",
    "/cubejs-api/v1/meta",
    "/v1/query",
    "/v1/query/values",
    "/v1/query/{handle}",
    "/v1/view",
    "/v1/view/{kind}",
    "/v1/view/{kind}/{id}",
    "/v1/sessions/redeem",
    "/api/v1/embed/session/token",
    "/api/v1/embed/dashboard/{public_id}",
    "/api/v1/users/me",
    "/api/v1/app-config",
];

/// CORS is open for views and closed for everything else.
#[tokio::test]
async fn cors_allows_only_the_routes_of_views() {
    let product = with_dashboard().await;
    for (pattern, methods) in served(&product).await {
        let open = OPEN.contains(&pattern) || pattern.starts_with("/api/embed/");
        let path = example(pattern);
        let preflight = product
            .request(Method::OPTIONS, &path)
            .header("origin", "null")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization, content-type, prefer")
            .send()
            .await;
        assert_eq!(preflight.status, if open { 204 } else { 405 }, "{pattern}");
        let expected = if open {
            ["*", "GET, POST", "authorization, content-type, prefer, x-request-id"]
        } else {
            [""; 3]
        };
        let named = ["origin", "methods", "headers"].map(|name| format!("access-control-allow-{name}"));
        assert_eq!(named.each_ref().map(|name| preflight.header(name)), expected, "{pattern}");
        assert_eq!(preflight.header("access-control-allow-credentials"), "", "{pattern}");

        for method in methods.iter().filter(|method| *method != "OPTIONS") {
            let call =
                product.request(method.parse().unwrap(), &path).header("origin", "https://evil.example");
            let answer = call.body("{}").send().await;
            // The page must be able to read a refusal. Methods that write stay closed.
            let open = open && *method != "PATCH";
            let readable = open || pattern == "/app/iframeResizer.js" || pattern.starts_with("/vitrine.");
            assert_eq!(
                answer.header("access-control-allow-origin"),
                if readable { "*" } else { "" },
                "{method} {pattern}"
            );
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{method} {pattern}");
            if open {
                assert!(answer.header("access-control-expose-headers").contains("retry-after"), "{pattern}");
            }
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let product = with_dashboard().await;
    let token = sign(
        &json!({"resource": {"dashboard": 1}, "params": {}, "exp": product.clock.now().unix() + 600}),
        SECRET,
    );
    for call in [
        product.get("/healthz"),
        product.get("/v1/view").bearer(&token),
        product.get("/v1/view"),
        product.get("/v1/keys").admin(),
        product.get("/v1/keys"),
        product.get("/nothing"),
        product.request(Method::PATCH, "/v1/keys"),
        product.request(Method::OPTIONS, "/v1/view"),
        product.post("/v1/sessions/redeem", json!({"session": "none"})),
        product.delete("/v1/resources/dashboard/1").admin(),
        product.get("/embed/dashboard/garbage"),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(answer.header("strict-transport-security").starts_with("max-age="));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-request-id").len(), 12);
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(!answer.headers.contains_key("server"));
    }
}

/// A refusal never echoes input that could be read as markup, and never contains a parser's message.
#[tokio::test]
async fn refusals_contain_no_input_and_no_parser_messages() {
    let product = with_dashboard().await;
    let bodies = [
        r#"{"title":}"#,
        r#"{"title":"T","deployment":99999999999}"#,
        r#"{"title":"T","parameters":[{"slug":1}]}"#,
    ];
    for body in bodies {
        let answer =
            product.request(Method::PUT, "/v1/resources/dashboard/9").admin().body(body).send().await;
        assert_problem(&answer, body);
        for word in ["line", "column", "expected", "serde", "deserr", "u32", "i64", "struct", "Error"] {
            assert!(!answer.text.contains(word), "{word}: {}", answer.text);
        }
    }
}
