//! Callers that a page of the console may call for: with an access key, or with the session of the console.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::caller::{Allowed, Callers, Need, shows_key};
use super::console_cookies::{Transport, require_same_origin};
use super::problem::{HttpError, HttpResult};
use crate::app::open_console_session::ConsoleSessionOpener;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::console_session::ConsoleCookie;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::random;
use vitrine_rules::settings::Settings;

/// The header with the token of the session's forms. Another site can neither read the token nor send the header without
/// a preflight, which no route with this caller answers.
pub const FORM_TOKEN_HEADER: &str = "x-csrf-token";

/// Proof that the caller meets the requirement `N`: with an access key, or as a page of the console with its session's
/// cookie and form token. A request that shows a key is decided by the key alone.
#[derive(Debug)]
pub struct AllowedOrSigned<N> {
    pub key: AccessKey,
    need: PhantomData<N>,
}

impl<S, N: Need> FromRequestParts<S> for AllowedOrSigned<N>
where
    S: Send + Sync,
    Callers: FromRef<S>,
    ConsoleSessionOpener: FromRef<S>,
    Arc<Settings>: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self> {
        let settings = Arc::<Settings>::from_ref(state);
        if shows_key(&parts.headers) || !settings.console {
            let allowed = <Allowed<N> as FromRequestParts<S>>::from_request_parts(parts, state).await?;
            return Ok(Self { key: allowed.key, need: PhantomData });
        }
        let cookie = sent_by_page(&parts.headers, &settings)?;
        let key = ConsoleSessionOpener::from_ref(state).open(cookie).await?.key;
        N::check(&key)?;
        Ok(Self { key, need: PhantomData })
    }
}

/// The cookie of a request, if a page of the cookie's own session sent it.
fn sent_by_page<'a>(headers: &'a HeaderMap, settings: &Settings) -> Result<&'a str> {
    let transport = Transport::of(headers, settings).map_err(|_| Reason::AccessKeyMissing)?;
    let cookie = transport.read_session(headers).ok_or(Reason::AccessKeyMissing)?;
    require_same_origin(headers)?;
    let session = ConsoleCookie::parse(cookie).ok_or(Reason::AccessKeyUnknown)?;
    let mut tokens =
        headers.get_all(FORM_TOKEN_HEADER).iter().map(|token| token.to_str().unwrap_or_default());
    match (tokens.next(), tokens.next()) {
        (Some(token), None) if random::equal(token, &session.form_token()) => Ok(cookie),
        _ => Err(Reason::FormTokenInvalid.into()),
    }
}
