//! Writes external users, with all that depends on them: the counters that include them, their tenant with its
//! groups and attributes, and their session. All in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::definitions::{SAME_TYPE, attribute_item};
use super::ephemeral_count::{CountChange, EphemeralCount};
use super::external_users::{
    Counter, EXTERNAL_USER_IDS, EXTERNAL_USERS, IfStill, count, counted, counter_key, id_item, to_item,
};
use super::sessions::SessionItem;
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, document, number, text};
use super::{DefinitionReader, ExternalUserReader, SessionStarter, TenantReader, tenants};
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::{COUNTERS, TABLE};
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::settings::Settings;
use vitrine_rules::viewer::tenant::TenantGroup;
use vitrine_rules::viewer::upsert_user::{CurrentState, TenantWrite, UserChange, UserUpsert};

/// Reads the state that a change of a user depends on, and writes the planned change.
#[derive(Clone)]
pub struct UserDirectory {
    table: DynamoTable,
    users: ExternalUserReader,
    definitions: DefinitionReader,
    tenants: TenantReader,
    ephemeral: EphemeralCount,
    sessions: SessionStarter,
    settings: Arc<Settings>,
}

impl Capability for UserDirectory {
    fn grants() -> std::collections::BTreeSet<Grant> {
        let written = [EXTERNAL_USERS, EXTERNAL_USER_IDS, tenants::CONTENTS];
        let updated = [COUNTERS, tenants::ALL, tenants::CONTENTS];
        let mut grants = allow_all(&written, &["dynamodb:PutItem"]);
        grants.extend(allow_all(&updated, &["dynamodb:UpdateItem"]));
        grants.extend(["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)));
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            table: DynamoTable::of(environment),
            users: ExternalUserReader::connect(environment),
            definitions: DefinitionReader::connect(environment),
            tenants: TenantReader::connect(environment),
            ephemeral: EphemeralCount::of(environment),
            // Its grants are among those for writing sessions.
            sessions: SessionStarter::connect(environment),
            settings: Arc::clone(&environment.settings),
        }
    }
}

/// The role of a write in the transaction.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    User,
    /// Takes a seat under the limit of external users.
    Seat,
    Other,
}

impl UserDirectory {
    /// Everything that the result of `change` depends on.
    pub async fn current_state(&self, change: &UserChange) -> Result<CurrentState> {
        let named = change.tenant.as_ref().map(|tenant| &tenant.name);
        let tenant = async {
            match named {
                Some(name) => self.tenants.find_with_groups(name).await,
                None => Ok(None),
            }
        };
        let (user, attributes, groups, mut tenant) = tokio::try_join!(
            self.users.read(&change.external_id),
            self.definitions.all_attributes(),
            self.definitions.all_groups(),
            tenant,
        )?;
        let own = user.as_ref().and_then(|user| user.tenant_name());
        let own_tenant_id = match (own, named) {
            (None, _) => None,
            (Some(own), Some(named)) if own != named => self.tenants.find(own).await?.map(|own| own.id),
            (Some(own), None) => {
                tenant = self.tenants.find_with_groups(own).await?;
                tenant.as_ref().map(|own| own.tenant.id)
            }
            (Some(_), Some(_)) => tenant.as_ref().map(|own| own.tenant.id),
        };
        Ok(CurrentState { user, attributes, groups, tenant, own_tenant_id })
    }

    /// Writes a planned change and the user's new session: both, or neither. A session also needs the grants of
    /// [`super::SessionStarter`].
    ///
    /// [`Reason::Conflict`] if the state that it was planned from has changed, [`Reason::UserLimit`] if no seat is
    /// left under the limit of external users, or of ephemeral ones.
    pub async fn commit(
        &self,
        upsert: &UserUpsert,
        session: Option<SessionItem>,
        now: Timestamp,
    ) -> Result<()> {
        if !upsert.is_change() {
            return match session {
                Some(session) => self.sessions.start(session).await,
                None => Ok(()),
            };
        }
        let ephemeral = self.ephemeral.plan(upsert.before.as_slice(), Some(&upsert.user), now).await?;
        let transaction = self.transaction(upsert, &ephemeral, session, now)?;
        if transaction.is_too_large() {
            return Err(Error::invalid(
                "",
                "the request is too much at once: name fewer groups and definitions",
            ));
        }
        match transaction.commit().await? {
            // If the user was changed as well, the plan to take a seat may be out of date.
            refused if refused.failed(&Part::Seat) && !refused.failed(&Part::User) => {
                Err(Reason::UserLimit.into())
            }
            outcome => outcome.or_conflict(),
        }
    }

