//! The security context of a session, as introspection shows it to the owner's services.

use serde_json::{Map, Value, json};

use vitrine_rules::session::SessionContext;
use vitrine_rules::viewer::Viewer;

/// Member under which the viewer is described.
const VIEWER: &str = "cubeCloud";

/// The security context that the session was generated with, and the viewer beside it.
pub fn with_viewer(context: &SessionContext, viewer: &Viewer) -> Map<String, Value> {
    let mut security_context = context.security_context.clone().unwrap_or_default();
    let described = json!({
        "username": viewer.id,
        "groups": viewer.groups,
        "userAttributes": viewer.attributes,
    });
    security_context.insert(VIEWER.to_owned(), described);
    security_context
}
