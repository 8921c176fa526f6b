//! Exchanges single-use sessions for tokens, and access keys for sessions; revokes sessions and tokens.

mod cube_exchange_session;
mod metabase_session;
mod sessions;

use axum::Router;
use vitrine::app::redeem_session::SessionRedeemer;
use vitrine::app::sign_in::SignIn;
use vitrine::aws::storage::EmbeddingSwitchReader;
use vitrine::http::{Callers, Routes};

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        sessions: SessionRedeemer,
        sign_in: SignIn,
        switch: EmbeddingSwitchReader,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .open_post("/v1/sessions/redeem", sessions::redeem)
        .post("/v1/sessions/revoke", sessions::revoke)
        .open_post("/api/v1/embed/session/token", cube_exchange_session::token)
        .post("/api/v1/embed/session/revoke", cube_exchange_session::revoke)
        .post("/api/session", metabase_session::sign_in)
        .delete("/api/session", metabase_session::sign_out)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    sessions::redeem,
    sessions::revoke,
    cube_exchange_session::token,
    cube_exchange_session::revoke,
    metabase_session::sign_in,
    metabase_session::sign_out
))]
pub struct ApiDoc;
