//! Sources of files. All are in one partition; the stack's own source is in no item.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::ReturnValue;

use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::{DynamoTable, Item, key};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, KeyPattern, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::data::source::Source;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::query::table::MANAGED;

const SOURCES: &str = "sources";
const ITEMS: KeyPattern = TABLE.items(SOURCES);
/// Sorts before every name of a source.
const BEFORE_ALL: &str = "!";

fn key_of(name: &str) -> Item {
    key(SOURCES, name)
}

fn from_item(item: &Item) -> Result<Source> {
    document::read(item, "source")
}

/// Reads single sources.
#[derive(Debug, Clone)]
pub struct SourceReader(DynamoTable);

impl Capability for SourceReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SourceReader {
    pub async fn get(&self, name: &str) -> Result<Option<Source>> {
        if name == MANAGED {
            return Ok(Some(Source::managed()));
        }
        self.0.get(key_of(name)).await?.as_ref().map(from_item).transpose()
    }
}

/// Lists sources.
#[derive(Debug, Clone)]
pub struct SourceLister(DynamoTable);

impl Capability for SourceLister {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors([TABLE.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SourceLister {
    /// The stack's own source, then the others by name.
    pub async fn list(&self, paging: &Paging) -> Result<Page<Source>> {
        let first = usize::from(paging.after.is_none());
        let rest = Paging { limit: paging.limit.saturating_sub(first), after: paging.after.clone() };
        let range = Range::of(&self.0, SOURCES).beginning_after(BEFORE_ALL);
        let mut page = range.page(&rest, |item| from_item(&item).map(Some)).await?;
        if first == 1 {
            page.items.insert(0, Source::managed());
        }
        Ok(page)
    }
}

/// Creates, replaces and removes sources.
#[derive(Debug, Clone)]
pub struct SourceWriter(DynamoTable);

impl Capability for SourceWriter {
    fn grants() -> BTreeSet<Grant> {
        allow_all(&[ITEMS], &["dynamodb:PutItem", "dynamodb:DeleteItem"])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SourceWriter {
    /// Writes a source in place of `present`, or [`Reason::Conflict`] if it was created or removed since it was read.
    /// Of two that replace it at once, the later one stays.
    pub async fn put(&self, source: &Source, present: Option<&Source>) -> Result<()> {
        require_own(&source.name)?;
        let mut item = key_of(&source.name);
        document::write(&mut item, source)?;
        let condition = if present.is_some() { "attribute_exists(pk)" } else { "attribute_not_exists(pk)" };
        let sent = self.0.put(item).condition_expression(condition).send().await;
        sent.or_refused("PutItem", Reason::Conflict).map(drop)
    }

    /// Removes a source, or [`Reason::SourceNotFound`].
    pub async fn delete(&self, name: &str) -> Result<()> {
        require_own(name)?;
        let delete = self.0.delete(key_of(name)).return_values(ReturnValue::AllOld);
        let answer = delete.send().await.or_unavailable("DeleteItem")?;
        let removed = answer.attributes.filter(|old| !old.is_empty());
        removed.map(drop).ok_or_else(|| Reason::SourceNotFound.into())
    }
}

/// Refuses the stack's own source, of which there is no item.
fn require_own(name: &str) -> Result<()> {
    if name == MANAGED { Err(Reason::SourceFixed.into()) } else { Ok(()) }
}
