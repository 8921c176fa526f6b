//! The signing keys in Secrets Manager: verifying and signing with them, rotating, replacing, and recording their use.

pub mod cached_secret;
pub mod replace;
pub mod rotate;
pub mod secret_versions;
pub mod usage;

use std::collections::BTreeSet;
use std::sync::Arc;

use vitrine_rules::error::{Reason, Result};
use vitrine_rules::token::{self, Authentic, KeySet, UnknownKid};

use self::cached_secret::{CachedSecret, GET_SECRET_VALUE};
use crate::aws::capability::{AwsResource, Capability, Grant};
use crate::aws::environment::Environment;

/// The secret with the signing keys.
pub const SIGNING_SECRET: AwsResource =
    AwsResource { logical_id: "SigningSecret", variable: "SIGNING_SECRET_ARN" };

/// Verifies and signs embed tokens.
#[derive(Clone)]
pub struct SigningKeys(Arc<CachedSecret<KeySet>>);

impl Capability for SigningKeys {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([SIGNING_SECRET.allow(GET_SECRET_VALUE)])
    }

    fn connect(environment: &Environment) -> Self {
        let parse = |text: &str| KeySet::parse(text).map_err(|error| error.to_string());
        let revision = environment.process.signing_keys.clone();
        Self(Arc::new(CachedSecret::new(environment, SIGNING_SECRET, revision, parse)))
    }

    async fn warm(&self) {
        self.0.warm().await;
    }
}

impl SigningKeys {
    /// Authenticates a token. An unknown key may be new, whether the token names it or not: then the keys are
    /// read again.
    pub async fn authenticate(&self, token: &str, unknown_kid: UnknownKid) -> Result<Authentic> {
        let now = self.0.clock.now();
        match token::authenticate(token, self.0.get().await?.as_ref(), unknown_kid, now) {
            Err(error) if matches!(error.reason, Reason::TokenKeyUnknown | Reason::TokenSignature) => {
                token::authenticate(token, self.0.refresh().await?.as_ref(), unknown_kid, now)
            }
            result => result,
        }
    }

    /// Checks that there are keys to verify with.
    pub async fn check(&self) -> Result<()> {
        self.0.get().await.map(drop)
    }

    pub async fn mint(&self, token: &token::mint::TokenToMint<'_>) -> Result<String> {
        token::mint::mint(token, self.0.get().await?.signing())
    }
}
