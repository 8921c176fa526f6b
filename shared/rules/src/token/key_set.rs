//! The set of signing keys: the first one signs, and all that have not expired verify.

use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::ExposeSecret;

use super::key_document::{KeyDocument, StoredKey};
use crate::clock::Timestamp;

/// A key set, ready for use. It is never empty.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<SigningKey>,
}

#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    verifying: DecodingKey,
    signing: EncodingKey,
    verifies_until: Option<Timestamp>,
}

/// The reason why a secret's value is no key set. It contains nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    #[error("the signing secret is not a JSON key set")]
    Form,
    #[error("the signing secret holds no key")]
    Empty,
    #[error("a signing key is not 64 lowercase hex characters")]
    Secret,
    #[error("two signing keys have the same kid, or one has none")]
    Kid,
}

impl KeySet {
    pub fn parse(document: &str) -> Result<Self, KeySetError> {
        Self::of(&KeyDocument::parse(document)?)
    }

    pub(super) fn of(document: &KeyDocument) -> Result<Self, KeySetError> {
        let keys = document.keys.iter().map(SigningKey::new).collect::<Result<Vec<_>, _>>()?;
        let distinct = |(index, key): (usize, &SigningKey)| {
            !key.kid.is_empty() && !keys[..index].iter().any(|earlier| earlier.kid == key.kid)
        };
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        if !keys.iter().enumerate().all(distinct) {
            return Err(KeySetError::Kid);
        }
        Ok(Self { keys })
    }

    /// The keys that verify at this time: only `kid`, if the token names one.
    pub fn verifying(&self, kid: Option<&str>, now: Timestamp) -> impl Iterator<Item = &SigningKey> {
        self.keys
            .iter()
            .filter(move |key| kid.is_none_or(|kid| key.kid == kid))
            .filter(move |key| key.verifies_until.is_none_or(|until| now < until))
    }

    /// Checks that the signing key verifies its own signature.
    pub fn prove(&self) -> crate::error::Result<()> {
        use jsonwebtoken::{Algorithm, crypto};
        let (message, key) = (b"proof", self.signing());
        let signature = crypto::sign(message, &key.signing, Algorithm::HS256);
        let proven = signature
            .and_then(|signature| crypto::verify(&signature, message, &key.verifying, Algorithm::HS256));
        match proven {
            Ok(true) => Ok(()),
            _ => Err(crate::error::Error::internal("the signing key does not verify what it signs")),
        }
    }

    /// The signing key.
    pub fn signing(&self) -> &SigningKey {
        &self.keys[0]
    }
}

/// Returns whether `text` has the form of a signing secret: 64 lowercase hex characters.
pub fn is_secret(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.kid)).finish()
    }
}

impl SigningKey {
    /// Builds the key. The secret's ASCII bytes are the HMAC key: it is not decoded from hex, because no client does so.
    fn new(stored: &StoredKey) -> Result<Self, KeySetError> {
        let secret = stored.secret.expose_secret();
        if !is_secret(secret) {
            return Err(KeySetError::Secret);
        }
        Ok(Self {
            verifying: DecodingKey::from_secret(secret.as_bytes()),
            signing: EncodingKey::from_secret(secret.as_bytes()),
            kid: stored.kid.clone(),
            verifies_until: stored.verifies_until,
        })
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) const fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    pub(super) const fn signing(&self) -> &EncodingKey {
        &self.signing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn key_sets_and_single_keys_are_read_and_nothing_else() {
        let secret = "0123456789abcdef".repeat(4);
        let upper = secret.to_uppercase();
        let cases = [
            (json!({"kid": "a", "secret": secret}), Ok(1)),
            (json!({"keys": [{"kid": "b", "secret": secret, "created_at": "2026-01-01T00:00:00Z"}]}), Ok(1)),
            (json!({"keys": [{"kid": "b", "secret": secret}, {"kid": "a", "secret": secret}]}), Ok(2)),
            (json!({"keys": []}), Err(KeySetError::Empty)),
            (
                json!({"keys": [{"kid": "a", "secret": secret}, {"kid": "a", "secret": secret}]}),
                Err(KeySetError::Kid),
            ),
            (json!({"kid": "", "secret": secret}), Err(KeySetError::Kid)),
            (json!({"kid": "a", "secret": ""}), Err(KeySetError::Secret)),
            (json!({"kid": "a", "secret": upper}), Err(KeySetError::Secret)),
            (json!({"kid": "a", "secret": format!("{secret}\n")}), Err(KeySetError::Secret)),
            (json!({"kid": "a"}), Err(KeySetError::Form)),
            (json!([secret]), Err(KeySetError::Form)),
            (json!({"keys": [["a", secret]]}), Err(KeySetError::Form)),
            (json!({"keys": {"kid": "a", "secret": secret}}), Err(KeySetError::Form)),
            (json!(secret), Err(KeySetError::Form)),
        ];
        for (document, expected) in cases {
            assert_eq!(
                KeySet::parse(&document.to_string())
                    .map(|set| set.verifying(None, Timestamp::from_unix(0)).count()),
                expected,
                "{document}"
            );
        }
    }

    #[test]
    fn debug_output_contains_no_secret() {
        let secret = "0123456789abcdef".repeat(4);
        let set = KeySet::parse(&json!({"kid": "a", "secret": secret}).to_string()).unwrap();
        assert_eq!(format!("{set:?}"), r#"["a"]"#);
    }
}
