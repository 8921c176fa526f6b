//! A stand-in for S3: one bucket over a folder. The protocol and the signatures, also those in URLs, are those of the
//! `s3s` crate; the objects are ours, because its own file server keeps what a checksum has refused and ignores `If-Match`.
//!
//! There are no versions of objects. What the template's lifecycle would delete is deleted at the next start.

mod folder;
mod multipart;
mod objects;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use s3s::service::{S3Service, S3ServiceBuilder};
use tower::ServiceExt;

pub use folder::Folder;

use crate::credential::Credential;
use crate::loopback;
use objects::Objects;

/// The prefixes whose objects end, and their days. A test compares them with the template.
pub const LIFECYCLE: [(&str, u64); 3] = [("cache", 7), ("exports", 1), ("uploads", 7)];

/// Every request must be signed with the credential, by its headers or by its URL.
pub fn router(folder: Arc<Folder>, credential: &Credential) -> Router {
    let mut service = S3ServiceBuilder::new(Objects::new(folder));
    service.set_auth(credential.for_s3());
    Router::new().fallback(call).with_state(service.build())
}

/// The same for a port. A page may follow a link to an object: the link is the credential.
pub fn listening(folder: Arc<Folder>, credential: &Credential) -> Router {
    router(folder, credential).layer(axum::middleware::from_fn(async |request: Request, next| {
        let next: axum::middleware::Next = next;
        match loopback::is_addressed(&request, None) {
            true => next.run(request).await,
            false => StatusCode::FORBIDDEN.into_response(),
        }
    }))
}

async fn call(State(service): State<S3Service>, request: Request) -> Response {
    let is_read = matches!(request.method().as_str(), "GET" | "HEAD");
    let Ok(answer) = service.oneshot(request).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut answer = answer.map(Body::new);
    if is_read {
        // As the bucket's CORS rule in the template.
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    answer
}
