//! `/v1/decisions`: the records of refused views.

use axum::extract::{Path, State};
use vitrine::aws::storage::RefusalRecordReader;
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult};
use vitrine::rules::error::Reason;
use vitrine::rules::view::refusal_record::RefusalRecord;

/// Longer than any request ID.
const MAX_ID_BYTES: usize = 128;

/// Read why a view was refused.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/decisions/{request_id}", tag = "access", params(("request_id" = String, Path)),
    description = "Admin of the whole stack only. Every refusal has a `request_id`, which the page shows to the viewer. Records are kept for seven days.",
    responses((status = 200, body = RefusalRecord))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(decisions): State<RefusalRecordReader>,
    Path(request_id): Path<String>,
) -> HttpResult<axum::Json<RefusalRecord>> {
    if request_id.len() > MAX_ID_BYTES {
        return Err(Reason::DecisionNotFound.into());
    }
    Ok(axum::Json(decisions.get(&request_id).await?))
}
