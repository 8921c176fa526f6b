//! MotherDuck: the session string of its clients, and the words of a refusal that they know.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Error, Result};
use vitrine_rules::permission::Permission;

/// The permission to make embed sessions, refused in the words that MotherDuck's clients know.
pub fn require_embed_sessions(key: &AccessKey) -> Result<()> {
    key.require(Permission::SessionsCreate).map_err(|error| {
        error.message(format!(
            "User role \"{}\" does not meet minimum role \"admin\" required for dashboards.createEmbedSession",
            key.role.word()
        ))
    })
}

/// Base64url of JSON, without padding, so that it means the same percent-encoded and raw. It is encoded, not
/// encrypted: its bearer may see the dive and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionString {
    pub token: String,
    pub dive_id: String,
    pub view_url: String,
}

impl SessionString {
    pub fn encode(&self) -> Result<String> {
        serde_json::to_vec(self).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(Error::internal)
    }

    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_read_as_written(token in "\\PC{0,40}", dive_id in "\\PC{0,40}", view_url in "\\PC{0,40}") {
            let session = SessionString { token, dive_id, view_url };
            let text = session.encode().unwrap();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
            prop_assert_eq!(SessionString::decode(&text), Some(session));
        }

        #[test]
        fn nothing_else_is_one(text in "\\PC{0,60}") {
            prop_assert_eq!(SessionString::decode(&text), None);
        }
    }
}
