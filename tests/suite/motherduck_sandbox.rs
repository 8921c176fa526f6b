//! `/sandbox/`: the page that MotherDuck's clients frame. The session is in the URL's fragment, which the
//! browser does not send, so the page cannot depend on it.

use axum::http::Method;
use serde_json::json;
use vitrine_tests::{Answer, Product};

use crate::shape::assert_problem;
use crate::wire::{Line, wired};

const OWN: &str = "https://app.example.com";
const DIVE: &str = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";

fn ancestors(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1);
    let policy = answer.header("content-security-policy");
    let directive = policy.split(';').map(str::trim).find(|part| part.starts_with("frame-ancestors "));
    directive.unwrap_or_else(|| panic!("{policy}")).split(' ').skip(1).collect()
}

fn assert_page(answer: &Answer, case: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/html; charset=utf-8"),
        "{case}: {:.200}",
        answer.text
    );
    assert_eq!(answer.header("cache-control"), "no-store", "{case}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{case}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{case}");
    for absent in ["set-cookie", "x-frame-options", "location", "etag", "access-control-allow-origin"] {
        assert!(!answer.headers.contains_key(absent), "{case}: {absent}");
    }
    let policy = answer.header("content-security-policy");
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-src 'self' https: http://localhost:* http://127.0.0.1:*",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.split(';').any(|part| part.trim() == directive), "{case}: {directive}: {policy}");
    }
}

#[tokio::test]
async fn the_page_is_the_same_for_every_session() {
    let product = Product::start_with(&[("AllowedOrigins", OWN)]).await;
    product.publish(&format!("dive/{DIVE}"), json!({"allowed_origins": ["https://host.example"]})).await;
    let first = product.get("/sandbox/").send().await;
    assert_page(&first, "bare");
    assert!(first.text.starts_with("<!doctype html>"));
    for path in [
        "/sandbox",
        "/sandbox/?queryMode=server",
        "/sandbox/?queryMode=dual",
        "/sandbox?queryMode=dual",
        "/sandbox/?queryMode=",
        "/sandbox/?queryMode=wasm",
        "/sandbox/?queryMode=%FF%00",
        "/sandbox/?queryMode=dual&queryMode=server",
        "/sandbox/?",
        "/sandbox/?x=%3Cscript%3Ealert(1)%3C/script%3E",
        "/sandbox/?session=eyJ0b2tlbiI6ImEuYi5jIn0",
        &format!("/sandbox/?dive={DIVE}"),
        &format!("/sandbox/?x={}", "y".repeat(8_000)),
    ] {
        let answer = product
            .get(path)
            .header("host", "evil.example")
            .header("origin", "https://evil.example")
            .header("referer", "https://evil.example/")
            .header("cookie", "a=b")
            .bearer("garbage")
            .send()
            .await;
        assert_page(&answer, path);
        assert!(answer.text == first.text, "{path}");
        assert_eq!(ancestors(&answer), [OWN, "*"], "{path}");
        assert_eq!(
            answer.header("content-security-policy"),
            first.header("content-security-policy"),
            "{path}"
        );
    }
    let head = product.request(Method::HEAD, "/sandbox/").send().await;
    assert_eq!((head.status.as_u16(), head.text.as_str(), ancestors(&head)), (200, "", vec![OWN, "*"]));
}

#[tokio::test]
async fn any_origin_may_load_the_page_and_the_view_limits_the_framing_origins() {
    for (setting, expected) in [
        ("", vec!["*"]),
        (OWN, vec![OWN, "*"]),
        ("capacitor://localhost,https://a.example", vec!["capacitor://localhost", "https://a.example", "*"]),
        ("*", vec!["*"]),
    ] {
        let product = Product::start_with(&[("AllowedOrigins", setting)]).await;
        for origins in [json!(["https://host.example"]), json!(["*"])] {
            product.publish(&format!("dive/{DIVE}"), json!({ "allowed_origins": origins })).await;
            for path in ["/sandbox", "/sandbox/", "/sandbox/?queryMode=dual"] {
                let answer = product.get(path).send().await;
                assert_page(&answer, setting);
                assert_eq!(ancestors(&answer), expected, "{setting}");
            }
            let token = product.sign(json!({"resource": {"dive": DIVE}, "params": {}}));
            let view = product.view(&token, "").await.json;
            let mut allowed: Vec<_> = [
                setting.split(',').map(str::to_owned).collect(),
                serde_json::from_value::<Vec<String>>(origins).unwrap(),
            ]
            .concat();
            allowed.retain(|origin: &String| !origin.is_empty());
            allowed.sort();
            allowed.dedup();
            assert_eq!(view["frame_origins"], json!(allowed), "{setting}");
        }
    }
}

#[tokio::test]
async fn the_page_needs_no_credential_and_no_service() {
    let (product, wires) = wired(&[("EmbeddingEnabled", "false")]).await;
    wires.dynamodb.asked();
    wires.secrets_manager.asked();
    for line in [Line::Through, Line::Cut] {
        wires.dynamodb.set(line.clone());
        wires.secrets_manager.set(line);
        assert_page(&product.get("/sandbox/").send().await, "with or without the services");
    }
    assert!(wires.dynamodb.asked().is_empty() && wires.secrets_manager.asked().is_empty());
}

#[tokio::test]
async fn its_files_are_immutable() {
    let product = Product::start().await;
    let page = product.get("/sandbox/").send().await.text;
    let quoted: Vec<_> = page.split('"').filter(|part| part.starts_with("/embed/assets/")).collect();
    assert!(quoted.len() >= 2, "{page}");
    for file in quoted {
        let answer = product.get(file).send().await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.header("cache-control").contains("immutable"), "{file}");
    }
}

#[tokio::test]
async fn other_paths_below_sandbox_are_not_found() {
    let product = Product::start().await;
    for path in ["/sandbox/x", "/sandbox/index.html", "/sandboxes", "/sandbox/eyJ0b2tlbiI6ImEuYi5jIn0"] {
        let answer = product.get(path).send().await;
        assert_problem(&answer, path);
        assert_eq!(answer.refusal(), (404, "route_not_found"), "{path}");
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = product.request(method, "/sandbox/").send().await;
        assert_eq!(answer.refusal(), (405, "method_not_allowed"));
    }
}
