//! Replaces the whole key set (import, or after a leak), or removes one key.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::SIGNING_SECRET;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::signing_keys::cached_secret::GET_SECRET_VALUE;
use crate::aws::signing_keys::secret_versions::{CURRENT, LabelMove, SecretVersions, SecretWrite};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::token::key_document::KeyDocument;

/// The label of a version that is not in force yet. At most one version has it.
const DRAFT: &str = "VITRINE-DRAFT";

#[derive(Clone)]
pub struct SigningKeyWriter {
    versions: SecretVersions,
    clock: Clock,
}

impl Capability for SigningKeyWriter {
    fn grants() -> BTreeSet<Grant> {
        [GET_SECRET_VALUE, "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
            .map(|action| SIGNING_SECRET.allow(action))
            .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self { versions: SecretVersions::of(environment), clock: environment.clock.clone() }
    }
}

impl SigningKeyWriter {
    /// The key set in force and its version, if there is a usable one. Only for admins.
    pub async fn current(&self) -> Result<Option<(KeyDocument, String)>> {
        let usable = |text: String| KeyDocument::parse(&text).ok();
        let current = self.versions.current().await?;
        Ok(current.and_then(|version| Some((version.text.and_then(usable)?, version.id))))
    }

    /// Makes `secret` the only key: at once in this process, and within `KeyCacheSeconds` in all others.
    pub async fn replace(&self, secret: SecretString) -> Result<()> {
        let document = KeyDocument::of(&random::short_id()?, secret, self.clock.now());
        self.put(&document, CURRENT).await.map(drop)
    }

    /// Puts `document` in force if the `version` that it was based on is still in force.
    pub async fn replace_version(&self, version: &str, document: &KeyDocument) -> Result<()> {
        let draft = self.put(document, DRAFT).await?;
        match self.versions.put_in_force(&draft, version).await? {
            LabelMove::Done => Ok(()),
            LabelMove::Elsewhere => {
                Err(Error::new(Reason::Conflict).detail("the key set was changed at the same time"))
            }
        }
    }

    /// Writes a version and returns its id.
    async fn put(&self, document: &KeyDocument, label: &str) -> Result<String> {
        match self.versions.write(document, label, None).await? {
            SecretWrite::New(version) => Ok(version),
            SecretWrite::Exists => {
                Err(Error::new(Reason::Unavailable).detail("PutSecretValue: ResourceExistsException"))
            }
        }
    }
}
