//! The four steps of a rotation, called by Secrets Manager.
//!
//! Each step can be repeated, and can follow a crash in any other step: the new key set is written once under the
//! rotation's own version, and takes effect when one label moves from the version that it was based on. If that
//! version is no longer in force, the key set was changed in between; the whole rotation is abandoned, and the next one
//! starts from the key set that is in force then.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::SecretString;

use super::SIGNING_SECRET;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::signing_keys::cached_secret::GET_SECRET_VALUE;
use crate::aws::signing_keys::secret_versions::{CURRENT, LabelMove, SecretVersions};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Result};
use vitrine_rules::random;
use vitrine_rules::settings::Settings;
use vitrine_rules::token::key_document::{KeyDocument, StoredKey};
use vitrine_rules::token::{LEEWAY_SECONDS, key_set::KeySet};

const PENDING: &str = "AWSPENDING";

/// The steps, in the order in which Secrets Manager calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationStep {
    Create,
    /// Does nothing: no other system stores the secret.
    Set,
    Test,
    Finish,
}

#[derive(Clone)]
pub struct KeyRotation {
    versions: SecretVersions,
    settings: Arc<Settings>,
    clock: Clock,
}

impl Capability for KeyRotation {
    fn grants() -> BTreeSet<Grant> {
        [
            "secretsmanager:DescribeSecret",
            GET_SECRET_VALUE,
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ]
        .map(|action| SIGNING_SECRET.allow(action))
        .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            versions: SecretVersions::of(environment),
            settings: Arc::clone(&environment.settings),
            clock: environment.clock.clone(),
        }
    }
}

impl KeyRotation {
    /// Returns whether this is the secret that the function rotates, by its ARN or by the name in it.
    pub fn is_about(&self, secret_id: &str) -> bool {
        let name = |id: &str| id.rsplit_once(":secret:").map_or(id, |(_, name)| name).to_owned();
        let (ours, named) = (name(self.versions.secret_id()), name(secret_id));
        // An ARN ends in a hyphen and six characters that are not part of the name.
        let plain = ours.len().checked_sub(7).and_then(|end| ours.get(..end));
        ours == named || plain == Some(named.as_str())
    }

    /// Runs one step of the rotation to `version`.
    pub async fn step(&self, step: RotationStep, version: &str) -> Result<()> {
        let labels = self.versions.labels(version).await?;
        if labels.iter().any(|label| label == CURRENT) {
            // The rotation is finished, and the step repeated.
            return Ok(());
        }
        // Secrets Manager labels the version before the first step. If it has not, the first step does.
        let begins = step == RotationStep::Create && labels.is_empty();
        if !begins && !labels.iter().any(|label| label == PENDING) {
            return Err(Error::internal("not the pending version"));
        }
        match step {
            RotationStep::Create => self.create(version).await,
            RotationStep::Set => Ok(()),
            RotationStep::Test => self.test(version).await,
            RotationStep::Finish => self.finish(version).await,
        }
    }

    async fn create(&self, version: &str) -> Result<()> {
        if self.pending(version).await?.is_some() {
            return Ok(());
        }
        let (current, made_from) = self.current().await?;
        let now = self.clock.now();
        let key = StoredKey {
            kid: random::short_id()?,
            secret: SecretString::from(random::hex_secret()?),
            created_at: Some(now),
            verifies_until: None,
        };
        let mut document = current.rotated(key, now, self.old_keys_end(now));
        document.made_from = Some(made_from);
        // If the same step runs twice at once, the key of the first one is used.
        self.versions.write(&document, PENDING, Some(version)).await.map(drop)
    }

    /// Checks that the new set verifies what it signs, and still verifies what the old set signs.
    async fn test(&self, version: &str) -> Result<()> {
        let pending = self.pending(version).await?.ok_or_else(|| Error::internal("nothing to test"))?;
        let (current, _) = self.current().await?;
        let set = KeySet::parse(&pending.write()).map_err(Error::internal)?;
        set.prove()?;
        let kept = |old: &StoredKey| pending.keys[1..].iter().any(|key| key.kid == old.kid);
        if current.keys.first().is_some_and(kept) { Ok(()) } else { self.give_up(version).await }
    }

    async fn finish(&self, version: &str) -> Result<()> {
        let pending = self.pending(version).await?.ok_or_else(|| Error::internal("nothing to finish"))?;
        let made_from =
            pending.made_from.ok_or_else(|| Error::internal("the pending version names no base version"))?;
        match self.versions.put_in_force(version, &made_from).await? {
            LabelMove::Done => {
                tracing::info!(key = pending.keys[0].kid, "a new key signs");
                Ok(())
            }
            // The same step ran at the same time and was first, or the key set was changed.
            LabelMove::Elsewhere if self.is_in_force(version).await? => Ok(()),
            LabelMove::Elsewhere => self.give_up(version).await,
        }
    }

    async fn is_in_force(&self, version: &str) -> Result<bool> {
        Ok(self.versions.labels(version).await?.iter().any(|label| label == CURRENT))
    }

    /// Removes the pending version, so that another rotation can start.
    async fn give_up(&self, version: &str) -> Result<()> {
        self.versions.unlabel(version, PENDING).await?;
        Err(Error::internal("the key set was changed while it was being rotated; rotate again"))
    }

    /// The end of the old keys. A backend signs with the previous key until it reads the secret again, and a function
    /// while it has that key cached; the last token signed so lives for the longest lifetime. Without a longest
    /// lifetime they have no end.
    fn old_keys_end(&self, now: Timestamp) -> Option<Timestamp> {
        let signs_on = self.settings.key_grace_seconds.max(self.settings.key_cache_seconds);
        self.settings.longest_token().map(|longest| now.plus(signs_on + longest + LEEWAY_SECONDS))
    }

    async fn current(&self) -> Result<(KeyDocument, String)> {
        let current = self.versions.current().await?;
        let current = current.ok_or_else(|| Error::internal("there is no secret to rotate"))?;
        Ok((document(current.text)?, current.id))
    }

    /// The pending key set, if the rotation has written it.
    async fn pending(&self, version: &str) -> Result<Option<KeyDocument>> {
        let pending = self.versions.labelled(version, PENDING).await?;
        pending.map(|pending| document(pending.text)).transpose()
    }
}

fn document(text: Option<String>) -> Result<KeyDocument> {
    let text = text.ok_or_else(|| Error::internal("the secret is binary"))?;
    KeyDocument::parse(&text).map_err(Error::internal)
}
