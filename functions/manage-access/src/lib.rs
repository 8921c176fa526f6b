//! Keeps what callers and viewers are known by.

mod keys;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::storage::AccessKeyWriter;

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        keys: AccessKeyWriter,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .post("/v1/keys", keys::create)
        .get("/v1/keys", keys::list)
        .delete("/v1/keys/{id}", keys::delete)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(keys::create, keys::list, keys::delete))]
pub struct ApiDoc;
