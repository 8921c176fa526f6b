//! The versions of the signing secret, and the labels on them.
//!
//! A change of the key set first writes a new version that is not in force, and then moves the label `AWSCURRENT` to it
//! *from the version that the change was based on*: of two concurrent changes, one fails.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::get_secret_value::builders::GetSecretValueFluentBuilder;

use super::SIGNING_SECRET;
use crate::aws::aws_error::failure;
use crate::aws::environment::Environment;
use crate::aws::process::KeyRevision;
use vitrine_rules::error::{Error, Result};
use vitrine_rules::token::key_document::KeyDocument;

/// The label of the version in force.
pub const CURRENT: &str = "AWSCURRENT";

#[derive(Clone)]
pub struct SecretVersions {
    client: Client,
    secret_id: String,
    revision: KeyRevision,
}

/// A version of the secret as it was read.
pub struct SecretVersion {
    pub id: String,
    /// None if the value is binary.
    pub text: Option<String>,
}

/// The outcome of writing a version.
#[derive(Debug, PartialEq, Eq)]
pub enum SecretWrite {
    /// Under this id.
    New(String),
    /// A version with the requested id exists already.
    Exists,
}

/// The outcome of moving a label.
#[derive(Debug, PartialEq, Eq)]
pub enum LabelMove {
    Done,
    /// The label is not on the version that it was to be moved from.
    Elsewhere,
}

impl SecretVersions {
    pub fn of(environment: &Environment) -> Self {
        Self {
            client: environment.client(Client::new),
            secret_id: environment.name_of(SIGNING_SECRET),
            revision: environment.process.signing_keys.clone(),
        }
    }

    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The version in force; none if there is no secret or no value of it yet.
    /// Needs `secretsmanager:GetSecretValue`.
    pub async fn current(&self) -> Result<Option<SecretVersion>> {
        read(self.client.get_secret_value().secret_id(&self.secret_id)).await
    }

    /// One version, if it is there and has the label. Needs `secretsmanager:GetSecretValue`.
    pub async fn labelled(&self, version: &str, label: &str) -> Result<Option<SecretVersion>> {
        let get = self.client.get_secret_value().secret_id(&self.secret_id);
        read(get.version_id(version).version_stage(label)).await
    }

    /// Every label of a version. Needs `secretsmanager:DescribeSecret`.
    pub async fn labels(&self, version: &str) -> Result<Vec<String>> {
        let answer = self
            .client
            .describe_secret()
            .secret_id(&self.secret_id)
            .send()
            .await
            .map_err(|error| failure("DescribeSecret", &error))?;
        Ok(answer.version_ids_to_stages.and_then(|mut stages| stages.remove(version)).unwrap_or_default())
    }

    /// Writes a version with a label, under an id of the caller's if there is one.
    /// Needs `secretsmanager:PutSecretValue`.
    pub async fn write(&self, document: &KeyDocument, label: &str, id: Option<&str>) -> Result<SecretWrite> {
        let answer = self
            .client
            .put_secret_value()
            .secret_id(&self.secret_id)
            .set_client_request_token(id.map(str::to_owned))
            .secret_string(document.write())
            .version_stages(label)
            .send()
            .await;
        if label == CURRENT {
            // Also after a failure: the write may have happened.
            self.revision.changed();
        }
        match answer {
            Ok(answer) => answer
                .version_id
                .map(SecretWrite::New)
                .ok_or_else(|| Error::internal("PutSecretValue: no version")),
            Err(SdkError::ServiceError(refused)) if refused.err().is_resource_exists_exception() => {
                Ok(SecretWrite::Exists)
            }
            Err(error) => Err(failure("PutSecretValue", &error)),
        }
    }

    /// Puts the version `to` in force, if `from` is. Needs `secretsmanager:UpdateSecretVersionStage`.
    pub async fn put_in_force(&self, to: &str, from: &str) -> Result<LabelMove> {
        let answer = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.secret_id)
            .version_stage(CURRENT)
            .move_to_version_id(to)
            .remove_from_version_id(from)
            .send()
            .await;
        match answer {
            Ok(_) => {
                self.revision.changed();
                Ok(LabelMove::Done)
            }
            Err(SdkError::ServiceError(refused)) if refused.err().is_invalid_parameter_exception() => {
                Ok(LabelMove::Elsewhere)
            }
            Err(error) => Err(failure("UpdateSecretVersionStage", &error)),
        }
    }

    /// Takes a label off a version. Needs `secretsmanager:UpdateSecretVersionStage`.
    pub async fn unlabel(&self, version: &str, label: &str) -> Result<()> {
        self.client
            .update_secret_version_stage()
            .secret_id(&self.secret_id)
            .version_stage(label)
            .remove_from_version_id(version)
            .send()
            .await
            .map(drop)
            .map_err(|error| failure("UpdateSecretVersionStage", &error))
    }
}

async fn read(get: GetSecretValueFluentBuilder) -> Result<Option<SecretVersion>> {
    match get.send().await {
        Ok(answer) => Ok(answer.version_id.map(|id| SecretVersion { id, text: answer.secret_string })),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(failure("GetSecretValue", &error)),
    }
}

/// No such secret, or no value of it yet.
fn is_absent<R>(error: &SdkError<GetSecretValueError, R>) -> bool {
    matches!(error.as_service_error(), Some(GetSecretValueError::ResourceNotFoundException(_)))
}
