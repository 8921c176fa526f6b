//! Changing the key set: as a whole, as an owner does who brings a secret along or whose secret has leaked,
//! and by taking one key out.
//!
//! Secrets Manager keeps versions of a secret, and labels on them. A change is written as a version without
//! force, and then the label `AWSCURRENT` is moved to it *from the version that the change was made from*:
//! of two who change at once one fails.

use std::collections::BTreeSet;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use secrecy::SecretString;

use crate::capability::{Capability, Grant};
use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::{Error, Reason, Result};
use crate::outage::unavailable;
use crate::random;
use crate::secrets::GET_SECRET_VALUE;
use crate::token::key_document::KeyDocument;

pub(crate) const CURRENT: &str = "AWSCURRENT";

/// The label of a version that is not in force yet. There is one at most.
const DRAFT: &str = "VITRINE-DRAFT";

#[derive(Clone)]
pub struct SigningKeyWriter {
    client: Client,
    secret_id: String,
    clock: Clock,
}

impl Capability for SigningKeyWriter {
    fn grants() -> BTreeSet<Grant> {
        [GET_SECRET_VALUE, "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
            .map(Grant::SigningSecret)
            .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            client: environment.secrets.clone(),
            secret_id: environment.names.signing_secret.clone(),
            clock: environment.clock.clone(),
        }
    }
}

impl SigningKeyWriter {
    /// The key set in force, if there is a usable one, and its version. For an admin's eyes.
    pub async fn current(&self) -> Result<Option<(KeyDocument, String)>> {
        match self.client.get_secret_value().secret_id(&self.secret_id).send().await {
            Ok(answer) => {
                let document = answer.secret_string().and_then(|text| KeyDocument::parse(text).ok());
                Ok(document.zip(answer.version_id))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(unavailable("GetSecretValue", &error)),
        }
    }

    /// From now on only `secret` signs and verifies: everywhere within `KeyCacheSeconds`.
    pub async fn replace(&self, secret: SecretString) -> Result<()> {
        let document = KeyDocument::of(&random::short_id()?, secret, self.clock.now());
        self.put(&document, CURRENT).await.map(drop)
    }

    /// Puts `document` in force, if what is in force is still the `version` that it was made from.
    pub async fn replace_version(&self, version: &str, document: &KeyDocument) -> Result<()> {
        let draft = self.put(document, DRAFT).await?;
        let moved = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.secret_id)
            .version_stage(CURRENT)
            .move_to_version_id(draft)
            .remove_from_version_id(version)
            .send()
            .await;
        match moved {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(refused)) if refused.err().is_invalid_parameter_exception() => {
                Err(Error::new(Reason::Conflict).detail("the key set was changed meanwhile"))
            }
            Err(error) => Err(unavailable("UpdateSecretVersionStage", &error)),
        }
    }

    /// Writes a version and answers its id.
    async fn put(&self, document: &KeyDocument, label: &str) -> Result<String> {
        let answer = self
            .client
            .put_secret_value()
            .secret_id(&self.secret_id)
            .secret_string(document.write())
            .version_stages(label)
            .send()
            .await
            .map_err(|error| unavailable("PutSecretValue", &error))?;
        answer.version_id.ok_or_else(|| Error::internal("PutSecretValue: no version"))
    }
}

/// No such secret, or no value of it yet.
pub(crate) fn is_absent<R>(error: &SdkError<GetSecretValueError, R>) -> bool {
    matches!(error.as_service_error(), Some(GetSecretValueError::ResourceNotFoundException(_)))
}
