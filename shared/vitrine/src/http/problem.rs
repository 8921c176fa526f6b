//! Errors in responses: one shape in every dialect.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::dialects;
use vitrine_rules::error::{Error, Issues, Reason};

/// The body of an error.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A message for people.
    pub message: String,
    /// The family, upper case: `BAD_REQUEST`, `UNAUTHORIZED`, `FORBIDDEN`, `NOT_FOUND`, `ROUTE_NOT_FOUND`, ...
    pub code: &'static str,
    /// The exact cause as one stable word: `token_expired`, `parameter_locked`, ...
    pub reason: &'static str,
    /// The id of the request, which the log contains as well.
    pub request_id: String,
    /// The first 50 problems, by field.
    #[serde(skip_serializing_if = "Issues::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<vitrine_rules::error::Issue>, required = false, max_items = 50))]
    pub issues: Issues,
    /// The number of the other problems, if there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub issues_omitted: Option<usize>,
    /// The message once more, on routes whose clients read it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The problems by field once more, in the refusal of a sign-in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, String>,
}

impl Problem {
    pub fn new(error: &Error, request_id: &str) -> Self {
        Self {
            message: error.message.to_string(),
            code: error.reason.code().word(),
            reason: error.reason.word(),
            request_id: request_id.to_owned(),
            issues: error.issues.clone(),
            issues_omitted: error.issues.omitted(),
            error: None,
            errors: dialects::sign_in_errors(error),
        }
    }

    /// The body with the message under `error` as well, where the response asks for it.
    #[must_use]
    pub fn with_error(mut self, is_wanted: bool) -> Self {
        self.error = is_wanted.then(|| self.message.clone());
        self
    }
}

/// An error on its way out of a handler.
#[derive(Debug)]
pub struct HttpError(pub Error);

/// An extension of responses whose error has its message under `error` as well.
#[derive(Debug, Clone, Copy)]
pub struct WithErrorMember;

/// The mark of a response that explains its error itself, to people. It has the error beside it, for the log.
#[derive(Debug, Clone, Copy)]
pub struct ErrorPage;

/// The result of a handler.
pub type HttpResult<T> = Result<T, HttpError>;

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Reason> for HttpError {
    fn from(reason: Reason) -> Self {
        Self(reason.into())
    }
}

/// Carries the error to [`super::middleware`], which knows the request id and writes the body.
impl IntoResponse for HttpError {
    fn into_response(self) -> axum::response::Response {
        let error = self.0;
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() =
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let header = match error.reason {
            _ if error.retry_after_seconds.is_some() => {
                error.retry_after_seconds.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds)))
            }
            Reason::Unavailable => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            reason if reason.code().status() == 401 => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            _ => None,
        };
        response.headers_mut().extend(header);
        response.extensions_mut().insert(Arc::new(error));
        response
    }
}

/// The reason for a status that the framework answered.
pub fn reason_of(status: StatusCode) -> Reason {
    match status {
        StatusCode::NOT_FOUND => Reason::RouteNotFound,
        StatusCode::METHOD_NOT_ALLOWED => Reason::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Reason::BodyTooLarge,
        status if status.is_client_error() => Reason::RequestInvalid,
        _ => Reason::Internal,
    }
}
