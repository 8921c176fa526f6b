//! Callers of the administrative API. A handler with an [`Allowed`] argument runs only for callers with that permission.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::problem::{HttpError, HttpResult};
use super::requirement::Requirement;
pub use crate::app::identify_caller::{Caller, Callers};
use crate::app::request_context;
use crate::dialects;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::permission::Permission;
use vitrine_rules::token;

impl Callers {
    /// The caller whose access key is in a request that may carry an embed token. None for everything that is no valid
    /// key, so that an unknown key is refused like any other text that is no token.
    pub async fn instead_of_token(&self, headers: &HeaderMap) -> Result<Option<Caller>> {
        let key = embed_token(headers).or_else(|| access_key(headers));
        if key.is_some_and(token::has_form) {
            return Ok(None);
        }
        match self.identify_by_either(key, session(headers)).await {
            Err(error) if error.reason == Reason::AccessKeyUnknown => Ok(None),
            identified => identified,
        }
    }

    /// Identifies a caller by the access key of a request, or else by its session. None if it has neither.
    async fn identify_by_either(&self, key: Option<&str>, session: Option<&str>) -> Result<Option<Caller>> {
        let caller = match (key, session) {
            (Some(shown), _) => self.identify(shown).await?,
            (None, Some(shown)) => self.identify_by_session(shown).await?,
            (None, None) => return Ok(None),
        };
        request_context::caller(&caller.key.id);
        Ok(Some(caller))
    }

    /// Refuses a valid access key in the place of an embed token, and tells so.
    pub async fn refuse_instead_of_token(&self, headers: &HeaderMap) -> Result<()> {
        match self.instead_of_token(headers).await {
            Ok(None) => Ok(()),
            // A key without any permission is a key as well.
            Ok(Some(_)) | Err(Error { reason: Reason::AccessDenied, .. }) => {
                Err(Reason::AccessKeyAsToken.into())
            }
            Err(error) => Err(error),
        }
    }
}

/// A requirement as a type.
pub trait Need: Send {
    const REQUIRES: Requirement;

    fn check(key: &AccessKey) -> Result<()> {
        Self::REQUIRES.check(key)
    }
}

macro_rules! needs {
    ($($need:ident: $requirement:expr;)+) => {
        $(
            #[derive(Debug)]
            pub struct $need;

            impl Need for $need {
                const REQUIRES: Requirement = $requirement;
            }
        )+
    };
}

needs! {
    Anybody: Requirement::AnyKey;
    WriteResources: Requirement::Permission(Permission::ResourcesWrite);
    ListResources: Requirement::Permission(Permission::ResourcesList);
    CreateSessions: Requirement::Permission(Permission::SessionsCreate);
    Introspect: Requirement::Permission(Permission::Introspect);
    Admin: Requirement::Admin;
    StackAdmin: Requirement::StackAdmin;
}

/// Proof that the caller meets the requirement `N`.
#[derive(Debug)]
pub struct Allowed<N> {
    pub key: AccessKey,
    need: PhantomData<N>,
}

impl<S, N: Need> FromRequestParts<S> for Allowed<N>
where
    S: Send + Sync,
    Callers: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Self> {
        let callers = Callers::from_ref(state);
        let identified = callers.identify_by_either(access_key(&parts.headers), session(&parts.headers));
        let Caller { key, .. } = identified.await?.ok_or(Reason::AccessKeyMissing)?;
        N::check(&key)?;
        Ok(Self { key, need: PhantomData })
    }
}

/// None for a request without an access key. One that is shown has to be valid.
impl<S, N: Need> OptionalFromRequestParts<S> for Allowed<N>
where
    S: Send + Sync,
    Callers: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> HttpResult<Option<Self>> {
        if access_key(&parts.headers).or_else(|| session(&parts.headers)).is_none() {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// Returns whether a request shows an access key or a session that stands for one, valid or not.
pub fn shows_key(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || access_key(headers).or_else(|| session(headers)).is_some()
}

/// The access key, from any of the places where clients put it.
fn access_key(headers: &HeaderMap) -> Option<&str> {
    bearer(headers)
        .or_else(|| dialects::ACCESS_KEY_SCHEMES.iter().find_map(|scheme| with_scheme(headers, scheme)))
        .or_else(|| header_text(headers, "x-api-key"))
}

/// The access key, or the session that stands for one, from the headers where clients put either.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    dialects::SESSION_HEADERS.iter().find_map(|name| header_text(headers, name))
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

/// The credential of an `Authorization: Bearer` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    with_scheme(headers, "Bearer")
}

/// The embed token of a request, in any of the schemes that clients use.
pub fn embed_token(headers: &HeaderMap) -> Option<&str> {
    token_in(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The embed token in the value of an `Authorization` header.
pub fn token_in(value: &str) -> Option<&str> {
    let schemes = dialects::EMBED_TOKEN_SCHEMES.iter().copied().chain(["Bearer"]);
    schemes.into_iter().find_map(|scheme| credential(value, scheme))
}

fn with_scheme<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    credential(headers.get(header::AUTHORIZATION)?.to_str().ok()?, scheme)
}

/// The credential in the value of an `Authorization` header.
fn credential<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (named, credential) = value.trim().split_once(' ')?;
    let credential = credential.trim();
    (named.eq_ignore_ascii_case(scheme) && !credential.is_empty()).then_some(credential)
}
