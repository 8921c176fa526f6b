//! Plans queries that are about to be published. No row is read: the tables have their columns, and no files.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use vitrine::app::prepare_query::QueryPreparer;
use vitrine::rules::clock::Clock;
use vitrine::rules::data::finding::Finding;
use vitrine::rules::data::table::Table;
use vitrine::rules::data::work::{OutputColumn, QueryReport, QueryToCheck, TableUse};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::query::date_bounds::ReportClock;
use vitrine::rules::query::definition::QueryDefinition;
use vitrine::rules::query::prepare::PreparedSql;
use vitrine::rules::row_policy::RowAccess;
use vitrine::rules::settings::Settings;
use vitrine_engine::embedded::{EmbeddedEngine, functions};
use vitrine_engine::engine::{Engine, Prepared};
use vitrine_engine::error::{EngineError, QueryFailure};
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_engine::table::{EngineTable, Files, TableColumn};
use vitrine_query::parse;

/// For planning one form of a query.
const PATIENCE: Duration = Duration::from_secs(5);

vitrine::capability_set! {
    pub struct Checker {
        preparer: QueryPreparer,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

impl Checker {
    /// One report for each query, in their order.
    pub async fn check(&self, queries: Vec<QueryToCheck>) -> Result<Vec<QueryReport>> {
        let mut reports = vec![];
        for QueryToCheck { path, query } in queries {
            let mut report = QueryReport { path, ..QueryReport::default() };
            self.fill(&mut report, &query).await?;
            if !report.issues.is_empty() {
                report.columns.clear();
            }
            reports.push(report);
        }
        Ok(reports)
    }

    /// Plans the query with all of its optional blocks, and with as few as it can have.
    async fn fill(&self, report: &mut QueryReport, query: &QueryDefinition) -> Result<()> {
        let zone = ReportClock::zone(&self.settings.queries.time_zone)
            .ok_or_else(|| Error::internal("the setting TimeZone"))?;
        let clock = ReportClock::new(self.clock.now(), zone, ReportClock::WEEK_START);
        let samples = match self.preparer.samples(query, &clock, &report.path).await? {
            Ok(samples) => samples,
            Err(issues) => {
                issues.into_iter().for_each(|issue| add(report, issue));
                return Ok(());
            }
        };
        for prepared in [samples.with_blocks, samples.without_blocks] {
            if let Some(columns) = self.plan(report, query, prepared).await?
                && report.columns.is_empty()
            {
                report.columns = columns;
            }
        }
        Ok(())
    }

    /// The columns of the answer, or none if there are issues.
    async fn plan(
        &self,
        report: &mut QueryReport,
        query: &QueryDefinition,
        prepared: PreparedSql,
    ) -> Result<Option<Vec<OutputColumn>>> {
        let syntax = self.settings.queries.text.clone();
        let below = |path: &str, issue: Issue| Issue::new(format!("{path}.{}", issue.path), issue.message);
        let parsed = match parse(&prepared.sql, &syntax) {
            Ok(parsed) => parsed,
            Err(issue) => {
                report.unparsable = true;
                add(report, below(&report.path, issue));
                return Ok(None);
            }
        };
        let mut known = self.preparer.tables(&parsed.tables()).await?;
        if let Some(source) = &query.source {
            known.retain(|_, table| table.source == *source);
        }
        let names: BTreeSet<String> = known.keys().cloned().collect();
        let surface = functions::surface(&names, false);
        let guarded = match parsed.guard(&prepared, &surface) {
            Ok(guarded) => guarded,
            Err(issues) => {
                issues.into_iter().for_each(|issue| add(report, below(&report.path, issue)));
                return Ok(None);
            }
        };
        let mut tables = vec![];
        for name in guarded.tables {
            let Some(table) = known.get(&name) else { continue };
            let has_row_policy = !table.row_policies.is_empty();
            let found = TableUse { name: name.clone(), has_row_policy };
            if !report.tables.contains(&found) {
                report.tables.push(found);
            }
            if table.columns.is_empty() {
                let message = format!("reads the table `{name}`, which has no version yet");
                add(report, Issue::new(format!("{}.sql", report.path), message));
                return Ok(None);
            }
            tables.push(without_rows(table));
        }
        let functions = self.settings.queries.functions;
        let limits = Limits { time: PATIENCE, functions, ..Limits::default() };
        match EmbeddedEngine::new(1)
            .prepare(&EngineQuery { prepared, tables, syntax, limits, time_zone: None, is_export: false })
            .await
        {
            Ok(plan) => {
                let column = |column: &vitrine_engine::answer::ColumnInfo| OutputColumn {
                    name: column.name.clone(),
                    kind: column.kind,
                };
                Ok(Some(plan.columns().iter().map(column).collect()))
            }
            Err(error) => {
                let message = reason(&error)?;
                add(report, Issue::new(format!("{}.sql", report.path), message));
                Ok(None)
            }
        }
    }
}

/// The table as the engine plans with it.
fn without_rows(table: &Table) -> EngineTable {
    let files = Files { store: Arc::new(InMemory::new()), objects: vec![], prefix: Path::default() };
    let columns = table.columns.iter().map(|stored| TableColumn {
        hidden: stored.column.hidden,
        ..TableColumn::new(&stored.column.name, stored.column.kind)
    });
    EngineTable { name: table.name.clone(), columns: columns.collect(), rows: RowAccess::All, files }
}

/// The failure for the author of the query; an error if the query is not at fault.
fn reason(error: &EngineError) -> Result<String> {
    match error.failure() {
        QueryFailure::Unavailable => {
            Err(Error::new(Reason::Unavailable).detail("a query could not be planned"))
        }
        _ => Ok(format!("cannot be planned: {}", error.owner_text())),
    }
}

/// Adds an issue, unless the other form of the query had it.
fn add(report: &mut QueryReport, issue: Issue) {
    let finding = Finding::from(issue);
    if !report.issues.contains(&finding) {
        report.issues.push(finding);
    }
}
