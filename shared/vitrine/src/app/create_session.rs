//! Creates credentials for a browser: a token, or a session that is exchanged once for a token. Each is checked by a
//! dry run first, so that none is created that would open nothing.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::dry_run::{DryRun, DryRuns};
use crate::app::upsert_user::UserUpserter;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::storage::sessions::SessionItem;
use crate::aws::storage::{AccountReader, SessionStarter};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::random;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::{Deployment, ResourceRef};
use vitrine_rules::session::{
    DEPLOYMENT_SECONDS, Lifetime, REDEEM_WITHIN_SECONDS, Session, SessionContext, SessionGrant,
};
use vitrine_rules::settings::Settings;
use vitrine_rules::token::Claims;
use vitrine_rules::token::mint::{ISSUER, TokenToMint};
use vitrine_rules::viewer::Viewer;
use vitrine_rules::viewer::external_user::Profile;
use vitrine_rules::viewer::service_account::{AccountName, Username};
use vitrine_rules::viewer::tenant::TenantName;
use vitrine_rules::viewer::upsert_user::{IdentityScope, UserChange, UserUpsert};

const ACCOUNT_TOKEN_SECONDS: i64 = 86_400;

crate::capability_set! {
    pub struct SessionCreator {
        keys: SigningKeys,
        dry_runs: DryRuns,
        users: UserUpserter,
        accounts: AccountReader,
        sessions: SessionStarter,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

/// A request for a credential that shows one resource to a viewer whom the caller describes.
#[derive(Debug)]
pub struct ResourceSession {
    pub resource: ResourceRef,
    pub params: Map<String, Value>,
    pub viewer: Viewer,
    pub ttl_seconds: i64,
    /// Creates a session that is exchanged once, instead of a token.
    pub single_use: bool,
}

pub struct CreatedSession {
    pub credential: String,
    pub resource: Arc<Resource>,
    pub expires_at: Timestamp,
    /// The end of the time in which a single-use session can be exchanged.
    pub redeem_by: Option<Timestamp>,
}

/// A request for a token that shows one resource as a service account.
#[derive(Debug)]
pub struct AccountSession {
    pub resource: ResourceRef,
    pub username: Username,
    /// None for the current version.
    pub version: Option<u64>,
    pub initial_state: Option<Value>,
}

pub struct CreatedToken {
    pub token: String,
    pub resource: Arc<Resource>,
}

/// A request for a single-use session that opens everything published in a deployment, or one dashboard of it.
#[derive(Debug)]
pub struct DeploymentSession {
    pub deployment: Deployment,
    pub dashboard: Option<ResourceRef>,
    pub creator_mode: bool,
    pub security_context: Option<Map<String, Value>>,
    pub settings: Map<String, Value>,
    pub theme: Option<Map<String, Value>>,
}

/// The user of a deployment's session.
#[derive(Debug)]
pub enum SessionUser {
    /// An external user, created or changed together with the session.
    External(Box<UserChange>),
    Account(AccountName),
}

impl SessionCreator {
    /// Creates a credential for one resource, which `key` must reach.
    pub async fn create_for_resource(
        &self,
        key: &AccessKey,
        request: ResourceSession,
    ) -> Result<CreatedSession> {
        let ResourceSession { resource, params, viewer, ttl_seconds, single_use } = request;
        let claims = Claims::granting(&resource, params.clone(), viewer.clone());
        let resource = self.require_view(key, &claims).await?;
        let now = self.clock.now();
        let expires_at = now.plus(ttl_seconds);
        let grant = SessionGrant {
            resource: Some((resource.kind, resource.id.clone())),
            params,
            viewer,
            ..SessionGrant::default()
        };
        if single_use {
            let redeem_by = expires_at.min(now.plus(REDEEM_WITHIN_SECONDS));
            let credential = random::secret()?;
            let session =
                Session { grant, created_at: now, redeem_by, lifetime: Lifetime::Until(expires_at) };
            let item = SessionItem::new(&random::fingerprint(&credential), &session, None)?;
            self.sessions.start(item).await?;
            return Ok(CreatedSession { credential, resource, expires_at, redeem_by: Some(redeem_by) });
        }
        let to_mint = TokenToMint {
            issuer: ISSUER,
            grant: &grant,
            version: None,
            has_state: false,
            token_id: &random::short_id()?,
            session: None,
            issued: now,
            expires: expires_at,
        };
        let credential = self.keys.mint(&to_mint).await?;
        Ok(CreatedSession { credential, resource, expires_at, redeem_by: None })
    }

    /// Creates a token that shows one resource, which `key` must reach, as a service account.
    pub async fn create_for_account(&self, key: &AccessKey, request: AccountSession) -> Result<CreatedToken> {
        let AccountSession { resource, username, version, initial_state } = request;
        let account = self.accounts.find(&username).await?.ok_or(Reason::AccountNotFound)?;
        let now = self.clock.now();
        let viewer = Viewer { id: Some(account.username.to_string()), ..Viewer::default() };
        let mut claims = Claims::granting(&resource, Map::new(), viewer.clone());
        claims.version = version;
        claims.account = Some(account.id.clone());
        claims.issued = Some(now.unix());
        let resource = self.require_view(key, &claims).await?;

        let expires = now.plus(ACCOUNT_TOKEN_SECONDS.min(self.settings.longest_made()));
        let token_id = random::short_id()?;
        if let Some(state) = &initial_state {
            self.sessions.keep_state(&random::fingerprint(&token_id), state, expires).await?;
        }
        let grant = SessionGrant {
            resource: Some((resource.kind, resource.id.clone())),
            viewer,
            account: Some(account.id),
            ..SessionGrant::default()
        };
        let to_mint = TokenToMint {
            issuer: ISSUER,
            grant: &grant,
            version: Some(version.unwrap_or(resource.version)),
            has_state: initial_state.is_some(),
            token_id: &token_id,
            session: None,
            issued: now,
            expires,
        };
        let token = self.keys.mint(&to_mint).await?;
        Ok(CreatedToken { token, resource })
    }

    /// Creates a single-use session of a deployment, and returns its id. An external user is written in the same
    /// transaction.
    pub async fn create_for_deployment(
        &self,
        key: &AccessKey,
        request: DeploymentSession,
        user: SessionUser,
    ) -> Result<String> {
        key.reach.enter(request.deployment)?;
        let user = match user {
            SessionUser::External(change) => SessionUser::External(Box::new(change.within(&key.reach)?)),
            account @ SessionUser::Account(_) => account,
        };
        let dry_run = self.dry_runs.of_session(request.dashboard.clone()).await?;
        let session_id = random::hex_session()?;
        let fingerprint = random::fingerprint(&session_id);
        let draft = Draft { fingerprint, request, dry_run, now: self.clock.now() };
        match user {
            SessionUser::External(change) => {
                let session = |upsert: &UserUpsert| draft.for_user(&change, upsert).map(Some);
                self.users.upsert_with_session(&change, session).await?;
            }
            SessionUser::Account(name) => {
                let account = self.accounts.find_named(&name).await?.ok_or(Reason::AccountNotFound)?;
                let viewer = Viewer {
                    id: Some(account.username.to_string()),
                    attributes: account.attributes,
                    groups: Vec::new(),
                };
                let grant = SessionGrant { account: Some(account.id), ..SessionGrant::default() };
                self.sessions.start(draft.item(grant, viewer, Profile::default(), None)?).await?;
            }
        }
        Ok(session_id)
    }

    /// The resource that a token with these claims would show.
    async fn require_view(&self, key: &AccessKey, claims: &Claims) -> Result<Arc<Resource>> {
        self.dry_runs.check(claims, &key.reach).await.map(|view| view.resource)
    }
}

/// A session of a deployment before its user is known.
struct Draft {
    fingerprint: String,
    request: DeploymentSession,
    dry_run: DryRun,
    now: Timestamp,
}

impl Draft {
    fn for_user(&self, change: &UserChange, upsert: &UserUpsert) -> Result<SessionItem> {
        let user = &upsert.user;
        let viewer = Viewer {
            id: Some(user.external_id.to_string()),
            attributes: upsert.attributes.clone(),
            groups: upsert.groups.clone(),
        };
        let grant = SessionGrant { user: Some(user.id), ..SessionGrant::default() };
        let tenant = user.tenant.as_ref().map(|membership| (membership.tenant.clone(), membership.tenant_id));
        let profile = match change.identity {
            IdentityScope::Stored => Profile::default(),
            IdentityScope::Session => Profile {
                email: change.email.clone(),
                display_name: change.display_name.clone(),
                picture: change.picture.clone(),
            },
        };
        self.item(grant, viewer, profile, tenant)
    }

    /// The session to store, if it could open its dashboard. The token will name the viewer, and contain nothing
    /// else about them.
    fn item(
        &self,
        grant: SessionGrant,
        viewer: Viewer,
        profile: Profile,
        tenant: Option<(TenantName, u64)>,
    ) -> Result<SessionItem> {
        let request = &self.request;
        let named = Viewer { id: viewer.id.clone(), ..Viewer::default() };
        let tenant_name = tenant.as_ref().map(|(name, _)| name.clone());
        let context = SessionContext {
            deployment: request.deployment,
            dashboard: request.dashboard.as_ref().map(|dashboard| dashboard.id.to_string()),
            viewer,
            user: grant.user,
            profile,
            tenant,
            creator_mode: request.creator_mode,
            security_context: request.security_context.clone(),
            settings: request.settings.clone(),
            theme: request.theme.clone(),
        };
        if context.size() > SessionContext::MAX_BYTES {
            return Err(Reason::ContextTooLarge.into());
        }
        let opened = self.dry_run.open(&context)?;
        let session = Session {
            grant: SessionGrant {
                resource: opened.map(|resource| (resource.kind, resource.id.clone())),
                viewer: named,
                tenant: tenant_name,
                deployment: Some(request.deployment),
                ..grant
            },
            created_at: self.now,
            redeem_by: self.now.plus(REDEEM_WITHIN_SECONDS),
            lifetime: Lifetime::For(DEPLOYMENT_SECONDS),
        };
        SessionItem::new(&self.fingerprint, &session, Some(&context))
    }
}
