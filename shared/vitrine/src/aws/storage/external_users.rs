//! External users. A user stands under a fingerprint of the external id, and is listed by the index
//! `directory`, which has the users of one tenant, or of none, in the order of their email addresses.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::builders::{DeleteBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};

use super::table::document;
use super::table::range::Range;
use super::table::schema::{DIRECTORY, POSITION, TTL};
use super::table::transaction;
use super::table::{Item, Table, key, number, text, text_of, unreadable};
use super::tenants;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine_rules::viewer::tenant::{TenantGroup, TenantName};

const SORT_KEY: &str = "external_user";
const EXTERNAL_ID: &str = "external_id";
pub(super) const REVISION: &str = "revision";
/// What a search looks into.
const SEARCH: &str = "search";
const GROUPS: &str = "tenant_groups";

pub(super) fn key_of(fingerprint: &str) -> Item {
    key(&format!("external_user#{fingerprint}"), SORT_KEY)
}

/// The number of a user leads to the external id, and so to the user.
pub(super) fn id_key(id: u64) -> Item {
    key(&format!("external_user_id#{id}"), SORT_KEY)
}

pub(super) fn counter_key() -> Item {
    key("counter", SORT_KEY)
}

/// What lists the users of a tenant, or of none.
fn directory(tenant: Option<&TenantName>) -> String {
    format!("users#{}", tenant.map_or("", TenantName::as_str))
}

pub(super) fn from_item(item: &Item) -> Result<ExternalUser> {
    document::read(item, "external user")
}

pub(super) fn to_item(user: &ExternalUser) -> Result<Item> {
    let mut item = key_of(&user.external_id.fingerprint());
    document::write(&mut item, user)?;
    item.insert(REVISION.to_owned(), number(user.revision));
    let email = user.email.as_deref().unwrap_or(user.external_id.as_str()).to_lowercase();
    // A key of an index has at most 1024 bytes.
    let place: String = email.chars().take(200).collect();
    item.insert(DIRECTORY.to_owned(), text(directory(user.tenant_name())));
    item.insert(POSITION.to_owned(), text(format!("{place}#{:016}", user.id)));
    item.insert(SEARCH.to_owned(), text(format!("{email}\n{}", user.external_id)));
    let groups = user.tenant_groups().iter().map(text).collect();
    item.insert(GROUPS.to_owned(), AttributeValue::L(groups));
    expire(&mut item, user);
    Ok(item)
}

pub(super) fn id_item(user: &ExternalUser) -> Item {
    let mut item = id_key(user.id);
    item.insert(EXTERNAL_ID.to_owned(), text(user.external_id.as_str()));
    expire(&mut item, user);
    item
}

fn expire(item: &mut Item, user: &ExternalUser) {
    if let Some(expires) = user.expires_at {
        item.insert(TTL.to_owned(), number(expires.unix()));
    }
}

/// The user must still be as it was seen.
pub(super) trait IfStill {
    #[must_use]
    fn if_still(self, seen: Option<&ExternalUser>) -> Self;
}

impl IfStill for PutBuilder {
    fn if_still(self, seen: Option<&ExternalUser>) -> Self {
        match seen {
            None => self.condition_expression("attribute_not_exists(pk)"),
            Some(seen) => self
                .condition_expression("revision = :seen")
                .expression_attribute_values(":seen", number(seen.revision)),
        }
    }
}

impl IfStill for DeleteBuilder {
    fn if_still(self, seen: Option<&ExternalUser>) -> Self {
        let seen = seen.map_or(0, |seen| seen.revision);
        self.condition_expression("revision = :seen").expression_attribute_values(":seen", number(seen))
    }
}

/// Where a user is counted: in the stack, in the tenant, and in each of its groups. One who is ephemeral
/// is counted nowhere.
pub(super) fn counted(user: Option<&ExternalUser>) -> BTreeSet<Counter> {
    let Some(user) = user.filter(|user| !user.is_ephemeral()) else { return BTreeSet::new() };
    let of_tenant = user.tenant.iter().flat_map(|membership| {
        let (tenant, id) = (&membership.tenant, membership.tenant_id);
        let groups = membership.groups.iter().map(|group| TenantGroup::id_of(group));
        let groups = groups.map(move |group| Counter::Group(tenant.clone(), id, group));
        [Counter::Tenant(tenant.clone(), id)].into_iter().chain(groups)
    });
    of_tenant.chain([Counter::Stack]).collect()
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    Stack,
    /// Which tenant of that name.
    Tenant(TenantName, u64),
    Group(TenantName, u64, u64),
}

/// Finds users.
#[derive(Debug, Clone)]
pub struct ExternalUserReader {
    table: Table,
    clock: Clock,
}

impl Capability for ExternalUserReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Table("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: Table::of(environment), clock: environment.clock.clone() }
    }
}

