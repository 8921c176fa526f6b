//! `PATCH /api/v1/embed/dashboard/{publicId}`, as Cube's clients call it.

use axum::extract::{Path, State};
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::check_queries::Mode;
use vitrine::app::publish_resource::{Publishing, ResourcePublisher};
use vitrine::app::request_context;
use vitrine::http::caller::Admin;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::error::Reason;
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::resource::ResourceInput;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef, is_public_id};

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct AllowEmbed {
    allow_embed: bool,
}

impl Check for AllowEmbed {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedAllowed {
    public_id: String,
    allow_embed: bool,
}

/// Allow or forbid embedding a dashboard.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/api/v1/embed/dashboard/{public_id}", tag = "cube", params(("public_id" = vitrine::rules::forms::PublicId, Path,)),
    description = "Admin only. The same flag as `enable_embedding`.",
    request_body = AllowEmbed, responses((status = 200, body = EmbedAllowed), (status = 409))
))]
pub async fn allow_embed(
    caller: Allowed<Admin>,
    State(publisher): State<ResourcePublisher>,
    Path(public_id): Path<String>,
    Json(input): Json<AllowEmbed>,
) -> HttpResult<axum::Json<EmbedAllowed>> {
    if !is_public_id(&public_id) {
        return Err(Reason::ResourceNotFound.into());
    }
    let dashboard = ResourceRef::new(Kind::Dashboard, ResourceId::Public(public_id));
    request_context::resource(&dashboard);
    let change =
        |decided: ResourceInput| Ok(ResourceInput { enable_embedding: input.allow_embed, ..decided });
    let changed =
        publisher.change(&caller.key, &dashboard, Publishing::Writers, &change, Mode::Write).await?;
    let resource = changed.resource;
    Ok(axum::Json(EmbedAllowed { public_id: resource.public_id, allow_embed: resource.enable_embedding }))
}
