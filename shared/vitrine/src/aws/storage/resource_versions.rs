//! The versions of a resource's content. Each is written once, together with the resource.
//!
//! Versions that tokens name are stored under each id of the resource, because a view reads them before it knows the other ids. Other
//! versions are stored under the primary id alone.

use std::collections::BTreeSet;

use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::{DynamoTable, Item, key};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::error::Result;
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::resource::version::{Version, VersionSummary};

pub(super) const PREFIX: &str = "version#";

fn sort_key(version: u64) -> String {
    format!("{PREFIX}{version:016}")
}

pub(super) fn key_of(resource: &ResourceRef, version: u64) -> Item {
    key(&resource.to_string(), &sort_key(version))
}

/// The ids of a resource under which its versions are, the primary id first.
pub(super) fn references(resource: &Resource) -> Vec<ResourceRef> {
    let mut references = resource.references();
    if !resource.kind.has_named_versions() {
        references.truncate(1);
    }
    references
}

/// The current version of a resource, without a key.
pub(super) fn to_item(resource: &Resource) -> Result<Item> {
    let mut item = Item::new();
    let mut version = Version::current(resource);
    document::set_content_aside(&mut item, &mut version.content)?;
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
pub struct ResourceVersionReader(DynamoTable);

impl Capability for ResourceVersionReader {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors(["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)))
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl ResourceVersionReader {
    pub async fn find(&self, resource: &ResourceRef, version: u64) -> Result<Option<Version>> {
        self.0.get(key_of(resource, version)).await?.as_ref().map(from_item).transpose()
    }

    /// The newest first.
    pub async fn list(&self, resource: &ResourceRef, paging: &Paging) -> Result<Page<VersionSummary>> {
        let partition = resource.to_string();
        // Without the markup, which can be large.
        let range = Range::of(&self.0, &partition)
            .starting_with(PREFIX)
            .descending()
            .with(|query| query.projection_expression("pk, sk, document"));
        range.page(paging, |item| document::read(&item, "version").map(Some)).await
    }
}
