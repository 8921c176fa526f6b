//! Embed tenants. The tenant itself stands in a list of them; its groups and its own attributes stand in a
//! partition of its name. Its users are found by the index: see [`super::external_users`].

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};

use super::definitions::attribute_of;
use super::table::range::Range;
use super::table::schema::{PARTITION, SORT};
use super::table::{Item, Table, key, number, number_of, text, text_of, unreadable};
use super::table::{document, transaction};
use crate::aws::aws_error::unavailable;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::random;
use vitrine_rules::viewer::attribute::AttributeDefinition;
use vitrine_rules::viewer::tenant::{Tenant, TenantGroup, TenantName, TenantWithGroups};
use vitrine_rules::viewer::upsert_user::TenantWrite;

const ATTEMPTS: usize = 8;
const TENANTS: &str = "tenants";
const GROUP: &str = "group#";
const ATTRIBUTE: &str = "attribute#";
pub(super) const ID: &str = "tenant_id";
pub(super) const USERS: &str = "user_count";
pub(super) const CHANGES: &str = "changes";
pub(super) const DISPLAY_NAME: &str = "display_name";
pub(super) const CREATED: &str = "created_at";

pub(super) fn key_of(name: &TenantName) -> Item {
    key(TENANTS, name.as_str())
}

fn partition(name: &TenantName) -> String {
    format!("tenant#{name}")
}

pub(super) fn group_key(tenant: &TenantName, id: u64) -> Item {
    key(&partition(tenant), &format!("{GROUP}{id:016}"))
}

pub(super) fn attribute_key(tenant: &TenantName, name: &str) -> Item {
    key(&partition(tenant), &format!("{ATTRIBUTE}{name}"))
}

/// Which tenant of its name an item is about.
pub(super) fn id_of(item: &Item) -> Result<u64> {
    number_of(item, ID).ok_or_else(|| unreadable("tenant"))
}

fn tenant_of(item: &Item) -> Result<Tenant> {
    let unreadable = || unreadable("tenant");
    Ok(Tenant {
        id: id_of(item)?,
        name: text_of(item, SORT).and_then(|name| name.parse().ok()).ok_or_else(unreadable)?,
        display_name: text_of(item, DISPLAY_NAME).map(str::to_owned),
        created_at: text_of(item, CREATED).and_then(|moment| moment.parse().ok()).ok_or_else(unreadable)?,
        users: number_of(item, USERS).unwrap_or_default(),
        changes: number_of(item, CHANGES).unwrap_or_default(),
    })
}

fn group_of(item: &Item) -> Result<TenantGroup> {
    let group: TenantGroup = document::read(item, "tenant group")?;
    Ok(TenantGroup { users: number_of(item, USERS).unwrap_or_default(), ..group })
}

/// Makes a tenant, or writes over one that is still the same.
pub(super) fn upsert(table: &Table, tenant: &TenantWrite, users: i32, now: Timestamp) -> Result<Update> {
    let mut expression =
        "SET tenant_id = :tenant, tenant_name = :name, created_at = if_not_exists(created_at, :now)"
            .to_owned();
    let mut update = Update::builder()
        .table_name(table.name())
        .set_key(Some(key_of(&tenant.name)))
        .expression_attribute_values(":tenant", number(tenant.id))
        .expression_attribute_values(":name", text(tenant.name.as_str()))
        .expression_attribute_values(":now", text(now.to_string()))
        .expression_attribute_values(":users", number(users))
        .expression_attribute_values(":one", number(1));
    if let Some(display_name) = &tenant.display_name {
        expression.push_str(", display_name = :display_name");
        update = update.expression_attribute_values(":display_name", text(display_name));
    }
    expression.push_str(" ADD user_count :users, changes :one");
    let condition = if tenant.is_new { "attribute_not_exists(pk)" } else { "tenant_id = :tenant" };
    update.update_expression(expression).condition_expression(condition).build().map_err(Error::internal)
}

/// Reads tenants and what is in them.
#[derive(Debug, Clone)]
pub struct TenantReader(Table);

impl Capability for TenantReader {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:GetItem", "dynamodb:Query"].map(Grant::Table).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl TenantReader {
    pub async fn find(&self, name: &TenantName) -> Result<Option<Tenant>> {
        self.0.get(key_of(name)).await?.as_ref().map(tenant_of).transpose()
    }

    pub async fn get(&self, name: &TenantName) -> Result<Tenant> {
        self.find(name).await?.ok_or(Reason::TenantNotFound.into())
    }

    /// The tenant with its groups and attributes.
    pub async fn furnished(&self, name: &TenantName) -> Result<Option<TenantWithGroups>> {
        let partition = partition(name);
        let (tenant, items) = tokio::try_join!(self.find(name), self.0.all(&partition))?;
        let Some(tenant) = tenant else { return Ok(None) };
        let (mut groups, mut attributes): (_, Vec<AttributeDefinition>) = (Vec::new(), Vec::new());
        for item in &items {
            if text_of(item, SORT).is_some_and(|sort| sort.starts_with(GROUP)) {
                groups.push(group_of(item)?);
            } else {
                attributes.push(attribute_of(item)?);
            }
        }
        Ok(Some(TenantWithGroups { tenant, groups, attributes }))
    }

