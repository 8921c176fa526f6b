//! `/v1/keys`: access keys.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::create_access_key::{AccessKeyCreator, CreatedAccessKey, NewAccessKey};
use vitrine::app::remove_access_key::AccessKeyRemover;
use vitrine::aws::storage::AccessKeyWriter;
use vitrine::http::caller::Admin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, List, Query};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::Issue;
use vitrine::rules::json::input::{Check, Invalid, Wrong};
use vitrine::rules::permission::Permission;
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::viewer::role::Role;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "backend", "role": "member", "permissions": ["sessions:create"]})))]
pub struct KeyInput {
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Label))]
    name: String,
    role: Role,
    /// The permissions of a member or restricted key. An admin key has every permission.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 100))]
    permissions: Vec<Permission>,
    /// Limits the key to these deployments; an empty list means all. They must be within the scope of your own key.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 100))]
    deployments: Vec<Deployment>,
    /// Left out, the key ends with your own key, or never. It cannot end later than your own key.
    #[deserr(default, try_from(Option<String>) = parse_moment -> Wrong)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    expires_at: Option<Timestamp>,
}

fn parse_moment(text: Option<String>) -> std::result::Result<Option<Timestamp>, Wrong> {
    let parse = |text: String| text.parse().map_err(|_| Wrong("must be a time such as 2027-01-31T12:00:00Z"));
    text.map(parse).transpose()
}

impl Check for KeyInput {
    fn problems(&self) -> Vec<Issue> {
        NewAccessKey::problems(&self.name, &self.permissions, &self.deployments)
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyCreated {
    /// The key itself, shown only in this response. Only its hash is stored.
    pub key: String,
    #[serde(flatten)]
    pub record: AccessKey,
}

/// Create an access key.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/keys", tag = "access",
    description = "Admin only. The key can do no more than your own: 403 for another scope, or for a later end.",
    request_body = KeyInput, responses((status = 201, body = KeyCreated))
))]
pub async fn create(
    caller: Allowed<Admin>,
    State(creator): State<AccessKeyCreator>,
    Json(input): Json<KeyInput>,
) -> HttpResult<(StatusCode, axum::Json<KeyCreated>)> {
    let new = NewAccessKey {
        name: input.name,
        role: input.role,
        permissions: input.permissions,
        deployments: input.deployments,
        expires_at: input.expires_at,
    };
    let CreatedAccessKey { key, record } = creator.create(&caller.key, new).await?;
    Ok((StatusCode::CREATED, axum::Json(KeyCreated { key, record })))
}

/// List access keys.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/keys", tag = "access", params(PageQuery),
    description = "Admin only. Never shows a key. A scoped key is shown the keys within its scope.",
    responses((status = 200, body = List<AccessKey>))
))]
pub async fn list(
    caller: Allowed<Admin>,
    State(keys): State<AccessKeyWriter>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<AccessKey>>> {
    Ok(axum::Json(List::of(keys.list(&caller.key.reach, &query.paging()).await?)))
}

/// Delete an access key.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "access", params(("id" = vitrine::rules::forms::PublicId, Path,)),
    description = "Admin only. The next request with the deleted key is refused.",
    responses((status = 204, description = "Removed"))
))]
pub async fn delete(
    caller: Allowed<Admin>,
    State(keys): State<AccessKeyRemover>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    keys.remove(&caller.key, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