    fn transaction(
        &self,
        upsert: &UserUpsert,
        ephemeral: &CountChange,
        session: Option<SessionItem>,
        now: Timestamp,
    ) -> Result<Transaction<'_, Part>> {
        let user = &upsert.user;
        let mut transaction = Transaction::on(&self.table);
        transaction.put(Part::User, to_item(user)?, |put| put.if_still(upsert.before.as_ref()))?;

        let mut counts = counts(upsert);
        match counts.remove(&Counter::Stack) {
            Some(by) if by > 0 => self.take_seat(&mut transaction)?,
            Some(by) => count(&mut transaction, Part::Other, &Counter::Stack, by)?,
            None => {}
        }
        if upsert.is_new_user() {
            // Ids are random: if one is taken, the next attempt draws another.
            transaction.put(Part::Other, id_item(user), |put| {
                put.condition_expression("attribute_not_exists(pk)")
            })?;
        } else if user.is_ephemeral() || upsert.before.as_ref().is_some_and(|before| before.is_ephemeral()) {
            // The item of the id expires with the user.
            transaction.put(Part::Other, id_item(user), |put| put)?;
        }
        if let Some(tenant) = &upsert.tenant {
            write_tenant(&mut transaction, tenant, &mut counts, now)?;
        }
        for (counter, by) in counts {
            count(&mut transaction, Part::Other, &counter, by)?;
        }
        self.ephemeral.write(&mut transaction, Part::Other, ephemeral)?;
        for item in session.into_iter().flat_map(SessionItem::into_items) {
            transaction.put(Part::Other, item, |put| put)?;
        }
        Ok(transaction)
    }

    /// Adds a user to the counter of the stack, unless that has reached the limit.
    fn take_seat(&self, transaction: &mut Transaction<'_, Part>) -> Result<()> {
        transaction.update(Part::Seat, counter_key(), |update| {
            update
                .update_expression("ADD user_count :one")
                .condition_expression("attribute_not_exists(user_count) OR user_count < :limit")
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":limit", number(self.settings.max_external_users))
        })
    }
}

/// Writes the tenant, its new groups and attributes, and takes their counters out of `counts`.
fn write_tenant(
    transaction: &mut Transaction<'_, Part>,
    tenant: &TenantWrite,
    counts: &mut BTreeMap<Counter, i32>,
    now: Timestamp,
) -> Result<()> {
    let by = counts.remove(&Counter::Tenant(tenant.name.clone(), tenant.id)).unwrap_or_default();
    if tenant.is_new || tenant.is_change() || by != 0 {
        tenants::upsert(transaction, Part::Other, tenant, by, now)?;
    }
    for group in &tenant.groups {
        let counter = Counter::Group(tenant.name.clone(), tenant.id, group.id());
        let by = counts.remove(&counter).unwrap_or_default();
        write_group(transaction, tenant, group, by, now)?;
    }
    for definition in &tenant.attributes {
        let key = tenants::attribute_key(&tenant.name, &definition.name);
        transaction.put(Part::Other, attribute_item(key, definition)?, |put| {
            put.condition_expression(SAME_TYPE)
                .expression_attribute_values(":type", text(definition.kind.to_string()))
        })?;
    }
    Ok(())
}

fn write_group(
    transaction: &mut Transaction<'_, Part>,
    tenant: &TenantWrite,
    group: &TenantGroup,
    users: i32,
    now: Timestamp,
) -> Result<()> {
    let mut item = Item::new();
    document::write(&mut item, group)?;
    let document = item.remove(document::DOCUMENT);
    transaction.update(Part::Other, tenants::group_key(&tenant.name, group.id()), |update| {
        update
            .update_expression(
                "SET document = :document, created_at = if_not_exists(created_at, :now) ADD user_count :users",
            )
            .set_expression_attribute_values(document.map(|document| [(":document".to_owned(), document)].into()))
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":users", number(users))
    })
}

/// The changes of the counters that include the user.
fn counts(upsert: &UserUpsert) -> BTreeMap<Counter, i32> {
    let mut before = counted(upsert.before.as_ref());
    if upsert.is_new_user() {
        // The previous user was removed with its tenant; the new one takes over its seat.
        before.retain(|counter| *counter == Counter::Stack);
    }
    let after = counted(Some(&upsert.user));
    let more = after.difference(&before).map(|counter| (counter.clone(), 1));
    let less = before.difference(&after).map(|counter| (counter.clone(), -1));
    more.chain(less).collect()
}
