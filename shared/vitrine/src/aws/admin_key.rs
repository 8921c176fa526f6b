//! The admin key that the stack is created with.

use std::collections::BTreeSet;
use std::sync::Arc;

use vitrine_rules::error::Result;
use vitrine_rules::random;

use crate::aws::capability::{AwsResource, Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::process::KeyRevision;
use crate::aws::signing_keys::cached_secret::{CachedSecret, GET_SECRET_VALUE};

/// The secret with the admin key.
pub const ADMIN_KEY: AwsResource = AwsResource { logical_id: "AdminKey", variable: "ADMIN_KEY_SECRET_ARN" };

/// Knows the fingerprint of the admin key that the stack was created with.
#[derive(Clone)]
pub struct AdminKey(Arc<CachedSecret<String>>);

impl Capability for AdminKey {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([ADMIN_KEY.allow(GET_SECRET_VALUE)])
    }

    fn connect(environment: &Environment) -> Self {
        let parse = |text: &str| {
            let key = text.trim();
            if key.is_empty() {
                Err("the admin key is empty".to_owned())
            } else {
                Ok(random::fingerprint(key))
            }
        };
        Self(Arc::new(CachedSecret::new(environment, ADMIN_KEY, KeyRevision::default(), parse)))
    }

    async fn warm(&self) {
        self.0.warm().await;
    }
}

impl AdminKey {
    /// Returns whether a presented key is the admin key.
    pub async fn is(&self, shown: &str) -> Result<bool> {
        Ok(random::equal(self.0.get().await?.as_ref(), &random::fingerprint(shown)))
    }
}
