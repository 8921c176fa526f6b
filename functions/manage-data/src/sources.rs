//! `/v1/sources`: the places of files that tables read.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use vitrine::app::put_source::SourcePutter;
use vitrine::app::remove_source::SourceRemover;
use vitrine::aws::storage::{SourceLister, SourceReader};
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, List, Query};
use vitrine::rules::data::source::{Source, SourceInput};
use vitrine::rules::error::{Error, Reason};
use vitrine::rules::query::table::{SOURCE_NAME, is_source_name};

/// Create or replace a source.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/v1/sources/{source}", tag = "data", params(("source" = vitrine::rules::forms::SourceName, Path,)),
    description = "Admin of the whole stack only. Tables whose files others write name a source. The stack needs permission to read its bucket: see the parameter `DataSources`. 409 `source_fixed` for `managed`, which every stack has.",
    request_body = SourceInput,
    responses((status = 200, body = Source, description = "Replaced"), (status = 201, body = Source, description = "Created"), (status = 409))
))]
pub async fn put(
    _: Allowed<StackAdmin>,
    State(putter): State<SourcePutter>,
    Path(name): Path<String>,
    Json(input): Json<SourceInput>,
) -> HttpResult<(StatusCode, axum::Json<Source>)> {
    if !is_source_name(&name) {
        return Err(Error::invalid("source", SOURCE_NAME).into());
    }
    let written = putter.put(&name, &input).await?;
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(written.source)))
}

/// Read a source.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/sources/{source}", tag = "data", params(("source" = vitrine::rules::forms::SourceName, Path,)),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = Source))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(sources): State<SourceReader>,
    Path(name): Path<String>,
) -> HttpResult<axum::Json<Source>> {
    require_form(&name)?;
    Ok(axum::Json(sources.get(&name).await?.ok_or(Reason::SourceNotFound)?))
}

/// List sources.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/sources", tag = "data", params(PageQuery),
    description = "Admin of the whole stack only. `managed` is the first; the others are in the order of their names.",
    responses((status = 200, body = List<Source>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(sources): State<SourceLister>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<Source>>> {
    Ok(axum::Json(List::of(sources.list(&query.paging()).await?)))
}

/// Delete a source.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/sources/{source}", tag = "data", params(("source" = vitrine::rules::forms::SourceName, Path,)),
    description = "Admin of the whole stack only. The files stay. 409 `source_in_use` lists the tables that have their files in it.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(remover): State<SourceRemover>,
    Path(name): Path<String>,
) -> HttpResult<StatusCode> {
    require_form(&name)?;
    remover.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name of another form was never stored.
fn require_form(name: &str) -> HttpResult<()> {
    if is_source_name(name) { Ok(()) } else { Err(Reason::SourceNotFound.into()) }
}
