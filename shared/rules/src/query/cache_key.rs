//! The key of a query's answer.

use std::collections::BTreeMap;

use crate::query::prepare::PreparedSql;
use crate::random;
use crate::row_policy::{RowAccess, RowCondition, RowConditions, RowTest};

/// Everything that an answer depends on. There is no viewer among it: two viewers with the same values and the same rows
/// have the same answer.
#[derive(Debug, Clone)]
pub struct CacheKeyInput<'a> {
    /// The part of the stack's resources that the query belongs to.
    pub deployment: &'a str,
    pub source: &'a str,
    pub prepared: &'a PreparedSql,
    /// The version of each table and the rows of it that the viewer may see.
    pub tables: &'a BTreeMap<String, TableState<'a>>,
    /// The engine with its version.
    pub engine: &'a str,
    pub row_limit: u64,
    pub time_zone: &'a str,
    /// The current day, for SQL that asks for it itself. Relative dates of parameters are among the arguments.
    pub today: Option<jiff::civil::Date>,
}

#[derive(Debug, Clone)]
pub struct TableState<'a> {
    /// Changes with the table's rows and with its columns.
    pub version: &'a str,
    pub rows: &'a RowAccess,
}

impl CacheKeyInput<'_> {
    /// SHA-256 as hex.
    pub fn key(&self) -> String {
        let mut form = Canonical::default();
        form.text("vitrine query 1");
        for text in [self.deployment, self.source, self.engine, self.time_zone, &self.prepared.sql] {
            form.text(text);
        }
        form.number(self.row_limit);
        form.list(self.prepared.arguments.iter().map(|argument| argument.canonical()));
        form.list(self.today.iter().map(|today| today.to_string().into_bytes()));
        form.list(self.tables.iter().map(|(name, state)| {
            let mut table = Canonical::default();
            table.text(name);
            table.text(state.version);
            table.bytes(&rows(state.rows));
            table.0
        }));
        random::fingerprint_bytes(&form.0)
    }
}

/// Fields with their lengths, so that no two lists of fields have the same form.
#[derive(Default)]
struct Canonical(Vec<u8>);

impl Canonical {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn list(&mut self, items: impl Iterator<Item = Vec<u8>>) {
        let items: Vec<_> = items.collect();
        self.number(items.len() as u64);
        for item in items {
            self.bytes(&item);
        }
    }

    /// A list in which neither order nor repetition matters.
    fn set(&mut self, items: impl Iterator<Item = Vec<u8>>) {
        let mut items: Vec<_> = items.collect();
        items.sort_unstable();
        items.dedup();
        self.list(items.into_iter());
    }
}

fn rows(access: &RowAccess) -> Vec<u8> {
    let mut form = Canonical::default();
    match access {
        RowAccess::All => form.text("all"),
        RowAccess::None => form.text("none"),
        RowAccess::Some(filter) => {
            form.text("some");
            form.set(filter.any.iter().map(conditions));
        }
    }
    form.0
}

fn conditions(conditions: &RowConditions) -> Vec<u8> {
    let mut form = Canonical::default();
    form.set(conditions.all.iter().map(condition));
    form.0
}

