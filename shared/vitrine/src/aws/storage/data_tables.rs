//! Tables of the owner's data, with their versions.
//!
//! A table is one item with its current version, so that a query reads one item for each table. A second item has what
//! lists show. One transaction writes both. Versions are items of their own, under the table's name and number: those of
//! an earlier table of the same name are none of the later one's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_dynamodb::types::ReturnValue;
use aws_sdk_dynamodb::types::builders::PutBuilder;

use super::cached::cached_lookup::{CachedLookup, Read};
use super::table::document::{self, DOCUMENT};
use super::table::range::{Range, grants_with_cursors};
use super::table::transaction::Transaction;
use super::table::{DynamoTable as Store, Item, key, number, number_of, text, text_of, unreadable};
use super::uploads;
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, KeyPattern, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::{COUNTERS, TABLE};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::data::table::{Table, TableSummary};
use vitrine_rules::data::upload::Upload;
use vitrine_rules::data::version::{TableVersion, TableVersionSummary};
use vitrine_rules::error::{Error, Result};
use vitrine_rules::paging::{MAX_LIMIT, Page, Paging};

const TABLES: KeyPattern = TABLE.items("table#*");
/// The items of lists, all in one partition.
const LISTED: KeyPattern = TABLE.items(LIST);
const LIST: &str = "tables";
const VERSIONS: KeyPattern = TABLE.items("table_versions#*");
const SORT_KEY: &str = "table";
const ID: &str = "table_id";
const REVISION: &str = "revision";
const NEWEST: &str = "newest_version";
const DELETED: &str = "deleted_at";
const SWEPT: &str = "swept";
const ROWS: &str = "row_count";
const CREATED: &str = "created_at";

/// The largest size of a table's or a version's document. DynamoDB takes items of at most 400 KB.
const MAX_DOCUMENT_BYTES: usize = 350 * 1024;

/// The most keys of one `BatchGetItem`.
const MAX_KEYS: usize = 100;

fn key_of(name: &str) -> Item {
    key(&format!("table#{name}"), SORT_KEY)
}

fn list_key(name: &str) -> Item {
    key(LIST, name)
}

fn version_partition(name: &str) -> String {
    format!("table_versions#{name}")
}

/// The beginning of the sort keys of a table's versions.
fn version_prefix(id: u64) -> String {
    format!("{id:016}#")
}

fn version_key(name: &str, id: u64, version: u64) -> Item {
    key(&version_partition(name), &format!("{}{version:016}", version_prefix(id)))
}

fn to_item(table: &Table) -> Result<Item> {
    let mut item = key_of(&table.name);
    if document::write(&mut item, table)? > MAX_DOCUMENT_BYTES {
        return Err(Error::invalid("", "columns, row policies and texts must be at most 350 KiB together"));
    }
    item.insert(ID.to_owned(), number(table.id));
    item.insert(REVISION.to_owned(), number(table.revision));
    item.insert(NEWEST.to_owned(), number(table.newest_version));
    Ok(item)
}

fn to_list_item(table: &Table) -> Result<Item> {
    let mut item = list_key(&table.name);
    document::write(&mut item, &table.summary())?;
    Ok(item)
}

fn to_version_item(table: &Table, version: &TableVersion) -> Result<Item> {
    let mut item = version_key(&table.name, table.id, version.number);
    if document::write(&mut item, version)? > MAX_DOCUMENT_BYTES {
        return Err(Error::invalid("columns", "must be at most 350 KiB together"));
    }
    item.insert(ROWS.to_owned(), number(version.rows));
    item.insert(CREATED.to_owned(), text(version.created_at.to_string()));
    Ok(item)
}

/// The table in an item; none if it was removed.
fn from_item(item: &Item) -> Result<Option<Table>> {
    if item.contains_key(DELETED) { Ok(None) } else { document::read(item, "table").map(Some) }
}

fn version_of(item: &Item) -> Result<TableVersion> {
    document::read(item, "table version")
}

/// The item stored under a name.
#[derive(Debug)]
pub enum TableHolder {
    Nothing,
    /// A table that was removed.
    Deleted(Remains),
    Table(Box<Table>),
}

/// The part of a removed table that stays, so that no number of a version or revision is used again under its name: caches
/// and files are found by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remains {
    pub id: u64,
    pub newest_version: u64,
    pub revision: u64,
    /// Set once its versions are removed as well.
    pub is_swept: bool,
}

fn holder_of(item: &Item) -> Result<TableHolder> {
    if let Some(table) = from_item(item)? {
        return Ok(TableHolder::Table(Box::new(table)));
    }
    let unreadable = || unreadable("removed table");
    Ok(TableHolder::Deleted(Remains {
        id: number_of(item, ID).ok_or_else(unreadable)?,
        newest_version: number_of(item, NEWEST).ok_or_else(unreadable)?,
        revision: number_of(item, REVISION).ok_or_else(unreadable)?,
        is_swept: item.contains_key(SWEPT),
    }))
}

