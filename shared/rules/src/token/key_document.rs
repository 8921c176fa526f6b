//! The stored form of the key set, and its two changes: adding a new signing key, and removing a key.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::key_set::{KeySet, KeySetError};
use crate::clock::Timestamp;
use crate::json::strict;

#[derive(Debug, Clone)]
pub struct KeyDocument {
    pub keys: Vec<StoredKey>,
    /// The version of the secret that a pending document is based on.
    pub made_from: Option<String>,
}

#[derive(Debug, Clone)]
pub struct StoredKey {
    pub kid: String,
    pub secret: SecretString,
    pub created_at: Option<Timestamp>,
    /// The end of a key that no longer signs: after it the key verifies nothing.
    pub verifies_until: Option<Timestamp>,
}

impl KeyDocument {
    /// Creates a set of one key.
    pub fn of(kid: &str, secret: SecretString, now: Timestamp) -> Self {
        let key = StoredKey { kid: kid.to_owned(), secret, created_at: Some(now), verifies_until: None };
        Self { keys: vec![key], made_from: None }
    }

    /// Parses a key set, or a single key as CloudFormation generates it.
    pub fn parse(document: &str) -> Result<Self, KeySetError> {
        let Some(Value::Object(members)) = strict::parse(document.as_bytes()) else {
            return Err(KeySetError::Form);
        };
        let keys = match members.get("keys") {
            None => vec![StoredKey::read(&members)?],
            Some(Value::Array(keys)) => keys
                .iter()
                .map(|key| StoredKey::read(key.as_object().ok_or(KeySetError::Form)?))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(KeySetError::Form),
        };
        let made_from = members.get("made_from").and_then(Value::as_str).map(str::to_owned);
        let document = Self { keys, made_from };
        // A document is valid only if its keys can be used.
        KeySet::of(&document)?;
        Ok(document)
    }

    pub fn write(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(StoredKey::write).collect();
        let mut document = json!({ "keys": keys });
        // Backends read the secret here, where it is before the first rotation.
        if let Some(signing) = self.keys.first() {
            document["secret"] = json!(signing.secret.expose_secret());
        }
        if let Some(version) = &self.made_from {
            document["made_from"] = json!(version);
        }
        document.to_string()
    }

    /// The secret of the signing key.
    pub fn signing_secret(self) -> Option<SecretString> {
        self.keys.into_iter().next().map(|key| key.secret)
    }

    /// Adds a new signing key. Existing keys keep their expiry, or get `old_until` if they had none; expired keys are
    /// dropped. Without `old_until` they verify until they are retired.
    #[must_use]
    pub fn rotated(&self, key: StoredKey, now: Timestamp, old_until: Option<Timestamp>) -> Self {
        let old = self
            .keys
            .iter()
            .filter(|old| old.verifies_at(now))
            .map(|old| StoredKey { verifies_until: old.verifies_until.or(old_until), ..old.clone() });
        Self { keys: std::iter::once(key).chain(old).collect(), made_from: None }
    }

    #[must_use]
    pub fn without(&self, kid: &str) -> Self {
        let keys = self.keys.iter().filter(|key| key.kid != kid).cloned().collect();
        Self { keys, made_from: None }
    }
}

impl StoredKey {
    fn read(members: &Map<String, Value>) -> Result<Self, KeySetError> {
        let text = |name| members.get(name).and_then(Value::as_str).ok_or(KeySetError::Form);
        // A time that cannot be parsed must not make a key that never expires.
        let time = |name| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(time)) => time.parse().map(Some).map_err(|_| KeySetError::Form),
            Some(_) => Err(KeySetError::Form),
        };
        Ok(Self {
            kid: text("kid")?.to_owned(),
            secret: SecretString::from(text("secret")?),
            created_at: time("created_at")?,
            verifies_until: time("verifies_until")?,
        })
    }

    fn write(&self) -> Value {
        let mut key = json!({"kid": self.kid, "secret": self.secret.expose_secret()});
        for (name, time) in [("created_at", self.created_at), ("verifies_until", self.verifies_until)] {
            if let Some(time) = time {
                key[name] = json!(time);
            }
        }
        key
    }

    pub fn verifies_at(&self, now: Timestamp) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str) -> StoredKey {
        let secret = SecretString::from("0123456789abcdef".repeat(4));
        StoredKey { kid: kid.to_owned(), secret, created_at: None, verifies_until: None }
    }

    fn keys(document: &KeyDocument) -> Vec<(&str, Option<i64>)> {
        let until = |key: &StoredKey| key.verifies_until.map(Timestamp::unix);
        document.keys.iter().map(|key| (key.kid.as_str(), until(key))).collect()
    }

    #[test]
    fn a_rotation_sets_the_expiry_of_old_keys_once_and_drops_expired_ones() {
        let at = Timestamp::from_unix;
        let first = KeyDocument { keys: vec![key("a")], made_from: None };
        let second = first.rotated(key("b"), at(1_000), Some(at(1_500)));
        assert_eq!(keys(&second), [("b", None), ("a", Some(1_500))]);
        let third = second.rotated(key("c"), at(1_499), Some(at(2_000)));
        assert_eq!(keys(&third), [("c", None), ("b", Some(2_000)), ("a", Some(1_500))]);
        let fourth = third.rotated(key("d"), at(1_500), Some(at(2_500)));
        assert_eq!(keys(&fourth), [("d", None), ("c", Some(2_500)), ("b", Some(2_000))]);
        let endless = first.rotated(key("b"), at(1_000), None);
        assert_eq!(keys(&endless), [("b", None), ("a", None)]);
        let bounded = endless.rotated(key("c"), at(1_000), Some(at(3_000)));
        assert_eq!(keys(&bounded), [("c", None), ("b", Some(3_000)), ("a", Some(3_000))]);
        assert_eq!(keys(&fourth.without("c")), [("d", None), ("b", Some(2_000))]);
        assert_eq!(keys(&KeyDocument::parse(&fourth.write()).unwrap()), keys(&fourth));
    }

    #[test]
    fn an_expiry_that_cannot_be_parsed_is_refused() {
        let secret = "0123456789abcdef".repeat(4);
        for until in [json!("soon"), json!(1_500), json!(true)] {
            let document = json!({"keys": [{"kid": "a", "secret": secret, "verifies_until": until}]});
            assert!(KeyDocument::parse(&document.to_string()).is_err(), "{until}");
        }
    }
}
