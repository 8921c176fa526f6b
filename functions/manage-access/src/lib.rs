//! Keeps what callers and viewers are known by.

mod accounts;
mod keys;
mod metabase;

use std::sync::Arc;

use axum::Router;
use vitrine::clock::Clock;
use vitrine::http::{Callers, Routes};
use vitrine::secrets::SigningKeyWriter;
use vitrine::settings::Settings;
use vitrine::storage::{
    AccessKeyReader, AccessKeyWriter, AccountReader, AccountWriter, SwitchReader, SwitchWriter,
};

vitrine::capabilities! {
    pub struct State {
        callers: Callers,
        settings: Arc<Settings>,
        key_reader: AccessKeyReader,
        keys: AccessKeyWriter,
        accounts: AccountReader,
        account_writer: AccountWriter,
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
        .post("/v1/users", accounts::create)
        .get("/v1/users/{username}", accounts::get)
        .patch("/v1/users/{username}", accounts::update)
        .delete("/v1/users/{username}", accounts::delete)
        .post("/v1/users/{username}/tokens", accounts::create_token)
        .get("/v1/users/{username}/tokens", accounts::list_tokens)
        .delete("/v1/users/{username}/tokens/{id}", accounts::delete_token)
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
    accounts::create,
    accounts::get,
    accounts::update,
    accounts::delete,
    accounts::create_token,
    accounts::list_tokens,
    accounts::delete_token,
    metabase::get_switch,
    metabase::put_switch,
    metabase::get_secret,
    metabase::put_secret,
    metabase::random_token,
))]
pub struct ApiDoc;
