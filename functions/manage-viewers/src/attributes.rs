//! `/v1/attributes`: the attributes that the stack defines for its external users.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use vitrine::aws::storage::definitions::Defined;
use vitrine::aws::storage::{DefinitionReader, DefinitionWriter};
use vitrine::dialects::cube::paging::Items;
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::{ConnectionQuery, paging};
use vitrine::http::{Allowed, HttpResult, Json, Query};
use vitrine::rules::viewer::attribute::AttributeDefinition;

/// The status for a definition: 201 if it is new.
pub const fn status(defined: Defined) -> StatusCode {
    match defined {
        Defined::New => StatusCode::CREATED,
        Defined::Again => StatusCode::OK,
    }
}

/// Define an attribute.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/attributes", tag = "external users",
    description = "Admin of the whole stack only. Defining an attribute again changes everything except its type.",
    request_body = AttributeDefinition,
    responses((status = 200, body = AttributeDefinition, description = "Redefined"), (status = 201, body = AttributeDefinition, description = "Defined"))
))]
pub async fn create(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    Json(input): Json<AttributeDefinition>,
) -> HttpResult<(StatusCode, axum::Json<AttributeDefinition>)> {
    let defined = definitions.put_attribute(&input).await?;
    Ok((status(defined), axum::Json(input)))
}

/// List attributes.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/attributes", tag = "external users", params(ConnectionQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = Items<AttributeDefinition>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionReader>,
    Query(query): Query<ConnectionQuery>,
) -> HttpResult<axum::Json<Items<AttributeDefinition>>> {
    let paging = paging(query.first, query.after);
    let page = definitions.attributes(&paging).await?;
    Ok(axum::Json(Items::of(page, paging.after.is_none())))
}

/// Delete an attribute.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/attributes/{name}", tag = "external users", params(("name" = String, Path,)),
    description = "Admin of the whole stack only. New sessions do not have it, so they are refused resources that are locked to it.",
    responses((status = 204, description = "Removed"))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    Path(name): Path<String>,
) -> HttpResult<StatusCode> {
    definitions.delete_attribute(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
