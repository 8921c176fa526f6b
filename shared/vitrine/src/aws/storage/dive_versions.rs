//! The versions of a dive's content. Each is written once, together with the dive.

use std::collections::BTreeSet;

use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::{DynamoTable, Item, key};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{Page, Paging};
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
    document::set_content_aside(&mut item, &mut content)?;
    let version =
        Version { summary: VersionSummary { version: dive.version, created_at: dive.updated_at }, content };
    document::write(&mut item, &version)?;
    Ok(item)
}

pub(super) fn from_item(item: &Item) -> Result<Version> {
    let mut version: Version = document::read(item, "version")?;
    document::put_content_back(item, &mut version.content, "version content")?;
    Ok(version)
}

/// Reads versions.
#[derive(Debug, Clone)]
pub struct DiveVersionReader(DynamoTable);

impl Capability for DiveVersionReader {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors(["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)))
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl DiveVersionReader {
    pub async fn get(&self, dive: &ResourceRef, version: u64) -> Result<Version> {
        let item = self.0.get(key_of(dive, version)).await?;
        from_item(&item.ok_or(Reason::VersionNotFound)?)
    }

    /// The newest first.
    pub async fn list(&self, dive: &ResourceRef, paging: &Paging) -> Result<Page<VersionSummary>> {
        let partition = dive.to_string();
        // Without the markup, which can be large.
        let range = Range::of(&self.0, &partition)
            .starting_with(PREFIX)
            .descending()
            .with(|query| query.projection_expression("pk, sk, document"));
        range.page(paging, |item| document::read(&item, "version").map(Some)).await
    }
}
