//! Answers of queries as viewers receive them.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::query::answer::Answer;
#[cfg(feature = "openapi")]
use vitrine::rules::query::answer::AnswerColumn;

/// The answer, or a file of rows as objects.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "written piece by piece; this is its form")]
pub enum QueryAnswerOrFile {
    Answer(QueryAnswer),
    File(Vec<std::collections::BTreeMap<String, serde_json::Value>>),
}

/// The answer of a query.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "written piece by piece; this is its form")]
pub struct QueryAnswer {
    pub columns: Vec<AnswerColumn>,
    /// Rows as lists of values. Integers and decimals that JavaScript does not represent exactly are texts.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Set if rows beyond a limit were cut off.
    pub truncated: bool,
    /// Set if it was computed for an earlier request.
    pub cached: bool,
    /// The time at which it was computed; the same in every copy of it.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// A query that is not answered yet.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueryWaiting {
    /// Ask for the answer with `GET /v1/query/{handle}` and the same credential, within ten minutes.
    pub handle: String,
    /// Seconds.
    pub retry_after: u32,
}

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// Copies the rows as they are.
pub fn ready(answer: &Answer, cached: bool) -> Result<Response> {
    #[derive(Serialize)]
    struct Rest {
        truncated: bool,
        cached: bool,
        as_of: Timestamp,
    }
    let facts = &answer.facts;
    let rest = Rest { truncated: facts.truncated, cached, as_of: facts.as_of };
    let rest = serde_json::to_vec(&rest).map_err(Error::internal)?;
    let columns = serde_json::to_vec(&facts.columns).map_err(Error::internal)?;
    let parts: [&[u8]; 6] = [b"{\"columns\":", &columns, b",\"rows\":", &answer.rows, b",", &rest[1..]];
    Ok(([JSON], parts.concat()).into_response())
}

pub fn waiting(handle: String) -> Response {
    let retry_after = 1;
    let body = QueryWaiting { handle, retry_after };
    let after = (header::RETRY_AFTER, HeaderValue::from(retry_after));
    (StatusCode::ACCEPTED, [after], axum::Json(body)).into_response()
}
