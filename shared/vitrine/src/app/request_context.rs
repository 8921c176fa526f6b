//! What the log line of a request says beside its status: who asked, with which key, about what. Ids only.

use tracing::{Span, field};

use vitrine_rules::resource::ids::ResourceRef;

tokio::task_local! {
    static REQUEST_ID: Option<String>;
}

/// Runs what a request asks for, so that whatever it does can name the request.
pub async fn within<T>(request_id: Option<String>, work: impl Future<Output = T>) -> T {
    REQUEST_ID.scope(request_id, work).await
}

/// The request that is being answered.
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok().flatten()
}

pub fn resource(reference: &ResourceRef) {
    Span::current().record("resource", field::display(reference));
}

/// The key that signed the token.
pub fn signing_key(kid: &str) {
    Span::current().record("key", kid);
}

/// The access key that was shown.
pub fn caller(id: &str) {
    Span::current().record("caller", id);
}
