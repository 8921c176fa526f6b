//! The versions of the signing secret, and the labels on them.
//!
//! What changes the key set writes a version without force first, and then moves the label `AWSCURRENT` to it
//! *from the version that the change was made from*: of two who change at once one fails.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::operation::get_secret_value::builders::GetSecretValueFluentBuilder;

use crate::aws::aws_error::unavailable;
use crate::aws::environment::Environment;
use vitrine_rules::error::{Error, Result};
use vitrine_rules::token::key_document::KeyDocument;

/// The label of the version in force.
pub const CURRENT: &str = "AWSCURRENT";

#[derive(Clone)]
pub struct SecretVersions {
    client: Client,
    secret_id: String,
}

/// A version as it was read.
pub struct Version {
    pub id: String,
    /// None if it is no text.
    pub text: Option<String>,
}

/// What came of a write that may be there already.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// Under this id.
    New(String),
    /// Somebody else has written under the id that was asked for.
    Before,
}

/// What came of moving a label.
#[derive(Debug, PartialEq, Eq)]
pub enum Moved {
    Done,
    /// It is not where it was to be moved from.
    Elsewhere,
}

impl SecretVersions {
    pub fn of(environment: &Environment) -> Self {
        Self { client: environment.secrets.clone(), secret_id: environment.names.signing_secret.clone() }
    }

    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The version in force; none if there is no secret or no value of it yet.
    /// Needs `secretsmanager:GetSecretValue`.
    pub async fn current(&self) -> Result<Option<Version>> {
        read(self.client.get_secret_value().secret_id(&self.secret_id)).await
    }

    /// One version, if it is there and has the label. Needs `secretsmanager:GetSecretValue`.
    pub async fn labelled(&self, version: &str, label: &str) -> Result<Option<Version>> {
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
            .map_err(|error| unavailable("DescribeSecret", &error))?;
        Ok(answer.version_ids_to_stages.and_then(|mut stages| stages.remove(version)).unwrap_or_default())
    }

    /// Writes a version with a label, under an id of the caller's if there is one.
    /// Needs `secretsmanager:PutSecretValue`.
    pub async fn write(&self, document: &KeyDocument, label: &str, id: Option<&str>) -> Result<Written> {
        let answer = self
            .client
            .put_secret_value()
            .secret_id(&self.secret_id)
            .set_client_request_token(id.map(str::to_owned))
            .secret_string(document.write())
            .version_stages(label)
            .send()
            .await;
        match answer {
            Ok(answer) => answer
                .version_id
                .map(Written::New)
                .ok_or_else(|| Error::internal("PutSecretValue: no version")),
            Err(SdkError::ServiceError(refused)) if refused.err().is_resource_exists_exception() => {
                Ok(Written::Before)
            }
            Err(error) => Err(unavailable("PutSecretValue", &error)),
        }
    }

    /// Puts the version `to` in force, if `from` is. Needs `secretsmanager:UpdateSecretVersionStage`.
    pub async fn put_in_force(&self, to: &str, from: &str) -> Result<Moved> {
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
            Ok(_) => Ok(Moved::Done),
            Err(SdkError::ServiceError(refused)) if refused.err().is_invalid_parameter_exception() => {
                Ok(Moved::Elsewhere)
            }
            Err(error) => Err(unavailable("UpdateSecretVersionStage", &error)),
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
            .map_err(|error| unavailable("UpdateSecretVersionStage", &error))
    }
}

async fn read(get: GetSecretValueFluentBuilder) -> Result<Option<Version>> {
    match get.send().await {
        Ok(answer) => Ok(answer.version_id.map(|id| Version { id, text: answer.secret_string })),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unavailable("GetSecretValue", &error)),
    }
}

/// No such secret, or no value of it yet.
fn is_absent<R>(error: &SdkError<GetSecretValueError, R>) -> bool {
    matches!(error.as_service_error(), Some(GetSecretValueError::ResourceNotFoundException(_)))
}
