//! What the log line of a request says beside its status: who asked, with which key, about what. Ids only.

use tracing::{Span, field};

use crate::identifiers::ResourceRef;

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
