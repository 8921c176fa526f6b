//! External users. A user is stored under a fingerprint of the external id, and listed by the index
//! `directory`, which has the users of one tenant, or of none, in the order of their email addresses.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::builders::{DeleteBuilder, PutBuilder};

use super::ephemeral_count::EphemeralCount;
use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::schema::{DIRECTORY, POSITION, TTL};
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, number, text, text_of, unreadable};
use super::tenants;
use crate::aws::capability::{Capability, Grant, KeyPattern, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::{COUNTERS, DIRECTORY_INDEX, TABLE};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::Result;
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine_rules::viewer::tenant::{TenantGroup, TenantName};

pub(super) const EXTERNAL_USERS: KeyPattern = TABLE.items("external_user#*");
pub(super) const EXTERNAL_USER_IDS: KeyPattern = TABLE.items("external_user_id#*");
const SORT_KEY: &str = "external_user";
const EXTERNAL_ID: &str = "external_id";
pub(super) const REVISION: &str = "revision";
/// The text that a search looks into.
const SEARCH: &str = "search";
const GROUPS: &str = "tenant_groups";

pub(super) fn key_of(fingerprint: &str) -> Item {
    key(&format!("external_user#{fingerprint}"), SORT_KEY)
}

/// The key of the item that maps a user's number to the external id.
pub(super) fn id_key(id: u64) -> Item {
    key(&format!("external_user_id#{id}"), SORT_KEY)
}

pub(super) fn counter_key() -> Item {
    key("counter", SORT_KEY)
}

/// The partition of the index that lists the users of a tenant, or of none.
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

/// The condition that a user has not been changed since it was read.
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

/// The counters that include a user: of the stack, of the tenant, and of each group within it. An ephemeral
/// user is in none.
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
    /// The tenant's name, and its id.
    Tenant(TenantName, u64),
    Group(TenantName, u64, u64),
}

/// Finds users.
#[derive(Debug, Clone)]
pub struct ExternalUserReader {
    table: DynamoTable,
    clock: Clock,
}

impl Capability for ExternalUserReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), clock: environment.clock.clone() }
    }
}

impl ExternalUserReader {
    /// The stored user, even if it has expired.
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
    table: DynamoTable,
    clock: Clock,
}

impl Capability for ExternalUserLister {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors([DIRECTORY_INDEX.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), clock: environment.clock.clone() }
    }
}

/// The filter of a list of users.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserListing<'a> {
    /// None for the users who are in no tenant.
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
        let read = |item: Item| from_item(&item).map(|user| Some(user).filter(|user| !user.is_expired(now)));
        range.page(paging, read).await
    }
}

/// Removes users. [`super::UserDirectory`] writes them.
#[derive(Clone)]
pub struct ExternalUserRemover {
    table: DynamoTable,
    ephemeral: EphemeralCount,
    clock: Clock,
}

impl Capability for ExternalUserRemover {
    fn grants() -> BTreeSet<Grant> {
        let counters = [COUNTERS, tenants::ALL, tenants::CONTENTS];
        let mut grants = allow_all(&counters, &["dynamodb:UpdateItem"]);
        grants.extend(allow_all(&[EXTERNAL_USERS, EXTERNAL_USER_IDS], &["dynamodb:DeleteItem"]));
        // The count of ephemeral users.
        grants.insert(TABLE.allow("dynamodb:GetItem"));
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            table: DynamoTable::of(environment),
            ephemeral: EphemeralCount::of(environment),
            clock: environment.clock.clone(),
        }
    }
}

impl ExternalUserRemover {
    /// The largest number of users in one transaction: two items each, and at most 40 groups of a tenant.
    pub const AT_ONCE: usize = 20;

    /// Removes users as they were read, or `Reason::Conflict` if one was changed since. Frees their seats.
    ///
    /// Takes at most [`Self::AT_ONCE`] users, so that they and their counters fit into one transaction.
    pub async fn remove(&self, users: &[ExternalUser]) -> Result<()> {
        let ephemeral = self.ephemeral.plan(users, None, self.clock.now()).await?;
        let mut transaction = Transaction::on(&self.table);
        let mut less: BTreeMap<Counter, i32> = BTreeMap::new();
        for user in users {
            let key = key_of(&user.external_id.fingerprint());
            transaction.delete((), key, |delete| delete.if_still(Some(user)))?;
            transaction.delete((), id_key(user.id), |delete| delete)?;
            for counter in counted(Some(user)) {
                *less.entry(counter).or_default() -= 1;
            }
        }
        for (counter, by) in less {
            count(&mut transaction, (), &counter, by)?;
        }
        self.ephemeral.write(&mut transaction, (), &ephemeral)?;
        transaction.commit().await?.or_conflict()
    }
}

/// Adds `by` to a counter. The tenant or group that it belongs to must exist; the stack always does.
pub(super) fn count<L: PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    counter: &Counter,
    by: i32,
) -> Result<()> {
    let key = match counter {
        Counter::Stack => counter_key(),
        Counter::Tenant(name, _) => tenants::key_of(name),
        Counter::Group(tenant, _, group) => tenants::group_key(tenant, *group),
    };
    transaction.update(label, key, |update| {
        let update =
            update.update_expression("ADD user_count :by").expression_attribute_values(":by", number(by));
        match counter {
            Counter::Stack => update,
            Counter::Tenant(_, id) => update
                .condition_expression("tenant_id = :tenant")
                .expression_attribute_values(":tenant", number(id)),
            Counter::Group(..) => update.condition_expression("attribute_exists(pk)"),
        }
    })
}
