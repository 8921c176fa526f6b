//! Embed tenants. All tenants are in one partition; the groups and attributes of a tenant are in a partition of
//! its name. Its users are found by the index: see [`super::external_users`].

use std::collections::BTreeSet;

use super::definitions::attribute_of;
use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::schema::{PARTITION, SORT};
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, number, number_of, text, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, KeyPattern, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::viewer::attribute::AttributeDefinition;
use vitrine_rules::viewer::tenant::{Tenant, TenantGroup, TenantName, TenantWithGroups};
use vitrine_rules::viewer::upsert_user::TenantWrite;

const TENANTS: &str = "tenants";
/// The items of the tenants themselves.
pub(super) const ALL: KeyPattern = TABLE.items(TENANTS);
/// The groups and attributes of tenants.
pub(super) const CONTENTS: KeyPattern = TABLE.items("tenant#*");
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

/// The id that tells a tenant from an earlier one of the same name.
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

/// Creates a tenant, or changes it if it is still the same one, and adds `users` to its counter.
pub(super) fn upsert<L: PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    tenant: &TenantWrite,
    users: i32,
    now: Timestamp,
) -> Result<()> {
    transaction.update(label, key_of(&tenant.name), |mut update| {
        let mut expression =
            "SET tenant_id = :tenant, tenant_name = :name, created_at = if_not_exists(created_at, :now)"
                .to_owned();
        update = update
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
        update.update_expression(expression).condition_expression(condition)
    })
}

/// Reads tenants, their groups and their attributes.
#[derive(Debug, Clone)]
pub struct TenantReader(DynamoTable);

impl Capability for TenantReader {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors(["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)))
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
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
    pub async fn find_with_groups(&self, name: &TenantName) -> Result<Option<TenantWithGroups>> {
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
        range.page(paging, |item| tenant_of(&item).map(Some)).await
    }

    pub async fn groups(&self, name: &TenantName, paging: &Paging) -> Result<Page<TenantGroup>> {
        let partition = partition(name);
        let range = Range::of(&self.0, &partition).starting_with(GROUP);
        range.page(paging, |item| group_of(&item).map(Some)).await
    }

    pub async fn group(&self, tenant: &TenantName, id: u64) -> Result<TenantGroup> {
        let item = self.0.get(group_key(tenant, id)).await?;
        group_of(&item.ok_or(Reason::GroupNotFound)?)
    }
}

/// Creates, changes and removes groups, and removes tenants. Tenants are created with their first user or group.
#[derive(Debug, Clone)]
pub struct TenantWriter(DynamoTable);

impl Capability for TenantWriter {
    fn grants() -> BTreeSet<Grant> {
        let mut grants = allow_all(&[ALL, CONTENTS], &["dynamodb:UpdateItem", "dynamodb:DeleteItem"]);
        grants.extend([CONTENTS.allow("dynamodb:PutItem"), TABLE.allow("dynamodb:Query")]);
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl TenantWriter {
    /// Creates a group in `tenant`, and the tenant with it if that is new. [`Reason::GroupTaken`] if there is a
    /// group of that name, [`Reason::Conflict`] if the tenant was created or removed since it was read.
    pub async fn create_group(
        &self,
        tenant: &TenantWrite,
        group: &TenantGroup,
        now: Timestamp,
    ) -> Result<()> {
        #[derive(PartialEq)]
        enum Part {
            Group,
            Tenant,
        }
        let mut item = group_key(&tenant.name, group.id());
        document::write(&mut item, group)?;
        item.insert(CREATED.to_owned(), text(now.to_string()));
        let mut transaction = Transaction::on(&self.0);
        transaction.put(Part::Group, item, |put| put.condition_expression("attribute_not_exists(pk)"))?;
        upsert(&mut transaction, Part::Tenant, tenant, 0, now)?;
        match transaction.commit().await? {
            outcome if outcome.failed(&Part::Group) => Err(Reason::GroupTaken.into()),
            outcome => outcome.or_conflict(),
        }
    }

    /// Changes the description of a group, or [`Reason::GroupNotFound`].
    pub async fn describe_group(&self, tenant: &TenantName, group: &TenantGroup) -> Result<()> {
        let mut item = Item::new();
        document::write(&mut item, group)?;
        let sent = self
            .0
            .update(group_key(tenant, group.id()))
            .update_expression("SET document = :document")
            .condition_expression("attribute_exists(pk)")
            .set_expression_attribute_values(
                item.remove(document::DOCUMENT).map(|document| [(":document".to_owned(), document)].into()),
            )
            .send()
            .await;
        sent.or_refused("UpdateItem", Reason::GroupNotFound).map(drop)
    }

    /// Removes a group, or [`Reason::GroupInUse`] if it has members.
    pub async fn delete_group(&self, tenant: &TenantName, id: u64) -> Result<()> {
        let sent = self
            .0
            .delete(group_key(tenant, id))
            .condition_expression("attribute_not_exists(user_count) OR user_count <= :none")
            .expression_attribute_values(":none", number(0))
            .send()
            .await;
        sent.or_refused("DeleteItem", Reason::GroupInUse).map(drop)
    }

    /// Removes the groups and attributes of a tenant.
    pub async fn clear(&self, name: &TenantName) -> Result<()> {
        for mut item in self.0.all(&partition(name)).await? {
            item.retain(|name, _| name == PARTITION || name == SORT);
            self.0.remove(item).await?;
        }
        Ok(())
    }

    /// Removes the tenant itself, or [`Reason::Conflict`] if it was changed since it was read.
    pub async fn delete(&self, seen: &Tenant) -> Result<()> {
        let mut transaction = Transaction::on(&self.0);
        transaction.delete((), key_of(&seen.name), |delete| {
            delete
                .condition_expression(
                    "tenant_id = :tenant AND (attribute_not_exists(changes) OR changes = :changes) \
                     AND (attribute_not_exists(user_count) OR user_count <= :none)",
                )
                .expression_attribute_values(":tenant", number(seen.id))
                .expression_attribute_values(":changes", number(seen.changes))
                .expression_attribute_values(":none", number(0))
        })?;
        transaction.commit().await?.or_conflict()
    }
}
