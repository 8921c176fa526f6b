//! The embedded DynamoDB: the operations that the functions and the usual tools call, in DynamoDB's own protocol.
//!
//! The engine has a server of its own. It is not used: it needs a port, accepts every signature and answers web
//! pages of any origin.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

const TARGET: &str = "DynamoDB_20120810.";

/// DynamoDB's own limit.
const MAX_BODY: usize = 16 * 1024 * 1024;

pub fn router(database: Database) -> Router {
    Router::new().route("/", post(call)).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(database)
}

async fn call(State(database): State<Database>, headers: HeaderMap, body: String) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix(TARGET).unwrap_or_default();
    let result = match operation {
        "GetItem" => run(&body, |request| database.get_item(request)),
        "BatchGetItem" => run(&body, |request| database.batch_get_item(request)),
        "PutItem" => run(&body, |request| database.put_item(request)),
        "UpdateItem" => run(&body, |request| database.update_item(request)),
        "DeleteItem" => run(&body, |request| database.delete_item(request)),
        "BatchWriteItem" => run(&body, |request| database.batch_write_item(request)),
        "TransactWriteItems" => run(&body, |request| database.transact_write_items(request)),
        "TransactGetItems" => run(&body, |request| database.transact_get_items(request)),
        "Query" => run(&body, |request| database.query(request)),
        "Scan" => run(&body, |request| database.scan(request)),
        "ListTables" => run(&body, |request| database.list_tables(request)),
        "DescribeTable" => run(&body, |request| database.describe_table(request)),
        _ => return answer(StatusCode::BAD_REQUEST, r#"{"__type":"UnknownOperationException"}"#.to_owned()),
    };
    match result {
        Ok(body) => answer(StatusCode::OK, body),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
            answer(status, error.to_json())
        }
    }
}

fn run<I: DeserializeOwned, O: Serialize>(
    body: &str,
    operation: impl FnOnce(I) -> dynoxide::Result<O>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_str(body)
        .map_err(|error| DynoxideError::ValidationException(format!("The request is not valid: {error}")))?;
    let response = operation(request)?;
    serde_json::to_string(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn answer(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}
