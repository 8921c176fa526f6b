//! Exchanging a session for its token, whichever dialect asks.

use std::sync::Arc;

use vitrine::app::request_context;
use vitrine::aws::signing_keys::SigningKeys;
use vitrine::aws::storage::SessionEnder;
use vitrine::aws::storage::sessions::Exchange;
use vitrine::dialects;
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::random;
use vitrine::rules::resource::ids::ResourceRef;
use vitrine::rules::session::Session;
use vitrine::rules::settings::Settings;
use vitrine::rules::token::mint::TokenToMint;

vitrine::capability_set! {
    pub struct Exchanger {
        keys: SigningKeys,
        sessions: SessionEnder,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub struct Token {
    pub token: String,
    pub expires_at: Timestamp,
}

impl Exchanger {
    pub const fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Works once. Whatever else a session may be, the answer is the same.
    pub async fn redeem(&self, session_id: &str) -> Result<Token> {
        // Without a key there is no token, and the session must not be spent for nothing.
        self.keys.check().await?;
        let now = self.clock.now();
        let fingerprint = random::fingerprint(session_id);
        match self.sessions.redeem(&fingerprint, now).await? {
            Exchange::First(session) => self.mint(&fingerprint, &session, now).await,
            Exchange::Again { first } => {
                self.replayed(&fingerprint, first, now).await?;
                Err(Reason::SessionUnknown.into())
            }
            Exchange::Refused => Err(Reason::SessionUnknown.into()),
        }
    }

    async fn mint(&self, fingerprint: &str, session: &Session, now: Timestamp) -> Result<Token> {
        if let Some((kind, id)) = &session.vouches.resource {
            request_context::resource(&ResourceRef::new(*kind, id.clone()));
        }
        let longest = now.plus(self.settings.max_token_lifetime_seconds);
        let expires_at = session.lifetime.end(now).min(longest);
        let vouched = TokenToMint {
            issuer: dialects::token_issuer(&session.vouches),
            vouches: &session.vouches,
            version: None,
            has_state: false,
            token_id: &random::short_id()?,
            session: Some(fingerprint),
            issued: now,
            expires: expires_at,
        };
        let token = self.keys.mint(&vouched).await?;
        Ok(Token { token, expires_at })
    }

    /// Two have had the same session: one of them was not meant to. It may also have been a page that was
    /// loaded again, so the first token lives on unless the operator says otherwise.
    async fn replayed(&self, fingerprint: &str, first: Timestamp, again: Timestamp) -> Result<()> {
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
