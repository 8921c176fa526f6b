//! The context of a request for its log line: the ids of the caller, the signing key and the resource.

use tracing::{Span, field};

use vitrine_rules::resource::ids::ResourceRef;

tokio::task_local! {
    static REQUEST_ID: Option<String>;
}

/// Runs the work of a request, so that all of it can read the request's id.
pub async fn within<T>(request_id: Option<String>, work: impl Future<Output = T>) -> T {
    REQUEST_ID.scope(request_id, work).await
}

/// The id of the current request.
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok().flatten()
}

pub fn resource(reference: &ResourceRef) {
    Span::current().record("resource", field::display(reference));
}

/// Records the key that signed the token.
pub fn signing_key(kid: &str) {
    Span::current().record("key", kid);
}

/// Records the caller's access key.
pub fn caller(id: &str) {
    Span::current().record("caller", id);
}
