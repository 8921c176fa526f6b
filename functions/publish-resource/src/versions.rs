//! `/v1/resources/{kind}/{id}/versions` and `/v1/resources/{kind}/{id}/restore`

use axum::extract::{Path, State};
use deserr::Deserr;
use vitrine::http::caller::WriteResources;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, List, Query};
use vitrine::rules::error::{Error, Issue, Result};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::resource::version::{Version, VersionSummary};

use crate::State as App;
use crate::publication::{Publication, PublishQuery};
use crate::resources::named;

/// The version to publish again.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreInput {
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    version: u64,
    /// The revision that the caller has seen. If the resource has changed since, nothing is written.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    revision: Option<u64>,
}

impl Check for RestoreInput {
    fn problems(&self) -> Vec<Issue> {
        match self.version {
            0 => vec![Issue::new("version", "must be the number of a version")],
            _ => Vec::new(),
        }
    }
}

/// List a resource's versions.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/resources/{kind}/{id}/versions", tag = "resources",
    params(("kind" = vitrine::rules::resource::ids::Kind, Path,), ("id" = vitrine::rules::forms::AnyId, Path, description = "Any of its ids"), PageQuery),
    description = "Permission: `resources:write`. The newest first. Each content that was published is a version.",
    responses((status = 200, body = List<VersionSummary>))
))]
pub async fn list(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<VersionSummary>>> {
    let resource = app.publisher.get(&caller.key, &named(path)?).await?;
    Ok(axum::Json(List::of(app.versions.list(&resource, &query.paging()).await?)))
}

/// Read a version of a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/resources/{kind}/{id}/versions/{version}", tag = "resources",
    params(("kind" = vitrine::rules::resource::ids::Kind, Path,), ("id" = vitrine::rules::forms::AnyId, Path, description = "Any of its ids"), ("version" = u64, Path, minimum = 1)),
    description = "Permission: `resources:write`.",
    responses((status = 200, body = Version))
))]
pub async fn get(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path((kind, id, version)): Path<(String, String, String)>,
) -> HttpResult<axum::Json<Version>> {
    let (resource, number) = (named((kind, id))?, number_of(&version)?);
    let resource = app.publisher.get(&caller.key, &resource).await?;
    Ok(axum::Json(app.versions.get(&resource, number).await?))
}

/// Restore a version of a resource.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/resources/{kind}/{id}/restore", tag = "resources",
    params(PublishQuery, ("kind" = vitrine::rules::resource::ids::Kind, Path,), ("id" = vitrine::rules::forms::AnyId, Path, description = "Any of its ids")),
    description = "Permission: `resources:write`. Publishes the content of a version again, as a new version. Nothing else changes: parameters, flags and titles stay. The content is checked like that of `PUT /v1/resources/{kind}/{id}`. 409 if the resource is no longer at `revision`.",
    request_body = RestoreInput, responses((status = 200, body = Publication), (status = 409))
))]
pub async fn restore(
    caller: Allowed<WriteResources>,
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    Query(query): Query<PublishQuery>,
    Json(input): Json<RestoreInput>,
) -> HttpResult<axum::Json<Publication>> {
    let RestoreInput { version, revision } = input;
    let (publisher, resource) = (&app.publisher, named(path)?);
    let written =
        app.versions.restore(publisher, &caller.key, &resource, version, revision, query.mode()).await?;
    Ok(axum::Json(written.into()))
}

/// The number of a version in a path.
pub fn number_of(version: &str) -> Result<u64> {
    let number = version.parse().ok().filter(|number| *number > 0 && !version.starts_with(['0', '+']));
    number.ok_or_else(|| Error::invalid("version", "must be a positive whole number"))
}
