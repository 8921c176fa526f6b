//! Changing the key set: as a whole, as an owner does who brings a secret along or whose secret has leaked,
//! and by taking one key out.

use std::collections::BTreeSet;

use secrecy::SecretString;

use crate::capability::{Capability, Grant};
use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::{Error, Reason, Result};
use crate::key_versions::{CURRENT, KeyVersions, Moved, Written};
use crate::random;
use crate::secrets::GET_SECRET_VALUE;
use crate::token::key_document::KeyDocument;

/// The label of a version that is not in force yet. There is one at most.
const DRAFT: &str = "VITRINE-DRAFT";

#[derive(Clone)]
pub struct SigningKeyWriter {
    versions: KeyVersions,
    clock: Clock,
}

impl Capability for SigningKeyWriter {
    fn grants() -> BTreeSet<Grant> {
        [GET_SECRET_VALUE, "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
            .map(Grant::SigningSecret)
            .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self { versions: KeyVersions::of(environment), clock: environment.clock.clone() }
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
