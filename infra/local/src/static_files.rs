//! Static files of the local server.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS,
};
use axum::response::IntoResponse;
use vitrine::http::Routes;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// The demo is a host page: it frames the product and calls this server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn routes() -> Routes {
    Routes::default().get("/openapi.json", async || {
        ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], file(JSON, include_str!("../../openapi.json")))
    })
}

pub fn demo_routes() -> Routes {
    Routes::default()
        .get("/", async || file(HTML, include_str!("../assets/demo.html")))
        .get("/demo/demo.css", async || file(CSS, include_str!("../assets/demo.css")))
        .get("/demo/demo.js", async || file(SCRIPT, include_str!("../assets/demo.js")))
        .get("/demo/snippets.js", async || file(SCRIPT, include_str!("../assets/snippets.js")))
        .get("/demo/README.md", async || file(TEXT, include_str!("../../../README.md")))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, POLICY), (X_FRAME_OPTIONS, "DENY")], text)
}
