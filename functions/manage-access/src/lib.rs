//! Keeps what callers and viewers are known by.

mod keys;
mod metabase;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::secrets::SigningKeyWriter;
use vitrine::storage::{AccessKeyWriter, SwitchReader, SwitchWriter};

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        keys: AccessKeyWriter,
        signing_keys: SigningKeyWriter,
        switch: SwitchReader,
        turn: SwitchWriter,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .post("/v1/keys", keys::create)
        .get("/v1/keys", keys::list)
        .delete("/v1/keys/{id}", keys::delete)
        .get("/api/setting/enable-embedding-static", metabase::get_switch)
        .put("/api/setting/enable-embedding-static", metabase::put_switch)
        .get("/api/setting/embedding-secret-key", metabase::get_secret)
        .put("/api/setting/embedding-secret-key", metabase::put_secret)
        .get("/api/util/random_token", metabase::random_token)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    keys::create,
    keys::list,
    keys::delete,
    metabase::get_switch,
    metabase::put_switch,
    metabase::get_secret,
    metabase::put_secret,
    metabase::random_token,
))]
pub struct ApiDoc;
