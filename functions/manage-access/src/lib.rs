//! Keeps what callers and viewers are known by.

mod accounts;
mod decisions;
mod definitions;
mod external_users;
mod keys;
mod metabase;
mod signing_keys;
mod tenant_groups;
mod tenants;

use std::sync::Arc;

use axum::Router;
use vitrine::aws::signing_keys::replace::SigningKeyWriter;
use vitrine::aws::signing_keys::usage::KeyUsageReader;
use vitrine::aws::storage::{
    AccessKeyReader, AccessKeyWriter, AccountReader, AccountWriter, DefinitionReader, DefinitionWriter,
    EmbeddingSwitchReader, EmbeddingSwitchWriter, ExternalUserLister, ExternalUserReader,
    ExternalUserRemover, RefusalRecordReader, TenantReader, TenantWriter, UserDirectory,
};
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::settings::Settings;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        settings: Arc<Settings>,
        key_reader: AccessKeyReader,
        keys: AccessKeyWriter,
        accounts: AccountReader,
        account_writer: AccountWriter,
        definitions: DefinitionReader,
        definition_writer: DefinitionWriter,
        registry: UserDirectory,
        external_users: ExternalUserReader,
        users: ExternalUserLister,
        user_remover: ExternalUserRemover,
        tenants: TenantReader,
        tenant_writer: TenantWriter,
        signing_keys: SigningKeyWriter,
        key_uses: KeyUsageReader,
        decisions: RefusalRecordReader,
        switch: EmbeddingSwitchReader,
        turn: EmbeddingSwitchWriter,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    const GROUP: &str = "/api/v1/embed-tenants/{tenant}/groups/{id}";
    const MEMBERS: &str = "/api/v1/embed-tenants/{tenant}/groups/{id}/users";
    Routes::default()
        .post("/v1/keys", keys::create)
        .get("/v1/keys", keys::list)
        .delete("/v1/keys/{id}", keys::delete)
        .get("/v1/decisions/{request_id}", decisions::get)
        .get("/v1/signing-keys", signing_keys::list)
        .delete("/v1/signing-keys/{kid}", signing_keys::retire)
        .post("/v1/users", accounts::create)
        .get("/v1/users/{username}", accounts::get)
        .patch("/v1/users/{username}", accounts::update)
        .delete("/v1/users/{username}", accounts::delete)
        .post("/v1/users/{username}/tokens", accounts::create_token)
        .get("/v1/users/{username}/tokens", accounts::list_tokens)
        .delete("/v1/users/{username}/tokens/{id}", accounts::delete_token)
        .post("/v1/attributes", definitions::create_attribute)
        .get("/v1/attributes", definitions::list_attributes)
        .delete("/v1/attributes/{name}", definitions::delete_attribute)
        .post("/v1/groups", definitions::create_group)
        .get("/v1/groups", definitions::list_groups)
        .delete("/v1/groups/{name}", definitions::delete_group)
        .get("/v1/external-users", external_users::list)
        .delete("/v1/external-users/{id}", external_users::delete)
        .get("/api/v1/embed-tenants", tenants::list)
        .delete("/api/v1/embed-tenants/{tenant}", tenants::delete)
        .post("/api/v1/embed-tenants/{tenant}/user", tenants::provision)
        .get("/api/v1/embed-tenants/{tenant}/users", tenants::list_users)
        .post("/api/v1/embed-tenants/{tenant}/users", tenants::provision_many)
        .get("/api/v1/embed-tenants/{tenant}/groups", tenant_groups::list)
        .post("/api/v1/embed-tenants/{tenant}/groups", tenant_groups::create)
        .get(GROUP, tenant_groups::get)
        .patch(GROUP, tenant_groups::patch)
        .delete(GROUP, tenant_groups::delete)
        .get(MEMBERS, tenant_groups::members)
        .post(MEMBERS, tenant_groups::add_members)
        .delete(MEMBERS, tenant_groups::remove_members)
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
    decisions::get,
    signing_keys::list,
    signing_keys::retire,
    accounts::create,
    accounts::get,
    accounts::update,
    accounts::delete,
    accounts::create_token,
    accounts::list_tokens,
    accounts::delete_token,
    definitions::create_attribute,
    definitions::list_attributes,
    definitions::delete_attribute,
    definitions::create_group,
    definitions::list_groups,
    definitions::delete_group,
    external_users::list,
    external_users::delete,
    tenants::list,
    tenants::delete,
    tenants::provision,
    tenants::list_users,
    tenants::provision_many,
    tenant_groups::list,
    tenant_groups::create,
    tenant_groups::get,
    tenant_groups::patch,
    tenant_groups::delete,
    tenant_groups::members,
    tenant_groups::add_members,
    tenant_groups::remove_members,
    metabase::get_switch,
    metabase::put_switch,
    metabase::get_secret,
    metabase::put_secret,
    metabase::random_token,
))]
pub struct ApiDoc;
