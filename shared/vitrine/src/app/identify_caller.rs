//! Identifies the callers of the administrative API by their access keys, or by sessions that stand for one.

use crate::aws::admin_key::AdminKey;
use crate::aws::storage::{AccessKeyReader, AccountReader, KeySessionReader};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::key_session::{self, KeyPlace, KeySession};
use vitrine_rules::random;
use vitrine_rules::viewer::service_account::{ServiceAccount, TokenType, Username};

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

crate::capability_set! {
    pub struct Callers {
        admin: AdminKey,
        keys: AccessKeyReader,
        accounts: AccountReader,
        sessions: KeySessionReader,
        clock: Clock,
    }
}

impl Callers {
    /// Identifies a caller by an access key.
    pub async fn identify(&self, shown: &str) -> Result<Caller> {
        let (caller, _, _) = self.locate(shown).await?;
        Ok(caller)
    }

    /// Identifies a caller by an access key, or by a session that stands for one.
    pub async fn identify_by_session(&self, shown: &str) -> Result<Caller> {
        if key_session::is_id(shown)
            && let Some(session) = self.sessions.find(shown).await?
        {
            return self.caller_of(&session).await;
        }
        self.identify(shown).await
    }

    /// Starts a session for the key that is shown, not yet stored.
    pub async fn session_for(&self, shown: &str) -> Result<(AccessKey, KeySession)> {
        let (Caller { key, .. }, place, fingerprint) = self.locate(shown).await?;
        let session = KeySession::new(place, fingerprint, self.clock.now());
        Ok((key, session))
    }

    /// Identifies a caller by an access key, and returns where the key's record is and the key's fingerprint.
    pub(super) async fn locate(&self, shown: &str) -> Result<(Caller, KeyPlace, String)> {
        let fingerprint = random::fingerprint(shown);
        for place in KeyPlace::candidates(shown) {
            if let Some(caller) = self.find(&place, &fingerprint).await? {
                return Ok((caller, place, fingerprint));
            }
        }
        Err(Reason::AccessKeyUnknown.into())
    }

    /// The caller whose key a session stands for, as it is now. What such a caller makes ends no later than the session.
    async fn caller_of(&self, session: &KeySession) -> Result<Caller> {
        if session.is_expired(self.clock.now()) {
            return Err(Reason::AccessKeyUnknown.into());
        }
        let caller = self.find(&session.place, &session.fingerprint).await?;
        let mut caller = caller.ok_or(Reason::AccessKeyUnknown)?;
        let key_ends = caller.key.expires_at.unwrap_or(session.expires_at);
        caller.key.expires_at = Some(session.expires_at.min(key_ends));
        Ok(caller)
    }

    /// The caller with a stored key, unless that has expired.
    pub(super) fn unless_expired(&self, key: AccessKey) -> Option<Caller> {
        (!key.is_expired(self.clock.now())).then(|| key.into())
    }

    /// The key at a place, if it has this fingerprint and has not expired.
    pub(super) async fn find(&self, place: &KeyPlace, fingerprint: &str) -> Result<Option<Caller>> {
        match place {
            KeyPlace::AccessKey { id } => {
                let key = self.keys.authenticate(id, fingerprint).await?;
                Ok(key.and_then(|key| self.unless_expired(key)))
            }
            KeyPlace::AccountToken { username, id } => self.account(username, id, fingerprint).await,
            KeyPlace::AdminKey => {
                Ok(self.admin.is(fingerprint).await?.then(|| AccessKey::bootstrap().into()))
            }
            // A person has no key to show; the console knows its own sessions of people.
            KeyPlace::Person { .. } => Ok(None),
        }
    }

    /// A service account. It has the permissions of its current role, not of its role when the token was made.
    async fn account(&self, username: &Username, id: &str, fingerprint: &str) -> Result<Option<Caller>> {
        let Some(token) = self.accounts.authenticate(username, id, fingerprint).await? else {
            return Ok(None);
        };
        let account = self.accounts.find(username).await?;
        let Some(account) = account.filter(|account| token.account == account.id) else { return Ok(None) };
        if token.is_expired(self.clock.now()) {
            return Ok(None);
        }
        if token.token_type == TokenType::ReadScaling {
            return Err(Error::new(Reason::AccessDenied).detail("a read-scaling token"));
        }
        Ok(Some(Caller { key: AccessKey::of_account(&account, &token), account: Some(account) }))
    }
}
