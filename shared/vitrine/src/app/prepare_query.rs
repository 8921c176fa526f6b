//! Prepares queries: loads the stored things that a template refers to, and makes SQL of it with bound values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::storage::{EvidenceReader, TableReader};
use vitrine_rules::data::table::Table;
use vitrine_rules::error::{Error, Issue, Reason, Result};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::date_bounds::ReportClock;
use vitrine_rules::query::definition::{Dimension, QueryDefinition};
use vitrine_rules::query::mapping::Mapping;
use vitrine_rules::query::prepare::{Catalog, GivenValues, Preparation, PreparedSql, prepare};
use vitrine_rules::query::query_error::QueryError;
use vitrine_rules::query::sample::{Samples, samples};
use vitrine_rules::query::scanner::{self, TagRef};
use vitrine_rules::resource::content::Content;
use vitrine_rules::resource::ids::{Deployment, Kind, ResourceId, ResourceRef};
use vitrine_rules::settings::Settings;

/// The most questions that one query refers to, directly or not. Preparing has limits of its own.
const MAX_QUESTIONS: usize = 50;

crate::capability_set! {
    pub struct QueryPreparer {
        tables: TableReader,
        resources: EvidenceReader,
        settings: Arc<Settings>,
    }
}

/// The reason why there is no prepared query.
#[derive(Debug)]
pub enum Unprepared {
    /// The template or a value.
    Query(QueryError),
    /// Storage.
    Outage(Error),
}

impl From<Error> for Unprepared {
    fn from(error: Error) -> Self {
        Self::Outage(error)
    }
}

impl Unprepared {
    /// The refusal of a viewer, who learns about parameters and about nothing else.
    pub fn for_viewer(self, mapping: Mapping) -> Error {
        match self {
            Self::Outage(error) => error,
            Self::Query(error) => {
                let told = Error::from(error.of_parameters(mapping));
                match told.reason {
                    Reason::ParameterRequired | Reason::ParameterUnknown | Reason::ParameterInvalid => told,
                    _ => Error::new(Reason::QueryFailed).detail("template"),
                }
            }
        }
    }

    /// The refusal of the owner.
    pub fn for_owner(self) -> Error {
        match self {
            Self::Outage(error) => error,
            Self::Query(error) => error.into(),
        }
    }
}

impl QueryPreparer {
    /// Prepares a query of a resource in `deployment`; without one, any question can be referred to.
    pub async fn prepare(
        &self,
        query: &QueryDefinition,
        given: &GivenValues,
        clock: &ReportClock,
        deployment: Option<Deployment>,
    ) -> std::result::Result<PreparedSql, Unprepared> {
        let limits = &self.settings.queries.text;
        let catalog = self.load(query, deployment).await?;
        prepare(query, given, Preparation { catalog: &catalog, clock, limits }).map_err(Unprepared::Query)
    }

    /// Prepares a query with sample values, for the checks at publication. Issues of the query are the inner error.
    pub async fn samples(
        &self,
        query: &QueryDefinition,
        clock: &ReportClock,
        path: &str,
    ) -> Result<std::result::Result<Samples, Vec<Issue>>> {
        let limits = &self.settings.queries.text;
        let catalog = self.load(query, None).await?;
        Ok(samples(query, Preparation { catalog: &catalog, clock, limits }, path))
    }

    /// The tables of these names that exist.
    pub async fn tables(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Arc<Table>>> {
        self.tables.get_all(names).await
    }

    async fn load(&self, query: &QueryDefinition, deployment: Option<Deployment>) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        let mut names = dimension_tables(query);
        let mut missing = self.references(query);
        while let Some(id) = missing.pop() {
            if loaded.questions.contains_key(&id) || loaded.questions.len() >= MAX_QUESTIONS {
                continue;
            }
            let reference = ResourceRef::new(Kind::Question, ResourceId::Number(id));
            let found = self.resources.resource(&reference).await?;
            let found = found.filter(|found| {
                !found.archived && deployment.is_none_or(|deployment| found.deployment == deployment)
            });
            let question = match found.as_ref().and_then(|found| found.content.as_ref()) {
                Some(Content::Question(content)) => Some(content.query.clone()),
                _ => None,
            };
            if let Some(question) = &question {
                names.extend(dimension_tables(question));
                missing.extend(self.references(question));
            }
            loaded.questions.insert(id, question);
        }
        if !names.is_empty() {
            loaded.tables = self.tables.get_all(&names).await?;
        }
        Ok(loaded)
    }

    /// The questions that a query refers to.
    fn references(&self, query: &QueryDefinition) -> Vec<u64> {
        if !query.sql.contains('#') {
            return Vec::new(); // most queries refer to none, and are scanned once
        }
        let pieces = query.pieces(&self.settings.queries.text).unwrap_or_default();
        let of_question = |reference: &TagRef| match reference {
            TagRef::Question(id) => Some(*id),
            _ => None,
        };
        scanner::references(&pieces).into_iter().filter_map(of_question).collect()
    }
}

fn dimension_tables(query: &QueryDefinition) -> BTreeSet<String> {
    let dimensions = query.tags.values().filter_map(|tag| tag.dimension.as_ref());
    dimensions.map(|dimension| dimension.table.clone()).collect()
}

/// The stored things that one query refers to.
#[derive(Debug, Default)]
struct Loaded {
    tables: BTreeMap<String, Arc<Table>>,
    questions: BTreeMap<u64, Option<QueryDefinition>>,
}

impl Catalog for Loaded {
    /// A hidden column is not there.
    fn column(&self, dimension: &Dimension) -> Option<ColumnType> {
        let column = &self.tables.get(&dimension.table)?.column(&dimension.column)?.column;
        (!column.hidden).then_some(column.kind)
    }

    fn question(&self, id: u64) -> Option<QueryDefinition> {
        self.questions.get(&id).cloned().flatten()
    }
}
