//! Pages that explain an error.

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::html;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::app::request_context;
use vitrine::http::problem::ErrorPage;
use vitrine::rules::error::{Error, Reason};

use crate::layout::{Section, page, plain_page};
use crate::parts;

/// A page about an error; within the console, if the caller is known.
pub fn of(error: Error, caller: Option<&ConsoleCaller>) -> Response {
    let title = title(&error);
    let content = html! {
        h1 { (title) }
        (parts::problem(&error))
        @if let Some(advice) = advice(error.reason) { p { (advice) } }
        @if let Some(id) = request_context::request_id() { p.small { "Request " code { (id) } } }
        p { a.button href=(crate::PATH) { "To the first page" } }
    };
    let markup = match caller {
        Some(caller) => page(caller, title, Section::None, content),
        None => plain_page(title, content),
    };
    with_error(markup, error)
}

/// A page with the status of an error, which the log has as well.
pub fn with_error(page: impl IntoResponse, error: Error) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, page).into_response();
    let seconds = match error.reason {
        Reason::Unavailable => Some(1),
        Reason::ProviderUnavailable => Some(5),
        _ => error.retry_after_seconds,
    };
    response.headers_mut().extend(seconds.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
    response.extensions_mut().insert(ErrorPage);
    response.extensions_mut().insert(Arc::new(error));
    response
}

fn title(error: &Error) -> &'static str {
    match error.status() {
        403 => "Not allowed",
        404 => "Not found",
        409 => "Changed in the meantime",
        429 => "Too many attempts",
        status if status >= 500 => "Something went wrong",
        _ => "This did not work",
    }
}

const fn advice(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::AccessDenied => {
            Some("You have no permission for this. Sign in with a key that may do it, or ask an admin.")
        }
        Reason::ResourceNotFound => Some("It was removed, or you are limited to other deployments."),
        Reason::Conflict => Some("Open the page again to see what changed, then repeat your change."),
        _ => None,
    }
}
