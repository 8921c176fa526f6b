//! `/v1/external-users`: lists, reads and deletes the external users that count towards the limit.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::remove_user::UserRemover;
use vitrine::aws::storage::external_users::UserListing;
use vitrine::aws::storage::{ExternalUserLister, ExternalUserReader};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, List, Query};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::paging::{Paging, parse_limit};
use vitrine::rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine::rules::viewer::tenant::TenantName;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExternalUserSummary {
    id: u64,
    external_id: ExternalId,
    email: Option<String>,
    display_name: Option<String>,
    picture: Option<String>,
    tenant: Option<TenantName>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    /// The time at which an ephemeral user is removed.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    expires_at: Option<Timestamp>,
}

impl From<ExternalUser> for ExternalUserSummary {
    fn from(user: ExternalUser) -> Self {
        Self {
            id: user.id,
            tenant: user.tenant_name().cloned(),
            external_id: user.external_id,
            email: user.email,
            display_name: user.display_name,
            picture: user.picture,
            created_at: user.created_at,
            expires_at: user.expires_at,
        }
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct UserQuery {
    /// Users of this tenant; by default, users without a tenant.
    #[deserr(default, try_from(String) = parse_tenant -> Wrong)]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>))]
    tenant: Option<TenantName>,
    /// Part of an email address or of an external id, in upper or lower case.
    #[deserr(default)]
    search: Option<String>,
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    limit: Option<i32>,
    /// `next_cursor` of the previous page.
    #[deserr(default)]
    cursor: Option<String>,
}

fn parse_tenant(name: String) -> std::result::Result<Option<TenantName>, Wrong> {
    name.parse().map(Some)
}

/// List external users.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/external-users", tag = "external users", params(UserQuery),
    description = "Admin of the whole stack only. By email address, or external id where there is none. A change shows within moments.",
    responses((status = 200, body = List<ExternalUserSummary>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(users): State<ExternalUserLister>,
    Query(query): Query<UserQuery>,
) -> HttpResult<axum::Json<List<ExternalUserSummary>>> {
    let search = query.search.as_deref().map(str::trim).filter(|search| !search.is_empty());
    let listing = UserListing { tenant: query.tenant.as_ref(), search, group: None };
    let page = users.list(listing, &Paging::new(query.limit, query.cursor)).await?;
    Ok(axum::Json(List::of(page)))
}

/// An external user with what the owner's backend has said about them.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ExternalUser))]
pub struct ExternalUserAnswer {
    id: u64,
    external_id: ExternalId,
    email: Option<String>,
    display_name: Option<String>,
    picture: Option<String>,
    /// The user's own, without the defaults of definitions.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, vitrine::rules::resource::parameter::AnyValue>))]
    attributes: BTreeMap<String, Value>,
    /// Groups of the whole stack.
    groups: Vec<String>,
    tenant: Option<TenantName>,
    tenant_groups: Vec<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    /// The end of an ephemeral user. Each new session moves it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    expires_at: Option<Timestamp>,
}

impl From<ExternalUser> for ExternalUserAnswer {
    fn from(user: ExternalUser) -> Self {
        Self {
            id: user.id,
            tenant: user.tenant_name().cloned(),
            tenant_groups: user.tenant_groups().to_vec(),
            external_id: user.external_id,
            email: user.email,
            display_name: user.display_name,
            picture: user.picture,
            attributes: user.attributes,
            groups: user.groups,
            created_at: user.created_at,
            expires_at: user.expires_at,
        }
    }
}

/// Read an external user.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/external-users/{id}", tag = "external users", params(("id" = u64, Path, minimum = 1)),
    description = "Admin of the whole stack only. With attributes and groups.",
    responses((status = 200, body = ExternalUserAnswer))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(users): State<ExternalUserReader>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<ExternalUserAnswer>> {
    let user = users.find_by_id(parse_id(&id)?).await?.ok_or(Reason::UserNotFound)?;
    Ok(axum::Json(user.into()))
}

/// Delete an external user.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/external-users/{id}", tag = "external users", params(("id" = u64, Path, minimum = 1)),
    description = "Admin of the whole stack only. The user no longer counts towards the limit; their sessions end within `ResourceCacheSeconds`.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(remover): State<UserRemover>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    remover.remove(parse_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Parses a positive number from a path.
pub fn parse_id(text: &str) -> Result<u64> {
    let number = text.parse().ok().filter(|number| *number > 0 && !text.starts_with(['+', '0']));
    number.ok_or_else(|| Reason::IdInvalid.into())
}
