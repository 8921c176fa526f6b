//! Where external users are made and changed, with everything that hangs on them: the places they take,
//! their tenant and its groups, and the session that they come for. All of it in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};

use super::definitions::{SAME_TYPE, attribute_item};
use super::external_users::{Counter, IfStill, count, counted, id_item, to_item};
use super::sessions::SessionItem;
use super::table::{Item, Table, number, text};
use super::table::{document, transaction};
use super::{DefinitionReader, ExternalUserReader, SessionStarter, TenantReader, tenants};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::settings::Settings;
use vitrine_rules::viewer::attribute::AttributeDefinition;
use vitrine_rules::viewer::tenant::TenantGroup;
use vitrine_rules::viewer::upsert_user::{Change, Fresh, Known, TenantWrite, UserUpsert, register};

/// Somebody else writing the same user or the same counter at the same time is no reason to fail.
const ATTEMPTS: u32 = 80;
const LONGEST_PAUSE_MILLISECONDS: u64 = 160;

/// What DynamoDB takes in one transaction.
const MAX_PARTS: usize = 100;

#[derive(Clone)]
pub struct UserDirectory {
    table: Table,
    users: ExternalUserReader,
    definitions: DefinitionReader,
    tenants: TenantReader,
    sessions: SessionStarter,
    settings: Arc<Settings>,
    clock: Clock,
}

impl Capability for UserDirectory {
    fn grants() -> std::collections::BTreeSet<Grant> {
        ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"]
            .map(Grant::Table)
            .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            table: Table::of(environment),
            users: ExternalUserReader::connect(environment),
            definitions: DefinitionReader::connect(environment),
            tenants: TenantReader::connect(environment),
            sessions: SessionStarter::connect(environment),
            settings: Arc::clone(&environment.settings),
            clock: environment.clock.clone(),
        }
    }
}

impl UserDirectory {
    /// Does to a user what `change` says.
    pub async fn register(&self, change: &Change) -> Result<UserUpsert> {
        self.register_with(change, |_| Ok(None)).await
    }

    /// The same, and files the session that `session` makes of it: both, or neither.
    pub async fn register_with(
        &self,
        change: &Change,
        session: impl Fn(&UserUpsert) -> Result<Option<SessionItem>> + Send + Sync,
    ) -> Result<UserUpsert> {
        let mut is_crowded = false;
        for attempt in 0..ATTEMPTS {
            // Four queries at a time make a large future.
            let known = Box::pin(self.known(change)).await?;
            let fresh = Fresh { user_id: random::number()?, tenant_id: random::number()? };
            let now = self.clock.now();
            let registration = register(change, &known, fresh, now, is_crowded)?;
            let filing = session(&registration)?;
            match self.write(&registration, filing, now).await? {
                Written::Done => return Ok(registration),
                // Who is known keeps what they have; a new user has to wait for a place.
                Written::Crowded if registration.is_new_user() => return Err(Reason::UserLimit.into()),
                Written::Crowded => is_crowded = true,
                Written::Overtaken => pause(attempt).await?,
            }
        }
        Err(Error::new(Reason::Unavailable).detail("an external user is written to by too many"))
    }

