//! The function that does an engine's long work for those that have no engine.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Config;
use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use vitrine_rules::data::finding::Finding;
use vitrine_rules::data::signed_request::SignedRequest;
use vitrine_rules::data::upload::Upload;
use vitrine_rules::data::work::{QueryReport, QueryToCheck, Work, WorkDone};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::query::column::Column;

use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{AwsResource, Capability, Grant};
use crate::aws::environment::Environment;

pub const WORKER: AwsResource = AwsResource { logical_id: "ImportTable", variable: "IMPORT_FUNCTION" };

pub const INVOKE: &str = "lambda:InvokeFunction";

/// For an answer that a caller waits for. The gateway waits 30 seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// Gives work to the function with the engine.
#[derive(Debug, Clone)]
pub struct EngineWorker {
    client: Client,
    function: Arc<str>,
}

impl Capability for EngineWorker {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([WORKER.allow(INVOKE)])
    }

    fn connect(environment: &Environment) -> Self {
        Self { client: environment.client(Client::new), function: environment.name_of(WORKER).into() }
    }
}

impl EngineWorker {
    /// Starts an import. Nobody waits for it, and AWS may start it more than once.
    pub async fn import(&self, table: String, upload: String, force: bool) -> Result<()> {
        let invoke = self.invoke(&Work::Import { table, upload, force }, InvocationType::Event)?;
        let accepted = Box::pin(invoke.send()).await.or_unavailable("Invoke")?;
        match accepted.status_code {
            202 => Ok(()),
            status => Err(Error::new(Reason::Unavailable).detail(format_args!("Invoke: status {status}"))),
        }
    }

    /// The columns of files that others write.
    pub async fn inspect(&self, source: String, location: String) -> Result<(Vec<Column>, Vec<Finding>)> {
        match self.ask(&Work::Inspect { source, location }).await? {
            WorkDone::Inspect { columns, issues } => Ok((columns, issues)),
            _ => Err(unknown_answer()),
        }
    }

    /// Plans queries as publishing does; the reports are in their order.
    pub async fn check(&self, queries: Vec<QueryToCheck>) -> Result<Vec<QueryReport>> {
        let paths: Vec<_> = queries.iter().map(|query| query.path.clone()).collect();
        match self.ask(&Work::Check { queries }).await? {
            // A query without a report would be published unchecked.
            WorkDone::Check { reports } if reports.iter().map(|report| &report.path).eq(&paths) => {
                Ok(reports)
            }
            _ => Err(unknown_answer()),
        }
    }

    /// The request that takes the file of an upload, and no other file.
    pub async fn sign_upload(&self, upload: Upload) -> Result<SignedRequest> {
        match self.ask(&Work::SignUpload { upload }).await? {
            WorkDone::SignUpload { request } => Ok(request),
            _ => Err(unknown_answer()),
        }
    }

    /// Deletes files of tables that no version has any more.
    pub async fn delete_files(&self, keys: Vec<String>) -> Result<()> {
        match self.ask(&Work::DeleteFiles { keys }).await? {
            WorkDone::DeleteFiles => Ok(()),
            _ => Err(unknown_answer()),
        }
    }

    /// Has work done and returns its answer. [`Reason::EngineUnavailable`] without one.
    async fn ask(&self, work: &Work) -> Result<WorkDone> {
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).operation_timeout(PATIENCE).build();
        let patient = Config::builder().timeout_config(timeouts);
        let invoke = self.invoke(work, InvocationType::RequestResponse)?.customize().config_override(patient);
        let answer =
            Box::pin(invoke.send()).await.or_unavailable("Invoke").map_err(|error| match error.reason {
                Reason::Unavailable => unavailable(error.detail.unwrap_or_default()),
                _ => error,
            })?;
        if answer.function_error.is_some() {
            // The payload may quote what was asked, so it is not logged.
            return Err(unavailable("Invoke: the function failed"));
        }
        let payload = answer.payload.unwrap_or_else(|| Blob::new(""));
        serde_json::from_slice(payload.as_ref()).map_err(|_| unknown_answer())
    }

    fn invoke(&self, work: &Work, invocation: InvocationType) -> Result<InvokeFluentBuilder> {
        let payload = serde_json::to_vec(work).map_err(|_| Error::internal("work cannot be written"))?;
        let invoke = self.client.invoke().function_name(&*self.function);
        Ok(invoke.invocation_type(invocation).payload(Blob::new(payload)))
    }
}

fn unknown_answer() -> Error {
    unavailable("Invoke: an unknown answer")
}

fn unavailable(detail: impl std::fmt::Display) -> Error {
    Error::new(Reason::EngineUnavailable).detail(detail).retry_after(1)
}
