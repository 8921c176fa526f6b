//! The answer to a path that does not exist: a page for frames and tabs, a comment for scripts, and JSON for programs.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::dialects::not_offered;

/// Has no script and no style, and says nothing that depends on a credential, so every page may frame it.
const PAGE_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// The form in which a request gets the answer that its path does not exist.
#[derive(Debug, Clone, Copy)]
pub enum NotFoundForm {
    /// In a frame or a tab, where JSON that may not be framed would show as the browser's own error.
    Page(&'static str),
    /// In a `script` element. The browser does not run it, but shows it to the developer.
    Script(&'static str),
    Json,
}

impl NotFoundForm {
    pub fn of(request: &Request) -> Self {
        let reason = || not_offered::reason(request.uri().path());
        match destination(request.headers()) {
            Destination::Document => Self::Page(reason()),
            Destination::Script => Self::Script(reason()),
            Destination::Other => Self::Json,
        }
    }

    /// The response, if it is not the JSON of every error.
    pub fn response(self) -> Option<Response<Body>> {
        let (content_type, body) = match self {
            Self::Page(reason) => ("text/html; charset=utf-8", page(reason)),
            Self::Script(reason) => ("text/javascript; charset=utf-8", format!("// Not offered. {reason}\n")),
            Self::Json => return None,
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::NOT_FOUND;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if matches!(self, Self::Page(_)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
        }
        Some(response)
    }
}

fn page(reason: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Not offered</title>\
         <main><h1>Not offered here</h1><p>{reason}</p></main></html>\n"
    )
}

enum Destination {
    Document,
    Script,
    Other,
}

/// Browsers say what a response is for. Of other clients, those that name HTML and not JSON show pages.
fn destination(headers: &HeaderMap) -> Destination {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-dest") {
        Some("document" | "iframe" | "frame" | "embed" | "object") => Destination::Document,
        Some("script") => Destination::Script,
        Some(_) => Destination::Other,
        None => {
            let accepted = text("accept").unwrap_or_default().to_ascii_lowercase();
            let names = |wanted: &str| {
                accepted.split(',').any(|range| range.split(';').next().unwrap_or_default().trim() == wanted)
            };
            if names("text/html") && !names("application/json") {
                Destination::Document
            } else {
                Destination::Other
            }
        }
    }
}
