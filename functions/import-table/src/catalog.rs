//! The stored things that a query refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vitrine::aws::storage::{EvidenceReader, TableReader};
use vitrine::rules::data::table::Table;
use vitrine::rules::error::Result;
use vitrine::rules::query::column_type::ColumnType;
use vitrine::rules::query::definition::{Dimension, QueryDefinition};
use vitrine::rules::query::limits::QueryLimits;
use vitrine::rules::query::prepare::Catalog;
use vitrine::rules::query::scanner::{self, TagRef};
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::ids::{Kind, ResourceId, ResourceRef};

/// The most questions that one query refers to, directly or not.
const MAX_QUESTIONS: usize = 50;

vitrine::capability_set! {
    pub struct CatalogReader {
        tables: TableReader,
        resources: EvidenceReader,
    }
}

/// Tables and questions by name and id.
#[derive(Default)]
pub struct Loaded {
    tables: BTreeMap<String, Arc<Table>>,
    questions: BTreeMap<u64, Option<QueryDefinition>>,
}

impl CatalogReader {
    /// The tables of these names that exist.
    pub async fn tables(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Arc<Table>>> {
        self.tables.get_all(names).await
    }

    pub async fn load(&self, query: &QueryDefinition, limits: &QueryLimits) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        let mut names = dimension_tables(query);
        let mut missing = references(query, limits);
        while let Some(id) = missing.pop() {
            if loaded.questions.contains_key(&id) || loaded.questions.len() >= MAX_QUESTIONS {
                continue;
            }
            let reference = ResourceRef::new(Kind::Question, ResourceId::Number(id));
            let found = self.resources.resource(&reference).await?.filter(|found| !found.archived);
            let question = match found.as_ref().and_then(|found| found.content.as_ref()) {
                Some(Content::Question(content)) => Some(content.query.clone()),
                _ => None,
            };
            if let Some(question) = &question {
                names.extend(dimension_tables(question));
                missing.extend(references(question, limits));
            }
            loaded.questions.insert(id, question);
        }
        if !names.is_empty() {
            loaded.tables = self.tables.get_all(&names).await?;
        }
        Ok(loaded)
    }
}

fn references(query: &QueryDefinition, limits: &QueryLimits) -> Vec<u64> {
    let pieces = query.pieces(limits).unwrap_or_default();
    let of_question = |reference: &TagRef| match reference {
        TagRef::Question(id) => Some(*id),
        _ => None,
    };
    scanner::references(&pieces).into_iter().filter_map(of_question).collect()
}

fn dimension_tables(query: &QueryDefinition) -> BTreeSet<String> {
    let dimensions = query.tags.iter().filter_map(|(_, tag)| tag.dimension.as_ref());
    dimensions.map(|dimension| dimension.table.clone()).collect()
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

    fn snippet(&self, _: &str) -> Option<String> {
        None
    }
}
