//! Manages the viewers that the owner's backend names: service accounts, external users, tenants, attributes and groups.
//!
//! It never needs the signing secret: the tokens of service accounts are random and stored as hashes.

mod attributes;
mod cube_definitions;
mod cube_tenant_groups;
mod cube_tenants;
mod external_users;
mod groups;
mod motherduck_accounts;
mod user_sessions;

use axum::Router;
use vitrine::app::change_account::AccountChanger;
use vitrine::app::change_group_members::GroupMembers;
use vitrine::app::create_account::AccountCreator;
use vitrine::app::create_group::GroupCreator;
use vitrine::app::end_user_session::UserSessionEnder;
use vitrine::app::remove_account::AccountRemover;
use vitrine::app::remove_tenant::TenantRemover;
use vitrine::app::remove_user::UserRemover;
use vitrine::app::upsert_user::UserUpserter;
use vitrine::aws::storage::{
    AccountLister, AccountReader, AccountWriter, DefinitionReader, DefinitionWriter, ExternalUserLister,
    ExternalUserReader, TenantReader, TenantWriter, UserSessionLister,
};
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        accounts: AccountReader,
        account_list: AccountLister,
        account_writer: AccountWriter,
        account_creator: AccountCreator,
        account_changer: AccountChanger,
        account_remover: AccountRemover,
        definitions: DefinitionReader,
        definition_writer: DefinitionWriter,
        users: ExternalUserLister,
        user: ExternalUserReader,
        user_upserter: UserUpserter,
        user_remover: UserRemover,
        user_sessions: UserSessionLister,
        session_ender: UserSessionEnder,
        tenants: TenantReader,
        tenant_writer: TenantWriter,
        tenant_remover: TenantRemover,
        group_creator: GroupCreator,
        members: GroupMembers,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    const GROUP: &str = "/api/v1/embed-tenants/{tenant}/groups/{id}";
    const MEMBERS: &str = "/api/v1/embed-tenants/{tenant}/groups/{id}/users";
    Routes::default()
        .post("/v1/users", motherduck_accounts::create)
        .get("/v1/users", motherduck_accounts::list)
        .get("/v1/users/{username}", motherduck_accounts::get)
        .patch("/v1/users/{username}", motherduck_accounts::update)
        .delete("/v1/users/{username}", motherduck_accounts::delete)
        .post("/v1/users/{username}/tokens", motherduck_accounts::create_token)
        .get("/v1/users/{username}/tokens", motherduck_accounts::list_tokens)
        .delete("/v1/users/{username}/tokens/{id}", motherduck_accounts::delete_token)
        .post("/v1/attributes", attributes::create)
        .get("/v1/attributes", attributes::list)
        .delete("/v1/attributes/{name}", attributes::delete)
        .post("/v1/groups", groups::create)
        .get("/v1/groups", groups::list)
        .delete("/v1/groups/{name}", groups::delete)
        .get("/v1/external-users", external_users::list)
        .get("/v1/external-users/{id}", external_users::get)
        .get("/v1/external-users/{id}/sessions", user_sessions::list)
        .delete("/v1/external-users/{id}/sessions/{session}", user_sessions::end)
        .delete("/v1/external-users/{id}", external_users::delete)
        .get("/api/v1/user-attributes", cube_definitions::list_attributes)
        .post("/api/v1/user-attributes", cube_definitions::create_attribute)
        .get("/api/v1/user-groups", cube_definitions::list_groups)
        .get("/api/v1/embed-tenants", cube_tenants::list)
        .delete("/api/v1/embed-tenants/{tenant}", cube_tenants::delete)
        .post("/api/v1/embed-tenants/{tenant}/user", cube_tenants::provision)
        .get("/api/v1/embed-tenants/{tenant}/users", cube_tenants::list_users)
        .post("/api/v1/embed-tenants/{tenant}/users", cube_tenants::provision_many)
        .get("/api/v1/embed-tenants/{tenant}/groups", cube_tenant_groups::list)
        .post("/api/v1/embed-tenants/{tenant}/groups", cube_tenant_groups::create)
        .get(GROUP, cube_tenant_groups::get)
        .patch(GROUP, cube_tenant_groups::patch)
        .delete(GROUP, cube_tenant_groups::delete)
        .get(MEMBERS, cube_tenant_groups::members)
        .post(MEMBERS, cube_tenant_groups::add_members)
        .delete(MEMBERS, cube_tenant_groups::remove_members)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    motherduck_accounts::create,
    motherduck_accounts::list,
    motherduck_accounts::get,
    motherduck_accounts::update,
    motherduck_accounts::delete,
    motherduck_accounts::create_token,
    motherduck_accounts::list_tokens,
    motherduck_accounts::delete_token,
    attributes::create,
    attributes::list,
    attributes::delete,
    groups::create,
    groups::list,
    groups::delete,
    external_users::list,
    external_users::get,
    external_users::delete,
    user_sessions::list,
    user_sessions::end,
    cube_definitions::list_attributes,
    cube_definitions::create_attribute,
    cube_definitions::list_groups,
    cube_tenants::list,
    cube_tenants::delete,
    cube_tenants::provision,
    cube_tenants::list_users,
    cube_tenants::provision_many,
    cube_tenant_groups::list,
    cube_tenant_groups::create,
    cube_tenant_groups::get,
    cube_tenant_groups::patch,
    cube_tenant_groups::delete,
    cube_tenant_groups::members,
    cube_tenant_groups::add_members,
    cube_tenant_groups::remove_members,
))]
pub struct ApiDoc;
