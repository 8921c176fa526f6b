//! Sign-in with an access key, and sign-out.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use vitrine::app::request_context;
use vitrine::http::caller::Anybody;
use vitrine::http::console_cookies::{Transport, require_same_origin};
use vitrine::http::middleware::source_address;
use vitrine::rules::console_session::form_token;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::random;

use crate::State as App;
use crate::error_page::with_error;
use crate::fields::query;
use crate::layout::plain_page;
use crate::provider_sign_in::START;
use crate::request::{FORM_TOKEN, PageResult, SignedForm, read, safe_next};

/// The form, with a secret of its own in a cookie: a form that another page sends has no token for it.
pub fn form(app: &App, headers: &HeaderMap, next: &str, refusal: Option<Error>) -> Result<Response> {
    let transport = Transport::of(headers, &app.settings)?;
    let secret = match transport.read_sign_in(headers) {
        Some(secret) => secret.to_owned(),
        None => random::secret()?,
    };
    let has_provider = app.settings.sign_in.active().is_some();
    let page = plain_page("Sign in", markup(&form_token(&secret), next, refusal.as_ref(), has_provider));
    let page = match refusal {
        Some(error) => with_error(page, error),
        None => page,
    };
    Ok((AppendHeaders([(header::SET_COOKIE, transport.set_sign_in(&secret)?)]), page).into_response())
}

fn markup(token: &str, next: &str, refusal: Option<&Error>, has_provider: bool) -> Markup {
    let asked = if next == crate::PATH { "" } else { next };
    html! {
        h1 { "Sign in" }
        @if let Some(error) = refusal {
            p.note.bad role="alert" id="refusal" {
                (explained(error))
                @if has_provider {
                    " " span.small {
                        "Reason: " code { (error.reason.word()) }
                        @if let Some(id) = request_context::request_id() { ", request " code { (id) } }
                    }
                }
            }
        }
        @if has_provider {
            p { a.button.primary href={ (crate::PATH) (START) (query(&[("next", asked)])) } { "Sign in with your company account" } }
            h2 { "Or with an access key" }
        }
        form.stack method="post" action={ (crate::PATH) "/sign-in" } {
            input type="hidden" name=(FORM_TOKEN) value=(token);
            @if next != crate::PATH { input type="hidden" name="next" value=(next); }
            label {
                span { "Access key" }
                input type="password" name="key" required autocomplete="current-password" autofocus[!has_provider]
                    spellcheck="false" aria-describedby=[refusal.map(|_| "refusal")];
            }
            button.primary[!has_provider] type="submit" { "Sign in" }
        }
        p.small {
            "An access key begins with " code { "sk-" } ". The stack's admin key works as well: the output " code { "AdminKeyArn" }
            " of the stack names the secret that holds it. You can do here what the key may do, and see what it reaches."
        }
    }
}

fn explained(error: &Error) -> String {
    match (error.reason, error.retry_after_seconds) {
        (Reason::SignInLocked, Some(seconds)) => {
            let (count, unit) = if seconds > 90 { ((seconds + 59) / 60, "minutes") } else { (seconds, "seconds") };
            format!("Too many attempts. Try again in {count} {unit}.")
        }
        (Reason::AccessKeyUnknown | Reason::AccessDenied, _) => {
            "This key is not accepted. Check that it is complete, and that it was not removed and has not expired."
                .to_owned()
        }
        _ => error.message.to_string(),
    }
}

pub async fn sign_in(State(app): State<App>, request: Request) -> PageResult {
    let headers = request.headers().clone();
    let transport = Transport::of(&headers, &app.settings)?;
    require_same_origin(&headers)?;
    let address = source_address(request.extensions()).unwrap_or("local").to_owned();
    let fields = read(request).await?;
    let next = safe_next(fields.text("next")).to_owned();
    let expected = transport.read_sign_in(&headers).map(form_token);
    if !expected.is_some_and(|expected| random::equal(fields.exact(FORM_TOKEN), &expected)) {
        return Ok(form(&app, &headers, &next, Some(Reason::FormTokenInvalid.into()))?);
    }
    let browser = headers.get(header::USER_AGENT).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let cookie = match app.console.sign_in(&address, browser, fields.text("key")).await {
        Ok(cookie) => cookie,
        Err(error) if error.is_outage() => return Err(error.into()),
        Err(error) => return Ok(form(&app, &headers, &next, Some(error))?),
    };
    // A session that the browser came with is never taken over, and ends.
    if let Some(earlier) = transport.read_session(&headers) {
        app.console.sign_out(earlier).await?;
    }
    let cookies = [transport.set_session(&cookie.to_string())?, transport.end_sign_in()?];
    Ok((AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie))), Redirect::to(&next))
        .into_response())
}

pub async fn sign_out(State(app): State<App>, headers: HeaderMap, _: SignedForm<Anybody>) -> PageResult {
    let transport = Transport::of(&headers, &app.settings)?;
    if let Some(cookie) = transport.read_session(&headers) {
        app.console.sign_out(cookie).await?;
    }
    let cookies = AppendHeaders([(header::SET_COOKIE, transport.end_session()?)]);
    Ok((StatusCode::SEE_OTHER, cookies, Redirect::to(crate::PATH)).into_response())
}
