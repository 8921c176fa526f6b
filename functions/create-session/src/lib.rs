//! Makes credentials for a browser: a token that can be used again, or a session that is exchanged once.

mod cube;
mod cube_input;
mod motherduck;
mod native;

use std::sync::Arc;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::rehearsals::Rehearsals;
use vitrine::settings::Settings;
use vitrine::storage::{AccountReader, Registry, SessionStarter};

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        rehearsals: Rehearsals,
        sessions: SessionStarter,
        registry: Registry,
        accounts: AccountReader,
        settings: Arc<Settings>,
        clock: Clock,
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
