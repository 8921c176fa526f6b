//! `/v1/groups`: the groups that the stack defines for its external users.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::{DefinitionReader, DefinitionWriter};
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, List, Query};
use vitrine::rules::error::{Issue, Reason};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::viewer::tenant::group_name_problem;

use crate::attributes::status;

/// A group of the whole stack.
#[derive(Debug, Serialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Name))]
    name: String,
}

impl Check for Group {
    fn problems(&self) -> Vec<Issue> {
        group_name_problem(&self.name).map(|wrong| Issue::new("name", wrong)).into_iter().collect()
    }
}

impl From<String> for Group {
    fn from(name: String) -> Self {
        Self { name }
    }
}

/// Create a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/groups", tag = "external users",
    description = "Admin of the whole stack only. An existing group is unchanged.",
    request_body = Group,
    responses((status = 200, body = Group, description = "Exists already"), (status = 201, body = Group, description = "Created"), (status = 409))
))]
pub async fn create(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    Json(input): Json<Group>,
) -> HttpResult<(StatusCode, axum::Json<Group>)> {
    let defined = definitions.put_group(&input.name).await?;
    Ok((status(defined), axum::Json(input)))
}

/// List groups.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/groups", tag = "external users", params(PageQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = List<Group>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionReader>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<Group>>> {
    Ok(axum::Json(List::of(definitions.groups(&query.paging()).await?)))
}

/// Delete a group.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/groups/{name}", tag = "external users", params(("name" = vitrine::rules::forms::Name, Path,)),
    description = "Admin of the whole stack only. New sessions do not have it.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    Path(name): Path<String>,
) -> HttpResult<StatusCode> {
    // A name of another form was never defined.
    if group_name_problem(&name).is_some() {
        return Err(Reason::GroupNotFound.into());
    }
    definitions.delete_group(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
