//! A stand-in for Lambda: functions of this process that others invoke.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vitrine::aws::background::BackgroundTasks;
use vitrine::rules::error::{Error, Result};

/// Lambda's limits on what a function is invoked with.
const MAX_EVENT: usize = 256 * 1024;
const MAX_REQUEST: usize = 6 * 1024 * 1024;

type Handler = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value>> + Send + Sync>;

/// The functions that can be invoked, by name. Events run as background tasks. Unlike Lambda, an event that fails is
/// not tried again.
#[derive(Clone, Default)]
pub struct Invocable {
    handlers: Arc<RwLock<BTreeMap<String, Handler>>>,
    background: BackgroundTasks,
}

impl Invocable {
    pub fn new(background: BackgroundTasks) -> Self {
        Self { background, ..Self::default() }
    }

    /// Adds a function, or replaces the one of this name.
    pub fn add<W, A, F>(&self, name: &str, handle: impl Fn(W) -> F + Send + Sync + 'static)
    where
        W: DeserializeOwned,
        A: Serialize,
        F: Future<Output = Result<A>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |work| match serde_json::from_value(work) {
            Err(error) => {
                Box::pin(std::future::ready(Err(Error::internal(format_args!("an event: {error}")))))
            }
            Ok(work) => {
                let answer = handle(work);
                Box::pin(async move {
                    serde_json::to_value(answer.await?).map_err(|_| Error::internal("an answer"))
                })
            }
        });
        self.handlers.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), handler);
    }

    fn find(&self, name: &str) -> Option<Handler> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
            .with_state(self.clone())
    }
}

impl fmt::Debug for Invocable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invocable")
    }
}

async fn invoke(
    State(functions): State<Invocable>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(handler) = functions.find(&name) else {
        return refuse(StatusCode::NOT_FOUND, "ResourceNotFoundException");
    };
    let Ok(work) = serde_json::from_slice(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "InvalidRequestContentException");
    };
    let kind = headers.get("x-amz-invocation-type").map_or(Ok("RequestResponse"), |kind| kind.to_str());
    match kind {
        Ok("Event") if body.len() > MAX_EVENT => {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException")
        }
        Ok("Event") => {
            functions.background.run(async move {
                if let Err(error) = run(handler, work).await {
                    tracing::error!(function = name, detail = error.detail, "an event failed");
                }
            });
            StatusCode::ACCEPTED.into_response()
        }
        Ok("RequestResponse") => match run(handler, work).await {
            Ok(answer) => Json(answer).into_response(),
            Err(error) => {
                tracing::error!(function = name, detail = error.detail, "an invocation failed");
                let failure = json!({"errorType": "Error", "errorMessage": error.message});
                ([("x-amz-function-error", "Unhandled")], Json(failure)).into_response()
            }
        },
        _ => refuse(StatusCode::BAD_REQUEST, "InvalidParameterValueException"),
    }
}

/// In a task of its own: a function that panics fails alone.
async fn run(handler: Handler, work: Value) -> Result<Value> {
    let ran = tokio::spawn(async move { handler(work).await }).await;
    ran.unwrap_or_else(|_| Err(Error::internal("the function panicked")))
}

fn refuse(status: StatusCode, kind: &'static str) -> Response {
    let body = json!({"Type": "User", "Message": "The local Lambda refused the request."});
    (status, [("x-amzn-errortype", kind)], Json(body)).into_response()
}
