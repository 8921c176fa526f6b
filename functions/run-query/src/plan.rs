//! The plan of one query: prepared, checked, with the rows that the viewer may see, and the key of its answer.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitrine::app::prepare_query::Unprepared;
use vitrine::rules::data::table::Table;
use vitrine::rules::error::{Error, Issue, Reason};
use vitrine::rules::query::cache_key::{CacheKeyInput, TableState};
use vitrine::rules::query::definition::QueryDefinition;
use vitrine::rules::query::limits::QueryLimits;
use vitrine::rules::query::mapping::Mapping;
use vitrine::rules::query::prepare::{GivenValues, PreparedSql};
use vitrine::rules::query::table::MANAGED;
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::row_policy::RowAccess;
use vitrine::rules::session::SessionContext;
use vitrine::rules::viewer::Viewer;
use vitrine_engine::embedded::functions;
use vitrine_engine::query::{EngineQuery, Limits};
use vitrine_engine::store::counted::BytesRead;
use vitrine_query::Volatility;

use crate::State;
use crate::checked::CheckedSql;
use crate::engine::{ENGINE, ENGINE_FOR_VIEWERS, Engined, Opened, Reports};

/// The bytes of an answer in the engine's memory. The reply has a limit of its own.
const PAGE_BYTES: usize = 64 << 20;
/// A file is written as it comes.
const FILE_BYTES: usize = 4 << 30;

/// One query with one set of values for one viewer.
pub struct Inquiry<'a> {
    pub query: &'a QueryDefinition,
    pub given: GivenValues,
    pub viewer: &'a Viewer,
    /// The viewer's session, if it has settings of its own.
    pub session: Option<&'a SessionContext>,
    /// Every locked parameter of the resource restricts the query. It need not if the tables have row policies.
    pub is_restricted: bool,
    /// The deployment of the resource; none for the owner.
    pub deployment: Option<Deployment>,
    pub rows: usize,
    pub is_file: bool,
}

/// The author of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The stack's owner, or the product itself for him.
    Owner,
    /// The viewer. Only tables with a row policy that matches him exist, and the limits are tighter.
    Viewer,
}

/// SQL with bound values, and the facts that decide which rows it reads.
pub struct Planning<'a> {
    pub prepared: PreparedSql,
    pub author: Author,
    /// The only source of its tables, if there is one.
    pub source: Option<&'a str>,
    pub viewer: &'a Viewer,
    /// Every table must have row policies, because nothing else restricts the query.
    pub needs_policies: bool,
    pub deployment: Option<Deployment>,
    pub rows: usize,
    pub is_file: bool,
}

/// A query that can be run.
pub struct Plan {
    pub prepared: PreparedSql,
    tables: BTreeMap<String, PlannedTable>,
    pub volatility: Volatility,
    /// The key of its answer.
    pub key: String,
    limits: Limits,
    syntax: QueryLimits,
    time_zone: String,
    is_file: bool,
}

struct PlannedTable {
    stored: Arc<Table>,
    rows: RowAccess,
    files: Opened,
}

/// The reason why there is no plan.
pub enum Unplanned {
    Unprepared(Unprepared),
    /// The text does not keep to the allow-list. The issues are for the owner.
    Guard(Vec<Issue>),
    Refused(Error),
}

impl From<Error> for Unplanned {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Unplanned {
    pub fn for_viewer(self, mapping: Mapping) -> Error {
        match self {
            Self::Unprepared(unprepared) => unprepared.for_viewer(mapping),
            Self::Guard(_) => Error::new(Reason::QueryFailed).detail("guard"),
            Self::Refused(error) => error,
        }
    }

    pub fn for_owner(self) -> Error {
        match self {
            Self::Unprepared(unprepared) => unprepared.for_owner(),
            Self::Guard(issues) => Error::new(Reason::QueryInvalid).issues(issues),
            Self::Refused(error) => error,
        }
    }
}

impl State {
    /// Plans a query. Nothing is read but stored definitions.
    pub async fn plan(&self, inquiry: Inquiry<'_>) -> std::result::Result<Plan, Unplanned> {
        let Inquiry { query, given, viewer, is_restricted, session, deployment, rows, is_file } = inquiry;
        let reports = self.engine.reports(session)?;
        let prepared = self.preparer.prepare(query, &given, &reports.clock, deployment).await;
        let prepared = prepared.map_err(Unplanned::Unprepared)?;
        let (source, needs_policies, author) = (query.source.as_deref(), !is_restricted, Author::Owner);
        let planning =
            Planning { prepared, author, source, viewer, needs_policies, deployment, rows, is_file };
        self.plan_prepared(planning, &reports).await
    }

