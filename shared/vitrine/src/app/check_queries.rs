//! Checks the queries of a resource before it is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::engine_worker::EngineWorker;
use crate::aws::storage::{EvidenceReader, ResourceReader, TableUses};
use vitrine_rules::data::work::QueryReport;
use vitrine_rules::error::{Error, Issue, Issues, Reason, Result};
use vitrine_rules::publishing::{self, Review};
use vitrine_rules::resource::ids::{Deployment, Kind, PrimaryId};
use vitrine_rules::resource::{Resource, ResourceInput};
use vitrine_rules::settings::Settings;

crate::capability_set! {
    pub struct QueryChecker {
        worker: EngineWorker,
        resources: EvidenceReader,
        reader: ResourceReader,
        uses: TableUses,
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

/// The most dashboards that are read to say which of them a change of their question breaks.
const MOST_DASHBOARDS: usize = 20;

impl QueryChecker {
    /// Checks the queries of what `present` is replaced by, and which dashboards lose an answer.
    pub async fn check(
        &self,
        input: &ResourceInput,
        present: Option<&Resource>,
        deployment: Deployment,
        mode: Mode,
    ) -> Result<Checked> {
        let (mut checked, reports) = self.check_own(input, present, deployment, mode).await?;
        if let Some(present) = present.filter(|present| present.kind == Kind::Question) {
            let question = Resource {
                title: input.title.clone(),
                content: input.content.clone(),
                archived: input.archived,
                deployment,
                ..present.clone()
            };
            let broken = self.broken_dashboards(present, &question, reports.first()).await?;
            if !broken.is_empty() {
                let own: Vec<Issue> = checked.warnings.iter().flat_map(|own| own.iter().cloned()).collect();
                checked.warnings = Some(own.into_iter().chain(broken).collect::<Vec<Issue>>().into());
            }
        }
        Ok(checked)
    }

    /// The cards of published dashboards that have no answer once `present` is removed.
    pub async fn broken_by_removal(&self, present: &Resource) -> Result<Issues> {
        if present.kind != Kind::Question {
            return Ok(Issues::default());
        }
        let gone = Resource { archived: true, ..present.clone() };
        Ok(self.broken_dashboards(present, &gone, None).await?.into())
    }

    /// The cards of published dashboards that a change of their question breaks.
    async fn broken_dashboards(
        &self,
        present: &Resource,
        question: &Resource,
        report: Option<&QueryReport>,
    ) -> Result<Vec<Issue>> {
        let is_same = (&present.content, present.archived, present.deployment)
            == (&question.content, question.archived, question.deployment);
        let PrimaryId::Number(number) = question.id else { return Ok(Vec::new()) };
        if is_same {
            return Ok(Vec::new());
        }
        let users = self.uses.of_question(number, MOST_DASHBOARDS).await?;
        let mut broken = Vec::new();
        for user in &users.resources {
            let found = self.reader.find(user).await?;
            // The dashboards of another deployment do not show it.
            let found = found.filter(|dashboard| dashboard.deployment == present.deployment);
            let cards = |dashboard: &Resource| {
                publishing::broken_cards(dashboard, question, report, &self.settings.queries.text)
            };
            broken.extend(found.as_ref().map(cards).unwrap_or_default());
        }
        if users.is_cut && !broken.is_empty() {
            let message =
                format!("only the first {MOST_DASHBOARDS} dashboards that show the question were looked at");
            broken.push(Issue::new("", message));
        }
        Ok(broken)
    }

    /// Checks the queries of what `present` is replaced by, in `deployment`. A draft whose content stays is not checked, so
    /// that a resource can be unpublished and archived while the engine does not answer.
    async fn check_own(
        &self,
        input: &ResourceInput,
        present: Option<&Resource>,
        deployment: Deployment,
        mode: Mode,
    ) -> Result<(Checked, Vec<QueryReport>)> {
        let Some(content) = input.content.as_ref().filter(|content| content.has_queries()) else {
            return Ok((Checked::default(), Vec::new()));
        };
        let same = present.filter(|present| present.content == input.content);
        let is_embeddable = input.enable_embedding && !input.archived;
        if let (Some(same), false, Mode::Write) = (same, is_embeddable, mode) {
            return Ok((Checked { warnings: None, tables: same.tables.clone() }, Vec::new()));
        }
        let questions = self.resources.card_questions(Some(content), deployment).await?;
        let queries = publishing::queries_to_check(Some(content), &questions);
        let reports = if queries.is_empty() { Vec::new() } else { self.worker.check(queries).await? };
        let Review { issues, warnings, tables } =
            publishing::review(input, &questions, reports.clone(), &self.settings.queries.text)?;
        if !issues.is_empty() {
            return Err(Error::new(Reason::RequestInvalid).issues(issues));
        }
        Ok((Checked { warnings: Some(warnings.into()), tables }, reports))
    }
}
