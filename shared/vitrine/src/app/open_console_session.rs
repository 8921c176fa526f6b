//! Identifies the caller of a request that a page of the console sent.

use std::sync::Arc;

use crate::app::identify_caller::{Caller, Callers};
use crate::app::request_context;
use crate::aws::background::BackgroundTasks;
use crate::aws::storage::ConsoleSessionReader;
use crate::aws::storage::console_sessions::StoredSession;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::console_session::{ConsoleCookie, ConsoleSession, RECORD_SECONDS};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::key_session::KeyPlace;
use vitrine_rules::openid::person_key::key_of;
use vitrine_rules::settings::Settings;
use vitrine_rules::view::activity::DayCount;

crate::capability_set! {
    pub struct ConsoleSessionOpener {
        callers: Callers,
        sessions: ConsoleSessionReader,
        background: BackgroundTasks,
        settings: Arc<Settings>,
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
    pub(super) place: KeyPlace,
}

impl ConsoleSessionOpener {
    /// Identifies the caller with this cookie: by the record of the key as it is now.
    pub async fn open(&self, cookie: &str) -> Result<ConsoleCaller> {
        self.open_session(cookie, None).await.map(|(caller, _)| caller)
    }

    /// The same, with the counts of the last days in the same request.
    pub async fn open_with_days(&self, cookie: &str) -> Result<(ConsoleCaller, Vec<DayCount>)> {
        self.open_session(cookie, Some(self.clock.now())).await
    }

    async fn open_session(
        &self,
        cookie: &str,
        days_until: Option<Timestamp>,
    ) -> Result<(ConsoleCaller, Vec<DayCount>)> {
        let unknown = || Error::from(Reason::AccessKeyUnknown);
        let cookie = ConsoleCookie::parse(cookie).ok_or_else(unknown)?;
        let found = self.sessions.find(&cookie, days_until).await?.ok_or_else(unknown)?;
        let (StoredSession { handle, session, seen_at }, now) = (found.stored, self.clock.now());
        if session.is_over(seen_at, now) {
            return Err(unknown());
        }
        let caller = match &session.place {
            KeyPlace::AccessKey { id } if cookie.key_id.as_ref() == Some(id) => {
                found.key.and_then(|key| self.callers.unless_expired(key))
            }
            KeyPlace::Person { group, .. } => {
                let ConsoleSession { fingerprint, key_id, key_name, started_at, .. } = session.clone();
                let person = &self.settings.sign_in;
                key_of(person, key_id, key_name, group, &fingerprint, started_at).map(Caller::from)
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
        let caller = ConsoleCaller {
            key,
            handle,
            form_token: cookie.form_token(),
            embedding_enabled: found.embedding_enabled,
            place: session.place,
        };
        Ok((caller, found.days))
    }
}

impl ConsoleCaller {
    /// The caller signed in through the company's provider, and not with a key.
    pub fn is_person(&self) -> bool {
        matches!(self.place, KeyPlace::Person { .. })
    }

    pub(super) fn controls_all(&self) -> bool {
        self.key.require_admin().is_ok() && self.key.reach.is_stack()
    }
}
