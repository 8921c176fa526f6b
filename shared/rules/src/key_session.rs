//! Sessions that stand for an access key, for clients that sign in with a name and a password.
//!
//! A session holds no permissions of its own. It says where the record of its key is found and what that key's fingerprint
//! is, so each request is decided by the key as it is then, and the session ends with it.

use serde::{Deserialize, Serialize};

use crate::access_key;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::resource::ids::new_uuid;
use crate::viewer::service_account::{self, Username};

/// The longest life of a session: 14 days.
pub const LIFETIME_SECONDS: i64 = 14 * 86_400;

/// The place where the record of a key is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    AccessKey {
        id: String,
    },
    AccountToken {
        username: Username,
        id: String,
    },
    /// The secret that the stack was created with.
    AdminKey,
    /// A person of the provider, whose permissions are those of a group in the settings. Only sessions of the console
    /// have this place.
    Person {
        subject: String,
        group: String,
    },
}

impl KeyPlace {
    /// Returns whether two places are of the same key, or of the same person.
    pub fn is_of_same_holder(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Person { subject, .. }, Self::Person { subject: other, .. }) => subject == other,
            _ => self == other,
        }
    }

    /// The places where a key of this form can be, in the order in which they are looked at.
    pub fn candidates(shown: &str) -> Vec<Self> {
        if let Some((username, id)) = service_account::parts_of(shown) {
            return vec![Self::AccountToken { username, id: id.to_owned() }];
        }
        let stored = access_key::id_of(shown).map(|id| Self::AccessKey { id: id.to_owned() });
        // An owner may have chosen an admin key of any form.
        stored.into_iter().chain([Self::AdminKey]).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySession {
    pub place: KeyPlace,
    /// The fingerprint of the key.
    pub fingerprint: String,
    pub expires_at: Timestamp,
}

impl KeySession {
    pub fn new(place: KeyPlace, fingerprint: String, now: Timestamp) -> Self {
        Self { place, fingerprint, expires_at: now.plus(LIFETIME_SECONDS) }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// Creates the id of a session: a random UUID, the form that clients know.
pub fn new_id() -> Result<String> {
    new_uuid()
}

/// Returns whether a text has the form of a session's id.
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_key_says_where_its_record_is() {
        let (id, key) = access_key::new_key().unwrap();
        assert_eq!(KeyPlace::candidates(&key), [KeyPlace::AccessKey { id }, KeyPlace::AdminKey]);
        let username: Username = "Acme".parse().unwrap();
        let id = service_account::AccountToken::id_of("nightly");
        let token = service_account::new_token(&username, &id).unwrap();
        let [KeyPlace::AccountToken { username, id: found }] = &KeyPlace::candidates(&token)[..] else {
            panic!("not an account's token")
        };
        assert_eq!((username.folded(), found), ("acme".to_owned(), &id));
        for other in ["", "anything", "sk-x", "st-x", &new_id().unwrap()] {
            assert_eq!(KeyPlace::candidates(other), [KeyPlace::AdminKey], "{other}");
        }
    }

    #[test]
    fn ids_are_uuids() {
        assert!(is_id(&new_id().unwrap()));
        let (_, key) = access_key::new_key().unwrap();
        for other in
            ["", "x", &key, "0191e7a05d2b7c3f9b1a2f5d8c1e4a77", "{0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a7}"]
        {
            assert!(!is_id(other), "{other}");
        }
    }
}
