//! `/api/v1/embed-tenants`: tenants and their users, in Cube's API.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::upsert_user::UserUpserter;
use vitrine::aws::storage::external_users::UserListing;
use vitrine::aws::storage::{ExternalUserLister, TenantReader};
use vitrine::dialects::cube::paging::{Items, SearchQuery};
use vitrine::dialects::cube::users::{EmbedUser, UserProfile, email_problem};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Json, Query};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Issue, Issues, Reason, Result};
use vitrine::rules::json::input::{AtMost, Check, Invalid};
use vitrine::rules::viewer::external_user::ExternalId;
use vitrine::rules::viewer::tenant::{Tenant, TenantName, group_list_problems};
use vitrine::rules::viewer::upsert_user::{GroupChange, TenantChange, UserChange};

use crate::State as App;

const MAX_USERS: usize = 100;
const MAX_TENANT_GROUPS: usize = 30;
const MAX_GROUPS: usize = 100;

/// A tenant, as Cube's clients read it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedTenant {
    id: u64,
    name: TenantName,
    display_name: Option<String>,
    /// Ephemeral users are not counted.
    user_count: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
}

impl From<Tenant> for EmbedTenant {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name,
            display_name: tenant.display_name,
            user_count: tenant.users,
            created_at: tenant.created_at,
        }
    }
}

#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct UserInput {
    /// Your backend's identifier of the user; trimmed and lowercased.
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Label))]
    external_id: String,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::EmailAddress>))]
    email: Option<String>,
    #[deserr(default)]
    user_profile: Option<UserProfile>,
    /// Replaces the user's groups of the whole stack; if omitted, they are unchanged.
    #[deserr(default, from(Option<AtMost<String, MAX_GROUPS>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    groups: Option<Vec<String>>,
    /// Replaces the user's groups of the tenant; if omitted, they are unchanged.
    #[deserr(default, from(Option<AtMost<String, MAX_TENANT_GROUPS>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 30))]
    tenant_groups: Option<Vec<String>>,
}

impl Check for UserInput {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if let Err(wrong) = self.external_id.parse::<ExternalId>() {
            issues.push(Issue::new("externalId", wrong.0));
        }
        issues.extend(self.email.as_deref().and_then(email_problem).map(|wrong| Issue::new("email", wrong)));
        issues.extend(self.user_profile.iter().flat_map(|profile| profile.problems_under("userProfile.")));
        issues.extend(group_list_problems(self.groups.as_deref().unwrap_or_default(), "groups", MAX_GROUPS));
        let tenant_groups = self.tenant_groups.as_deref().unwrap_or_default();
        issues.extend(group_list_problems(tenant_groups, "tenantGroups", MAX_TENANT_GROUPS));
        issues
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"users": [{"externalId": "user-1"}]})))]
pub struct UsersInput {
    /// 1 to 100.
    #[deserr(from(AtMost<UserInput, MAX_USERS, 1>) = AtMost::into_vec)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100, value_type = Vec<UserEntry>))]
    users: Vec<UserInput>,
}

/// The fields of `POST /api/v1/embed-tenants/{tenant}/user`. A user that breaks one of its rules is listed under
/// `failed`.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "for the API description only")]
pub struct UserEntry {
    external_id: String,
    email: Option<String>,
    #[schema(value_type = Option<Object>)]
    user_profile: Option<()>,
    groups: Option<Vec<String>>,
    tenant_groups: Option<Vec<String>>,
}

impl Check for UsersInput {
    fn problems(&self) -> Vec<Issue> {
        if (1..=MAX_USERS).contains(&self.users.len()) {
            Vec::new()
        } else {
            vec![Issue::new("users", "must be 1 to 100 items")]
        }
    }
}

#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsersProvisioned {
    succeeded: Vec<EmbedUser>,
    failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failed {
    external_id: String,
    error: Failure,
}

/// The error that a request for this user alone would have returned.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    status: u16,
    message: String,
    reason: &'static str,
    #[serde(skip_serializing_if = "Issues::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Issue>, required = false, max_items = 50))]
    issues: Issues,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    issues_omitted: Option<usize>,
}

/// List embed tenants.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed-tenants", tag = "cube", params(SearchQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = Items<EmbedTenant>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(tenants): State<TenantReader>,
    Query(query): Query<SearchQuery>,
) -> HttpResult<axum::Json<Items<EmbedTenant>>> {
    let paging = query.paging();
    let page = tenants.list(query.text(), &paging).await?;
    Ok(axum::Json(Items::of(page, &paging)))
}

