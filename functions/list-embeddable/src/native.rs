//! `GET /v1/resources`

use axum::extract::State;
use deserr::Deserr;
use serde::Serialize;
use vitrine::aws::storage::ResourceLister;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::ListResources;
use vitrine::http::query::{PageQuery, parse_limit, parse_switch};
use vitrine::http::{Allowed, HttpResult, Query};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::Kind;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct ListQuery {
    #[deserr(default, try_from(String) = parse_kind -> Wrong)]
    kind: Option<Kind>,
    /// `true`: published and not archived only. `false`: the others only.
    #[deserr(default, try_from(String) = parse_switch -> Wrong)]
    embeddable: Option<bool>,
    /// 1 to 1000; 100 if not said.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    limit: Option<i32>,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    cursor: Option<String>,
}

fn parse_kind(word: String) -> std::result::Result<Option<Kind>, Wrong> {
    word.parse().map(Some)
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceList {
    pub items: Vec<ResourceSummary>,
    /// None at the end. A page can be short, even empty, before the end.
    pub next_cursor: Option<String>,
}

/// List resources.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/resources", tag = "resources", params(ListQuery),
    description = "Permission: `resources:list`. By kind and id; without content. A change shows within moments.",
    responses((status = 200, body = ResourceList))
))]
pub async fn list(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    Query(query): Query<ListQuery>,
) -> HttpResult<axum::Json<ResourceList>> {
    let page = resources
        .list(&Listing {
            kind: query.kind,
            embeddable: query.embeddable,
            deployments: &caller.key.deployments,
            limit: query.limit,
            cursor: query.cursor.as_deref(),
        })
        .await?;
    Ok(axum::Json(ResourceList { items: page.items, next_cursor: page.next }))
}

/// List dives.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/dives", tag = "dives", params(PageQuery),
    description = "Permission: `resources:list`. By id; without content.",
    responses((status = 200, body = ResourceList))
))]
pub async fn dives(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<ResourceList>> {
    let page = resources
        .list(&Listing {
            kind: Some(Kind::Dive),
            embeddable: None,
            deployments: &caller.key.deployments,
            limit: query.limit,
            cursor: query.cursor.as_deref(),
        })
        .await?;
    Ok(axum::Json(ResourceList { items: page.items, next_cursor: page.next }))
}