/// Reads tables.
#[derive(Clone)]
pub struct TableReader {
    store: Store,
    clock: Clock,
    cached: Arc<CachedLookup<String, Arc<Table>>>,
}

impl Capability for TableReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from(["dynamodb:GetItem", "dynamodb:BatchGetItem"].map(|action| TABLE.allow(action)))
    }

    fn connect(environment: &Environment) -> Self {
        let age = environment.settings.resource_cache_seconds;
        let cached = CachedLookup::new(
            age,
            |name: &String| key_of(name),
            |item| {
                let Some(item) = item else { return Ok(None) };
                let weight = text_of(item, DOCUMENT).map_or(0, str::len) * 2;
                Ok(from_item(item)?.map(|table| Read { value: Arc::new(table), weight: Some(weight) }))
            },
        );
        let (store, clock) = (Store::of(environment), environment.clock.clone());
        Self { store, clock, cached: Arc::new(cached) }
    }
}

impl TableReader {
    pub async fn holder(&self, name: &str) -> Result<TableHolder> {
        self.store.get(key_of(name)).await?.as_ref().map_or(Ok(TableHolder::Nothing), holder_of)
    }

    /// A table as it is now.
    pub async fn get(&self, name: &str) -> Result<Option<Table>> {
        let item = self.store.get(key_of(name)).await?;
        Ok(item.as_ref().map(from_item).transpose()?.flatten())
    }

    /// Those of the tables that exist, as they were at most `ResourceCacheSeconds` ago.
    pub async fn get_all(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Arc<Table>>> {
        let (now, mut batch) = (self.clock.now(), Vec::new());
        let lookups: Vec<_> = names
            .iter()
            .map(|name| (name, self.cached.look_up(Some(name.clone()), Some(now), &mut batch)))
            .collect();
        let mut items = Vec::with_capacity(batch.len());
        for keys in batch.chunks(MAX_KEYS) {
            items.extend(self.store.get_batch(keys.to_vec()).await?);
        }
        let mut found = BTreeMap::new();
        for (name, lookup) in lookups {
            if let Some(table) = self.cached.resolve(lookup, &items, now)? {
                found.insert(name.clone(), table);
            }
        }
        Ok(found)
    }
}

/// Reads the names of all tables.
#[derive(Debug, Clone)]
pub struct TableNames(Store);

impl Capability for TableNames {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Store::of(environment))
    }
}

impl TableNames {
    pub async fn all(&self) -> Result<BTreeSet<String>> {
        let items = self.0.all(LIST).await?;
        let tables = items.iter().map(|item| document::read::<TableSummary>(item, "table summary"));
        tables.map(|table| table.map(|table| table.name)).collect()
    }
}

/// Reads lists of tables, and their versions.
#[derive(Debug, Clone)]
pub struct TableVersionReader(Store);

impl Capability for TableVersionReader {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors(["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)))
    }

    fn connect(environment: &Environment) -> Self {
        Self(Store::of(environment))
    }
}

impl TableVersionReader {
    /// Tables by name.
    pub async fn tables(&self, paging: &Paging) -> Result<Page<TableSummary>> {
        let range = Range::of(&self.0, LIST);
        range.page(paging, |item| document::read(&item, "table summary").map(Some)).await
    }

    /// What lists show of all tables.
    pub async fn summaries(&self) -> Result<Vec<TableSummary>> {
        let items = self.0.all(LIST).await?;
        items.iter().map(|item| document::read(item, "table summary")).collect()
    }

    /// The tables that have their files in `source`.
    pub async fn names_with_source(&self, source: &str) -> Result<Vec<String>> {
        let tables = self.summaries().await?;
        Ok(tables.into_iter().filter(|table| table.source == source).map(|table| table.name).collect())
    }

    pub async fn find(&self, table: &Table, version: u64) -> Result<Option<TableVersion>> {
        self.0.get(version_key(&table.name, table.id, version)).await?.as_ref().map(version_of).transpose()
    }

    /// The versions of a table, the newest first.
    pub async fn versions(&self, table: &Table, paging: &Paging) -> Result<Page<TableVersionSummary>> {
        let (partition, prefix) = (version_partition(&table.name), version_prefix(table.id));
        let range = Range::of(&self.0, &partition)
            .starting_with(&prefix)
            .descending()
            .with(|query| query.projection_expression("pk, sk, row_count, created_at"));
        range.page(paging, |item| version_summary(&item, &prefix).map(Some)).await
    }

