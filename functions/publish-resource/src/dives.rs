//! `/v1/dives`: resources whose older versions stay readable.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use vitrine::app::publish_resource::Publishing;
use vitrine::app::request_context;
use vitrine::http::caller::WriteResources;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, ContentJson, HttpResult, Json, List, Query};
use vitrine::rules::error::{Error, Result};
use vitrine::rules::json::input::{AtMost, Check, Invalid, Patch};
use vitrine::rules::resource::embed_policy::EmbeddingParams;
use vitrine::rules::resource::ids::{Kind, PrimaryId, ResourceId, ResourceRef, new_uuid};
use vitrine::rules::resource::origin::Origin;
use vitrine::rules::resource::version::{Version, VersionSummary};
use vitrine::rules::resource::{Resource, ResourceInput};

use crate::State as App;
use crate::publication::{Publication, PublishQuery};
use crate::versions::number_of;

/// A change of flags and titles, which leaves the content as it is.
#[derive(Debug, Clone, Default, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DivePatch {
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine::rules::forms::Label>))]
    title: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    description: Patch<String>,
    #[deserr(default)]
    enable_embedding: Option<bool>,
    #[deserr(default)]
    embedding_params: Option<EmbeddingParams>,
    #[deserr(default, from(Option<AtMost<Origin, { ResourceInput::MAX_ORIGINS }>>) = AtMost::into_option)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    allowed_origins: Option<Vec<Origin>>,
    #[deserr(default)]
    allow_downloads: Option<bool>,
    #[deserr(default)]
    archived: Option<bool>,
}

/// The use case checks the whole dive, after the change was applied to it.
impl Check for DivePatch {}

impl DivePatch {
    fn apply_to(self, decided: ResourceInput) -> ResourceInput {
        ResourceInput {
            title: self.title.unwrap_or(decided.title),
            description: self.description.over(decided.description),
            enable_embedding: self.enable_embedding.unwrap_or(decided.enable_embedding),
            embedding_params: self.embedding_params.unwrap_or(decided.embedding_params),
            allowed_origins: self.allowed_origins.unwrap_or(decided.allowed_origins),
            allow_downloads: self.allow_downloads.unwrap_or(decided.allow_downloads),
            archived: self.archived.unwrap_or(decided.archived),
            ..decided
        }
    }
}

/// Create a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/dives", tag = "dives", params(PublishQuery),
    description = "Permission: `resources:write`. `content` is required. The id is new, the version 1. Queries are checked as by `PUT /v1/resources/{kind}/{id}`.",
    request_body = ResourceInput, responses((status = 201, body = Publication), (status = 409))
))]
pub async fn create(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Query(query): Query<PublishQuery>,
    Json(input): ContentJson<ResourceInput>,
) -> HttpResult<(StatusCode, axum::Json<Publication>)> {
    require_content(&input)?;
    let dive = ResourceRef::new(Kind::Dive, PrimaryId::Uuid(new_uuid()?));
    let written = app.publisher.put(&caller.key, &dive, input, query.mode()).await?;
    Ok((StatusCode::CREATED, axum::Json(written.into())))
}

/// Read a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/dives/{id}", tag = "dives", params(("id" = vitrine::rules::forms::DiveId, Path,)),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = Resource))
))]
pub async fn get(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> HttpResult<axum::Json<Resource>> {
    Ok(axum::Json(app.publisher.get(&caller.key, &named(&id)?).await?))
}

/// Replace a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/v1/dives/{id}", tag = "dives", params(PublishQuery, ("id" = vitrine::rules::forms::DiveId, Path,)),
    description = "Permission: `resources:write`. Content that differs makes a new version; the older ones stay readable. Without `deployment`, the dive stays where it is.",
    request_body = ResourceInput, responses((status = 200, body = Publication), (status = 409))
))]
pub async fn replace(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<PublishQuery>,
    Json(input): ContentJson<ResourceInput>,
) -> HttpResult<axum::Json<Publication>> {
    require_content(&input)?;
    let written = app.publisher.replace(&caller.key, &named(&id)?, input, query.mode()).await?;
    Ok(axum::Json(written.into()))
}

/// Change a dive's flags and titles.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/v1/dives/{id}", tag = "dives", params(PublishQuery, ("id" = vitrine::rules::forms::DiveId, Path,)),
    description = "Permission: `resources:write`. Makes no new version.",
    request_body = DivePatch, responses((status = 200, body = Publication), (status = 409))
))]
pub async fn patch(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<PublishQuery>,
    Json(input): Json<DivePatch>,
) -> HttpResult<axum::Json<Publication>> {
    let change = |decided: ResourceInput| Ok(input.clone().apply_to(decided));
    let (dive, mode) = (named(&id)?, query.mode());
    let changed = app.publisher.change(&caller.key, &dive, Publishing::Writers, &change, mode).await?;
    Ok(axum::Json(changed.into()))
}

/// Remove a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/dives/{id}", tag = "dives", params(("id" = vitrine::rules::forms::DiveId, Path,)),
    description = "Permission: `resources:write`. With all its versions. Its sessions end within `ResourceCacheSeconds`.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> HttpResult<StatusCode> {
    app.publisher.remove(&caller.key, &named(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a dive's versions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/dives/{id}/versions", tag = "dives", params(("id" = vitrine::rules::forms::DiveId, Path,), PageQuery),
    description = "Permission: `resources:write`. The newest first.",
    responses((status = 200, body = List<VersionSummary>))
))]
pub async fn versions(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<VersionSummary>>> {
    let dive = app.publisher.get(&caller.key, &named(&id)?).await?;
    Ok(axum::Json(List::of(app.versions.list(&dive, &query.paging()).await?)))
}

/// Read a version of a dive.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/dives/{id}/versions/{version}", tag = "dives",
    params(("id" = vitrine::rules::forms::DiveId, Path,), ("version" = u64, Path, minimum = 1)),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = Version))
))]
pub async fn version(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path((id, version)): Path<(String, String)>,
) -> HttpResult<axum::Json<Version>> {
    let (dive, number) = (named(&id)?, number_of(&version)?);
    let dive = app.publisher.get(&caller.key, &dive).await?;
    Ok(axum::Json(app.versions.get(&dive, number).await?))
}

fn require_content(input: &ResourceInput) -> Result<()> {
    if input.content.is_some() { Ok(()) } else { Err(Error::invalid("content", "is required")) }
}

fn named(id: &str) -> Result<ResourceRef> {
    let dive = ResourceRef { kind: Kind::Dive, id: ResourceId::parse(Kind::Dive, id)? };
    request_context::resource(&dive);
    Ok(dive)
}
