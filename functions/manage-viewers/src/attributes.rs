//! `/v1/attributes`: the attributes that the stack defines for its external users.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::definitions::Defined;
use vitrine::aws::storage::{DefinitionReader, DefinitionWriter};
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, List, Query};
use vitrine::rules::error::{Issue, Reason};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::resource::ids::is_name;
use vitrine::rules::viewer::attribute::{AttributeDefinition, AttributeType};

/// An attribute that external users can have a value of.
#[derive(Debug, Serialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attribute {
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::Name))]
    name: String,
    #[serde(rename = "type")]
    #[deserr(rename = "type")]
    kind: AttributeType,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    display_name: Option<String>,
    /// The value of users who were given none, as text: `5`, `true`, `["a"]`.
    #[deserr(default)]
    default_value: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    description: Option<String>,
}

impl Check for Attribute {
    fn problems(&self) -> Vec<Issue> {
        AttributeDefinition::from(self).problems()
    }
}

impl From<&Attribute> for AttributeDefinition {
    fn from(attribute: &Attribute) -> Self {
        Self {
            name: attribute.name.clone(),
            kind: attribute.kind,
            display_name: attribute.display_name.clone(),
            default_value: attribute.default_value.clone(),
            description: attribute.description.clone(),
        }
    }
}

impl From<AttributeDefinition> for Attribute {
    fn from(definition: AttributeDefinition) -> Self {
        Self {
            name: definition.name,
            kind: definition.kind,
            display_name: definition.display_name,
            default_value: definition.default_value,
            description: definition.description,
        }
    }
}

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
    description = "Admin of the whole stack only. Defining an attribute again replaces everything except its type.",
    request_body = Attribute,
    responses((status = 200, body = Attribute, description = "Replaced"), (status = 201, body = Attribute, description = "Defined"), (status = 409))
))]
pub async fn create(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    Json(input): Json<Attribute>,
) -> HttpResult<(StatusCode, axum::Json<Attribute>)> {
    let defined = definitions.put_attribute(&(&input).into()).await?;
    Ok((status(defined), axum::Json(input)))
}

/// List attributes.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/attributes", tag = "external users", params(PageQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = List<Attribute>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionReader>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<Attribute>>> {
    Ok(axum::Json(List::of(definitions.attributes(&query.paging(), |_| true).await?)))
}

/// Delete an attribute.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/attributes/{name}", tag = "external users", params(("name" = vitrine::rules::forms::Name, Path,)),
    description = "Admin of the whole stack only. New sessions do not have it, so they are refused resources that are locked to it.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    Path(name): Path<String>,
) -> HttpResult<StatusCode> {
    // A name of another form was never defined.
    if !is_name(&name) {
        return Err(Reason::AttributeNotFound.into());
    }
    definitions.delete_attribute(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
