//! Answers of queries in Metabase's form: 202, whether the query has succeeded or not.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use vitrine::dialects::metabase::columns::ResultColumn;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::query::answer::AnswerColumn;

/// The answer of a query.
#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "written piece by piece; this is its form")]
pub enum QueryResult {
    Completed(Box<CompletedQuery>),
    Failed(FailedQuery),
}

#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "written piece by piece; this is its form")]
pub struct CompletedQuery {
    pub data: ResultData,
    pub json_query: JsonQuery,
    /// `completed`
    #[schema(value_type = String)]
    pub status: &'static str,
    /// The rest is for owners only.
    #[schema(required = false)]
    pub row_count: Option<usize>,
    pub running_time: Option<u64>,
    pub database_id: Option<u64>,
    #[schema(value_type = Option<String>)]
    pub context: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<String>,
    pub cached: Option<bool>,
}

#[cfg(feature = "openapi")]
#[derive(Serialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "written piece by piece; this is its form")]
pub struct ResultData {
    /// Rows as lists of values. Integers that JavaScript does not represent exactly are texts.
    pub rows: Vec<Vec<Value>>,
    pub cols: Vec<ResultColumn>,
    /// The number of rows, if others were cut off.
    pub rows_truncated: Option<usize>,
    #[schema(value_type = Option<Object>)]
    pub insights: Option<Value>,
    pub requested_timezone: Option<String>,
    pub results_timezone: String,
    /// For owners only: the SQL as the engine gets it.
    #[schema(value_type = Option<Object>)]
    pub native_form: Option<Value>,
}

/// The parameters that the query was run with, as far as their reader may see them.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JsonQuery {
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub parameters: Vec<Value>,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(ignore))]
    pub rest: serde_json::Map<String, Value>,
}

/// A query that has failed.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedQuery {
    /// `failed`
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: &'static str,
    pub error: String,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub error_type: &'static str,
}

const JSON: (HeaderName, HeaderValue) = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

/// The rows of an answer and what stands beside them.
pub struct Completed<'a> {
    pub columns: &'a [AnswerColumn],
    /// A JSON array of arrays.
    pub rows: &'a [u8],
    pub truncated: bool,
    /// The time zone of reports.
    pub time_zone: &'a str,
    pub json_query: JsonQuery,
    pub for_owner: Option<OwnersPart>,
}

/// The part of an answer that only owners see.
#[derive(Debug, Serialize)]
pub struct OwnersPart {
    pub running_time: u64,
    pub database_id: u64,
    pub context: &'static str,
    pub started_at: String,
    #[serde(skip)]
    pub native_form: Value,
}

/// Copies the rows as they are.
pub fn completed(answer: &Completed) -> Result<Response> {
    #[derive(Serialize)]
    struct Data<'a> {
        cols: Vec<ResultColumn>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rows_truncated: Option<usize>,
        insights: Option<Value>,
        requested_timezone: &'a str,
        results_timezone: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        native_form: Option<&'a Value>,
    }
    #[derive(Serialize)]
    struct Rest<'a> {
        json_query: &'a JsonQuery,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        row_count: Option<usize>,
        #[serde(flatten)]
        for_owner: Option<&'a OwnersPart>,
    }
    let count =
        if answer.truncated || answer.for_owner.is_some() { Some(row_count(answer.rows)?) } else { None };
    let data = Data {
        cols: answer.columns.iter().map(ResultColumn::from).collect(),
        rows_truncated: count.filter(|_| answer.truncated),
        insights: None,
        requested_timezone: answer.time_zone,
        // Times of answers are in UTC.
        results_timezone: "UTC",
        native_form: answer.for_owner.as_ref().map(|part| &part.native_form),
    };
    let rest = Rest {
        json_query: &answer.json_query,
        status: "completed",
        row_count: count.filter(|_| answer.for_owner.is_some()),
        for_owner: answer.for_owner.as_ref(),
    };
    let data = serde_json::to_vec(&data).map_err(Error::internal)?;
    let rest = serde_json::to_vec(&rest).map_err(Error::internal)?;
    let parts: [&[u8]; 6] = [b"{\"data\":{\"rows\":", answer.rows, b",", &data[1..], b",", &rest[1..]];
    Ok((StatusCode::ACCEPTED, [JSON], parts.concat()).into_response())
}

fn row_count(rows: &[u8]) -> Result<usize> {
    serde_json::from_slice::<Vec<IgnoredAny>>(rows).map(|rows| rows.len()).map_err(Error::internal)
}

/// The kind of a failure of a query, and whether its reader may see the text. None for every other refusal.
const fn failure(reason: Reason) -> Option<(&'static str, bool)> {
    Some(match reason {
        Reason::ParameterInvalid => ("invalid-parameter", true),
        Reason::ParameterRequired => ("missing-required-parameter", true),
        Reason::QueryTimeout => ("timed-out", true),
        Reason::QueryFailed | Reason::QueryInvalid => ("invalid-query", false),
        Reason::QueryTooLarge => ("db", false),
        _ => return None,
    })
}

/// The answer to a viewer whose query has failed; the error itself if it is about anything else.
pub fn failed_for_viewer(error: Error) -> Result<Response> {
    let Some((error_type, is_shown)) = failure(error.reason) else { return Err(error) };
    let text = if is_shown { error.message.into_owned() } else { Reason::QueryFailed.message().to_owned() };
    Ok(failed(text, error_type))
}

/// The answer to an owner, with the engine's text.
pub fn failed_for_owner(error: Error) -> Result<Response> {
    let error_type = match error.reason {
        Reason::RowPolicy => "missing-required-permissions",
        reason => match failure(reason) {
            Some((error_type, _)) => error_type,
            None => return Err(error),
        },
    };
    let issues: Vec<_> =
        error.issues.iter().map(|issue| format!("{} {}", issue.path, issue.message)).collect();
    let text = [vec![error.message.into_owned()], issues].concat().join("\n");
    Ok(failed(text, error_type))
}

fn failed(error: String, error_type: &'static str) -> Response {
    let body = FailedQuery { status: "failed", error, error_type };
    (StatusCode::ACCEPTED, axum::Json(body)).into_response()
}
