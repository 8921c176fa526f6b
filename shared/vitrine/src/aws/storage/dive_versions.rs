//! The versions of a dive's content. Each is written once, together with the dive.

use std::collections::BTreeSet;

use super::table::cursor::{self, Page};
use super::table::document;
use super::table::schema::SORT;
use super::table::{Item, Table, key, text, text_of};
use crate::aws::aws_error::unavailable;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::dive_version::{Version, VersionSummary};
use vitrine_rules::resource::ids::ResourceRef;

pub(super) const PREFIX: &str = "version#";

fn sort_key(version: u64) -> String {
    format!("{PREFIX}{version:016}")
}

pub(super) fn key_of(dive: &ResourceRef, version: u64) -> Item {
    key(&dive.to_string(), &sort_key(version))
}

/// The current version of a dive, without a key: it is stored under each id of the dive.
pub(super) fn to_item(dive: &Resource) -> Result<Item> {
    let mut item = Item::new();
    let mut content = dive.content.clone();
    document::set_markup_aside(&mut item, &mut content);
    let version =
        Version { summary: VersionSummary { version: dive.version, created_at: dive.updated_at }, content };
    document::write(&mut item, &version)?;
    Ok(item)
}

pub(super) fn from_item(item: &Item) -> Result<Version> {
    let mut version: Version = document::read(item, "version")?;
    document::put_markup_back(item, &mut version.content, "version content")?;
    Ok(version)
}

/// Reads versions.
#[derive(Debug, Clone)]
pub struct DiveVersionReader(Table);

impl Capability for DiveVersionReader {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:GetItem", "dynamodb:Query"].map(Grant::Table).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl DiveVersionReader {
    pub async fn get(&self, dive: &ResourceRef, version: u64) -> Result<Version> {
        let item = self.0.get(key_of(dive, version)).await?;
        from_item(&item.ok_or(Reason::VersionNotFound)?)
    }

    /// The newest first.
    pub async fn list(
        &self,
        dive: &ResourceRef,
        limit: Option<i32>,
        cursor: Option<&str>,
    ) -> Result<Page<VersionSummary>> {
        let start = cursor.map(|cursor| start_key(dive, cursor)).transpose()?;
        let answer = self
            .0
            .client
            .query()
            .table_name(self.0.name())
            .key_condition_expression("pk = :dive AND begins_with(sk, :versions)")
            .expression_attribute_values(":dive", text(dive.to_string()))
            .expression_attribute_values(":versions", text(PREFIX))
            // Without the markup, which can be large.
            .projection_expression("sk, document")
            .scan_index_forward(false)
            .limit(limit.unwrap_or(cursor::DEFAULT_LIMIT))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| unavailable("Query", &error))?;
        let next = answer.last_evaluated_key().and_then(|key| text_of(key, SORT)).map(cursor::encode);
        let summary = |item| document::read(item, "version");
        let items = answer.items().iter().map(summary).collect::<Result<_>>()?;
        Ok(Page { items, next })
    }
}

fn start_key(dive: &ResourceRef, cursor: &str) -> Result<Item> {
    let place = cursor::decode(cursor)?;
    let version = place.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
    match version {
        Some(version) if sort_key(version) == place => Ok(key_of(dive, version)),
        _ => Err(Reason::CursorInvalid.into()),
    }
}
