//! `/v1/external-users`: lists and deletes the external users that count towards the limit.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::external_users::UserListing;
use vitrine::aws::storage::{ExternalUserLister, ExternalUserReader, ExternalUserRemover};
use vitrine::dialects::cube::paging::Items;
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::{SearchQuery, paging, parse_limit};
use vitrine::http::{Allowed, HttpResult, Query};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine::rules::viewer::tenant::TenantName;

/// A user in Cube's form.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedUser {
    pub id: u64,
    username: ExternalId,
    external_id: ExternalId,
    email: Option<String>,
    first_name: Option<String>,
    picture: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    /// When an ephemeral user is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    expires_at: Option<Timestamp>,
}

impl From<ExternalUser> for EmbedUser {
    fn from(user: ExternalUser) -> Self {
        Self {
            id: user.id,
            username: user.external_id.clone(),
            external_id: user.external_id,
            email: user.email,
            first_name: user.display_name,
            picture: user.picture,
            created_at: user.created_at,
            expires_at: user.expires_at,
        }
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct UserQuery {
    /// Users of this tenant; if omitted, users without a tenant.
    #[deserr(default, try_from(String) = parse_tenant -> Wrong)]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>))]
    tenant: Option<TenantName>,
    /// Part of an email address or of an external id, case-insensitive.
    #[deserr(default)]
    search: Option<String>,
    /// 1 to 1000; the default is 100.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    first: Option<i32>,
    /// `pageInfo.endCursor` of the previous page.
    #[deserr(default)]
    after: Option<String>,
}

fn parse_tenant(name: String) -> std::result::Result<Option<TenantName>, Wrong> {
    name.parse().map(Some)
}

/// List external users.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/external-users", tag = "external users", params(UserQuery),
    description = "Admin of the whole stack only. Sorted by email address, or by external id without one. The list is eventually consistent.",
    responses((status = 200, body = Items<EmbedUser>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(users): State<ExternalUserLister>,
    Query(query): Query<UserQuery>,
) -> HttpResult<axum::Json<Items<EmbedUser>>> {
    let UserQuery { tenant, search, first, after } = query;
    let search = SearchQuery { search, first, after: None };
    let paging = paging(first, after);
    let listing = UserListing { tenant: tenant.as_ref(), search: search.sought(), group: None };
    let page = users.list(listing, &paging).await?;
    Ok(axum::Json(Items::of(page, paging.after.is_none())))
}

/// Delete an external user.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/external-users/{id}", tag = "external users", params(("id" = u64, Path,)),
    description = "Admin of the whole stack only. The user no longer counts towards the limit; their sessions end within `ResourceCacheSeconds`.",
    responses((status = 204, description = "Removed"))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(reader): State<ExternalUserReader>,
    State(remover): State<ExternalUserRemover>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    const ATTEMPTS: usize = 8;
    let id = parse_id(&id)?;
    for _ in 0..ATTEMPTS {
        let user = reader.find_by_id(id).await?.ok_or(Reason::UserNotFound)?;
        match remover.remove(std::slice::from_ref(&user)).await {
            Err(error) if error.reason == Reason::Conflict => {}
            done => return Ok(done.map(|()| StatusCode::NO_CONTENT)?),
        }
    }
    Err(Reason::Conflict.into())
}

/// Parses a positive number from a path.
pub fn parse_id(text: &str) -> Result<u64> {
    let number = text.parse().ok().filter(|number| *number > 0 && !text.starts_with(['+', '0']));
    number.ok_or_else(|| Reason::IdInvalid.into())
}
