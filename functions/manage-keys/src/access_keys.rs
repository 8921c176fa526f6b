//! `/v1/keys`: access keys.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::{AccessKeyReader, AccessKeyWriter};
use vitrine::http::caller::Admin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, Query};
use vitrine::rules::access_key::{self, AccessKey, Permission};
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid, Wrong};
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::settings::Settings;
use vitrine::rules::viewer::role::Role;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyInput {
    name: String,
    role: Role,
    /// The permissions of a member or restricted key. An admin key has every permission.
    #[deserr(default)]
    permissions: Vec<Permission>,
    /// Limits the key to these deployments; an empty list means all.
    #[deserr(default)]
    deployments: Vec<Deployment>,
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
        if self.name.trim().is_empty() || self.name.chars().count() > 255 {
            return vec![Issue::new("name", "must be 1 to 255 characters")];
        }
        Vec::new()
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
    description = "Admin only.",
    request_body = KeyInput, responses((status = 201, body = KeyCreated))
))]
pub async fn create(
    caller: Allowed<Admin>,
    State(keys): State<AccessKeyWriter>,
    State(clock): State<Clock>,
    State(settings): State<Arc<Settings>>,
    Json(input): Json<KeyInput>,
) -> HttpResult<(StatusCode, axum::Json<KeyCreated>)> {
    let now = clock.now();
    if input.expires_at.is_some_and(|expires| expires <= now) {
        return Err(Error::invalid("expires_at", "must be in the future").into());
    }
    if !input.deployments.iter().all(|deployment| settings.deployments.contains(deployment)) {
        return Err(Error::invalid("deployments", "must be deployments of this stack").into());
    }
    check_scope(&caller.key, &input.deployments)?;
    let (id, key) = access_key::new_key()?;
    let record = AccessKey {
        id,
        name: input.name,
        role: input.role,
        permissions: input.permissions,
        deployments: input.deployments,
        created_at: now,
        expires_at: input.expires_at,
    };
    keys.create(&record, &key).await?;
    Ok((StatusCode::CREATED, axum::Json(KeyCreated { key, record })))
}

/// Refuses unless the caller's key reaches every deployment of the other key.
fn check_scope(caller: &AccessKey, deployments: &[Deployment]) -> Result<()> {
    if deployments.is_empty() && !caller.deployments.is_empty() {
        return Err(Error::new(Reason::AccessDenied).detail("a scoped key reaches for one without scope"));
    }
    deployments.iter().try_for_each(|deployment| caller.require_deployment(*deployment))
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyList {
    pub items: Vec<AccessKey>,
    pub next_cursor: Option<String>,
}

/// List access keys.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/keys", tag = "access", params(PageQuery),
    description = "Admin only. Never shows a key.",
    responses((status = 200, body = KeyList))
))]
pub async fn list(
    caller: Allowed<Admin>,
    State(keys): State<AccessKeyWriter>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<KeyList>> {
    let page = keys.list(query.limit, query.cursor.as_deref()).await?;
    let reachable = |key: &AccessKey| check_scope(&caller.key, &key.deployments).is_ok();
    Ok(axum::Json(KeyList {
        items: page.items.into_iter().filter(reachable).collect(),
        next_cursor: page.next,
    }))
}

/// Delete an access key.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "access", params(("id" = String, Path,)),
    description = "Admin only. The next request with the deleted key is refused.",
    responses((status = 204, description = "Removed"))
))]
pub async fn delete(
    caller: Allowed<Admin>,
    State(reader): State<AccessKeyReader>,
    State(keys): State<AccessKeyWriter>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    if !vitrine::rules::resource::ids::is_public_id(&id) {
        return Err(Reason::KeyNotFound.into());
    }
    let key = reader.find(&id).await?.ok_or(Reason::KeyNotFound)?;
    check_scope(&caller.key, &key.deployments)?;
    keys.delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
