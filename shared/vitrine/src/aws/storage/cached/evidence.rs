//! All that storage knows about a view, in one round trip; or in none, when it was read a moment ago.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use serde_json::Value;

use super::cached_lookup::{CachedLookup, Read};
use crate::aws::aws_error::unavailable;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::document;
use crate::aws::storage::table::{Item, Table, text_of};
use crate::aws::storage::{
    dive_versions, embedding_switch, external_users, resources, service_accounts, sessions, tenants,
};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::content::Content;
use vitrine_rules::resource::dive_version::Version;
use vitrine_rules::resource::ids::ResourceRef;
use vitrine_rules::session::{Context, SessionState};
use vitrine_rules::settings::Settings;
use vitrine_rules::view::decide::Evidence;
use vitrine_rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine_rules::viewer::service_account::{ServiceAccount, Username};
use vitrine_rules::viewer::tenant::TenantName;

#[derive(Clone)]
pub struct EvidenceReader(Arc<Inner>);

struct Inner {
    table: Table,
    clock: Clock,
    settings: Arc<Settings>,
    /// None: it was never turned, and the setting decides.
    switch: CachedLookup<(), Option<bool>>,
    resources: CachedLookup<ResourceRef, Arc<Resource>>,
    sessions: CachedLookup<String, (SessionState, Option<Arc<Context>>)>,
    versions: CachedLookup<(ResourceRef, u64), Arc<Version>>,
    accounts: CachedLookup<Username, Arc<ServiceAccount>>,
    states: CachedLookup<String, Arc<Value>>,
    users: CachedLookup<String, Arc<ExternalUser>>,
    tenants: CachedLookup<TenantName, u64>,
}

impl Capability for EvidenceReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Table("dynamodb:BatchGetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        let age = environment.settings.resource_cache_seconds;
        Self(Arc::new(Inner {
            table: Table::of(environment),
            clock: environment.clock.clone(),
            settings: Arc::clone(&environment.settings),
            switch: CachedLookup::new(
                age,
                |()| embedding_switch::item_key(),
                |item| Ok(Some(Read { value: embedding_switch::turned(item)?, weight: Some(1) })),
            ),
            resources: CachedLookup::new(age, resources::key_of, |item| {
                item.map(|item| {
                    let resource = Arc::new(resources::from_item(item)?);
                    // What cannot be seen is read anew each time: publishing shows at once.
                    let weight = resource.is_embeddable().then(|| weight(item, resource.content.as_ref()));
                    Ok(Read { value: resource, weight })
                })
                .transpose()
            }),
            sessions: CachedLookup::new(
                age,
                |id| sessions::key_of(id),
                |item| {
                    let Some(item) = item else {
                        let value = (SessionState::Absent, None);
                        return Ok(Some(Read { value, weight: Some(ENTRY_WEIGHT) }));
                    };
                    let context = sessions::context_of(item)?;
                    let weight = ENTRY_WEIGHT + context.as_ref().map_or(0, Context::size);
                    let value = (sessions::state_of(item), context.map(Arc::new));
                    Ok(Some(Read { value, weight: Some(weight) }))
                },
            ),
            versions: CachedLookup::new(
                age,
                |(dive, version)| dive_versions::key_of(dive, *version),
                |item| {
                    item.map(|item| {
                        let version = Arc::new(dive_versions::from_item(item)?);
                        let weight = weight(item, version.content.as_ref());
                        Ok(Read { value: version, weight: Some(weight) })
                    })
                    .transpose()
                },
            ),
            accounts: CachedLookup::new(age, service_accounts::key_of, |item| {
                item.map(|item| {
                    Ok(Read {
                        value: Arc::new(service_accounts::from_item(item)?),
                        weight: Some(weight(item, None)),
                    })
                })
                .transpose()
            }),
            states: CachedLookup::new(
                age,
                |id| sessions::state_key(id),
                |item| {
                    item.map(|item| {
                        Ok(Read {
                            value: Arc::new(sessions::kept_state(item)?),
                            weight: Some(weight(item, None)),
                        })
                    })
                    .transpose()
                },
            ),
            users: CachedLookup::new(
                age,
                |fingerprint| external_users::key_of(fingerprint),
                |item| {
                    item.map(|item| {
                        let user = Arc::new(external_users::from_item(item)?);
                        Ok(Read { value: user, weight: Some(weight(item, None)) })
                    })
                    .transpose()
                },
            ),
            tenants: CachedLookup::new(age, tenants::key_of, |item| {
                item.map(|item| Ok(Read { value: tenants::id_of(item)?, weight: Some(ENTRY_WEIGHT) }))
                    .transpose()
            }),
        }))
    }

    async fn warm(&self) {
        if let Err(error) = self.embedding_enabled().await {
            tracing::warn!(detail = error.detail, "the table could not be read ahead");
        }
    }
}

/// What every entry weighs.
const ENTRY_WEIGHT: usize = 2_048;