impl ExternalUserReader {
    /// What stands in the user's place, be it past its time.
    pub(super) async fn read(&self, external_id: &ExternalId) -> Result<Option<ExternalUser>> {
        let item = self.table.get(key_of(&external_id.fingerprint())).await?;
        item.as_ref().map(from_item).transpose()
    }

    pub async fn find(&self, external_id: &ExternalId) -> Result<Option<ExternalUser>> {
        let now = self.clock.now();
        Ok(self.read(external_id).await?.filter(|user| !user.is_expired(now)))
    }

    pub async fn find_by_id(&self, id: u64) -> Result<Option<ExternalUser>> {
        let Some(item) = self.table.get(id_key(id)).await? else { return Ok(None) };
        let external_id = text_of(&item, EXTERNAL_ID).and_then(|text| text.parse().ok());
        let external_id = external_id.ok_or_else(|| unreadable("external user id"))?;
        Ok(self.find(&external_id).await?.filter(|user| user.id == id))
    }
}

/// Lists users.
#[derive(Debug, Clone)]
pub struct ExternalUserLister {
    table: Table,
    clock: Clock,
}

impl Capability for ExternalUserLister {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Index(DIRECTORY, "dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: Table::of(environment), clock: environment.clock.clone() }
    }
}

/// Which users.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserListing<'a> {
    /// None: those who are in no tenant.
    pub tenant: Option<&'a TenantName>,
    /// Part of an email address or of an external id, in whatever case.
    pub search: Option<&'a str>,
    /// A group of the tenant, by name.
    pub group: Option<&'a str>,
}

impl ExternalUserLister {
    pub async fn list(&self, listing: UserListing<'_>, paging: &Paging) -> Result<Page<ExternalUser>> {
        let (partition, now) = (directory(listing.tenant), self.clock.now());
        let range = Range::of_index(&self.table, DIRECTORY, &partition).with(|mut query| {
            let mut filters = Vec::new();
            if let Some(search) = listing.search {
                filters.push("contains(#search, :search)");
                query = query
                    .expression_attribute_names("#search", SEARCH)
                    .expression_attribute_values(":search", text(search.to_lowercase()));
            }
            if let Some(group) = listing.group {
                filters.push("contains(tenant_groups, :group)");
                query = query.expression_attribute_values(":group", text(group));
            }
            query.set_filter_expression((!filters.is_empty()).then(|| filters.join(" AND ")))
        });
        let read = |item: &_| from_item(item).map(|user| Some(user).filter(|user| !user.is_expired(now)));
        range.page(paging, read).await
    }
}

/// Removes users. They are made by [`super::UserDirectory`].
#[derive(Debug, Clone)]
pub struct ExternalUserRemover(Table);

impl Capability for ExternalUserRemover {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:UpdateItem", "dynamodb:DeleteItem"].map(Grant::Table).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl ExternalUserRemover {
    /// Two items each, and 40 groups of a tenant at most.
    pub const AT_ONCE: usize = 20;

    /// Removes users as they were seen, or [`Reason::Conflict`] if one has moved on. Their places become free.
    ///
    /// At most [`Self::AT_ONCE`]: with all that they are counted in they go in one transaction.
    pub async fn remove(&self, users: &[ExternalUser]) -> Result<()> {
        let delete = |key: Item| Delete::builder().table_name(self.0.name()).set_key(Some(key));
        let mut items = Vec::new();
        let mut less: BTreeMap<Counter, i32> = BTreeMap::new();
        for user in users {
            let whole = delete(key_of(&user.external_id.fingerprint())).if_still(Some(user));
            for delete in [whole, delete(id_key(user.id))] {
                let delete = delete.build().map_err(Error::internal)?;
                items.push(TransactWriteItem::builder().delete(delete).build());
            }
            for counter in counted(Some(user)) {
                *less.entry(counter).or_default() -= 1;
            }
        }
        for (counter, by) in less {
            let update = count(&self.0, &counter, by).build().map_err(Error::internal)?;
            items.push(TransactWriteItem::builder().update(update).build());
        }
        let sent = self.0.client.transact_write_items().set_transact_items(Some(items)).send().await;
        if transaction::outcome(sent)?.is_none() { Ok(()) } else { Err(Reason::Conflict.into()) }
    }
}

/// Counts one more or one less. What is counted in must be there; the stack always is.
pub(super) fn count(table: &Table, counter: &Counter, by: i32) -> UpdateBuilder {
    let update = Update::builder()
        .table_name(table.name())
        .update_expression("ADD user_count :by")
        .expression_attribute_values(":by", number(by));
    match counter {
        Counter::Stack => update.set_key(Some(counter_key())),
        Counter::Tenant(name, id) => update
            .set_key(Some(tenants::key_of(name)))
            .condition_expression("tenant_id = :tenant")
            .expression_attribute_values(":tenant", number(id)),
        Counter::Group(tenant, _, group) => update
            .set_key(Some(tenants::group_key(tenant, *group)))
            .condition_expression("attribute_exists(pk)"),
    }
}