    /// Some of the versions of a table that is or was called `name`.
    pub async fn some_versions(&self, name: &str, id: u64) -> Result<Vec<TableVersion>> {
        let (partition, prefix) = (version_partition(name), version_prefix(id));
        let range = Range::of(&self.0, &partition).starting_with(&prefix);
        let paging = Paging::new(Some(MAX_LIMIT), None);
        Ok(range.page(&paging, |item| version_of(&item).map(Some)).await?.items)
    }
}

fn version_summary(item: &Item, prefix: &str) -> Result<TableVersionSummary> {
    let unreadable = || unreadable("table version");
    let sort = text_of(item, "sk").and_then(|sort| sort.strip_prefix(prefix));
    Ok(TableVersionSummary {
        version: sort.and_then(|version| version.parse().ok()).ok_or_else(unreadable)?,
        rows: number_of(item, ROWS).ok_or_else(unreadable)?,
        created_at: text_of(item, CREATED).and_then(|moment| moment.parse().ok()).ok_or_else(unreadable)?,
    })
}

/// Adds versions to tables.
#[derive(Debug, Clone)]
pub struct VersionWriter(Store);

impl Capability for VersionWriter {
    fn grants() -> BTreeSet<Grant> {
        allow_all(&[TABLES, LISTED, VERSIONS, uploads::ITEMS], &["dynamodb:PutItem"])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Store::of(environment))
    }
}

impl VersionWriter {
    /// Stores the current version of `table`, which replaces `seen`, and marks its upload as done.
    ///
    /// `Reason::Conflict` if the table was changed since it was read, or the import has lost its lease: then both have
    /// to be read again. The upload `seen` is in the state of the running import. Files of the version need a name that
    /// no other import uses, because an import that has lost its lease may still be writing.
    pub async fn commit(
        &self,
        table: &Table,
        seen: &Table,
        upload: &Upload,
        seen_upload: &Upload,
    ) -> Result<()> {
        let version =
            table.current.as_ref().ok_or_else(|| Error::internal("a table without the new version"))?;
        let mut transaction = Transaction::on(&self.0);
        transaction.put((), to_version_item(table, version)?, |put| {
            put.condition_expression("attribute_not_exists(pk)")
        })?;
        uploads::change(&mut transaction, (), upload, seen_upload)?;
        add_table(&mut transaction, table, |put| if_unchanged(put, seen))?;
        transaction.commit().await?.or_conflict()
    }
}

/// Creates, changes and removes tables.
#[derive(Debug, Clone)]
pub struct TableWriter(Store);

impl Capability for TableWriter {
    fn grants() -> BTreeSet<Grant> {
        let mut grants = allow_all(&[TABLES, LISTED], &["dynamodb:PutItem"]);
        grants.insert(COUNTERS.allow("dynamodb:UpdateItem"));
        grants.extend([LISTED, VERSIONS].map(|items| items.allow("dynamodb:DeleteItem")));
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self(Store::of(environment))
    }
}

impl TableWriter {
    /// Checks that a table can be stored, without storing it.
    pub fn check(&self, table: &Table) -> Result<()> {
        to_item(table).map(drop)
    }

    /// The number of the next table. Numbers are never given out again.
    pub async fn next_id(&self) -> Result<u64> {
        let sent = self
            .0
            .update(key("counter", "table"))
            .update_expression("ADD #last :one")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await;
        let answer = sent.or_unavailable("UpdateItem")?;
        let last = answer.attributes.as_ref().and_then(|attributes| number_of(attributes, "last"));
        last.ok_or_else(|| unreadable("counter"))
    }

    /// Writes a new table, where there may be the remains of an earlier one. `Reason::Conflict` if the name was taken
    /// or freed since it was read.
    pub async fn create(&self, table: &Table, remains: Option<&Remains>) -> Result<()> {
        self.write(table, |put| match remains {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(remains) => put
                .condition_expression("attribute_exists(deleted_at) AND table_id = :former")
                .expression_attribute_values(":former", number(remains.id)),
        })
        .await
    }

    /// Replaces `seen`, or `Reason::Conflict` if it was changed since it was read. Rolling back is such a change.
    pub async fn replace(&self, table: &Table, seen: &Table) -> Result<()> {
        self.write(table, |put| if_unchanged(put, seen)).await
    }

    /// Removes a table, or `Reason::Conflict` if it was changed since it was read. Its versions are no longer found,
    /// and can be removed one by one.
    pub async fn delete(&self, table: &Table, now: Timestamp) -> Result<Remains> {
        let remains = Remains {
            id: table.id,
            newest_version: table.newest_version,
            revision: table.revision,
            is_swept: false,
        };
        let mut transaction = Transaction::on(&self.0);
        transaction.put((), remains_item(&table.name, &remains, now), |put| if_unchanged(put, table))?;
        transaction.delete((), list_key(&table.name), |delete| delete)?;
        transaction.commit().await?.or_conflict().map(|()| remains)
    }

