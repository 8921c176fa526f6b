//! Databases, tables and fields by the numbers that Metabase's clients know them by.
//!
//! A source is a database. Tables and columns have numbers of their own; a source has one that follows from its name.

use std::collections::{BTreeMap, BTreeSet};

use super::dataset_query::{DatasetQuery, DefinedQuery};
use crate::aws::storage::{SourceLister, TableReader, TableVersionReader};
use vitrine_rules::data::source::Source;
use vitrine_rules::data::table::{Table, TableSummary};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::paging::{MAX_LIMIT, Paging};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::definition::Dimension;
use vitrine_rules::query::table::MANAGED;
use vitrine_rules::random;

crate::capability_set! {
    pub struct DataCatalog {
        tables: TableReader,
        lists: TableVersionReader,
        sources: SourceLister,
    }
}

/// The database of the tables that the stack itself stores.
pub const MANAGED_DATABASE: u64 = 1;

/// The number of a source as a database.
pub fn database_id(source: &str) -> u64 {
    if source == MANAGED {
        return MANAGED_DATABASE;
    }
    let number = u64::from_str_radix(&random::fingerprint(source)[..7], 16).unwrap_or_default();
    number + MANAGED_DATABASE + 1
}

impl DataCatalog {
    /// All sources, the stack's own first.
    pub async fn databases(&self) -> Result<Vec<Source>> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.sources.list(&Paging::new(Some(MAX_LIMIT), after)).await?;
            after = page.next().map(str::to_owned);
            all.extend(page.items);
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    pub async fn database(&self, id: u64) -> Result<Option<Source>> {
        if id == MANAGED_DATABASE {
            return Ok(Some(Source::managed()));
        }
        Ok(self.databases().await?.into_iter().find(|source| database_id(&source.name) == id))
    }

    /// What lists show of all tables, by name.
    pub async fn tables(&self) -> Result<Vec<TableSummary>> {
        self.lists.summaries().await
    }

    pub async fn table(&self, id: u64) -> Result<Option<Table>> {
        Ok(self.tables_with(&BTreeSet::from([id])).await?.into_iter().next())
    }

    /// Tables by name, those that exist.
    pub async fn tables_called(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Table>> {
        let mut found = BTreeMap::new();
        for name in names {
            if let Some(table) = self.tables.get(name).await? {
                found.insert(name.clone(), table);
            }
        }
        Ok(found)
    }

    /// Columns by number. A hidden column is not there.
    pub async fn columns(&self, ids: &BTreeSet<u64>) -> Result<BTreeMap<u64, Dimension>> {
        let tables: BTreeSet<u64> = ids.iter().map(|id| id / Table::ORDINALS).collect();
        let mut found = BTreeMap::new();
        for table in self.tables_with(&tables).await? {
            for stored in
                table.columns.iter().filter(|stored| ids.contains(&stored.id) && !stored.column.hidden)
            {
                let (table, column) = (table.name.clone(), stored.column.name.clone());
                found.insert(stored.id, Dimension { table, column });
            }
        }
        Ok(found)
    }

    /// The numbers and types of columns, those that exist.
    pub async fn numbers(
        &self,
        dimensions: &BTreeSet<Dimension>,
    ) -> Result<BTreeMap<Dimension, (u64, ColumnType)>> {
        let names = dimensions.iter().map(|dimension| dimension.table.clone()).collect();
        let tables = self.tables_called(&names).await?;
        let number = |dimension: &Dimension| {
            let stored = tables.get(&dimension.table)?.column(&dimension.column)?;
            Some((dimension.clone(), (stored.id, stored.column.kind)))
        };
        Ok(dimensions.iter().filter_map(number).collect())
    }

    /// A query with the names of the database and of the columns that it has numbers for. It is at `path` of the request.
    pub async fn define(&self, query: DatasetQuery, path: &str) -> Result<DefinedQuery> {
        let at = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let source = match query.database {
            None | Some(MANAGED_DATABASE) => None,
            Some(id) => match self.database(id).await? {
                Some(source) => Some(source.name),
                None => return Err(Error::invalid(at("database"), "is not the id of a database")),
            },
        };
        let columns = self.columns(&query.columns()).await?;
        query
            .define(source, &columns, path)
            .map_err(|issues| Error::new(Reason::RequestInvalid).issues(issues))
    }

    async fn tables_with(&self, ids: &BTreeSet<u64>) -> Result<Vec<Table>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let named = self.tables().await?.into_iter().filter(|summary| ids.contains(&summary.id));
        let names = named.map(|summary| summary.name).collect();
        Ok(self.tables_called(&names).await?.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_is_a_database_of_its_own() {
        assert_eq!(database_id("managed"), 1);
        let others = ["a", "b", "lake", "managed_2"].map(database_id);
        assert!(others.iter().all(|id| (2..=(1 << 28) + 1).contains(id)), "{others:?}");
        assert_eq!(BTreeSet::from(others).len(), 4);
    }
}