fn weight(item: &Item, content: Option<&Content>) -> usize {
    ENTRY_WEIGHT + text_of(item, document::DOCUMENT).map_or(0, str::len) + content.map_or(0, Content::size)
}

/// What bears on a decision, by its ids.
#[derive(Debug, Clone, Default)]
pub struct EvidenceKeys {
    pub resource: Option<ResourceRef>,
    /// What the token's session or revocation is filed under.
    pub session: Option<String>,
    /// The version of the content that the token is about.
    pub version: Option<u64>,
    /// The service account that the viewer is.
    pub account: Option<Username>,
    /// The external user that the viewer is.
    pub user: Option<ExternalId>,
    pub tenant: Option<TenantName>,
    /// What the first state of the content is filed under.
    pub state: Option<String>,
}

impl EvidenceReader {
    /// The global switch.
    pub async fn embedding_enabled(&self) -> Result<bool> {
        let (shelves, now) = (&self.0, self.0.clock.now());
        let mut batch = Vec::new();
        let switch = shelves.switch.ask(Some(()), Some(now), &mut batch);
        let items = self.read(batch).await?;
        Ok(self.is_on(shelves.switch.take(switch, &items, now)?))
    }

    /// A resource alone, for whoever needs to know where it may be framed.
    pub async fn resource(&self, reference: &ResourceRef) -> Result<Option<Arc<Resource>>> {
        let (shelves, now) = (&self.0, self.0.clock.now());
        let mut batch = Vec::new();
        let resource = shelves.resources.ask(Some(reference.clone()), Some(now), &mut batch);
        let items = self.read(batch).await?;
        shelves.resources.take(resource, &items, now)
    }

    /// Everything that bears on a view.
    pub async fn gather(&self, sought: EvidenceKeys) -> Result<Evidence> {
        let now = self.0.clock.now();
        self.collect(sought, Some(now), now).await
    }

    /// The same, past the memory: for whoever makes a credential and not just looks.
    pub async fn gather_now(&self, sought: EvidenceKeys) -> Result<Evidence> {
        self.collect(sought, None, self.0.clock.now()).await
    }

    async fn collect(
        &self,
        sought: EvidenceKeys,
        known_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Evidence> {
        let shelves = &self.0;
        let mut batch = Vec::new();
        let version = sought.version.and_then(|version| Some((sought.resource.clone()?, version)));
        let switch = shelves.switch.ask(Some(()), known_at, &mut batch);
        let resource = shelves.resources.ask(sought.resource, known_at, &mut batch);
        let session = shelves.sessions.ask(sought.session, known_at, &mut batch);
        let version = shelves.versions.ask(version, known_at, &mut batch);
        let account = shelves.accounts.ask(sought.account, known_at, &mut batch);
        let state = shelves.states.ask(sought.state, known_at, &mut batch);
        let user = sought.user.map(|id| id.fingerprint());
        let user = shelves.users.ask(user, known_at, &mut batch);
        let tenant = shelves.tenants.ask(sought.tenant, known_at, &mut batch);
        let items = self.read(batch).await?;
        let session = shelves.sessions.take(session, &items, now)?;
        let (session, context) = session.unwrap_or((SessionState::Absent, None));
        Ok(Evidence {
            embedding_enabled: self.is_on(shelves.switch.take(switch, &items, now)?),
            resource: shelves.resources.take(resource, &items, now)?,
            session,
            context,
            version: shelves.versions.take(version, &items, now)?,
            account: shelves.accounts.take(account, &items, now)?,
            state: shelves.states.take(state, &items, now)?,
            user: shelves.users.take(user, &items, now)?.filter(|user| !user.is_expired(now)),
            tenant: shelves.tenants.take(tenant, &items, now)?,
        })
    }

    fn is_on(&self, turned: Option<Option<bool>>) -> bool {
        turned.flatten().unwrap_or(self.0.settings.embedding_enabled)
    }

    /// Reads the whole batch or fails: half an answer could be a wider view.
    async fn read(&self, batch: Vec<Item>) -> Result<Vec<Item>> {
        match batch.is_empty() {
            true => Ok(Vec::new()),
            // On the heap: a request that needs nothing read should not carry the room for it about.
            false => Box::pin(self.fetch(batch)).await,
        }
    }

    async fn fetch(&self, batch: Vec<Item>) -> Result<Vec<Item>> {
        let table = &self.0.table;
        let request = KeysAndAttributes::builder()
            .set_keys(Some(batch))
            .consistent_read(true)
            .build()
            .map_err(Error::internal)?;
        let answer = table
            .client
            .batch_get_item()
            .request_items(table.name(), request)
            .send()
            .await
            .map_err(|error| unavailable("BatchGetItem", &error))?;
        let refuse = |cause| Err(Error::new(Reason::Unavailable).detail(cause));
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            return refuse("BatchGetItem: throttled in part");
        }
        match answer.responses.and_then(|mut tables| tables.remove(table.name())) {
            Some(items) => Ok(items),
            // An answer that leaves our table out says nothing, and least of all that nothing is there.
            None => refuse("BatchGetItem: an answer without the table"),
        }
    }
}
