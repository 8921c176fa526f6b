//! Sign-in through the company's provider of OpenID Connect: the way there, and the way back.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::html;
use vitrine::app::sign_in_person::ProviderAnswer;
use vitrine::http::base_url::base_url;
use vitrine::http::console_cookies::{Transport, require_same_origin};
use vitrine::rules::error::{Error, Reason, Result};

use crate::State as App;
use crate::fields::{Fields, query};
use crate::layout::plain_page;
use crate::request::{PageResult, safe_next};
use crate::sign_in;

/// The paths, below that of the console.
pub const START: &str = "/oidc/start";
pub const CALLBACK: &str = "/oidc/callback";

/// The address that is registered at the provider.
fn redirect_uri(app: &App, headers: &HeaderMap) -> Result<String> {
    Ok(format!("{}{}{CALLBACK}", base_url(&app.settings, headers)?, crate::PATH))
}

/// Leads the browser to the provider. It is a link and no form, because browsers hold the redirects of a form against the
/// page's policy.
pub async fn start(State(app): State<App>, RawQuery(asked): RawQuery, headers: HeaderMap) -> PageResult {
    let fields = Fields::parse(asked.unwrap_or_default().as_bytes());
    let next = safe_next(fields.text("next"));
    // Another site's link leads to the page with the button, so that nobody is signed in without a click here.
    if require_same_origin(&headers).is_err() {
        let next = if next == crate::PATH { "" } else { next };
        return Ok(Redirect::to(&format!("{}{}", crate::PATH, query(&[("next", next)]))).into_response());
    }
    let transport = Transport::of(&headers, &app.settings)?;
    let started = match app
        .people
        .start(&redirect_uri(&app, &headers)?, next, transport.read_session(&headers))
        .await
    {
        Ok(started) => started,
        Err(error) => return refused(&app, &headers, next, error),
    };
    let cookie = transport.set_provider_sign_in(&started.cookie)?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(&started.url)).into_response())
}

/// Takes the provider's answer. In every case the browser's cookie for it ends.
pub async fn callback(State(app): State<App>, RawQuery(asked): RawQuery, headers: HeaderMap) -> PageResult {
    let headers = &headers;
    let transport = Transport::of(headers, &app.settings)?;
    let fields = Fields::parse(asked.unwrap_or_default().as_bytes());
    let only = |name: &str| {
        let mut values = fields.all(name);
        values.next().filter(|_| values.next().is_none()).unwrap_or_default()
    };
    let answer = ProviderAnswer {
        state: only("state"),
        code: only("code"),
        error: only("error"),
        issuer: only("iss"),
    };
    let browser = headers.get(header::USER_AGENT).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let cookie = transport.read_provider_sign_in(headers).unwrap_or_default();
    let finished = app.people.finish(&redirect_uri(&app, headers)?, browser, cookie, answer).await;
    let answered = match finished {
        Ok(person) => {
            let cookies = [transport.set_session(&person.cookie.to_string())?, transport.end_sign_in()?];
            let page = signed_in(safe_next(&person.next))?;
            Ok((AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie))), page).into_response())
        }
        Err(error) => refused(&app, headers, crate::PATH, error),
    };
    let mut response = answered?;
    response.headers_mut().append(header::SET_COOKIE, transport.end_provider_sign_in()?);
    Ok(response)
}

/// A page that goes on to the next one by itself. A redirect would still count as the provider's, and the browser would
/// leave out the session's `Strict` cookie.
fn signed_in(next: &str) -> Result<Response> {
    let page = plain_page(
        "Signed in",
        html! {
            h1 { "You are signed in" }
            p { a.button href=(next) { "Continue" } }
        },
    );
    let refresh = HeaderValue::try_from(format!("0; url={next}")).map_err(Error::internal)?;
    Ok(([("refresh", refresh)], page).into_response())
}

/// The sign-in page with the refusal, so that an access key can be used instead.
fn refused(app: &App, headers: &HeaderMap, next: &str, error: Error) -> PageResult {
    if error.is_outage() && error.reason != Reason::ProviderUnavailable
        || error.reason == Reason::RouteNotFound
    {
        return Err(error.into());
    }
    Ok(sign_in::form(app, headers, next, Some(error))?)
}
