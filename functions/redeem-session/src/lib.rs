//! Ends sessions: a single-use session becomes a token, or a credential is revoked.

mod native;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::secrets::SigningKeys;
use vitrine::storage::SessionEnder;

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        keys: SigningKeys,
        sessions: SessionEnder,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .open_post("/v1/sessions/redeem", native::redeem)
        .post("/v1/sessions/revoke", native::revoke)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(native::redeem, native::revoke))]
pub struct ApiDoc;
