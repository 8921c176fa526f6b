//! Sessions of the console. Like a sign-in of a client, a session holds no permissions of its own: it says where the
//! record of its key is found and what that key's fingerprint is, and ends with the key.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::access_key;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::key_session::KeyPlace;
use crate::random;
use crate::resource::ids::is_public_id;

/// The longest life of a session: 12 hours.
pub const LIFETIME_SECONDS: i64 = 12 * 3_600;

/// The longest pause between two requests of a session.
pub const IDLE_SECONDS: i64 = 3_600;

/// The time after which a request is recorded as the last one.
pub const RECORD_SECONDS: i64 = 60;

/// The most characters of a user agent that are kept.
const MAX_BROWSER: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSession {
    pub place: KeyPlace,
    /// The fingerprint of the key.
    pub fingerprint: String,
    /// The id and the name of the key or of the person, for the list of sessions.
    pub key_id: String,
    pub key_name: String,
    pub started_at: Timestamp,
    /// The user agent that signed in.
    pub browser: String,
}

impl ConsoleSession {
    #[must_use]
    pub fn from(self, browser: &str) -> Self {
        Self { browser: browser.chars().take(MAX_BROWSER).collect(), ..self }
    }

    pub fn expires_at(&self) -> Timestamp {
        self.started_at.plus(LIFETIME_SECONDS)
    }

    /// The end of the session if no request follows the one at `seen_at`.
    pub fn ends_at(&self, seen_at: Timestamp) -> Timestamp {
        self.expires_at().min(seen_at.plus(IDLE_SECONDS))
    }

    pub fn is_over(&self, seen_at: Timestamp, now: Timestamp) -> bool {
        self.ends_at(seen_at) <= now
    }
}

/// The value of a session's cookie: a secret, and the id of the access key if that is a stored one, so that the session
/// and the key can be read at once.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsoleCookie {
    secret: String,
    pub key_id: Option<String>,
}

impl ConsoleCookie {
    pub fn new(place: &KeyPlace) -> Result<Self> {
        let key_id = match place {
            KeyPlace::AccessKey { id } => Some(id.clone()),
            KeyPlace::AccountToken { .. } | KeyPlace::AdminKey | KeyPlace::Person { .. } => None,
        };
        Ok(Self { secret: random::secret()?, key_id })
    }

    /// Parses the value of a cookie; none if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let (secret, key_id) = match text.split_once('.') {
            Some((secret, id)) => (secret, Some(id)),
            None => (text, None),
        };
        let is_sound = is_secret(secret) && key_id.is_none_or(is_public_id);
        is_sound.then(|| Self { secret: secret.to_owned(), key_id: key_id.map(str::to_owned) })
    }

    /// The name under which the session is stored and listed.
    pub fn handle(&self) -> String {
        random::fingerprint(&self.secret)
    }

    /// The token of the session's forms.
    pub fn form_token(&self) -> String {
        form_token(&self.secret)
    }
}

/// The text of the cookie. Not `Debug`, so that no log has it by accident.
impl fmt::Display for ConsoleCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.secret)?;
        self.key_id.as_ref().map_or(Ok(()), |id| write!(f, ".{id}"))
    }
}

impl fmt::Debug for ConsoleCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleCookie")
    }
}

/// Returns whether a text has the form of a secret of 256 bits.
pub fn is_secret(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The token of forms that belong to a secret in a cookie. Who sees a form cannot compute the cookie from it.
pub fn form_token(secret: &str) -> String {
    random::fingerprint(&format!("console form {secret}"))
}

/// The id within a key that is shown, under which failures are counted. Keys without one share a name.
pub fn counted_id(shown: &str) -> String {
    match KeyPlace::candidates(shown).into_iter().next() {
        Some(KeyPlace::AccountToken { username, id }) => format!("{}:{id}", username.folded()),
        Some(KeyPlace::AccessKey { id }) => id,
        Some(KeyPlace::AdminKey | KeyPlace::Person { .. }) | None => {
            access_key::AccessKey::BOOTSTRAP.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> ConsoleSession {
        ConsoleSession {
            place: KeyPlace::AdminKey,
            fingerprint: String::new(),
            key_id: String::new(),
            key_name: String::new(),
            started_at: Timestamp::from_unix(0),
            browser: String::new(),
        }
    }

    /// The time of the last request, the present, and whether the session is over.
    #[test]
    fn a_session_lasts_twelve_hours_and_an_hour_without_requests() {
        for (seen, now, is_over) in [
            (0, 0, false),
            (0, 3_599, false),
            (0, 3_600, true),
            (40_000, 43_199, false),
            (43_000, 43_200, true),
            (90_000, 90_000, true),
        ] {
            let over = session().is_over(Timestamp::from_unix(seen), Timestamp::from_unix(now));
            assert_eq!(over, is_over, "{seen} {now}");
        }
    }

    #[test]
    fn a_cookie_is_read_as_it_was_written() {
        let (id, _) = access_key::new_key().unwrap();
        for place in [KeyPlace::AccessKey { id }, KeyPlace::AdminKey] {
            let cookie = ConsoleCookie::new(&place).unwrap();
            assert_eq!(ConsoleCookie::parse(&cookie.to_string()), Some(cookie.clone()));
            assert_ne!(cookie.form_token(), cookie.handle());
            assert!(!format!("{cookie:?}").contains(&cookie.to_string()[..43]));
        }
        let secret = "x".repeat(43);
        for other in
            ["", "x", &secret[1..], &format!("{secret}."), &format!("{secret}.a/b"), &format!("{secret} ")]
        {
            assert_eq!(ConsoleCookie::parse(other), None, "{other}");
        }
    }

    #[test]
    fn failures_are_counted_by_the_id_within_a_key() {
        let (id, key) = access_key::new_key().unwrap();
        assert_eq!(counted_id(&key), id);
        assert_eq!(counted_id("anything"), "bootstrap");
        assert_eq!(counted_id(""), "bootstrap");
    }

    #[test]
    fn a_long_user_agent_is_cut() {
        assert_eq!(session().from(&"ä".repeat(1_000)).browser.chars().count(), MAX_BROWSER);
    }
}