fn condition(condition: &RowCondition) -> Vec<u8> {
    let mut form = Canonical::default();
    form.text(&condition.column);
    form.text(&condition.kind.to_string());
    match &condition.test {
        RowTest::Equals(value) => {
            form.text("=");
            form.bytes(&value.canonical());
        }
        RowTest::In(values) => {
            form.text("in");
            form.set(values.iter().map(|value| value.canonical()));
        }
        RowTest::Between(low, high) => {
            form.text("between");
            form.bytes(&low.canonical());
            form.bytes(&high.canonical());
        }
        RowTest::IsNull => form.text("is_null"),
    }
    form.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::column_type::ColumnType;
    use crate::query::typed_value::TypedValue;
    use crate::row_policy::RowFilter;

    fn text(text: &str) -> TypedValue {
        TypedValue::Text(text.to_owned())
    }

    fn one(test: RowTest) -> RowCondition {
        RowCondition { column: "city".to_owned(), kind: ColumnType::Text, test }
    }

    fn some(any: Vec<Vec<RowCondition>>) -> RowAccess {
        RowAccess::Some(RowFilter { any: any.into_iter().map(|all| RowConditions { all }).collect() })
    }

    struct Case {
        deployment: &'static str,
        source: &'static str,
        sql: &'static str,
        arguments: Vec<TypedValue>,
        table: &'static str,
        version: &'static str,
        rows: RowAccess,
        engine: &'static str,
        row_limit: u64,
        time_zone: &'static str,
        today: Option<jiff::civil::Date>,
    }

    impl Case {
        fn plain() -> Self {
            Self {
                deployment: "1",
                source: "managed",
                sql: "select $p1, $p2 from orders",
                arguments: vec![text("a"), text("b")],
                table: "orders",
                version: "1",
                rows: some(vec![vec![one(RowTest::Equals(text("Berlin")))]]),
                engine: "55",
                row_limit: 2_000,
                time_zone: "UTC",
                today: None,
            }
        }

        fn key(&self) -> String {
            let prepared = PreparedSql {
                sql: self.sql.to_owned(),
                arguments: self.arguments.clone(),
                is_relative: false,
            };
            let state = TableState { version: self.version, rows: &self.rows };
            let tables = BTreeMap::from([(self.table.to_owned(), state)]);
            CacheKeyInput {
                deployment: self.deployment,
                source: self.source,
                prepared: &prepared,
                tables: &tables,
                engine: self.engine,
                row_limit: self.row_limit,
                time_zone: self.time_zone,
                today: self.today,
            }
            .key()
        }
    }

    #[test]
    fn the_same_inputs_have_the_same_key() {
        assert_eq!(Case::plain().key(), Case::plain().key());
        assert_eq!(Case::plain().key().len(), 64);
    }

    #[test]
    fn every_input_changes_the_key() {
        let with = |change: fn(&mut Case)| {
            let mut case = Case::plain();
            change(&mut case);
            case.key()
        };
        let date = || TypedValue::Date("2024-01-01".parse().unwrap());
        let keys = [
            Case::plain().key(),
            with(|case| case.deployment = "2"),
            with(|case| case.source = "lake"),
            with(|case| case.sql = "select $p1, $p2 from orders "),
            with(|case| case.arguments = vec![text("ab"), text("")]),
            with(|case| case.arguments = vec![text("b"), text("a")]),
            with(|case| case.arguments = vec![text("a")]),
            with(|case| case.arguments = vec![text("a"), text("b"), text("b")]),
            with(|case| case.arguments = vec![]),
            with(|case| case.arguments = vec![TypedValue::Integer(1)]),
            with(|case| case.arguments = vec![TypedValue::Number(1.0)]),
            with(|case| case.arguments = vec![TypedValue::Boolean(true)]),
            with(|case| case.arguments = vec![text("1")]),
            with(|case| case.arguments = vec![text("2024-01-01")]),
            [date()].map(|date| {
                let mut case = Case::plain();
                case.arguments = vec![date];
                case.key()
            })[0]
                .clone(),
            with(|case| case.table = "people"),
            with(|case| case.version = "2"),
            with(|case| case.rows = RowAccess::All),
            with(|case| case.rows = RowAccess::None),
            with(|case| case.rows = some(vec![vec![one(RowTest::Equals(text("Paris")))]])),
            with(|case| case.rows = some(vec![vec![one(RowTest::In(vec![text("Berlin")]))]])),
            with(|case| case.rows = some(vec![vec![one(RowTest::In(vec![text("Berlin"), text("Paris")]))]])),
            with(|case| case.rows = some(vec![vec![one(RowTest::Between(text("Berlin"), text("Paris")))]])),
            with(|case| case.rows = some(vec![vec![one(RowTest::Between(text("Paris"), text("Berlin")))]])),
            with(|case| case.rows = some(vec![vec![one(RowTest::IsNull)]])),
            with(|case| {
                case.rows = some(vec![vec![one(RowTest::IsNull), one(RowTest::Equals(text("Berlin")))]]);
            }),
            with(|case| {
                case.rows =
                    some(vec![vec![one(RowTest::IsNull)], vec![one(RowTest::Equals(text("Berlin")))]]);
            }),
            with(|case| case.engine = "56"),
            with(|case| case.row_limit = 10_000),
            with(|case| case.time_zone = "Europe/Berlin"),
            with(|case| case.today = Some("2024-01-01".parse().unwrap())),
            with(|case| case.today = Some("2024-01-02".parse().unwrap())),
        ];
        let mut distinct = keys.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn the_order_of_policies_and_lists_does_not_matter() {
        let key = |rows: RowAccess| Case { rows, ..Case::plain() }.key();
        let (berlin, null) = (one(RowTest::Equals(text("Berlin"))), one(RowTest::IsNull));
        assert_eq!(
            key(some(vec![vec![berlin.clone()], vec![null.clone()]])),
            key(some(vec![vec![null.clone()], vec![berlin.clone()]]))
        );
        assert_eq!(key(some(vec![vec![berlin.clone(), null.clone()]])), key(some(vec![vec![null, berlin]])));
        let list = |cities: [&str; 2]| key(some(vec![vec![one(RowTest::In(cities.map(text).to_vec()))]]));
        assert_eq!(list(["Berlin", "Paris"]), list(["Paris", "Berlin"]));
    }
}
