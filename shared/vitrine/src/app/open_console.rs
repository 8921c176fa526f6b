//! Signs the owner in to the console and out again, and lists the sessions.

use crate::app::identify_caller::Callers;
pub use crate::app::open_console_session::ConsoleCaller;
use crate::app::request_context;
use crate::aws::storage::console_sessions::StoredSession;
use crate::aws::storage::{ConsoleSessions, SignInLocks};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::console_session::{ConsoleCookie, ConsoleSession, counted_id};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::sign_in_lock::Attempt;

crate::capability_set! {
    pub struct Console {
        callers: Callers,
        sessions: ConsoleSessions,
        locks: SignInLocks,
        clock: Clock,
    }
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
                && (stored.session.place.is_of_same_holder(&caller.place) || caller.controls_all())
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
