//! The signing keys: the first signs, all verify.

use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::strict_json;

/// A key set as Secrets Manager holds it. The document must never be empty and never be guessed at.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<SigningKey>,
}

#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    verifying: DecodingKey,
    signing: EncodingKey,
}

/// Why a secret's value is no key set. Says nothing of the value.
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

struct StoredKey {
    kid: String,
    secret: SecretString,
}

impl KeySet {
    pub fn parse(document: &str) -> Result<Self, KeySetError> {
        let keys = stored(document)?.into_iter().map(SigningKey::new).collect::<Result<Vec<_>, _>>()?;
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

    pub fn all(&self) -> &[SigningKey] {
        &self.keys
    }

    pub fn find(&self, kid: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.keys[0]
    }
}

/// The document of a set of one key.
pub fn document(kid: &str, secret: &SecretString, now: Timestamp) -> String {
    let key = serde_json::json!({"kid": kid, "secret": secret.expose_secret(), "created_at": now});
    serde_json::json!({ "keys": [key] }).to_string()
}

/// The secret that signs, out of a document that is a sound key set.
pub fn signing_secret(document: &str) -> Option<SecretString> {
    KeySet::parse(document).ok()?;
    stored(document).ok()?.into_iter().next().map(|key| key.secret)
}

/// Is this the form of a signing secret: 64 lowercase hex characters?
pub fn is_secret(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The keys of a document: of a set, or of a single key as CloudFormation generates it.
fn stored(document: &str) -> Result<Vec<StoredKey>, KeySetError> {
    let Some(Value::Object(members)) = strict_json::parse(document.as_bytes()) else {
        return Err(KeySetError::Form);
    };
    match members.get("keys") {
        None => stored_key(&members).map(|key| vec![key]),
        Some(Value::Array(keys)) => {
            keys.iter().map(|key| stored_key(key.as_object().ok_or(KeySetError::Form)?)).collect()
        }
        Some(_) => Err(KeySetError::Form),
    }
}

fn stored_key(members: &Map<String, Value>) -> Result<StoredKey, KeySetError> {
    let text = |name| members.get(name).and_then(Value::as_str).ok_or(KeySetError::Form);
    Ok(StoredKey { kid: text("kid")?.to_owned(), secret: SecretString::from(text("secret")?) })
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.kid)).finish()
    }
}

impl SigningKey {
    /// The secret's ASCII bytes are the HMAC key: it is not decoded from hex, because no client does.
    fn new(stored: StoredKey) -> Result<Self, KeySetError> {
        let secret = stored.secret.expose_secret();
        if !is_secret(secret) {
            return Err(KeySetError::Secret);
        }
        Ok(Self {
            verifying: DecodingKey::from_secret(secret.as_bytes()),
            signing: EncodingKey::from_secret(secret.as_bytes()),
            kid: stored.kid,
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
    fn both_documents_and_no_other() {
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
                KeySet::parse(&document.to_string()).map(|set| set.all().len()),
                expected,
                "{document}"
            );
        }
    }

    #[test]
    fn never_shows_a_secret() {
        let secret = "0123456789abcdef".repeat(4);
        let set = KeySet::parse(&json!({"kid": "a", "secret": secret}).to_string()).unwrap();
        assert_eq!(format!("{set:?}"), r#"["a"]"#);
    }
}