    /// Plans SQL that is prepared by now.
    pub async fn plan_prepared(
        &self,
        planning: Planning<'_>,
        reports: &Reports,
    ) -> std::result::Result<Plan, Unplanned> {
        let Planning { prepared, author, source, viewer, needs_policies, deployment, rows, is_file } =
            planning;
        let is_viewers = author == Author::Viewer;
        let settings = match author {
            Author::Owner => Cow::Borrowed(&self.settings.queries),
            Author::Viewer => Cow::Owned(self.settings.queries.for_viewers_sql()),
        };
        let parse = || {
            vitrine_query::parse(&prepared.sql, &settings.text).map_err(|issue| Unplanned::Guard(vec![issue]))
        };
        let checked = self.checked.get(author, &prepared.sql);
        let mut parsed = None;
        let named = match &checked {
            Some(checked) => Cow::Borrowed(&checked.named),
            None => Cow::Owned(parsed.insert(parse()?).tables()),
        };
        let mut known = self.preparer.tables(&named).await?;
        if let Some(source) = source {
            known.retain(|_, table| table.source == source);
        }
        if is_viewers {
            // Before anything else is said about them, so that all others are alike: those that are not there as well.
            known.retain(|_, table| table.is_readable_by(viewer));
        }
        let names: BTreeSet<String> = known.keys().cloned().collect();
        let checked = match checked.as_ref().filter(|checked| checked.is_about(&prepared, &names)) {
            Some(checked) => Arc::clone(checked),
            None => {
                let parsed = parsed.map_or_else(parse, Ok)?;
                let surface = functions::surface(&names, !is_viewers);
                let guarded = parsed.guard(&prepared, &surface).map_err(Unplanned::Guard)?;
                let checked = Arc::new(CheckedSql {
                    named: named.into_owned(),
                    arguments: prepared.arguments.len(),
                    tables: guarded.tables,
                    volatility: guarded.volatility,
                    known: names,
                });
                self.checked.keep(author, &prepared.sql, &checked);
                checked
            }
        };
        let mut tables = BTreeMap::new();
        for name in &checked.tables {
            let Some(table) = known.remove(name) else { continue };
            // A question, its tables or their policies may have changed since its dashboard was published.
            if needs_policies && table.row_policies.is_empty() {
                return Err(Error::from(Reason::LockedUnreached).into());
            }
            let rows = table.rows_for(viewer)?;
            let files = self.engine.open(&table).await?;
            tables.insert(name.clone(), PlannedTable { stored: table, rows, files });
        }
        let today = (checked.volatility == Volatility::Day).then_some(reports.today);
        let states = tables.iter().map(|(name, PlannedTable { rows, files, .. })| {
            (name.clone(), TableState { version: &files.version, rows })
        });
        let key = CacheKeyInput {
            deployment: &deployment.map(|deployment| deployment.to_string()).unwrap_or_default(),
            source: source.unwrap_or(MANAGED),
            prepared: &prepared,
            tables: &states.collect(),
            // Their limits differ, so neither takes the other's answers and failures.
            engine: if is_viewers { ENGINE_FOR_VIEWERS } else { ENGINE },
            row_limit: rows as u64,
            time_zone: &reports.time_zone,
            today,
        }
        .key();
        let limits = Limits {
            rows,
            bytes: if is_file { FILE_BYTES } else { PAGE_BYTES },
            time: settings.time(),
            memory: settings.engine_memory(),
            functions: settings.functions,
        };
        let (time_zone, syntax) = (reports.time_zone.clone(), settings.text.clone());
        Ok(Plan { prepared, tables, volatility: checked.volatility, key, limits, syntax, time_zone, is_file })
    }
}

impl Plan {
    /// The query for the engine. What it reads is counted in `read`.
    pub fn engine_query(&self, state: &State, read: &BytesRead) -> Engined<EngineQuery> {
        let tables = self.tables.values().map(|table| {
            state.engine.table(&table.stored, &table.files, table.rows.clone(), read, self.is_file)
        });
        Ok(EngineQuery {
            prepared: self.prepared.clone(),
            tables: tables.collect::<Engined<_>>()?,
            syntax: self.syntax.clone(),
            limits: self.limits,
            time_zone: Some(self.time_zone.clone()),
            is_export: self.is_file,
        })
    }
}
