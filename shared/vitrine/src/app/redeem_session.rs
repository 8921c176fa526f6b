//! Exchanges a single-use session for its token, and revokes sessions and tokens.

use std::sync::Arc;

use crate::app::open_view::session_key;
use crate::app::request_context;
use crate::aws::signing_keys::SigningKeys;
use crate::aws::storage::sessions::Exchange;
use crate::aws::storage::{ResourceReader, SessionEnder, SessionReader};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::reach::Reach;
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::session::{Session, SessionGrant};
use vitrine_rules::settings::Settings;
use vitrine_rules::token::UnknownKid;
use vitrine_rules::token::mint::TokenToMint;

crate::capability_set! {
    pub struct SessionRedeemer {
        keys: SigningKeys,
        sessions: SessionEnder,
        stored: SessionReader,
        resources: ResourceReader,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub struct RedeemedToken {
    pub token: String,
    pub expires_at: Timestamp,
}

impl SessionRedeemer {
    /// Exchanges a session once. The refusal is the same for an unknown, used, expired and revoked session.
    /// `issuer` names the issuer of the token.
    pub async fn redeem(
        &self,
        session_id: &str,
        issuer: fn(&SessionGrant) -> &'static str,
    ) -> Result<RedeemedToken> {
        // Without a key there is no token, and the session must not be used up.
        self.keys.check().await?;
        let now = self.clock.now();
        let fingerprint = random::fingerprint(session_id);
        match self.sessions.redeem(&fingerprint, now).await? {
            Exchange::First(session) => self.mint(&fingerprint, &session, issuer(&session.grant), now).await,
            Exchange::Again { first } => {
                self.report_replay(&fingerprint, first, now).await?;
                Err(Reason::SessionUnknown.into())
            }
            Exchange::Refused => Err(Reason::SessionUnknown.into()),
        }
    }

    /// Revokes a session, exchanged or not. Does nothing if it is unknown.
    pub async fn revoke_session(&self, session_id: &str) -> Result<()> {
        self.sessions.revoke(&random::fingerprint(session_id), self.clock.now()).await
    }

    /// Revokes a session or a token. Does nothing if it is not valid any more. [`Reason::ResourceNotFound`] if it
    /// opens nothing that the key may know of.
    pub async fn revoke_credential(&self, key: &AccessKey, credential: &str) -> Result<()> {
        // Only tokens contain dots.
        if !credential.contains('.') {
            self.require_reach(&key.reach, &random::fingerprint(credential)).await?;
            return self.revoke_session(credential).await;
        }
        let now = self.clock.now();
        // Every token that some route accepts can be revoked.
        let claims = match self.keys.authenticate(credential, UnknownKid::Ignored).await {
            Ok(authentic) => authentic.claims,
            Err(error) if error.is_outage() => return Err(error),
            // A token that opens nothing needs no revocation.
            Err(_) => return Ok(()),
        };
        let fingerprint = match (session_key(&claims), &claims.session) {
            (Some(session), Some(_)) => {
                self.require_reach(&key.reach, &session).await?;
                return self.sessions.revoke(&session, now).await;
            }
            // There is no such session.
            (None, Some(_)) => return Ok(()),
            (fingerprint, None) => {
                self.require_resource(&key.reach, claims.resource(None).ok()).await?;
                fingerprint.ok_or_else(|| {
                    Error::invalid("session", "is a token without `jti`, which cannot be revoked alone")
                })?
            }
        };
        // The revocation of a token that never expires is kept for as long as a time can express.
        let until = claims.expires.map_or(Timestamp::from_unix(i64::MAX), Timestamp::from_unix);
        self.sessions.revoke_token(&fingerprint, until, now).await
    }

    /// Refuses a stored session that opens nothing within the reach. An unknown session can be revoked by everyone.
    async fn require_reach(&self, reach: &Reach, fingerprint: &str) -> Result<()> {
        if reach.is_stack() {
            return Ok(());
        }
        let Some(Session { grant, .. }) = self.stored.find(fingerprint).await? else { return Ok(()) };
        match grant.deployment {
            Some(deployment) if reach.covers(deployment) => Ok(()),
            Some(_) => Err(Reason::ResourceNotFound.into()),
            None => {
                let named = grant.resource.map(|(kind, id)| ResourceRef::new(kind, id));
                self.require_resource(reach, named).await
            }
        }
    }

    /// Refuses a credential for a resource that is not within the reach.
    async fn require_resource(&self, reach: &Reach, named: Option<ResourceRef>) -> Result<()> {
        if reach.is_stack() {
            return Ok(());
        }
        let named = named.ok_or(Reason::ResourceNotFound)?;
        let resource = reach.see(self.resources.find(&named).await?);
        resource.map(drop).ok_or(Reason::ResourceNotFound.into())
    }

    async fn mint(
        &self,
        fingerprint: &str,
        session: &Session,
        issuer: &str,
        now: Timestamp,
    ) -> Result<RedeemedToken> {
        if let Some((kind, id)) = &session.grant.resource {
            request_context::resource(&ResourceRef::new(*kind, id.clone()));
        }
        let longest = now.plus(self.settings.longest_made());
        let expires_at = session.lifetime.end(now).min(longest);
        let to_mint = TokenToMint {
            issuer,
            grant: &session.grant,
            version: None,
            has_state: false,
            token_id: &random::short_id()?,
            session: Some(fingerprint),
            issued: now,
            expires: expires_at,
        };
        let token = self.keys.mint(&to_mint).await?;
        Ok(RedeemedToken { token, expires_at })
    }

    /// Reports that a session was exchanged twice: somebody may have a copy of it. It may also have been a page
    /// that was loaded again, so the first token stays valid unless a setting says otherwise.
    async fn report_replay(&self, fingerprint: &str, first: Timestamp, again: Timestamp) -> Result<()> {
        let revoked = self.settings.revoke_on_replay;
        tracing::warn!(
            alarm = "session_replayed",
            session = &fingerprint[..16],
            first_exchange = %first,
            second_exchange = %again,
            first_token_revoked = revoked,
            "a session was exchanged before"
        );
        if revoked { self.sessions.revoke(fingerprint, again).await } else { Ok(()) }
    }
}
