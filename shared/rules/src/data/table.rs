//! Tables as they are stored.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::data::version::TableVersion;
use crate::error::{Issue, Result};
use crate::query::column::Column;
use crate::query::table::{MANAGED, TableInput};
use crate::row_policy::{self, RowAccess, RowPolicy};
use crate::viewer::Viewer;

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
    /// Columns that earlier versions had. One that comes back has its number again, and is hidden if it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_columns: Vec<StoredColumn>,
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

/// A table as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableSummary {
    pub name: String,
    pub id: u64,
    pub source: String,
    #[serde(default)]
    pub description: Option<String>,
    /// The current version; none before the first, and for files that others write.
    #[serde(default)]
    pub version: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}

impl Table {
    /// The most columns that a table has had in its life; ids of columns are made from the table's id and this.
    pub const ORDINALS: u64 = 10_000;
    /// The longest number that a table can have, for checks of its size.
    pub const MAX_ID: u64 = u64::MAX / Self::ORDINALS - 1;

    pub fn create(name: String, id: u64, input: TableInput, now: Timestamp) -> Self {
        let blank = Self {
            name,
            id,
            source: MANAGED.to_owned(),
            location: None,
            description: None,
            columns: Vec::new(),
            former_columns: Vec::new(),
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

    /// The table in place of a removed one of the same name, whose numbers are not used again.
    #[must_use]
    pub fn after(self, newest_version: u64, revision: u64) -> Self {
        Self { newest_version, revision: revision + self.revision, ..self }
    }

    /// The problems of row policies that were written before the columns were known, or for other columns.
    pub fn policy_problems(&self) -> Vec<Issue> {
        let columns = self.plain_columns();
        let known = (!columns.is_empty()).then_some(columns.as_slice());
        RowPolicy::problems(&self.row_policies, known, "row_policies")
    }

    /// The problems of columns that the owner declares for the files of the current version.
    pub fn column_problems(&self, declared: &[Column]) -> Vec<Issue> {
        let Some(current) = &self.current else { return Vec::new() };
        let problem = |(index, column): (usize, &Column)| {
            let path = format!("columns[{index}]");
            let name = &column.name;
            match current.columns.iter().find(|stored| stored.name == *name) {
                None => {
                    let message = format!("is {name:?}, which version {} does not have", current.number);
                    Some(Issue::new(format!("{path}.name"), message))
                }
                Some(stored) if stored.kind != column.kind => {
                    let message =
                        format!("must be {}, as {name:?} is in version {}", stored.kind, current.number);
                    Some(Issue::new(format!("{path}.type"), message))
                }
                Some(_) => None,
            }
        };
        declared.iter().enumerate().filter_map(problem).collect()
    }

    /// The columns that queries can read now, and can no longer read, or with another type, after the change to `next`.
    pub fn narrowed(&self, next: &Self) -> Vec<&str> {
        let is_kept = |column: &Column| {
            let after = next.column(&column.name).map(|stored| &stored.column);
            after.is_some_and(|after| !after.hidden && after.kind == column.kind)
        };
        let open = self.columns.iter().map(|stored| &stored.column).filter(|column| !column.hidden);
        open.filter(|column| !is_kept(column)).map(|column| column.name.as_str()).collect()
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
            // The owner left these out on purpose: a later version must not show them.
            self.former_columns.iter_mut().for_each(|former| former.column.hidden = true);
        }
        self.updated_at = now;
        self.revision += 1;
        self
    }

    /// The table with `version` as its current one. Columns get the types of its files and keep their descriptions.
    #[must_use]
    pub fn at_version(mut self, version: TableVersion, now: Timestamp) -> Self {
        let columns = self.described(&version.columns);
        self.set_columns(columns);
        self.newest_version = self.newest_version.max(version.number);
        self.current = Some(version);
        self.updated_at = now;
        self.revision += 1;
        self
    }

    /// Columns of files, with what is known of them: descriptions, and whether they are hidden.
    pub fn described(&self, columns: &[Column]) -> Vec<Column> {
        let described = |column: &Column| match self.known(&column.name) {
            Some(known) => Column { kind: column.kind, ..known.column.clone() },
            None => column.clone(),
        };
        columns.iter().map(described).collect()
    }

    pub fn summary(&self) -> TableSummary {
        TableSummary {
            name: self.name.clone(),
            id: self.id,
            source: self.source.clone(),
            description: self.description.clone(),
            version: self.current.as_ref().map(|version| version.number),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    pub fn column(&self, name: &str) -> Option<&StoredColumn> {
        self.columns.iter().find(|stored| stored.column.name == name)
    }

    /// The rows that a viewer may see.
    pub fn rows_for(&self, viewer: &Viewer) -> Result<RowAccess> {
        row_policy::resolve(&self.row_policies, self.columns.iter().map(|stored| &stored.column), viewer)
    }

    /// Returns whether a row policy of the table matches the viewer. A table without policies is nobody's.
    pub fn is_readable_by(&self, viewer: &Viewer) -> bool {
        !self.row_policies.is_empty() && self.rows_for(viewer).is_ok()
    }

    /// The columns without their numbers.
    pub fn plain_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|stored| stored.column.clone()).collect()
    }

    fn known(&self, name: &str) -> Option<&StoredColumn> {
        let former = || self.former_columns.iter().find(|stored| stored.column.name == name);
        self.column(name).or_else(former)
    }

    fn set_columns(&mut self, columns: Vec<Column>) {
        let mut stored = Vec::with_capacity(columns.len());
        for column in columns {
            let id = match self.known(&column.name) {
                Some(known) => known.id,
                None => {
                    self.last_ordinal += 1;
                    self.id.saturating_mul(Self::ORDINALS).saturating_add(self.last_ordinal)
                }
            };
            stored.push(StoredColumn { id, column });
        }
        let left_out = std::mem::replace(&mut self.columns, stored);
        let known = left_out.into_iter().chain(std::mem::take(&mut self.former_columns));
        let known: Vec<_> = known.filter(|former| self.column(&former.column.name).is_none()).collect();
        // Of too many, those that were never hidden are forgotten.
        let (mut hidden, open): (Vec<_>, Vec<_>) = known.into_iter().partition(|known| known.column.hidden);
        let room = Column::MAX_COLUMNS.saturating_sub(hidden.len());
        hidden.extend(open.into_iter().take(room));
        self.former_columns = hidden;
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
        assert_eq!(ids(&table), [("b".into(), 70_002)], "a column that comes back has its number");
        let table = table.replaced(input(json!({"columns": [{"name": "d", "type": "text"}]})), now);
        assert_eq!(ids(&table), [("d".into(), 70_004)], "a number is never given out twice");
    }

    #[test]
    fn a_column_that_comes_back_has_its_number_and_stays_hidden() {
        let now = Timestamp::from_unix(1);
        let declared = json!({"columns": [{"name": "a", "type": "text"}, {"name": "s", "type": "text", "hidden": true}]});
        let table = Table::create("orders".into(), 7, input(declared), now);
        let with = json!([{"name": "s", "type": "integer"}, {"name": "a", "type": "text"}]);
        let without = json!([{"name": "a", "type": "text"}]);
        let table =
            table.at_version(version(1, with.clone()), now).at_version(version(2, without.clone()), now);
        assert_eq!(ids(&table), [("a".into(), 70_001)]);
        let back = table.clone().at_version(version(3, with.clone()), now);
        assert_eq!(ids(&back), [("s".into(), 70_002), ("a".into(), 70_001)]);
        assert!(back.column("s").unwrap().column.hidden, "a version cannot show what the owner hid");
        assert_eq!(back.former_columns, []);
        let declared_again = table.replaced(input(json!({"columns": without})), now);
        let back = declared_again.at_version(version(3, with), now);
        assert!(back.column("s").unwrap().column.hidden, "the owner left the column out");
        assert!(!back.column("a").unwrap().column.hidden);
    }

    #[test]
    fn declared_columns_have_to_fit_the_current_version() {
        let now = Timestamp::from_unix(1);
        let table = Table::create("t".into(), 1, input(json!({})), now);
        let column = |name: &str, kind: &str| json!({"name": name, "type": kind});
        let problems = |table: &Table, columns: Value| {
            let columns: Vec<Column> = input::read(columns).unwrap();
            table.column_problems(&columns).into_iter().map(|issue| issue.path).collect::<Vec<_>>()
        };
        assert_eq!(problems(&table, json!([column("any", "json")])), [""; 0], "no version yet");
        let table = table.at_version(version(1, json!([column("a", "text"), column("b", "date")])), now);
        for (columns, paths) in [
            (json!([column("b", "date"), column("a", "text")]), &[][..]),
            (json!([column("b", "date")]), &[]),
            (json!([column("a", "text"), column("c", "text")]), &["columns[1].name"]),
            (json!([column("a", "integer")]), &["columns[0].type"]),
            (json!([column("A", "text")]), &["columns[0].name"]),
        ] {
            assert_eq!(problems(&table, columns.clone()), paths, "{columns}");
        }
    }

    #[test]
    fn a_table_is_narrowed_by_columns_that_queries_lose() {
        let now = Timestamp::from_unix(1);
        let table = |columns: Value| Table::create("t".into(), 1, input(json!({"columns": columns})), now);
        let column =
            |name: &str, kind: &str, hidden: bool| json!({"name": name, "type": kind, "hidden": hidden});
        let before =
            table(json!([column("a", "text", false), column("b", "date", false), column("h", "text", true)]));
        for (columns, lost) in [
            (json!([column("b", "date", false), column("a", "text", false)]), &[][..]),
            (
                json!([column("a", "text", false), column("b", "date", false), column("c", "text", false)]),
                &[],
            ),
            (json!([column("a", "text", false)]), &["b"]),
            (json!([column("a", "text", true), column("b", "date", false)]), &["a"]),
            (json!([column("a", "text", false), column("b", "timestamp", false)]), &["b"]),
        ] {
            assert_eq!(before.narrowed(&table(columns.clone())), lost, "{columns}");
        }
    }

    #[test]
    fn a_policy_is_checked_when_the_columns_are_known() {
        let now = Timestamp::from_unix(1);
        let policy = json!([{"groups": ["*"], "rows": [{"column": "a", "op": "=", "value": "x"}]}]);
        let table = Table::create("t".into(), 1, input(json!({ "row_policies": policy })), now);
        assert_eq!(table.policy_problems(), []);
        let at = |kind: &str| table.clone().at_version(version(1, json!([{"name": "a", "type": kind}])), now);
        assert_eq!(at("text").policy_problems(), []);
        assert_eq!(at("date").policy_problems()[0].path, "row_policies[0].rows[0].value");
    }

    #[test]
    fn a_table_in_place_of_a_removed_one_goes_on_counting() {
        let now = Timestamp::from_unix(1);
        let table = Table::create("t".into(), 9, input(json!({})), now).after(4, 7);
        assert_eq!((table.id, table.newest_version, table.revision), (9, 4, 8));
        assert!(table.current.is_none());
    }

    #[test]
    fn former_columns_are_bounded_and_hidden_ones_are_kept_first() {
        let now = Timestamp::from_unix(1);
        let secret = json!({"columns": [{"name": "s", "type": "text", "hidden": true}]});
        let mut table = Table::create("orders".into(), 7, input(secret), now);
        for round in 1..=4 {
            let columns: Vec<_> =
                (0..400).map(|at| json!({"name": format!("c{round}_{at}"), "type": "text"})).collect();
            table = table.at_version(version(round, json!(columns)), now);
        }
        assert_eq!(table.former_columns.len(), Column::MAX_COLUMNS);
        assert_eq!(table.former_columns[0].column.name, "s");
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
