//! Paths that do not exist: a page in a frame or a tab, a comment for a script, JSON for programs.

use serde_json::json;
use vitrine_tests::{Answer, Product};

use crate::shape::assert_problem;

const PATHS: &[(&str, &str)] = &[
    ("/public/dashboard/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", "Public links are not offered"),
    ("/public/question/x", "Public links are not offered"),
    ("/embed/d/1/chat", "The chat is not offered"),
    ("/embed/d/1/app/", "The app for creators is not offered"),
    ("/embed/pulse/x", "This kind of embed is not offered"),
    ("/app/embed.js", "This script and its custom elements are not offered"),
    ("/nothing", "There is nothing at this address"),
    ("/", "There is nothing at this address"),
    ("/v1/view/card", "There is nothing at this address"),
];

async fn asked(product: &Product, path: &str, headers: &[(&str, &str)]) -> Answer {
    let call = headers.iter().fold(product.get(path), |call, (name, value)| call.header(name, *value));
    call.send().await
}

#[tokio::test]
async fn frames_and_tabs_get_a_page_that_anyone_may_frame() {
    let product = Product::start().await;
    let html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, reason) in PATHS {
        for headers in [
            &[("sec-fetch-dest", "iframe"), ("accept", html)][..],
            &[("sec-fetch-dest", "frame")],
            &[("sec-fetch-dest", "document"), ("accept", html)],
            &[("accept", html)],
            &[("accept", "text/html")],
        ] {
            let page = asked(&product, path, headers).await;
            assert_eq!(
                (page.status.as_u16(), page.header("content-type")),
                (404, "text/html; charset=utf-8")
            );
            assert!(page.text.contains(reason) && page.text.contains("Not offered here"), "{}", page.text);
            let policy = page.header("content-security-policy");
            assert!(
                policy.ends_with("frame-ancestors *") && policy.contains("default-src 'none'"),
                "{policy}"
            );
            assert!(!page.headers.contains_key("x-frame-options"), "{path}");
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(!page.header("x-request-id").is_empty());
            assert!(!page.text.contains("<script") && !page.text.contains("<style"), "{}", page.text);
        }
    }
}

#[tokio::test]
async fn programs_get_json_that_nobody_may_frame() {
    let product = Product::start().await;
    for (path, _) in PATHS {
        for headers in [
            &[][..],
            &[("accept", "*/*")],
            &[("accept", "application/json")],
            &[("accept", "application/json, text/plain, */*")],
            &[("accept", "text/html, application/json")],
            &[("sec-fetch-dest", "empty"), ("accept", "text/html")],
            &[("sec-fetch-dest", "image")],
            &[("sec-fetch-dest", "style")],
        ] {
            let answer = asked(&product, path, headers).await;
            assert_problem(&answer, path);
            assert_eq!(answer.refusal(), (404, "route_not_found"), "{path}");
            assert_eq!(answer.json["code"], "ROUTE_NOT_FOUND", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_script_that_is_not_offered_says_so_to_developers() {
    let product = Product::start().await;
    let script = asked(&product, "/app/embed.js", &[("sec-fetch-dest", "script"), ("accept", "*/*")]).await;
    assert_eq!(
        (script.status.as_u16(), script.header("content-type")),
        (404, "text/javascript; charset=utf-8")
    );
    assert!(script.text.starts_with("// Not offered. This script"), "{}", script.text);
    assert_eq!(script.text.lines().count(), 1);
    assert!(script.header("content-security-policy").contains("frame-ancestors 'none'"));
}

/// A page shows nothing of the path, which can have a token in it.
#[tokio::test]
async fn the_page_does_not_repeat_the_path() {
    let product = Product::start().await;
    let token = product.sign(json!({"resource": {"dashboard": 1}, "params": {}}));
    let path = format!("/embed/pulse/{token}?name=%3Cscript%3Ealert(1)%3C/script%3E");
    let page = asked(&product, &path, &[("sec-fetch-dest", "iframe")]).await;
    assert_eq!(page.status, 404);
    assert!(!page.text.contains("eyJ") && !page.text.contains("alert"), "{}", page.text);
}

/// Only a missing route has a page. Every other refusal stays as it is.
#[tokio::test]
async fn other_errors_stay_json_in_a_frame() {
    let product = Product::start().await;
    for (path, refusal) in [
        ("/v1/resources", (401, "access_key_missing")),
        ("/v1/view", (401, "token_missing")),
        ("/api/embed/dashboard/garbage", (400, "token_malformed")),
    ] {
        let answer = asked(&product, path, &[("sec-fetch-dest", "iframe"), ("accept", "text/html")]).await;
        assert_eq!(answer.refusal(), refusal, "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
    }
    let wrong = product.post("/embed/dashboard/x", json!({})).header("sec-fetch-dest", "iframe").send().await;
    assert_eq!(wrong.refusal(), (405, "method_not_allowed"));
}
