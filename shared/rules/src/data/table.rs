//! Tables as they are stored.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::data::version::TableVersion;
use crate::query::column::Column;
use crate::query::table::{MANAGED, TableInput};
use crate::row_policy::RowPolicy;

/// A stored table with its current version, so that a query needs one read of each table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    /// The number that other programs know it by.
    pub id: u64,
    pub source: String,
    /// The prefix, within the source, of files that others write. Such a table has no versions of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Empty until the owner declares them, or the first version infers them.
    pub columns: Vec<StoredColumn>,
    #[serde(default)]
    pub row_policies: Vec<RowPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<TableVersion>,
    /// The number of the newest version, which is not the current one after a rollback.
    pub newest_version: u64,
    /// Ordinals of columns that were given out, so that none is used twice.
    pub last_ordinal: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Grows with every change. A write that is based on an older revision is refused.
    pub revision: u64,
}

/// A column with a number of its own, which it keeps as long as its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredColumn {
    /// Unique among all columns of the stack.
    pub id: u64,
    #[serde(flatten)]
    pub column: Column,
}

impl Table {
    /// The most columns that a table has had in its life; ids of columns are made from the table's id and this.
    pub const ORDINALS: u64 = 10_000;

    pub fn create(name: String, id: u64, input: TableInput, now: Timestamp) -> Self {
        let blank = Self {
            name,
            id,
            source: MANAGED.to_owned(),
            location: None,
            description: None,
            columns: Vec::new(),
            row_policies: Vec::new(),
            current: None,
            newest_version: 0,
            last_ordinal: 0,
            created_at: now,
            updated_at: now,
            revision: 0,
        };
        blank.replaced(input, now)
    }

    /// The table with the owner's fields replaced. Columns that the input leaves out stay as they are.
    #[must_use]
    pub fn replaced(mut self, input: TableInput, now: Timestamp) -> Self {
        self.source = input.source.unwrap_or_else(|| MANAGED.to_owned());
        self.location = input.location;
        self.description = input.description;
        self.row_policies = input.row_policies;
        if let Some(columns) = input.columns {
            self.set_columns(columns);
        }
        self.updated_at = now;
        self.revision += 1;
        self
    }

    /// The table with `version` as its current one. Columns get the types of its files and keep their descriptions.
    #[must_use]
    pub fn at_version(mut self, version: TableVersion, now: Timestamp) -> Self {
        let columns = version.columns.iter().cloned().map(|column| match self.column(&column.name) {
            Some(known) => Column { kind: column.kind, ..known.column.clone() },
            None => column,
        });
        let columns = columns.collect();
        self.set_columns(columns);
        self.newest_version = self.newest_version.max(version.number);
        self.current = Some(version);
        self.updated_at = now;
        self.revision += 1;
        self
    }

    pub fn column(&self, name: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|stored| stored.column.name == name)
    }

    /// The columns without their numbers.
    pub fn plain_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|stored| stored.column.clone()).collect()
    }

    fn set_columns(&mut self, columns: Vec<Column>) {
        let mut stored = Vec::with_capacity(columns.len());
        for column in columns {
            let id = match self.column(&column.name) {
                Some(known) => known.id,
                None => {
                    self.last_ordinal += 1;
                    self.id.saturating_mul(Self::ORDINALS).saturating_add(self.last_ordinal)
                }
            };
            stored.push(StoredColumn { id, column });
        }
        self.columns = stored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::{Value, json};

    fn input(value: Value) -> TableInput {
        input::check(value).unwrap()
    }

    fn version(number: u64, columns: Value) -> TableVersion {
        let created_at = Timestamp::from_unix(2);
        let columns = input::read(columns).unwrap();
        TableVersion { number, rows: 1, columns, files: Vec::new(), upload: "u".into(), created_at }
    }

    fn ids(table: &Table) -> Vec<(String, u64)> {
        table.columns.iter().map(|stored| (stored.column.name.clone(), stored.id)).collect()
    }

    #[test]
    fn columns_keep_their_numbers_and_descriptions() {
        let now = Timestamp::from_unix(1);
        let declared = json!([{"name": "a", "type": "text", "description": "A", "hidden": true}, {"name": "b", "type": "text"}]);
        let table = Table::create("orders".into(), 7, input(json!({"columns": declared})), now);
        assert_eq!(ids(&table), [("a".into(), 70_001), ("b".into(), 70_002)]);
        let columns = json!([{"name": "c", "type": "date"}, {"name": "a", "type": "integer"}]);
        let table = table.at_version(version(1, columns), now);
        assert_eq!(ids(&table), [("c".into(), 70_003), ("a".into(), 70_001)]);
        let a = &table.column("a").unwrap().column;
        assert_eq!(
            (a.kind.to_string().as_str(), a.description.as_deref(), a.hidden),
            ("integer", Some("A"), true)
        );
        let table = table.replaced(input(json!({"columns": [{"name": "b", "type": "text"}]})), now);
        assert_eq!(ids(&table), [("b".into(), 70_004)], "a number is never given out twice");
    }

    #[test]
    fn a_put_without_columns_keeps_them_and_empties_the_rest() {
        let now = Timestamp::from_unix(1);
        let policy = json!([{"groups": ["*"], "rows": "all"}]);
        let table =
            Table::create("t".into(), 1, input(json!({"description": "D", "row_policies": policy})), now);
        let table = table.at_version(version(3, json!([{"name": "a", "type": "text"}])), now);
        let table = table.replaced(input(json!({})), now);
        assert_eq!((table.description.clone(), table.row_policies.len(), table.columns.len()), (None, 0, 1));
        assert_eq!((table.newest_version, table.current.map(|version| version.number)), (3, Some(3)));
    }
}
