//! The middleware of every request: its id, its log line, and the body of an error.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use lambda_http::request::RequestContext;
use tracing::{Instrument, Span, field};

use super::not_found::NotFoundForm;
use super::problem::{ErrorPage, HttpError, Problem, WithErrorMember, reason_of};
use crate::app::request_context;
use vitrine_rules::error::{Error, Reason};
use vitrine_rules::random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs a request. The log has its route but never its path, which can contain a token.
pub async fn answer(request: Request, next: Next) -> Response<Body> {
    let request_id = request_id(&request);
    let span = span(&request, &request_id);
    let form = NotFoundForm::of(&request);
    let started = Instant::now();
    let run = request_context::within(Some(request_id.clone()), next.run(request));
    let answered = AssertUnwindSafe(run).catch_unwind().instrument(span.clone()).await;
    let response =
        answered.unwrap_or_else(|_| HttpError(Error::internal("a handler panicked")).into_response());
    let (mut response, error) = with_body(response, &request_id, form);
    guard(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| log(response.status().as_u16(), error.as_deref(), milliseconds));
    response
}

/// The address that a request came from, as API Gateway saw it. No header can state another one.
pub fn source_address(extensions: &Extensions) -> Option<&str> {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    }
}

/// The id of API Gateway if there is one, so that both logs use the same id.
fn request_id(request: &Request) -> String {
    match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) if context.request_id.is_some() => {
            context.request_id.clone().unwrap_or_default()
        }
        _ => random::short_id().unwrap_or_else(|_| "unknown".to_owned()),
    }
}

fn span(request: &Request, request_id: &str) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    tracing::info_span!(
        "request",
        request_id,
        method = request.method().as_str(),
        route,
        resource = field::Empty,
        key = field::Empty,
        caller = field::Empty,
    )
}

fn log(status: u16, error: Option<&Error>, milliseconds: u64) {
    let Some(error) = error else {
        tracing::info!(status, milliseconds, "answered");
        return;
    };
    let (reason, detail) = (error.reason.word(), error.detail.as_deref());
    if status >= 500 {
        tracing::error!(status, milliseconds, reason, detail, "failed");
    } else {
        tracing::info!(status, milliseconds, reason, detail, "refused");
    }
}

/// Writes the body of an error, also for one that the framework made.
fn with_body(
    response: Response<Body>,
    request_id: &str,
    form: NotFoundForm,
) -> (Response<Body>, Option<Arc<Error>>) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return (response, None);
    }
    let error =
        response.extensions().get::<Arc<Error>>().cloned().unwrap_or_else(|| {
            Arc::new(Error::new(reason_of(status)).detail(format_args!("status {status}")))
        });
    if response.extensions().get::<ErrorPage>().is_some() {
        return (response, Some(error));
    }
    if error.reason == Reason::RouteNotFound
        && let Some(page) = form.response()
    {
        return (page, Some(error));
    }
    let (mut parts, _) = response.into_parts();
    let has_error_member = parts.extensions.get::<WithErrorMember>().is_some();
    let problem = Problem::new(&error, request_id).with_error(has_error_member);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    parts.headers.remove(header::CONTENT_LENGTH);
    (Response::from_parts(parts, Body::from(body)), Some(error))
}

/// Sets strict defaults. A page that can be framed has set its own headers.
fn guard(headers: &mut HeaderMap) {
    let defaults = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    // Reserved once for all headers: growing the map hashes every entry again.
    headers.reserve(defaults.len() + 3);
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        );
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}
