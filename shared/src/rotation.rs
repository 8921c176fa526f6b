//! The four steps in which Secrets Manager has the signing secret rotated.
//!
//! Each step can be repeated, and a step can come after a crash in the middle of any other: what is written
//! is written once under the rotation's own version, and takes effect by one move of a label from the very
//! version that the new set was made from. If that is no longer in force, somebody changed the key set
//! meanwhile; then the rotation is given up, whole, and the next one begins from what is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use secrecy::SecretString;

use crate::capability::{Capability, Grant};
use crate::clock::{Clock, Timestamp};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::key_writer::{CURRENT, is_absent};
use crate::outage::unavailable;
use crate::random;
use crate::secrets::GET_SECRET_VALUE;
use crate::settings::Settings;
use crate::token::key_document::{KeyDocument, StoredKey};
use crate::token::{LEEWAY_SECONDS, key_set::KeySet};

const PENDING: &str = "AWSPENDING";

/// What Secrets Manager asks for, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Create,
    /// There is nothing else that holds the secret.
    Set,
    Test,
    Finish,
}

#[derive(Clone)]
pub struct KeyRotation {
    client: Client,
    secret_id: String,
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
        .map(Grant::SigningSecret)
        .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            client: environment.secrets.clone(),
            secret_id: environment.names.signing_secret.clone(),
            settings: Arc::clone(&environment.settings),
            clock: environment.clock.clone(),
        }
    }
}

impl KeyRotation {
    /// Is this the secret that we rotate? It is named by its ARN, or by the name in it.
    pub fn is_about(&self, secret_id: &str) -> bool {
        let name = |id: &str| id.rsplit_once(":secret:").map_or(id, |(_, name)| name).to_owned();
        let (ours, named) = (name(&self.secret_id), name(secret_id));
        // An ARN ends in a hyphen and six characters that are not part of the name.
        let plain = ours.len().checked_sub(7).and_then(|end| ours.get(..end));
        ours == named || plain == Some(named.as_str())
    }

    /// Takes one step of the rotation whose version is to be `version`.
    pub async fn step(&self, step: Step, version: &str) -> Result<()> {
        let labels = self.labels(version).await?;
        if labels.iter().any(|label| label == CURRENT) {
            // Finished before; the step is a repetition.
            return Ok(());
        }
        // Secrets Manager labels the version before the first step. Where nobody has, the first step does.
        let begins = step == Step::Create && labels.is_empty();
        if !begins && !labels.iter().any(|label| label == PENDING) {
            return Err(Error::internal("this version is not the one that is to come"));
        }
        match step {
            Step::Create => self.create(version).await,
            Step::Set => Ok(()),
            Step::Test => self.test(version).await,
            Step::Finish => self.finish(version).await,
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
        let put = self
            .client
            .put_secret_value()
            .secret_id(&self.secret_id)
            .client_request_token(version)
            .secret_string(document.write())
            .version_stages(PENDING)
            .send()
            .await;
        match put {
            Ok(_) => Ok(()),
            // The same step runs twice at once, and the other was first: its key is the new one.
            Err(SdkError::ServiceError(refused)) if refused.err().is_resource_exists_exception() => Ok(()),
            Err(error) => Err(unavailable("PutSecretValue", &error)),
        }
    }

    /// The new set signs what it verifies, and still verifies what the old one signs.
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
        let made_from = pending.made_from.ok_or_else(|| Error::internal("made from nothing"))?;
        let moved = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.secret_id)
            .version_stage(CURRENT)
            .move_to_version_id(version)
            .remove_from_version_id(made_from)
            .send()
            .await;
        match moved {
            Ok(_) => {
                tracing::info!(key = pending.keys[0].kid, "a new key signs");
                Ok(())
            }
            Err(SdkError::ServiceError(refused)) if refused.err().is_invalid_parameter_exception() => {
                // Twice at once, and the other was first; or the key set was changed.
                if self.labels(version).await?.iter().any(|label| label == CURRENT) {
                    Ok(())
                } else {
                    self.give_up(version).await
                }
            }
            Err(error) => Err(unavailable("UpdateSecretVersionStage", &error)),
        }
    }

    /// Leaves nothing pending, so that another rotation can begin.
    async fn give_up(&self, version: &str) -> Result<()> {
        self.client
            .update_secret_version_stage()
            .secret_id(&self.secret_id)
            .version_stage(PENDING)
            .remove_from_version_id(version)
            .send()
            .await
            .map_err(|error| unavailable("UpdateSecretVersionStage", &error))?;
        Err(Error::internal("the key set was changed while it was being rotated; rotate again"))
    }

    /// A backend may sign with the key before for a while, until it reads the secret again; functions may
    /// too, while they have it in memory. The last token made so lives as long as any may.
    fn old_keys_end(&self, now: Timestamp) -> Timestamp {
        let signs_on = self.settings.key_grace_seconds.max(self.settings.key_cache_seconds);
        now.plus(signs_on + self.settings.max_token_lifetime_seconds + LEEWAY_SECONDS)
    }

    async fn labels(&self, version: &str) -> Result<Vec<String>> {
        let answer = self
            .client
            .describe_secret()
            .secret_id(&self.secret_id)
            .send()
            .await
            .map_err(|error| unavailable("DescribeSecret", &error))?;
        Ok(answer.version_ids_to_stages.and_then(|mut stages| stages.remove(version)).unwrap_or_default())
    }

    async fn current(&self) -> Result<(KeyDocument, String)> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .send()
            .await
            .map_err(|error| unavailable("GetSecretValue", &error))?;
        let text = answer.secret_string().ok_or_else(|| Error::internal("the secret is binary"))?;
        let document = KeyDocument::parse(text).map_err(Error::internal)?;
        Ok((document, answer.version_id.unwrap_or_default()))
    }

    /// What the rotation has written, if it has.
    async fn pending(&self, version: &str) -> Result<Option<KeyDocument>> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .version_id(version)
            .version_stage(PENDING)
            .send()
            .await;
        match answer {
            Ok(answer) => answer
                .secret_string()
                .map(|text| KeyDocument::parse(text).map_err(Error::internal))
                .transpose(),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(unavailable("GetSecretValue", &error)),
        }
    }
}