    /// Removes a version of a table that was removed.
    pub async fn remove_version(&self, name: &str, id: u64, version: u64) -> Result<()> {
        self.0.remove(version_key(name, id, version)).await
    }

    /// Notes that all versions of a removed table are removed, unless there is a new table of that name.
    pub async fn set_swept(&self, name: &str, remains: &Remains, now: Timestamp) -> Result<()> {
        let remains = Remains { is_swept: true, ..*remains };
        let put = self
            .0
            .put(remains_item(name, &remains, now))
            .condition_expression("attribute_exists(deleted_at) AND table_id = :former")
            .expression_attribute_values(":former", number(remains.id));
        put.send().await.if_condition_held("PutItem").map(drop)
    }

    async fn write(&self, table: &Table, condition: impl FnOnce(PutBuilder) -> PutBuilder) -> Result<()> {
        let mut transaction = Transaction::on(&self.0);
        add_table(&mut transaction, table, condition)?;
        transaction.commit().await?.or_conflict()
    }
}

fn add_table(
    transaction: &mut Transaction<'_, ()>,
    table: &Table,
    condition: impl FnOnce(PutBuilder) -> PutBuilder,
) -> Result<()> {
    transaction.put((), to_item(table)?, condition)?;
    transaction.put((), to_list_item(table)?, |put| put)
}

fn if_unchanged(put: PutBuilder, seen: &Table) -> PutBuilder {
    put.condition_expression("table_id = :id AND revision = :seen")
        .expression_attribute_values(":id", number(seen.id))
        .expression_attribute_values(":seen", number(seen.revision))
}

fn remains_item(name: &str, remains: &Remains, now: Timestamp) -> Item {
    let mut item = key_of(name);
    item.insert(DELETED.to_owned(), number(now.unix()));
    item.insert(ID.to_owned(), number(remains.id));
    item.insert(NEWEST.to_owned(), number(remains.newest_version));
    item.insert(REVISION.to_owned(), number(remains.revision));
    if remains.is_swept {
        item.insert(SWEPT.to_owned(), number(1));
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use vitrine_rules::error::Reason;
    use vitrine_rules::json::input;

    fn table(input: serde_json::Value) -> Table {
        Table::create("orders".to_owned(), 7, input::check(input).unwrap(), Timestamp::from_unix(5))
    }

    #[test]
    fn a_table_and_its_line_in_the_list_are_read_as_written() {
        let table = table(json!({"description": "D", "columns": [{"name": "a", "type": "text"}]}));
        let item = to_item(&table).unwrap();
        assert_eq!(text_of(&item, "pk"), Some("table#orders"));
        assert_eq!((number_of(&item, ID), number_of(&item, REVISION)), (Some(7), Some(1)));
        assert_eq!(from_item(&item).unwrap().as_ref(), Some(&table));
        let line: TableSummary = document::read(&to_list_item(&table).unwrap(), "table").unwrap();
        assert_eq!(line, table.summary());
    }

    #[test]
    fn a_removed_table_is_no_table_and_keeps_its_numbers() {
        for is_swept in [false, true] {
            let remains = Remains { id: 7, newest_version: 3, revision: 9, is_swept };
            let item = remains_item("orders", &remains, Timestamp::from_unix(9));
            assert_eq!(from_item(&item).unwrap(), None);
            assert!(matches!(holder_of(&item).unwrap(), TableHolder::Deleted(read) if read == remains));
        }
    }

    #[test]
    fn a_version_is_listed_without_its_document() {
        let created_at = Timestamp::from_unix(5);
        let version = TableVersion {
            number: 12,
            rows: 34,
            columns: Vec::new(),
            files: Vec::new(),
            upload: "u".to_owned(),
            created_at,
        };
        let mut item = to_version_item(&table(json!({})), &version).unwrap();
        assert_eq!(version_of(&item).unwrap(), version);
        item.remove(DOCUMENT);
        let summary = version_summary(&item, &version_prefix(7)).unwrap();
        assert_eq!(summary, TableVersionSummary { version: 12, rows: 34, created_at });
        assert!(version_summary(&item, &version_prefix(8)).is_err(), "of another table");
    }

    #[test]
    fn a_table_that_does_not_fit_into_an_item_is_refused() {
        let column =
            |at: usize| json!({"name": format!("c{at}"), "type": "text", "description": "ä".repeat(1_000)});
        let columns = |count: usize| table(json!({"columns": (0..count).map(column).collect::<Vec<_>>()}));
        assert!(to_item(&columns(100)).is_ok());
        assert_eq!(to_item(&columns(400)).unwrap_err().reason, Reason::RequestInvalid);
    }
}
