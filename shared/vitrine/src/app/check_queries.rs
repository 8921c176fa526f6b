//! Checks the queries of a resource before it is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::engine_worker::EngineWorker;
use crate::aws::storage::EvidenceReader;
use vitrine_rules::error::{Error, Issues, Reason, Result};
use vitrine_rules::publishing::{self, Review};
use vitrine_rules::resource::ids::Deployment;
use vitrine_rules::resource::{Resource, ResourceInput};
use vitrine_rules::settings::Settings;

crate::capability_set! {
    pub struct QueryChecker {
        worker: EngineWorker,
        resources: EvidenceReader,
        settings: Arc<Settings>,
    }
}

/// The outcome of a check that found nothing to refuse.
#[derive(Debug, Default)]
pub struct Checked {
    /// None if there was nothing to check.
    pub warnings: Option<Issues>,
    /// The tables that the resource reads.
    pub tables: BTreeSet<String>,
}

/// The choice between writing a change and only checking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Write,
    /// Everything is checked, nothing is written.
    DryRun,
}

impl QueryChecker {
    /// Checks the queries of what `present` is replaced by, in `deployment`. A draft whose content stays is not checked, so
    /// that a resource can be unpublished and archived while the engine does not answer.
    pub async fn check(
        &self,
        input: &ResourceInput,
        present: Option<&Resource>,
        deployment: Deployment,
        mode: Mode,
    ) -> Result<Checked> {
        let Some(content) = input.content.as_ref().filter(|content| content.has_queries()) else {
            return Ok(Checked::default());
        };
        let same = present.filter(|present| present.content == input.content);
        let is_embeddable = input.enable_embedding && !input.archived;
        if let (Some(same), false, Mode::Write) = (same, is_embeddable, mode) {
            return Ok(Checked { warnings: None, tables: same.tables.clone() });
        }
        let questions = self.resources.card_questions(Some(content), deployment).await?;
        let queries = publishing::queries_to_check(Some(content), &questions);
        let reports = if queries.is_empty() { Vec::new() } else { self.worker.check(queries).await? };
        let Review { issues, warnings, tables } =
            publishing::review(input, &questions, reports, &self.settings.queries.text)?;
        if !issues.is_empty() {
            return Err(Error::new(Reason::RequestInvalid).issues(issues));
        }
        Ok(Checked { warnings: Some(warnings.into()), tables })
    }
}
