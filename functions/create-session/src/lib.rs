//! Creates credentials for a browser: a token that can be used again, or a session that is exchanged once.

mod cube;
mod cube_input;
mod motherduck;
mod native;

use std::sync::Arc;

use axum::Router;
use vitrine::app::create_session::SessionCreator;
use vitrine::http::{Callers, Routes};
use vitrine::rules::settings::Settings;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        sessions: SessionCreator,
        settings: Arc<Settings>,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .post("/v1/sessions", native::create)
        .post("/v1/dives/{id}/embed-session", motherduck::embed_session)
        .post("/api/v1/embed/generate-session", cube::generate)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(native::create, motherduck::embed_session, cube::generate))]
pub struct ApiDoc;
