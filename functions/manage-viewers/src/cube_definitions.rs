//! `/api/v1/user-attributes` and `/api/v1/user-groups`: the definitions of `/v1/attributes` and `/v1/groups`, as Cube's
//! clients write and read them.

use axum::extract::State;
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::{DefinitionReader, DefinitionWriter};
use vitrine::dialects::cube::attributes::UserAttributeDefinition;
use vitrine::dialects::cube::paging::{ConnectionQuery, Items, paging};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Query, TolerantJson};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::paging::parse_limit;
use vitrine::rules::viewer::attribute::{AttributeDefinition, AttributeType};

use crate::attributes::status;

/// An attribute, as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeAttribute {
    /// The name, because an attribute has no other id.
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: AttributeType,
    display_name: Option<String>,
    default_value: Option<String>,
    description: Option<String>,
}

impl From<AttributeDefinition> for CubeAttribute {
    fn from(definition: AttributeDefinition) -> Self {
        Self {
            id: definition.name.clone(),
            name: definition.name,
            kind: definition.kind,
            display_name: definition.display_name,
            default_value: definition.default_value,
            description: definition.description,
        }
    }
}

/// A group of the whole stack, as it is listed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CubeGroup {
    /// The name, because a group has no other id.
    id: String,
    name: String,
    /// Always null: groups of the whole stack have none.
    description: Option<String>,
}

impl From<String> for CubeGroup {
    fn from(name: String) -> Self {
        Self { id: name.clone(), name, description: None }
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct AttributeQuery {
    /// Only the attribute of this name.
    #[deserr(default)]
    name: Option<String>,
    /// Only attributes of this type.
    #[deserr(default, rename = "type")]
    #[cfg_attr(feature = "openapi", param(rename = "type"))]
    kind: Option<AttributeType>,
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    first: Option<i32>,
    /// `pageInfo.endCursor` of the previous page.
    #[deserr(default)]
    after: Option<String>,
}

impl AttributeQuery {
    fn includes(&self, definition: &AttributeDefinition) -> bool {
        self.name.as_ref().is_none_or(|name| *name == definition.name)
            && self.kind.is_none_or(|kind| kind == definition.kind)
    }
}

/// List attributes.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/user-attributes", tag = "cube", params(AttributeQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = Items<CubeAttribute>))
))]
pub async fn list_attributes(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionReader>,
    Query(query): Query<AttributeQuery>,
) -> HttpResult<axum::Json<Items<CubeAttribute>>> {
    let paging = paging(query.first, query.after.as_ref());
    let page = definitions.attributes(&paging, |definition| query.includes(definition)).await?;
    Ok(axum::Json(Items::of(page, &paging)))
}

/// Define an attribute.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/user-attributes", tag = "cube",
    description = "Admin of the whole stack only. Defining an attribute again replaces everything except its type.",
    request_body = UserAttributeDefinition,
    responses((status = 200, body = CubeAttribute, description = "Replaced"), (status = 201, body = CubeAttribute, description = "Defined"), (status = 409))
))]
pub async fn create_attribute(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionWriter>,
    TolerantJson(input): TolerantJson<UserAttributeDefinition>,
) -> HttpResult<(StatusCode, axum::Json<CubeAttribute>)> {
    let definition = AttributeDefinition::from(input);
    let defined = definitions.put_attribute(&definition).await?;
    Ok((status(defined), axum::Json(definition.into())))
}

/// List groups.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/user-groups", tag = "cube", params(ConnectionQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = Items<CubeGroup>))
))]
pub async fn list_groups(
    _: Allowed<StackAdmin>,
    State(definitions): State<DefinitionReader>,
    Query(query): Query<ConnectionQuery>,
) -> HttpResult<axum::Json<Items<CubeGroup>>> {
    let paging = query.paging();
    let page = definitions.groups(&paging).await?;
    Ok(axum::Json(Items::of(page, &paging)))
}