    async fn known(&self, change: &Change) -> Result<Known> {
        let named = change.tenant.as_ref().map(|tenant| &tenant.name);
        let tenant = async {
            match named {
                Some(name) => self.tenants.furnished(name).await,
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
        let home = match (own, named) {
            (None, _) => None,
            (Some(own), Some(named)) if own != named => self.tenants.find(own).await?.map(|own| own.id),
            (Some(own), None) => {
                tenant = self.tenants.furnished(own).await?;
                tenant.as_ref().map(|own| own.tenant.id)
            }
            (Some(_), Some(_)) => tenant.as_ref().map(|own| own.tenant.id),
        };
        Ok(Known { user, attributes, groups, tenant, home })
    }

    async fn write(
        &self,
        registration: &UserUpsert,
        filing: Option<SessionItem>,
        now: Timestamp,
    ) -> Result<Written> {
        if !registration.is_change() {
            return match filing {
                // Nothing changes of the user: the session alone is new.
                Some(filing) => self.sessions.start(filing).await.map(|()| Written::Done),
                None => Ok(Written::Done),
            };
        }
        let parts = self.parts(registration, filing, now)?;
        if parts.len() > MAX_PARTS {
            return Err(Error::invalid("", "is too much at once: name fewer groups and definitions"));
        }
        // The first part is the user, the second the stack's counter if that changes.
        let takes_place = parts.get(1).is_some_and(|(kind, _)| *kind == Part::Place);
        let items = parts.into_iter().map(|(_, item)| item).collect();
        let sent = self.table.client.transact_write_items().set_transact_items(Some(items)).send().await;
        let refused = transaction::outcome(sent)?;
        Ok(match refused {
            refused if refused.is_none() => Written::Done,
            refused if takes_place && refused.failed(1) && !refused.failed(0) => Written::Crowded,
            _ => Written::Overtaken,
        })
    }

    fn parts(
        &self,
        registration: &UserUpsert,
        filing: Option<SessionItem>,
        now: Timestamp,
    ) -> Result<Vec<(Part, TransactWriteItem)>> {
        let user = &registration.user;
        let put = |item: Item| Put::builder().table_name(self.table.name()).set_item(Some(item));
        let whole = put(to_item(user)?).if_still(registration.before.as_ref());
        let mut parts = vec![(Part::Other, put_item(whole.build().map_err(Error::internal)?))];

        let mut counts = counts(registration);
        if let Some(by) = counts.remove(&Counter::Stack) {
            let mut update = count(&self.table, &Counter::Stack, by);
            if by > 0 {
                update = update
                    .condition_expression("attribute_not_exists(user_count) OR user_count < :limit")
                    .expression_attribute_values(":limit", number(self.settings.max_external_users));
            }
            let part = if by > 0 { Part::Place } else { Part::Other };
            parts.push((part, update_item(update.build().map_err(Error::internal)?)));
        }
        if registration.is_new_user() {
            // Numbers are random: one that is taken is drawn again.
            let id = put(id_item(user)).condition_expression("attribute_not_exists(pk)");
            parts.push((Part::Other, put_item(id.build().map_err(Error::internal)?)));
        } else if user.is_ephemeral()
            || registration.before.as_ref().is_some_and(|before| before.is_ephemeral())
        {
            // It lives as long as the user.
            parts.push((Part::Other, put_item(put(id_item(user)).build().map_err(Error::internal)?)));
        }
        if let Some(tenant) = &registration.tenant {
            let by = counts.remove(&Counter::Tenant(tenant.name.clone(), tenant.id)).unwrap_or_default();
            if tenant.is_new || tenant.is_change() || by != 0 {
                parts.push((Part::Other, update_item(tenants::upsert(&self.table, tenant, by, now)?)));
            }
            for group in &tenant.groups {
                let counter = Counter::Group(tenant.name.clone(), tenant.id, group.id());
                let by = counts.remove(&counter).unwrap_or_default();
                parts.push((Part::Other, update_item(self.group(tenant, group, by, now)?)));
            }
            for definition in &tenant.attributes {
                parts.push((Part::Other, put_item(self.attribute(tenant, definition)?)));
            }
        }
        for (counter, by) in counts {
            let update = count(&self.table, &counter, by).build().map_err(Error::internal)?;
            parts.push((Part::Other, update_item(update)));
        }
        if let Some(filing) = filing {
            parts.push((Part::Other, put_item(put(filing.0).build().map_err(Error::internal)?)));
        }
        Ok(parts)
    }

    fn group(&self, tenant: &TenantWrite, group: &TenantGroup, users: i32, now: Timestamp) -> Result<Update> {
        let mut document = Item::new();
        document::write(&mut document, group)?;
        Update::builder()
            .table_name(self.table.name())
            .set_key(Some(tenants::group_key(&tenant.name, group.id())))
            .update_expression(
                "SET document = :document, created_at = if_not_exists(created_at, :now) ADD user_count :users",
            )
            .set_expression_attribute_values(
                document.remove(document::DOCUMENT).map(|document| [(":document".to_owned(), document)].into()),
            )
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":users", number(users))
            .build()
            .map_err(Error::internal)
    }

    fn attribute(&self, tenant: &TenantWrite, definition: &AttributeDefinition) -> Result<Put> {
        let place = tenants::attribute_key(&tenant.name, &definition.name);
        Put::builder()
            .table_name(self.table.name())
            .set_item(Some(attribute_item(place, definition)?))
            .condition_expression(SAME_TYPE)
            .expression_attribute_values(":type", text(definition.kind.to_string()))
            .build()
            .map_err(Error::internal)
    }
}

enum Written {
    Done,
    /// No place is left under the limit.
    Crowded,
    /// Somebody else was there first: look again.
    Overtaken,
}

#[derive(PartialEq, Eq)]
enum Part {
    /// Takes a place under the limit.
    Place,
    Other,
}

/// Where one more or one less is counted.
fn counts(registration: &UserUpsert) -> BTreeMap<Counter, i32> {
    let mut before = counted(registration.before.as_ref());
    if registration.is_new_user() {
        // Whoever stood here before is gone with the tenant; the place in the stack passes on.
        before.retain(|counter| *counter == Counter::Stack);
    }
    let after = counted(Some(&registration.user));
    let more = after.difference(&before).map(|counter| (counter.clone(), 1));
    let less = before.difference(&after).map(|counter| (counter.clone(), -1));
    more.chain(less).collect()
}

fn put_item(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

fn update_item(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

/// A pause of random length, so that those who met do not meet again.
async fn pause(attempt: u32) -> Result<()> {
    let longest = LONGEST_PAUSE_MILLISECONDS.min(4 << attempt.min(10));
    tokio::time::sleep(Duration::from_millis(random::number()? % longest)).await;
    Ok(())
}
