//! Callers of the console's pages. A handler with a [`Signed`] argument runs only for sessions of a key with that
//! permission, and one with a [`SignedForm`] only for forms of the same session.

use std::marker::PhantomData;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::body;
use vitrine::http::caller::Need;
use vitrine::http::console_cookies::{Transport, require_same_origin};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::random;
use vitrine::rules::view::activity::DayCount;

use crate::State;
use crate::error_page;
use crate::fields::{Fields, query};

/// The largest form: content of 300 KiB, each third byte of it encoded.
const MAX_FORM: usize = 1024 * 1024;

/// The hidden field of every form.
pub const FORM_TOKEN: &str = "csrf_token";

/// The longest path to go on to after sign-in. It is sealed in a cookie, and browsers drop one of more than 4 KiB.
const MAX_NEXT: usize = 2_000;

/// A signed-in caller that meets the requirement `N`.
#[derive(Debug)]
pub struct Signed<N> {
    pub caller: ConsoleCaller,
    need: PhantomData<N>,
}

/// A signed-in caller of the first page, with the counts of the last days.
#[derive(Debug)]
pub struct SignedHome {
    pub caller: ConsoleCaller,
    pub days: Vec<DayCount>,
}

/// The form of a signed-in caller.
#[derive(Debug)]
pub struct SignedForm<N> {
    pub caller: ConsoleCaller,
    pub fields: Fields,
    need: PhantomData<N>,
}

/// The result of a handler of a page.
pub type PageResult = std::result::Result<Response, Refused>;

/// A request that gets another page than the one it asked for.
#[derive(Debug)]
pub enum Refused {
    /// Sign-in is needed first; then the page at this path follows.
    SignIn { next: String },
    /// A page that explains the error; within the console, if the caller is known.
    Failed { error: Error, caller: Option<Box<ConsoleCaller>> },
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed { error, caller: None }
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Error::from(reason).into()
    }
}

impl Refused {
    pub fn of(error: Error, caller: ConsoleCaller) -> Self {
        Self::Failed { error, caller: Some(Box::new(caller)) }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { next } => {
                let next = if next == crate::PATH { "" } else { &next };
                Redirect::to(&format!("{}{}", crate::PATH, query(&[("next", next)]))).into_response()
            }
            Self::Failed { error, caller } => error_page::of(error, caller.as_deref()),
        }
    }
}

impl FromRequestParts<State> for SignedHome {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> std::result::Result<Self, Refused> {
        let cookie = Cookie::of(parts, state)?;
        let opened = state.session.open_with_days(cookie.value).await;
        let (caller, days) = opened.map_err(|error| cookie.refused(error))?;
        Ok(Self { caller, days })
    }
}

impl<N: Need> FromRequestParts<State> for Signed<N> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> std::result::Result<Self, Refused> {
        let cookie = Cookie::of(parts, state)?;
        let caller = state.session.open(cookie.value).await.map_err(|error| cookie.refused(error))?;
        match N::check(&caller.key) {
            Ok(()) => Ok(Self { caller, need: PhantomData }),
            Err(error) => Err(Refused::of(error, caller)),
        }
    }
}

impl<N: Need> FromRequest<State> for SignedForm<N> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &State) -> std::result::Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        require_same_origin(&parts.headers)?;
        let Signed { caller, need } = Signed::<N>::from_request_parts(&mut parts, state).await?;
        let fields = read(Request::from_parts(parts, body)).await?;
        if !random::equal(fields.exact(FORM_TOKEN), &caller.form_token) {
            return Err(Refused::of(Reason::FormTokenInvalid.into(), caller));
        }
        Ok(Self { caller, fields, need })
    }
}

/// The session's cookie of a request, and the page that follows a sign-in.
struct Cookie<'a> {
    value: &'a str,
    next: String,
}

impl<'a> Cookie<'a> {
    fn of(parts: &'a Parts, state: &State) -> std::result::Result<Self, Refused> {
        // A form that is sent again after sign-in would need its fields, so only pages are asked for again.
        let path =
            parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let asked = path.path_and_query().filter(|_| parts.method == Method::GET);
        let next = asked.map(ToString::to_string).unwrap_or_default();
        let transport = Transport::of(&parts.headers, &state.settings)?;
        match transport.read_session(&parts.headers) {
            Some(value) => Ok(Self { value, next }),
            None => Err(Refused::SignIn { next }),
        }
    }

    /// The answer to a cookie that opens no session, or could not be looked up.
    fn refused(&self, error: Error) -> Refused {
        match error.reason {
            Reason::AccessKeyUnknown | Reason::AccessDenied => Refused::SignIn { next: self.next.clone() },
            _ => error.into(),
        }
    }
}

pub async fn read(request: Request) -> Result<Fields> {
    body::read(request, MAX_FORM).await.map(|bytes| Fields::parse(&bytes))
}

/// A path of the console that a form names, or else its first page.
pub fn safe_next(next: &str) -> &str {
    let below = next.strip_prefix(crate::PATH);
    let is_below = below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?']));
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') && !next.contains("//");
    if is_below && is_plain && next.len() <= MAX_NEXT { next } else { crate::PATH }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_to_the_console_only() {
        for next in ["/console", "/console/keys", "/console/resources?q=a%20b", "/console?x=1"] {
            assert_eq!(safe_next(next), next);
        }
        for next in [
            "",
            "/",
            "/consoles",
            "//evil.example",
            "/console//evil.example",
            "https://evil.example/console",
            "/console/\\evil",
            "/console/a b",
            "/console/\r\nx: y",
        ] {
            assert_eq!(safe_next(next), "/console", "{next}");
        }
        let long = |bytes: usize| format!("/console/{}", "a".repeat(bytes - 9));
        assert_eq!(safe_next(&long(MAX_NEXT)), long(MAX_NEXT));
        assert_eq!(safe_next(&long(MAX_NEXT + 1)), "/console");
    }
}
