//! `/v1/decisions`: the records of refused views.

use axum::extract::{Path, State};
use vitrine::aws::storage::RefusalRecordReader;
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, List, Query};
use vitrine::rules::view::refusal_count::RefusalCount;
use vitrine::rules::view::refusal_record::RefusalRecord;

/// Read why a view was refused.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/decisions/{request_id}", tag = "access", params(("request_id" = String, Path, min_length = 1, max_length = 128)),
    description = "Admin of the whole stack only. Every refusal has a `request_id`, which the page shows to the viewer. Refused views are recorded for seven days if the token was signed with an embedding secret; `GET /v1/decisions/unauthenticated` counts the others, whose reason is in the answer and in the log.",
    responses((status = 200, body = RefusalRecord))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(decisions): State<RefusalRecordReader>,
    Path(request_id): Path<String>,
) -> HttpResult<axum::Json<RefusalRecord>> {
    Ok(axum::Json(decisions.get(&request_id).await?))
}

/// Count the refused views that had no authentic token.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/decisions/unauthenticated", tag = "access", params(PageQuery),
    description = "Admin of the whole stack only. By minute and reason, the latest minute first, for seven days. Anybody can cause such refusals, so they are not recorded one by one. A process adds its counts at most once a minute, and those of its last minute can be missing.",
    responses((status = 200, body = List<RefusalCount>))
))]
pub async fn unauthenticated(
    _: Allowed<StackAdmin>,
    State(decisions): State<RefusalRecordReader>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<RefusalCount>>> {
    Ok(axum::Json(List::of(decisions.counts(&query.paging()).await?)))
}
