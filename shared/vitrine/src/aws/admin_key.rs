//! The admin key that the stack is created with, and the key for cursors that is derived from it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use vitrine_rules::cursor::CursorKey;
use vitrine_rules::error::Result;
use vitrine_rules::random;

use crate::aws::capability::{AwsResource, Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::process::KeyRevision;
use crate::aws::signing_keys::cached_secret::{CachedSecret, GET_SECRET_VALUE};

/// The secret with the admin key.
pub const ADMIN_KEY: AwsResource = AwsResource { logical_id: "AdminKey", variable: "ADMIN_KEY_SECRET_ARN" };

/// Knows the fingerprint of the admin key that the stack was created with, and the key for cursors that is derived
/// from it. All capabilities of a function share one copy.
#[derive(Clone)]
pub struct AdminKey(Arc<CachedSecret<KnownKey>>);

struct KnownKey {
    fingerprint: String,
    cursors: CursorKey,
}

impl KnownKey {
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let key = text.trim();
        if key.is_empty() {
            return Err("the admin key is empty".to_owned());
        }
        Ok(Self { fingerprint: random::fingerprint(key), cursors: CursorKey::derive(key)? })
    }
}

impl Capability for AdminKey {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([ADMIN_KEY.allow(GET_SECRET_VALUE)])
    }

    fn connect(environment: &Environment) -> Self {
        let secret = || CachedSecret::new(environment, ADMIN_KEY, KeyRevision::default(), KnownKey::parse);
        environment.shared(|| Self(Arc::new(secret())))
    }

    async fn warm(&self) {
        self.0.warm().await;
    }
}

impl AdminKey {
    /// Returns whether this is the fingerprint of the admin key.
    pub async fn is(&self, fingerprint: &str) -> Result<bool> {
        Ok(random::equal(&self.0.get().await?.fingerprint, fingerprint))
    }

    /// The cursor of a place in a list.
    pub async fn seal(&self, list: &str, place: &[String]) -> Result<String> {
        self.0.get().await?.cursors.seal(list, place)
    }

    /// The place of a cursor. One from before the admin key was replaced is invalid.
    pub async fn open(&self, list: &str, cursor: &str) -> Result<Vec<String>> {
        self.0.get().await?.cursors.open(list, cursor)
    }
}

impl fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminKey")
    }
}
