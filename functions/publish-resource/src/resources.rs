//! `/v1/resources/{kind}/{id}`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use vitrine::app::publish_resource::ResourcePublisher;
use vitrine::app::request_context;
use vitrine::http::caller::WriteResources;
use vitrine::http::{Allowed, ContentJson, HttpResult, Json, Query};
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::resource::ids::{ResourceId, ResourceRef};
use vitrine::rules::resource::{Resource, ResourceInput};

use crate::publication::{Publication, PublishQuery, Removal};

/// Create or replace a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/v1/resources/{kind}/{id}", tag = "resources",
    params(PublishQuery, ("kind" = vitrine::rules::resource::ids::Kind, Path,), ("id" = vitrine::rules::forms::AnyId, Path, description = "A number or a 21-character entity id for dashboards and questions, a UUID for dives; the public id of an existing resource")),
    description = "Permission: `resources:write`. Returns the whole resource with its other ids. Fields that are left out are reset to their defaults; `deployment` stays. Queries of the content are checked: what cannot be published is 400, the rest is among the `warnings`. 409 if the id is taken outside of the key's scope.",
    request_body = ResourceInput,
    responses((status = 200, body = Publication, description = "Replaced"), (status = 201, body = Publication, description = "Created"), (status = 409))
))]
pub async fn put(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(path): Path<(String, String)>,
    Query(query): Query<PublishQuery>,
    Json(input): ContentJson<ResourceInput>,
) -> HttpResult<(StatusCode, axum::Json<Publication>)> {
    let written = publisher.put(&caller.key, &named(path)?, input, query.mode()).await?;
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(written.into())))
}

/// Read a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/resources/{kind}/{id}", tag = "resources",
    params(("kind" = vitrine::rules::resource::ids::Kind, Path,), ("id" = vitrine::rules::forms::AnyId, Path, description = "Any of its ids")),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = Resource))
))]
pub async fn get(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(path): Path<(String, String)>,
) -> HttpResult<axum::Json<Resource>> {
    Ok(axum::Json(publisher.get(&caller.key, &named(path)?).await?))
}

/// Remove a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/resources/{kind}/{id}", tag = "resources",
    params(("kind" = vitrine::rules::resource::ids::Kind, Path,), ("id" = vitrine::rules::forms::AnyId, Path, description = "Any of its ids")),
    description = "Permission: `resources:write`. Its embeds end within `ResourceCacheSeconds`. Its ids are never used again: a later PUT of one is 409 `id_deleted`.",
    responses((status = 200, body = Removal, description = "A question that published dashboards show was removed"), (status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    caller: Allowed<WriteResources>,
    State(publisher): State<ResourcePublisher>,
    Path(path): Path<(String, String)>,
) -> HttpResult<Response> {
    Ok(Removal::answer(publisher.remove(&caller.key, &named(path)?).await?))
}

pub fn named((kind, id): (String, String)) -> Result<ResourceRef> {
    let kind = kind.parse().map_err(|_| Reason::RouteNotFound)?;
    let reference = ResourceRef { kind, id: ResourceId::parse(kind, &id)? };
    request_context::resource(&reference);
    Ok(reference)
}
