//! `GET /v1/resources` and `GET /v1/dives`

use axum::extract::State;
use deserr::Deserr;
use vitrine::aws::storage::ResourceLister;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::ListResources;
use vitrine::http::query::{PageQuery, parse_switch};
use vitrine::http::{Allowed, HttpResult, List, Query};
use vitrine::rules::json::input::{Invalid, Wrong};
use vitrine::rules::paging::{Paging, parse_limit};
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::Kind;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ListQuery {
    #[deserr(default, try_from(String) = parse_kind -> Wrong)]
    kind: Option<Kind>,
    /// `true`: published and not archived only. `false`: the others only.
    #[deserr(default, try_from(String) = parse_switch -> Wrong)]
    embeddable: Option<bool>,
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    limit: Option<i32>,
    /// `next_cursor` of the previous page.
    #[deserr(default)]
    cursor: Option<String>,
}

fn parse_kind(word: String) -> std::result::Result<Option<Kind>, Wrong> {
    word.parse().map(Some)
}

/// List resources.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/resources", tag = "resources", params(ListQuery),
    description = "Permission: `resources:list`. Sorted by kind and id; without content. The list is eventually consistent.",
    responses((status = 200, body = List<ResourceSummary>))
))]
pub async fn list(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    Query(query): Query<ListQuery>,
) -> HttpResult<axum::Json<List<ResourceSummary>>> {
    let listing =
        Listing { kind: query.kind, embeddable: query.embeddable, archived: None, reach: &caller.key.reach };
    let page = resources.list(&listing, &Paging::new(query.limit, query.cursor)).await?;
    Ok(axum::Json(List::of(page)))
}

/// List dives.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/dives", tag = "dives", params(PageQuery),
    description = "Permission: `resources:list`. Sorted by id; without content.",
    responses((status = 200, body = List<ResourceSummary>))
))]
pub async fn dives(
    caller: Allowed<ListResources>,
    State(resources): State<ResourceLister>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<ResourceSummary>>> {
    let listing =
        Listing { kind: Some(Kind::Dive), embeddable: None, archived: None, reach: &caller.key.reach };
    Ok(axum::Json(List::of(resources.list(&listing, &query.paging()).await?)))
}
