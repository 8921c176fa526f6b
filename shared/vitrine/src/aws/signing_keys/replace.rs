//! Changing the key set: as a whole, as an owner does who brings a secret along or whose secret has leaked,
//! and by taking one key out.

use std::collections::BTreeSet;

use secrecy::SecretString;

use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::signing_keys::cached_secret::GET_SECRET_VALUE;
use crate::aws::signing_keys::secret_versions::{CURRENT, Moved, SecretVersions, Written};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::token::key_document::KeyDocument;

/// The label of a version that is not in force yet. There is one at most.
const DRAFT: &str = "VITRINE-DRAFT";

#[derive(Clone)]
pub struct SigningKeyWriter {
    versions: SecretVersions,
    clock: Clock,
}

impl Capability for SigningKeyWriter {
    fn grants() -> BTreeSet<Grant> {
        [GET_SECRET_VALUE, "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
            .map(Grant::SigningSecret)
            .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self { versions: SecretVersions::of(environment), clock: environment.clock.clone() }
    }
}

impl SigningKeyWriter {
    /// The key set in force, if there is a usable one, and its version. For an admin's eyes.
    pub async fn current(&self) -> Result<Option<(KeyDocument, String)>> {
        let usable = |text: String| KeyDocument::parse(&text).ok();
        let current = self.versions.current().await?;
        Ok(current.and_then(|version| Some((version.text.and_then(usable)?, version.id))))
    }

    /// From now on only `secret` signs and verifies: everywhere within `KeyCacheSeconds`.
    pub async fn replace(&self, secret: SecretString) -> Result<()> {
        let document = KeyDocument::of(&random::short_id()?, secret, self.clock.now());
        self.put(&document, CURRENT).await.map(drop)
    }

    /// Puts `document` in force, if what is in force is still the `version` that it was made from.
    pub async fn replace_version(&self, version: &str, document: &KeyDocument) -> Result<()> {
        let draft = self.put(document, DRAFT).await?;
        match self.versions.put_in_force(&draft, version).await? {
            Moved::Done => Ok(()),
            Moved::Elsewhere => Err(Error::new(Reason::Conflict).detail("the key set was changed meanwhile")),
        }
    }

    /// Writes a version and answers its id.
    async fn put(&self, document: &KeyDocument, label: &str) -> Result<String> {
        match self.versions.write(document, label, None).await? {
            Written::New(version) => Ok(version),
            Written::Before => {
                Err(Error::new(Reason::Unavailable).detail("PutSecretValue: ResourceExistsException"))
            }
        }
    }
}
