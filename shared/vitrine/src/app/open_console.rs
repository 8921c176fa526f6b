//! Signs the owner in to the console and out again, and identifies the caller of each of its requests.

use crate::app::identify_caller::Callers;
use crate::app::request_context;
use crate::aws::background::BackgroundTasks;
use crate::aws::storage::console_sessions::StoredSession;
use crate::aws::storage::{ConsoleSessions, SignInLocks};
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::console_session::{ConsoleCookie, ConsoleSession, RECORD_SECONDS, counted_id};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::key_session::KeyPlace;
use vitrine_rules::random;
use vitrine_rules::sign_in_lock::Attempt;

crate::capability_set! {
    pub struct Console {
        callers: Callers,
        sessions: ConsoleSessions,
        locks: SignInLocks,
        background: BackgroundTasks,
        clock: Clock,
    }
}

/// The caller of a request to the console.
#[derive(Debug)]
pub struct ConsoleCaller {
    pub key: AccessKey,
    /// The name of the session in lists.
    pub handle: String,
    /// The token that each form of the session carries.
    pub form_token: String,
    /// The global switch is on.
    pub embedding_enabled: bool,
    place: KeyPlace,
}

/// A session as the list of them shows it.
#[derive(Debug)]
pub struct ListedSession {
    pub handle: String,
    pub session: ConsoleSession,
    pub seen_at: Timestamp,
    /// It is the session of this request.
    pub is_own: bool,
}

impl Console {
    /// Starts a session for the key that is shown. Its id is always a new one. The attempt is counted before the key is
    /// looked at, so a right key does not get around the pause after too many wrong ones.
    pub async fn sign_in(&self, address: &str, browser: &str, shown: &str) -> Result<ConsoleCookie> {
        let (key_id, now) = (counted_id(shown), self.clock.now());
        if let Attempt::Locked { wait_seconds } = self.locks.take(address, &key_id, now).await? {
            return Err(Error::new(Reason::SignInLocked).retry_after(wait_seconds));
        }
        let (caller, place, fingerprint) = self.callers.locate(shown).await?;
        request_context::caller(&caller.key.id);
        let cookie = ConsoleCookie::new(&place)?;
        let session = ConsoleSession {
            place,
            fingerprint,
            key_id: caller.key.id,
            key_name: caller.key.name,
            started_at: now,
            browser: String::new(),
        };
        self.sessions.start(&cookie, &session.from(browser)).await?;
        self.locks.clear(address, &key_id).await?;
        Ok(cookie)
    }

    /// Identifies the caller with this cookie: by the record of the key as it is now.
    pub async fn open(&self, cookie: &str) -> Result<ConsoleCaller> {
        let unknown = || Error::from(Reason::AccessKeyUnknown);
        let cookie = ConsoleCookie::parse(cookie).ok_or_else(unknown)?;
        let found = self.sessions.find(&cookie).await?.ok_or_else(unknown)?;
        let (StoredSession { handle, session, seen_at }, now) = (found.stored, self.clock.now());
        if session.is_over(seen_at, now) {
            return Err(unknown());
        }
        let caller = match &session.place {
            KeyPlace::AccessKey { id } if cookie.key_id.as_ref() == Some(id) => {
                found.key.and_then(|key| self.callers.unless_expired(key))
            }
            place => self.callers.find(place, &session.fingerprint).await?,
        };
        let key = caller.ok_or_else(unknown)?.key;
        request_context::caller(&key.id);
        if now.since(seen_at) >= RECORD_SECONDS {
            let (sessions, handle) = (self.sessions.clone(), handle.clone());
            self.background.run(async move {
                if let Err(error) = sessions.record(&handle, now).await {
                    tracing::warn!(detail = error.detail, "the last request of a session was not recorded");
                }
            });
        }
        Ok(ConsoleCaller {
            key,
            handle,
            form_token: cookie.form_token(),
            embedding_enabled: found.embedding_enabled,
            place: session.place,
        })
    }

    /// Ends the session of a cookie, if there is one.
    pub async fn sign_out(&self, cookie: &str) -> Result<()> {
        match ConsoleCookie::parse(cookie) {
            Some(cookie) => self.sessions.end(&cookie.handle()).await,
            None => Ok(()),
        }
    }

    /// The sessions that the caller may end: its key's own, and for an admin of the whole stack all of them. The ones
    /// that were used last come first.
    pub async fn sessions(&self, caller: &ConsoleCaller) -> Result<Vec<ListedSession>> {
        let now = self.clock.now();
        let is_shown = |stored: &StoredSession| {
            !stored.session.is_over(stored.seen_at, now)
                && (stored.session.place == caller.place || caller.controls_all())
        };
        let stored = self.sessions.all().await?.into_iter().filter(is_shown);
        let mut listed: Vec<_> = stored
            .map(|StoredSession { handle, session, seen_at }| ListedSession {
                is_own: handle == caller.handle,
                handle,
                session,
                seen_at,
            })
            .collect();
        listed.sort_by_key(|one| std::cmp::Reverse((one.is_own, one.seen_at, one.session.started_at)));
        Ok(listed)
    }

    /// Ends a session that the caller is shown in the list.
    pub async fn end(&self, caller: &ConsoleCaller, handle: &str) -> Result<()> {
        let listed = self.sessions(caller).await?;
        let found = listed.iter().find(|one| random::equal(&one.handle, handle));
        self.sessions.end(&found.ok_or(Reason::KeySessionNotFound)?.handle).await
    }
}

impl ConsoleCaller {
    fn controls_all(&self) -> bool {
        self.key.require_admin().is_ok() && self.key.reach.is_stack()
    }
}
