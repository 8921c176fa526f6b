//! Creates credentials for a browser: a token that can be used again, or a session that is exchanged once.

mod cube_generate_session;
mod cube_session_input;
mod motherduck_embed_session;
mod sessions;

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
        .post("/v1/sessions", sessions::create)
        .post("/v1/dives/{id}/embed-session", motherduck_embed_session::embed_session)
        .post("/api/v1/embed/generate-session", cube_generate_session::generate)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(sessions::create, motherduck_embed_session::embed_session, cube_generate_session::generate))]
pub struct ApiDoc;
