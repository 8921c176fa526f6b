//! Resources.
//!
//! The table has a whole copy of a resource under each of its ids, so that a single read finds it by any of them.
//! All copies are written in one transaction. The copy under the primary id is also in the indexes that lists are
//! read from.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::resource_versions;
use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::schema::{CATALOG, EMBEDDABLE, POSITION};
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, number, number_of, text, unreadable};
use super::table_uses::{self, TABLE_USES};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, KeyPattern, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::{CATALOG_INDEX, COUNTERS, EMBEDDABLE_INDEX, TABLE};
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Error, Result};
use vitrine_rules::paging::{MAX_LIMIT, Page, Paging};
use vitrine_rules::reach::Reach;
use vitrine_rules::resource::content::Content;
use vitrine_rules::resource::ids::{Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine_rules::resource::{Resource, ResourceSummary};

const RESOURCES: [KeyPattern; 3] =
    [TABLE.items("dashboard#*"), TABLE.items("question#*"), TABLE.items("dive#*")];
const SORT_KEY: &str = "resource";
const REVISION: &str = "revision";
/// The mark of a removed resource. Its items stay without their content, so that no id is used a second time.
const DELETED: &str = "deleted_at";
/// The only value of the partition key of both indexes.
const LISTING: &str = "resource";

/// Upper bound of the automatic id counter, so that a very large id chosen by an owner cannot exhaust it.
const MAX_COUNTED: u64 = ResourceId::MAX_NUMBER / 2;

/// The largest size of everything but markup and queries. DynamoDB takes items of at most 400 KB.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

pub(super) fn key_of(reference: &ResourceRef) -> Item {
    key(&reference.to_string(), SORT_KEY)
}

/// The items of a resource, one for each of its ids. They differ only in their keys and in the attributes of the
/// indexes, so the resource is serialised once for all of them.
fn to_items(resource: &Resource) -> Result<Vec<Item>> {
    let mut described = resource.clone();
    let mut common = Item::new();
    document::set_content_aside(&mut common, &mut described.content)?;
    if document::write(&mut common, &described)? > MAX_DOCUMENT_BYTES {
        return Err(Error::invalid("", "parameters, policy and texts must be at most 64 KiB together"));
    }
    common.insert(REVISION.to_owned(), number(resource.revision));
    let mut items = copies(&common, &resource.references(), key_of);
    // The first reference is the primary id.
    if let Some(primary) = items.first_mut() {
        primary.extend(listed(resource)?);
    }
    Ok(items)
}

/// The items of a resource's current version, one for each id that it is stored under.
fn to_version_items(resource: &Resource) -> Result<Vec<Item>> {
    let version = resource_versions::to_item(resource)?;
    let key = |reference: &ResourceRef| resource_versions::key_of(reference, resource.version);
    Ok(copies(&version, &resource_versions::references(resource), key))
}

/// `common` under the key of each reference.
fn copies(common: &Item, references: &[ResourceRef], key: impl Fn(&ResourceRef) -> Item) -> Vec<Item> {
    let copy = |reference: &ResourceRef| {
        let mut item = common.clone();
        item.extend(key(reference));
        item
    };
    references.iter().map(copy).collect()
}

fn listed(resource: &Resource) -> Result<Item> {
    let mut item: Item = serde_dynamo::to_item(resource.summary()).map_err(Error::internal)?;
    item.insert(POSITION.to_owned(), text(position(resource.kind, &resource.id)));
    item.insert(CATALOG.to_owned(), text(LISTING));
    if resource.is_embeddable() {
        item.insert(EMBEDDABLE.to_owned(), text(LISTING));
    }
    Ok(item)
}

/// The resource in an item; none if it was removed.
pub(super) fn from_item(item: &Item) -> Result<Option<Resource>> {
    if item.contains_key(DELETED) {
        return Ok(None);
    }
    let mut resource: Resource = document::read(item, "resource")?;
    document::put_content_back(item, &mut resource.content, "resource content")?;
    Ok(Some(resource))
}

/// The item stored under an id.
#[derive(Debug)]
pub enum Holder {
    Nothing,
    /// A resource that was removed.
    Deleted,
    Resource(Box<Resource>),
}

/// Numbers sort by value, not by digits.
fn position(kind: Kind, id: &PrimaryId) -> String {
    match id {
        PrimaryId::Number(number) => format!("{kind}#{number:016}"),
        PrimaryId::Uuid(uuid) => format!("{kind}#{uuid}"),
    }
}

/// Reads one resource.
#[derive(Debug, Clone)]
pub struct ResourceReader(DynamoTable);

impl Capability for ResourceReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl ResourceReader {
    pub async fn holder(&self, reference: &ResourceRef) -> Result<Holder> {
        let Some(item) = self.0.get(key_of(reference)).await? else { return Ok(Holder::Nothing) };
        Ok(from_item(&item)?.map_or(Holder::Deleted, |resource| Holder::Resource(Box::new(resource))))
    }

    pub async fn find(&self, reference: &ResourceRef) -> Result<Option<Resource>> {
        let item = self.0.get(key_of(reference)).await?;
        Ok(item.as_ref().map(from_item).transpose()?.flatten())
    }

    /// The number that the next resource of a kind would get now.
    pub async fn upcoming_number(&self, kind: Kind) -> Result<u64> {
        let counter = self.0.get(key("counter", kind.word())).await?;
        Ok(counter.and_then(|counter| number_of(&counter, "last")).unwrap_or_default() + 1)
    }
}

/// Writes and removes resources.
#[derive(Debug, Clone)]
pub struct ResourceWriter(DynamoTable);

impl Capability for ResourceWriter {
    fn grants() -> BTreeSet<Grant> {
        let [dashboards, questions, dives] = RESOURCES;
        let written = [dashboards, questions, dives, TABLE_USES];
        let mut grants = allow_all(&written, &["dynamodb:PutItem", "dynamodb:DeleteItem"]);
        grants.extend(["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)));
        grants.extend([COUNTERS.allow("dynamodb:UpdateItem")]);
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl ResourceWriter {
    /// Checks that a resource can be stored, without storing it.
    pub fn check(&self, resource: &Resource) -> Result<()> {
        to_items(resource).map(drop)
    }

    /// Writes a new resource, or `Reason::Conflict` if one of its ids is taken.
    pub async fn create(&self, resource: &Resource) -> Result<()> {
        self.put(resource, None, |put| put.condition_expression("attribute_not_exists(pk)")).await
    }

    /// Replaces `present`, or `Reason::Conflict` if that was changed since it was read.
    pub async fn replace(&self, resource: &Resource, present: &Resource) -> Result<()> {
        self.put(resource, Some(present), |put| {
            put.condition_expression("revision = :seen")
                .expression_attribute_values(":seen", number(present.revision))
        })
        .await
    }

    /// Removes the content of every copy of a resource, or `Reason::Conflict` if it was changed since it was read. What
    /// is left under its ids says that they are spent: a token that was signed for the old resource never opens a new
    /// one. Its versions are removed first: after an interruption the resource still exists and can be removed again.
    pub async fn delete(&self, resource: &Resource, now: Timestamp) -> Result<()> {
        self.delete_versions(resource).await?;
        let mut transaction = Transaction::on(&self.0);
        for reference in resource.references() {
            let mut item = key_of(&reference);
            item.insert(DELETED.to_owned(), number(now.unix()));
            transaction.put((), item, |put| {
                put.condition_expression("revision = :seen")
                    .expression_attribute_values(":seen", number(resource.revision))
            })?;
        }
        table_uses::write_changes(
            &mut transaction,
            (),
            resource,
            &table_uses::of(resource),
            &BTreeSet::new(),
        )?;
        transaction.commit().await?.or_conflict()
    }

    /// Removes all stored versions. A repeated removal finds only those that are left.
    async fn delete_versions(&self, resource: &Resource) -> Result<()> {
        for reference in resource_versions::references(resource) {
            let query = self
                .0
                .partition(&reference.to_string())
                .key_condition_expression("pk = :partition AND begins_with(sk, :versions)")
                .expression_attribute_values(":versions", text(resource_versions::PREFIX))
                .projection_expression("pk, sk");
            loop {
                let answer = query.clone().send().await.or_unavailable("Query")?;
                let is_all = answer.last_evaluated_key.is_none();
                for version in answer.items.unwrap_or_default() {
                    self.0.remove(version).await?;
                }
                if is_all {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Moves the counter past a number that an owner chose, so that it is never given out again.
    pub async fn pass_over(&self, kind: Kind, chosen: u64) -> Result<()> {
        let sent = self
            .0
            .update(key("counter", kind.word()))
            .update_expression("SET #last = :chosen")
            .condition_expression("attribute_not_exists(#last) OR #last < :chosen")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":chosen", number(chosen.min(MAX_COUNTED)))
            .send()
            .await;
        // A failed condition: the counter is past that number already.
        sent.if_condition_held("UpdateItem").map(drop)
    }

    /// The next number of a kind.
    pub async fn next_number(&self, kind: Kind) -> Result<u64> {
        let sent = self
            .0
            .update(key("counter", kind.word()))
            .update_expression("ADD #last :one")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await;
        let answer = sent.or_unavailable("UpdateItem")?;
        let last = answer.attributes.as_ref().and_then(|attributes| attributes.get("last"));
        last.and_then(|last| last.as_n().ok()?.parse().ok()).ok_or_else(|| unreadable("counter"))
    }

    /// The items of the version that is about to be replaced, if it is not stored: dashboards and questions of older
    /// releases have none.
    async fn unstored_version(&self, present: Option<&Resource>) -> Result<Vec<Item>> {
        let Some(present) = present else { return Ok(Vec::new()) };
        let stored = self.0.get(resource_versions::key_of(&present.reference(), present.version)).await?;
        if stored.is_some() { Ok(Vec::new()) } else { to_version_items(present) }
    }

    async fn put(
        &self,
        resource: &Resource,
        present: Option<&Resource>,
        condition: impl Fn(PutBuilder) -> PutBuilder,
    ) -> Result<()> {
        let shown =
            |resource: &Resource| resource.content.as_ref().map(Content::questions).unwrap_or_default();
        let (earlier, now) = (present.map(shown).unwrap_or_default(), shown(resource));
        let items = to_items(resource)?;
        table_uses::add_questions(&self.0, resource, &(&now - &earlier)).await?;
        let mut transaction = Transaction::on(&self.0);
        for item in items {
            transaction.put((), item, &condition)?;
        }
        if present.is_none_or(|present| present.version != resource.version) {
            let unstored = self.unstored_version(present).await?;
            for item in to_version_items(resource)?.into_iter().chain(unstored) {
                transaction.put((), item, |put| put)?;
            }
        }
        let before = present.map(table_uses::of).unwrap_or_default();
        table_uses::write_changes(&mut transaction, (), resource, &before, &table_uses::of(resource))?;
        transaction.commit().await?.or_conflict()?;
        table_uses::remove_questions(&self.0, resource, &(&earlier - &now)).await
    }
}

/// Reads lists.
#[derive(Debug, Clone)]
pub struct ResourceLister(DynamoTable);

impl Capability for ResourceLister {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors([CATALOG_INDEX, EMBEDDABLE_INDEX].map(|index| index.allow("dynamodb:Query")))
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

/// The filter of a list of resources.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    pub kind: Option<Kind>,
    pub embeddable: Option<bool>,
    pub archived: Option<bool>,
    pub reach: &'a Reach,
}

impl ResourceLister {
    pub async fn list(&self, listing: &Listing<'_>, paging: &Paging) -> Result<Page<ResourceSummary>> {
        self.range(listing, &prefix_of(listing)).page(paging, |item| summary(item).map(Some)).await
    }

    /// The first of a list, as many as one request gives.
    pub async fn glance(&self, listing: &Listing<'_>) -> Result<Page<ResourceSummary>> {
        let (prefix, paging) = (prefix_of(listing), Paging::new(Some(MAX_LIMIT), None));
        self.range(listing, &prefix).in_one_query().page(&paging, |item| summary(item).map(Some)).await
    }

    /// Those of a list that are wanted. It reads twenty thousand at most, so a page may be empty with others after it.
    pub async fn search(
        &self,
        listing: &Listing<'_>,
        is_wanted: impl Fn(&ResourceSummary) -> bool,
        paging: &Paging,
    ) -> Result<Page<ResourceSummary>> {
        let prefix = prefix_of(listing);
        let read = |item| summary(item).map(|one| Some(one).filter(|one| is_wanted(one)));
        self.range(listing, &prefix).sifted().page(paging, read).await
    }

    fn range<'a>(&self, listing: &Listing<'_>, prefix: &'a str) -> Range<'a> {
        let index = if listing.embeddable == Some(true) { EMBEDDABLE } else { CATALOG };
        Range::of_index(&self.0, index, LISTING).starting_with(prefix).with(|mut query| {
            let mut filters = Vec::new();
            if listing.embeddable == Some(false) {
                filters.push("(enable_embedding = :no OR archived = :yes)".to_owned());
                query = query
                    .expression_attribute_values(":no", AttributeValue::Bool(false))
                    .expression_attribute_values(":yes", AttributeValue::Bool(true));
            }
            if let Some(archived) = listing.archived {
                filters.push("archived = :archived".to_owned());
                query = query.expression_attribute_values(":archived", AttributeValue::Bool(archived));
            }
            if let Some(deployments) = listing.reach.filter() {
                let names: Vec<_> = (0..deployments.len()).map(|index| format!(":d{index}")).collect();
                filters.push(format!("deployment IN ({})", names.join(", ")));
                for (name, deployment) in names.into_iter().zip(deployments) {
                    query = query.expression_attribute_values(name, number(deployment));
                }
            }
            query.set_filter_expression((!filters.is_empty()).then(|| filters.join(" AND ")))
        })
    }
}

/// The beginning of the positions of a kind.
fn prefix_of(listing: &Listing<'_>) -> String {
    listing.kind.map(|kind| format!("{kind}#")).unwrap_or_default()
}

fn summary(item: Item) -> Result<ResourceSummary> {
    serde_dynamo::from_item(item).map_err(|_| unreadable("resource summary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::storage::table::text_of;
    use vitrine_rules::error::Reason;
    use vitrine_rules::query::content::DiveQueries;
    use vitrine_rules::resource::ResourceInput;
    use vitrine_rules::resource::content::Content;
    use vitrine_rules::resource::ids::Deployment;

    fn resource(kind: Kind, id: PrimaryId) -> Resource {
        let content =
            Some(Content::Html { html: "<p>Sales</p>".to_owned(), queries: DiveQueries::default() });
        let input = ResourceInput { title: "Sales".to_owned(), content, ..ResourceInput::default() };
        Resource::create(kind, id, None, input, Deployment::FIRST, Timestamp::from_unix(0)).unwrap()
    }

    #[test]
    fn a_resource_is_serialised_once_for_all_its_ids() {
        let dashboard = resource(Kind::Dashboard, PrimaryId::Number(7));
        let before = document::writes();
        let items = to_items(&dashboard).unwrap();
        assert_eq!(document::writes() - before, 1);

        assert_eq!(items.len(), 3, "a number, a public id and an entity id");
        for (item, reference) in items.iter().zip(dashboard.references()) {
            assert_eq!(text_of(item, "pk"), Some(reference.to_string().as_str()));
            assert_eq!(from_item(item).unwrap().as_ref(), Some(&dashboard));
            let is_primary = reference == dashboard.reference();
            assert_eq!(item.contains_key(CATALOG), is_primary, "only one copy is in the lists");
        }
    }

    #[test]
    fn a_version_is_serialised_once_for_all_ids_of_its_dive() {
        let dive = resource(Kind::Dive, PrimaryId::Uuid("0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77".to_owned()));
        let before = document::writes();
        let items = to_version_items(&dive).unwrap();
        assert_eq!(document::writes() - before, 1);

        assert_eq!(items.len(), 2, "a UUID and a public id, because tokens name either");
        for (item, reference) in items.iter().zip(dive.references()) {
            let key = resource_versions::key_of(&reference, dive.version);
            assert!(key.iter().all(|(name, value)| item.get(name) == Some(value)));
            assert_eq!(resource_versions::from_item(item).unwrap().content, dive.content);
        }
    }

    #[test]
    fn a_version_that_no_token_names_is_stored_once() {
        for kind in [Kind::Dashboard, Kind::Question] {
            let resource = resource(kind, PrimaryId::Number(7));
            let items = to_version_items(&resource).unwrap();
            assert_eq!(items.len(), 1, "{kind}");
            assert_eq!(text_of(&items[0], "pk"), Some(resource.reference().to_string().as_str()));
        }
    }

    #[test]
    fn a_resource_without_its_markup_is_at_most_64_kib() {
        let large = "x".repeat(MAX_DOCUMENT_BYTES);
        let mut dashboard = resource(Kind::Dashboard, PrimaryId::Number(7));
        dashboard.content = Some(Content::Html { html: large.clone(), queries: DiveQueries::default() });
        assert!(to_items(&dashboard).is_ok(), "markup does not count");
        dashboard.description = Some(large);
        assert_eq!(to_items(&dashboard).unwrap_err().reason, Reason::RequestInvalid);
    }
}