    /// By name. `search` is part of a name, in whatever case.
    pub async fn list(&self, search: Option<&str>, paging: &Paging) -> Result<Page<Tenant>> {
        let mut range = Range::of(&self.0, TENANTS);
        if let Some(search) = search {
            range = range.with(|query| {
                query
                    .filter_expression("contains(tenant_name, :search)")
                    .expression_attribute_values(":search", text(search.to_lowercase()))
            });
        }
        range.page(paging, |item| tenant_of(item).map(Some)).await
    }

    pub async fn groups(&self, name: &TenantName, paging: &Paging) -> Result<Page<TenantGroup>> {
        let partition = partition(name);
        let range = Range::of(&self.0, &partition).starting_with(GROUP);
        range.page(paging, |item| group_of(item).map(Some)).await
    }

    pub async fn group(&self, tenant: &TenantName, id: u64) -> Result<TenantGroup> {
        let item = self.0.get(group_key(tenant, id)).await?;
        group_of(&item.ok_or(Reason::GroupNotFound)?)
    }
}

/// Makes and removes groups, and removes tenants. They are made with their first user.
#[derive(Debug, Clone)]
pub struct TenantWriter(Table);

impl Capability for TenantWriter {
    fn grants() -> BTreeSet<Grant> {
        [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:Query",
        ]
        .map(Grant::Table)
        .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl TenantWriter {
    /// Puts a new group into a tenant, which is made if it is not there.
    pub async fn create_group(&self, name: &TenantName, group: &TenantGroup, now: Timestamp) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let there = self.0.get(key_of(name)).await?.as_ref().map(tenant_of).transpose()?;
            let id = there.as_ref().map_or_else(random::number, |tenant| Ok(tenant.id))?;
            let tenant = TenantWrite {
                name: name.clone(),
                id,
                is_new: there.is_none(),
                display_name: None,
                groups: Vec::new(),
                attributes: Vec::new(),
            };
            let mut item = group_key(name, group.id());
            document::write(&mut item, group)?;
            item.insert(CREATED.to_owned(), text(now.to_string()));
            let put = Put::builder()
                .table_name(self.0.name())
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .map_err(Error::internal)?;
            let sent = self
                .0
                .client
                .transact_write_items()
                .transact_items(TransactWriteItem::builder().put(put).build())
                .transact_items(
                    TransactWriteItem::builder().update(upsert(&self.0, &tenant, 0, now)?).build(),
                )
                .send()
                .await;
            match transaction::outcome(sent)? {
                refused if refused.is_none() => return Ok(()),
                refused if refused.failed(0) => return Err(Reason::GroupTaken.into()),
                // Somebody else made or removed the tenant meanwhile.
                _ => {}
            }
        }
        Err(Reason::Conflict.into())
    }

    /// Says something else of a group that is there.
    pub async fn describe_group(&self, tenant: &TenantName, group: &TenantGroup) -> Result<()> {
        let mut item = Item::new();
        document::write(&mut item, group)?;
        let sent = self
            .0
            .client
            .update_item()
            .table_name(self.0.name())
            .set_key(Some(group_key(tenant, group.id())))
            .update_expression("SET document = :document")
            .condition_expression("attribute_exists(pk)")
            .set_expression_attribute_values(
                item.remove(document::DOCUMENT).map(|document| [(":document".to_owned(), document)].into()),
            )
            .send()
            .await;
        refused_as(sent, "UpdateItem", Reason::GroupNotFound)
    }

    /// Removes a group that has no members.
    pub async fn delete_group(&self, tenant: &TenantName, id: u64) -> Result<()> {
        let sent = self
            .0
            .client
            .delete_item()
            .table_name(self.0.name())
            .set_key(Some(group_key(tenant, id)))
            .condition_expression("attribute_not_exists(user_count) OR user_count <= :none")
            .expression_attribute_values(":none", number(0))
            .send()
            .await;
        refused_as(sent, "DeleteItem", Reason::GroupInUse)
    }

    /// Removes everything that is in a tenant but users.
    pub async fn clear(&self, name: &TenantName) -> Result<()> {
        for mut item in self.0.all(&partition(name)).await? {
            item.retain(|name, _| name == PARTITION || name == SORT);
            self.0.remove(item).await?;
        }
        Ok(())
    }

    /// Removes the tenant itself as it was seen, or [`Reason::Conflict`] if something has come into it.
    pub async fn delete(&self, seen: &Tenant) -> Result<()> {
        let delete = Delete::builder()
            .table_name(self.0.name())
            .set_key(Some(key_of(&seen.name)))
            .condition_expression(
                "tenant_id = :tenant AND (attribute_not_exists(changes) OR changes = :changes) \
                 AND (attribute_not_exists(user_count) OR user_count <= :none)",
            )
            .expression_attribute_values(":tenant", number(seen.id))
            .expression_attribute_values(":changes", number(seen.changes))
            .expression_attribute_values(":none", number(0))
            .build()
            .map_err(Error::internal)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        let sent = self.0.client.transact_write_items().transact_items(delete).send().await;
        if transaction::outcome(sent)?.is_none() { Ok(()) } else { Err(Reason::Conflict.into()) }
    }
}

fn refused_as<T, E, R>(
    sent: std::result::Result<T, SdkError<E, R>>,
    operation: &'static str,
    refused: Reason,
) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match sent {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Err(refused.into()),
        Err(error) => Err(unavailable(operation, &error)),
    }
}
