//! Manages what requests are authenticated with: access keys and signing keys, and Metabase's embedding settings, which
//! can create or replace a signing key.
//!
//! Together with `rotate-key`, this is the only function that may write the signing secret.

mod access_keys;
mod metabase_settings;
mod signing_keys;

use axum::Router;
use vitrine::app::create_access_key::AccessKeyCreator;
use vitrine::app::remove_access_key::AccessKeyRemover;
use vitrine::app::retire_signing_key::SigningKeyRetirer;
use vitrine::app::switch_embedding::EmbeddingSwitch;
use vitrine::aws::signing_keys::replace::SigningKeyWriter;
use vitrine::aws::storage::{AccessKeyWriter, EmbeddingSwitchReader};
use vitrine::http::{Callers, Routes};

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        keys: AccessKeyWriter,
        key_creator: AccessKeyCreator,
        key_remover: AccessKeyRemover,
        signing_keys: SigningKeyWriter,
        key_retirer: SigningKeyRetirer,
        switch: EmbeddingSwitchReader,
        embedding: EmbeddingSwitch,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .post("/v1/keys", access_keys::create)
        .get("/v1/keys", access_keys::list)
        .delete("/v1/keys/{id}", access_keys::delete)
        .get("/v1/signing-keys", signing_keys::list)
        .delete("/v1/signing-keys/{kid}", signing_keys::retire)
        .get("/api/setting/enable-embedding-static", metabase_settings::get_switch)
        .put("/api/setting/enable-embedding-static", metabase_settings::put_switch)
        .get("/api/setting/enable-embedding", metabase_settings::get_switch_by_old_name)
        .put("/api/setting/enable-embedding", metabase_settings::put_switch_by_old_name)
        .get("/api/setting/embedding-secret-key", metabase_settings::get_secret)
        .put("/api/setting/embedding-secret-key", metabase_settings::put_secret)
        .get("/api/util/random_token", metabase_settings::random_token)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    access_keys::create,
    access_keys::list,
    access_keys::delete,
    signing_keys::list,
    signing_keys::retire,
    metabase_settings::get_switch,
    metabase_settings::put_switch,
    metabase_settings::get_switch_by_old_name,
    metabase_settings::put_switch_by_old_name,
    metabase_settings::get_secret,
    metabase_settings::put_secret,
    metabase_settings::random_token,
))]
pub struct ApiDoc;