/// Delete an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/embed-tenants/{tenant}", tag = "cube", params(("tenant" = vitrine::rules::viewer::tenant::TenantName, Path,)),
    description = "Admin of the whole stack only. Also deletes its users, groups and attributes; their sessions end within `ResourceCacheSeconds`. 204 also if the tenant does not exist. The name must match exactly: a different case is 400. Deleting a tenant with many thousand users can answer 503; repeat the request then.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(app): State<App>,
    Path(tenant): Path<String>,
) -> HttpResult<StatusCode> {
    let name: TenantName = tenant
        .parse()
        .map_err(|wrong: vitrine::rules::json::input::Wrong| Error::invalid("tenant", wrong.0))?;
    app.tenant_remover.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the users of an embed tenant.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/embed-tenants/{tenant}/users", tag = "cube",
    params(("tenant" = vitrine::rules::forms::TenantInPath, Path,), SearchQuery),
    description = "Admin of the whole stack only. By email address, or external id where there is none; `search` is part of either.",
    responses((status = 200, body = Items<EmbedUser>))
))]
pub async fn list_users(
    _: Allowed<StackAdmin>,
    State(tenants): State<TenantReader>,
    State(users): State<ExternalUserLister>,
    Path(tenant): Path<String>,
    Query(query): Query<SearchQuery>,
) -> HttpResult<axum::Json<Items<EmbedUser>>> {
    let tenant = tenants.get(&parse_tenant(&tenant)?).await?;
    let paging = query.paging();
    let listing = UserListing { tenant: Some(&tenant.name), search: query.text(), group: None };
    let page = users.list(listing, &paging).await?;
    Ok(axum::Json(Items::of(page, &paging)))
}

/// Provision a user.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed-tenants/{tenant}/user", tag = "cube", params(("tenant" = vitrine::rules::forms::TenantInPath, Path,)),
    description = "Admin of the whole stack only. Creates the tenant if it does not exist. Omitted fields are unchanged. 429 at the limit of external users.",
    request_body = UserInput, responses((status = 200, body = EmbedUser), (status = 409), (status = 429))
))]
pub async fn provision(
    _: Allowed<StackAdmin>,
    State(users): State<UserUpserter>,
    Path(tenant): Path<String>,
    Json(input): Json<UserInput>,
) -> HttpResult<axum::Json<EmbedUser>> {
    Ok(axum::Json(provision_one(&users, &parse_new_tenant(&tenant)?, input).await?))
}

/// Provision users.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/embed-tenants/{tenant}/users", tag = "cube", params(("tenant" = vitrine::rules::forms::TenantInPath, Path,)),
    description = "Admin of the whole stack only. 1 to 100 users, processed in order. Failed users are listed separately; sending all of them again is safe.",
    request_body = UsersInput, responses((status = 200, body = UsersProvisioned), (status = 409))
))]
pub async fn provision_many(
    _: Allowed<StackAdmin>,
    State(users): State<UserUpserter>,
    Path(tenant): Path<String>,
    Json(input): Json<UsersInput>,
) -> HttpResult<axum::Json<UsersProvisioned>> {
    let tenant = parse_new_tenant(&tenant)?;
    let mut provisioned = UsersProvisioned::default();
    for user in input.users {
        let external_id = user.external_id.clone();
        match provision_one(&users, &tenant, user).await {
            Ok(user) => provisioned.succeeded.push(user),
            Err(error) => provisioned.failed.push(Failed { external_id, error: error.into() }),
        }
    }
    Ok(axum::Json(provisioned))
}

async fn provision_one(users: &UserUpserter, tenant: &TenantName, input: UserInput) -> Result<EmbedUser> {
    let issues = input.problems();
    let external_id = match input.external_id.parse() {
        Ok(id) if issues.is_empty() => id,
        _ => return Err(Error::new(Reason::RequestInvalid).issues(issues)),
    };
    let profile = input.user_profile.unwrap_or_default();
    let change = UserChange {
        email: input.email.map(|email| email.trim().to_owned()),
        display_name: profile.display_name,
        picture: profile.picture,
        groups: input.groups,
        tenant: Some(TenantChange::to(tenant.clone())),
        tenant_groups: input.tenant_groups.map_or(GroupChange::Keep, GroupChange::Replace),
        ..UserChange::to(external_id)
    };
    users.upsert(&change).await.map(|upsert| upsert.user.into())
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            status: error.status(),
            reason: error.reason.word(),
            message: error.message.into_owned(),
            issues_omitted: error.issues.omitted(),
            issues: error.issues,
        }
    }
}

/// Parses a tenant name from a path, case-insensitively. An invalid name is 404, like an unknown one.
pub fn parse_tenant(name: &str) -> Result<TenantName> {
    name.to_lowercase().parse().map_err(|_| Reason::TenantNotFound.into())
}

/// Parses the name of a tenant that may be created; an invalid name is a 400.
pub fn parse_new_tenant(name: &str) -> Result<TenantName> {
    name.to_lowercase()
        .parse()
        .map_err(|wrong: vitrine::rules::json::input::Wrong| Error::invalid("tenant", wrong.0))
}
