//! Resources.
//!
//! A resource stands in the table once under each of its ids, whole, so that any credential finds what it
//! names in a single read. All copies are written in one transaction. The copy under the primary id also
//! stands in the indexes that lists are read from.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnValue, TransactWriteItem};

use super::dive_versions;
use super::table::document;
use super::table::range::Range;
use super::table::schema::{CATALOG, EMBEDDABLE, POSITION};
use super::table::transaction;
use super::table::{Item, Table, key, number, text, unreadable};
use crate::aws::aws_error::unavailable;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::error::{Error, Issue, Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::resource::ids::{Deployment, Kind, PrimaryId, ResourceId, ResourceRef};
use vitrine_rules::resource::{Resource, ResourceSummary};

const SORT_KEY: &str = "resource";
const REVISION: &str = "revision";
/// The one value that the partition key of both indexes has.
const LISTING: &str = "resource";

/// Where the counter stays behind: an owner who chooses a larger number leaves it half of all numbers.
const MAX_COUNTED: u64 = ResourceId::MAX_NUMBER / 2;

/// What everything but the markup may take of an item, of which DynamoDB takes 400 KB.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

pub(super) fn key_of(reference: &ResourceRef) -> Item {
    key(&reference.to_string(), SORT_KEY)
}

fn to_item(resource: &Resource, reference: &ResourceRef) -> Result<Item> {
    let mut described = resource.clone();
    let mut item = key_of(reference);
    document::set_markup_aside(&mut item, &mut described.content);
    if document::write(&mut item, &described)? > MAX_DOCUMENT_BYTES {
        return Err(Error::invalid("", "parameters, policy and texts must be at most 64 KiB together"));
    }
    item.insert(REVISION.to_owned(), number(resource.revision));
    if *reference == resource.reference() {
        item.extend(listed(resource)?);
    }
    Ok(item)
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

pub(super) fn from_item(item: &Item) -> Result<Resource> {
    let mut resource: Resource = document::read(item, "resource")?;
    document::put_markup_back(item, &mut resource.content, "resource content")?;
    Ok(resource)
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
pub struct ResourceReader(Table);

impl Capability for ResourceReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Table("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl ResourceReader {
    pub async fn find(&self, reference: &ResourceRef) -> Result<Option<Resource>> {
        let item = self.0.get(key_of(reference)).await?;
        item.as_ref().map(from_item).transpose()
    }

    pub async fn get(&self, reference: &ResourceRef) -> Result<Resource> {
        self.find(reference).await?.ok_or(Reason::ResourceNotFound.into())
    }
}

/// Writes and removes resources.
#[derive(Debug, Clone)]
pub struct ResourceWriter(Table);

impl Capability for ResourceWriter {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:Query"]
            .map(Grant::Table)
            .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl ResourceWriter {
    /// Writes a resource that was not there, or [`Reason::Conflict`] if one of its ids is taken.
    pub async fn create(&self, resource: &Resource) -> Result<()> {
        self.put(resource, true, |put| put.condition_expression("attribute_not_exists(pk)")).await
    }

    /// Writes what became of `present`, or [`Reason::Conflict`] if that has moved on.
    pub async fn replace(&self, resource: &Resource, present: &Resource) -> Result<()> {
        self.put(resource, resource.version != present.version, |put| {
            put.condition_expression("revision = :seen")
                .expression_attribute_values(":seen", number(present.revision))
        })
        .await
    }

    /// Removes every copy of a resource that is still as it was seen, and before them what a dive has shown:
    /// if that is interrupted the dive is still there, and its removal can be asked for again.
    pub async fn delete(&self, resource: &Resource) -> Result<()> {
        self.delete_versions(resource).await?;
        let delete = |reference| {
            let delete = Delete::builder()
                .table_name(self.0.name())
                .set_key(Some(key_of(&reference)))
                .condition_expression("revision = :seen")
                .expression_attribute_values(":seen", number(resource.revision))
                .build()
                .map_err(Error::internal)?;
            Ok(TransactWriteItem::builder().delete(delete).build())
        };
        self.transact(resource.references().into_iter().map(delete).collect::<Result<_>>()?).await
    }

    /// Whatever versions there are: those that are gone already are not asked for again.
    async fn delete_versions(&self, resource: &Resource) -> Result<()> {
        if resource.kind != Kind::Dive {
            return Ok(());
        }
        for reference in resource.references() {
            let query = self
                .0
                .partition(&reference.to_string())
                .key_condition_expression("pk = :partition AND begins_with(sk, :versions)")
                .expression_attribute_values(":versions", text(dive_versions::PREFIX))
                .projection_expression("pk, sk");
            loop {
                let sent = query.clone().send().await;
                let answer = sent.map_err(|error| unavailable("Query", &error))?;
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

    /// Moves the counter past a number that an owner chooses, so that it never comes to it.
    pub async fn pass_over(&self, kind: Kind, chosen: u64) -> Result<()> {
        let sent = self
            .0
            .client
            .update_item()
            .table_name(self.0.name())
            .set_key(Some(key("counter", kind.word())))
            .update_expression("SET #last = :chosen")
            .condition_expression("attribute_not_exists(#last) OR #last < :chosen")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":chosen", number(chosen.min(MAX_COUNTED)))
            .send()
            .await;
        match sent {
            // It is past that number already.
            Err(error) if !is_refused(error.as_service_error()) => Err(unavailable("UpdateItem", &error)),
            _ => Ok(()),
        }
    }

    /// The next number of a kind.
    pub async fn next_number(&self, kind: Kind) -> Result<u64> {
        let answer = self
            .0
            .client
            .update_item()
            .table_name(self.0.name())
            .set_key(Some(key("counter", kind.word())))
            .update_expression("ADD #last :one")
            .expression_attribute_names("#last", "last")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| unavailable("UpdateItem", &error))?;
        let last = answer.attributes.as_ref().and_then(|attributes| attributes.get("last"));
        last.and_then(|last| last.as_n().ok()?.parse().ok()).ok_or_else(|| unreadable("counter"))
    }

    async fn put(
        &self,
        resource: &Resource,
        new_version: bool,
        condition: impl Fn(PutBuilder) -> PutBuilder,
    ) -> Result<()> {
        let put = |reference: ResourceRef| {
            let put = Put::builder().table_name(self.0.name()).set_item(Some(to_item(resource, &reference)?));
            let put = condition(put).build().map_err(Error::internal)?;
            Ok(TransactWriteItem::builder().put(put).build())
        };
        let mut items: Vec<_> = resource.references().into_iter().map(put).collect::<Result<_>>()?;
        if new_version && resource.kind == Kind::Dive {
            for reference in resource.references() {
                let item = dive_versions::item_of(resource, &reference)?;
                let put = Put::builder().table_name(self.0.name()).set_item(Some(item)).build();
                items.push(TransactWriteItem::builder().put(put.map_err(Error::internal)?).build());
            }
        }
        self.transact(items).await
    }

    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<()> {
        let sent = self.0.client.transact_write_items().set_transact_items(Some(items)).send().await;
        if transaction::outcome(sent)?.is_none() { Ok(()) } else { Err(Reason::Conflict.into()) }
    }
}

const fn is_refused(error: Option<&UpdateItemError>) -> bool {
    matches!(error, Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

/// Reads lists.
#[derive(Debug, Clone)]
pub struct ResourceLister(Table);

impl Capability for ResourceLister {
    fn grants() -> BTreeSet<Grant> {
        [CATALOG, EMBEDDABLE].map(|index| Grant::Index(index, "dynamodb:Query")).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

/// The resources that a list holds.
#[derive(Debug, Clone, Default)]
pub struct Listing<'a> {
    pub kind: Option<Kind>,
    pub embeddable: Option<bool>,
    /// None means all of them.
    pub deployments: &'a [Deployment],
}

impl ResourceLister {
    pub async fn list(&self, listing: &Listing<'_>, paging: &Paging) -> Result<Page<ResourceSummary>> {
        let index = if listing.embeddable == Some(true) { EMBEDDABLE } else { CATALOG };
        let prefix = listing.kind.map(|kind| format!("{kind}#")).unwrap_or_default();
        let range = Range::of_index(&self.0, index, LISTING).starting_with(&prefix).with(|mut query| {
            let mut filters = Vec::new();
            if listing.embeddable == Some(false) {
                filters.push("(enable_embedding = :no OR archived = :yes)".to_owned());
                query = query
                    .expression_attribute_values(":no", AttributeValue::Bool(false))
                    .expression_attribute_values(":yes", AttributeValue::Bool(true));
            }
            if !listing.deployments.is_empty() {
                let names: Vec<_> =
                    (0..listing.deployments.len()).map(|index| format!(":d{index}")).collect();
                filters.push(format!("deployment IN ({})", names.join(", ")));
                for (name, deployment) in names.into_iter().zip(listing.deployments) {
                    query = query.expression_attribute_values(name, number(deployment));
                }
            }
            query.set_filter_expression((!filters.is_empty()).then(|| filters.join(" AND ")))
        });
        range.page(paging, |item| summary(item.clone()).map(Some)).await
    }
}

fn summary(item: Item) -> Result<ResourceSummary> {
    serde_dynamo::from_item(item).map_err(|_| unreadable("resource summary"))
}

/// The reasons why a resource does not fit into the table. Checked before anything is written.
pub fn size_problems(resource: &Resource) -> Vec<Issue> {
    match to_item(resource, &resource.reference()) {
        Err(error) => error.issues,
        Ok(_) => Vec::new(),
    }
}
