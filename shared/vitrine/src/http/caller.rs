//! Callers of the administrative API. A handler with an [`Allowed`] argument runs only for callers with that permission.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::problem::{HttpError, HttpResult};
use crate::app::request_context;
use crate::aws::admin_key::AdminKey;
use crate::aws::storage::{AccessKeyReader, AccountReader};
use crate::dialects;
use vitrine_rules::access_key::{self, AccessKey, Permission};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::token;
use vitrine_rules::viewer::service_account::{self, ServiceAccount, TokenType, Username};

crate::capability_set! {
    /// Identifies callers by their access keys.
    pub struct Callers {
        admin: AdminKey,
        keys: AccessKeyReader,
        accounts: AccountReader,
        clock: Clock,
    }
}

/// A caller of the API: its permissions, and for a token of a service account the account itself.
#[derive(Debug)]
pub struct Caller {
    pub key: AccessKey,
    pub account: Option<ServiceAccount>,
}

impl From<AccessKey> for Caller {
    fn from(key: AccessKey) -> Self {
        Self { key, account: None }
    }
}

impl Callers {
    async fn identify(&self, shown: &str) -> Result<Caller> {
        if let Some(id) = access_key::id_of(shown)
            && let Some(key) = self.keys.authenticate(id, shown).await?
        {
            return if key.is_expired(self.clock.now()) {
                Err(Reason::AccessKeyUnknown.into())
            } else {
                Ok(key.into())
            };
        }
        if let Some((username, id)) = service_account::parts_of(shown) {
            return self.identify_account(&username, id, shown).await;
        }
        if self.admin.is(shown).await? {
            Ok(AccessKey::bootstrap().into())
        } else {
            Err(Reason::AccessKeyUnknown.into())
        }
    }
}

impl Callers {
    /// Identifies a service account. It has the permissions of its current role, not of its role when the token was made.
    async fn identify_account(&self, username: &Username, id: &str, shown: &str) -> Result<Caller> {
        let unknown = || Error::from(Reason::AccessKeyUnknown);
        let token = self.accounts.authenticate(username, id, shown).await?.ok_or_else(unknown)?;
        let account = self.accounts.find(username).await?.ok_or_else(unknown)?;
        if token.account != account.id || token.is_expired(self.clock.now()) {
            return Err(unknown());
        }
        if token.token_type == TokenType::ReadScaling {
            return Err(Error::new(Reason::AccessDenied).detail("a read-scaling token"));
        }
        Ok(Caller { key: AccessKey::of_account(&account, &token), account: Some(account) })
    }
}

impl Callers {
    /// The caller whose access key is in a request that may carry an embed token. None for everything that is no valid
    /// key, so that an unknown key is refused like any other text that is no token.
    pub async fn instead_of_token(&self, headers: &HeaderMap) -> Result<Option<Caller>> {
        let Some(credential) = embed_token(headers).or_else(|| shown(headers)) else { return Ok(None) };
        if token::has_form(credential) {
            return Ok(None);
        }
        match self.identify(credential).await {
            Ok(caller) => {
                request_context::caller(&caller.key.id);
                Ok(Some(caller))
            }
            Err(error) if error.reason == Reason::AccessKeyUnknown => Ok(None),
            Err(error) => Err(error),
        }
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

/// The requirement of a route.
pub trait Need: Send {
    fn check(key: &AccessKey) -> Result<()>;
}

macro_rules! needs {
    ($($need:ident: $permission:ident;)+) => {
        $(
            #[derive(Debug)]
            pub struct $need;

            impl Need for $need {
                fn check(key: &AccessKey) -> Result<()> {
                    key.require(Permission::$permission)
                }
            }
        )+
    };
}

needs! {
    WriteResources: ResourcesWrite;
    ListResources: ResourcesList;
    CreateSessions: SessionsCreate;
    Introspect: Introspect;
}

/// Any valid key.
#[derive(Debug)]
pub struct Anybody;

impl Need for Anybody {
    fn check(_: &AccessKey) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
pub struct Admin;

impl Need for Admin {
    fn check(key: &AccessKey) -> Result<()> {
        key.require_admin()
    }
}

/// An admin of the whole stack. A key that is limited to deployments has no access to things that belong to none.
#[derive(Debug)]
pub struct StackAdmin;

impl Need for StackAdmin {
    fn check(key: &AccessKey) -> Result<()> {
        key.require_admin()?;
        key.reach.require_stack()
    }
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
        let shown = shown(&parts.headers).ok_or(Reason::AccessKeyMissing)?;
        let key = Callers::from_ref(state).identify(shown).await?.key;
        request_context::caller(&key.id);
        N::check(&key)?;
        Ok(Self { key, need: PhantomData })
    }
}

/// The access key, from any of the places where clients put it.
fn shown(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        value.filter(|key| !key.is_empty())
    };
    bearer(headers)
        .or_else(|| dialects::ACCESS_KEY_SCHEMES.iter().find_map(|scheme| with_scheme(headers, scheme)))
        .or_else(|| text("x-api-key"))
        .or_else(|| dialects::ACCESS_KEY_HEADERS.iter().find_map(|name| text(name)))
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
