//! The evidence for a view, loaded in one round trip, or in none when every part is cached.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::cached_lookup::{CachedLookup, Read};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use crate::aws::storage::table::document;
use crate::aws::storage::table::{DynamoTable, Item, text_of};
use crate::aws::storage::{
    embedding_switch, external_users, resource_versions, resources, service_accounts, sessions, tenants,
};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::Result;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::card_questions::CardQuestions;
use vitrine_rules::resource::content::Content;
use vitrine_rules::resource::ids::{Deployment, Kind, ResourceId, ResourceRef};
use vitrine_rules::resource::version::Version;
use vitrine_rules::session::{SessionContext, SessionState};
use vitrine_rules::settings::Settings;
use vitrine_rules::view::decide::Evidence;
use vitrine_rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine_rules::viewer::service_account::{ServiceAccount, Username};
use vitrine_rules::viewer::tenant::TenantName;

#[derive(Clone)]
pub struct EvidenceReader(Arc<Inner>);

struct Inner {
    table: DynamoTable,
    clock: Clock,
    settings: Arc<Settings>,
    /// None: the switch was never set, and the setting decides.
    switch: CachedLookup<(), Option<bool>>,
    resources: CachedLookup<ResourceRef, Arc<Resource>>,
    /// Questions on dashboards, which need no publication of their own.
    questions: CachedLookup<u64, Arc<Resource>>,
    sessions: CachedLookup<String, (SessionState, Option<Arc<SessionContext>>)>,
    versions: CachedLookup<(ResourceRef, u64), Arc<Version>>,
    accounts: CachedLookup<Username, Arc<ServiceAccount>>,
    states: CachedLookup<String, Arc<Value>>,
    users: CachedLookup<String, Arc<ExternalUser>>,
    tenants: CachedLookup<TenantName, u64>,
}

impl Capability for EvidenceReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:BatchGetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        let age = environment.settings.resource_cache_seconds;
        Self(Arc::new(Inner {
            table: DynamoTable::of(environment),
            clock: environment.clock.clone(),
            settings: Arc::clone(&environment.settings),
            switch: CachedLookup::new(
                age,
                |()| embedding_switch::item_key(),
                |item| Ok(Some(Read { value: embedding_switch::stored(item)?, weight: Some(1) })),
            ),
            resources: CachedLookup::new(age, resources::key_of, |item| {
                let Some(item) = item else { return Ok(None) };
                let Some(resource) = resources::from_item(item)?.map(Arc::new) else { return Ok(None) };
                // A resource that cannot be seen is not cached: publishing it shows at once.
                let weight = resource.is_embeddable().then(|| weight(item, resource.content.as_ref()));
                Ok(Some(Read { value: resource, weight }))
            }),
            questions: CachedLookup::new(
                age,
                |number| resources::key_of(&question(*number)),
                |item| {
                    let Some(item) = item else { return Ok(None) };
                    let Some(resource) = resources::from_item(item)?.map(Arc::new) else { return Ok(None) };
                    let weight = weight(item, resource.content.as_ref());
                    Ok(Some(Read { value: resource, weight: Some(weight) }))
                },
            ),
            sessions: CachedLookup::new(
                age,
                |id| sessions::key_of(id),
                |item| {
                    let Some(item) = item else {
                        let value = (SessionState::Absent, None);
                        return Ok(Some(Read { value, weight: Some(ENTRY_WEIGHT) }));
                    };
                    let context = sessions::context_of(item)?;
                    let weight = ENTRY_WEIGHT + context.as_ref().map_or(0, SessionContext::size);
                    let value = (sessions::state_of(item), context.map(Arc::new));
                    Ok(Some(Read { value, weight: Some(weight) }))
                },
            ),
            versions: CachedLookup::new(
                age,
                |(dive, version)| resource_versions::key_of(dive, *version),
                |item| {
                    item.map(|item| {
                        let version = Arc::new(resource_versions::from_item(item)?);
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

/// The weight of an entry beside its content, in bytes.
const ENTRY_WEIGHT: usize = 2_048;

fn question(number: u64) -> ResourceRef {
    ResourceRef::new(Kind::Question, ResourceId::Number(number))
}

fn weight(item: &Item, content: Option<&Content>) -> usize {
    ENTRY_WEIGHT + text_of(item, document::DOCUMENT).map_or(0, str::len) + content.map_or(0, Content::size)
}

/// The keys of everything that bears on a decision.
#[derive(Debug, Clone, Default)]
pub struct EvidenceKeys {
    pub resource: Option<ResourceRef>,
    /// The key of the token's session or revocation.
    pub session: Option<String>,
    /// The version of the content that the token names.
    pub version: Option<u64>,
    /// The username of the viewer, for a service account.
    pub account: Option<Username>,
    /// The external id of the viewer, for an external user.
    pub user: Option<ExternalId>,
    pub tenant: Option<TenantName>,
    /// The key of the content's initial state.
    pub state: Option<String>,
}

impl EvidenceReader {
    /// The global switch.
    pub async fn embedding_enabled(&self) -> Result<bool> {
        let (lookups, now) = (&self.0, self.0.clock.now());
        let mut batch = Vec::new();
        let switch = lookups.switch.look_up(Some(()), Some(now), &mut batch);
        let items = self.read(batch).await?;
        Ok(self.is_on(lookups.switch.resolve(switch, &items, now)?))
    }

    /// Loads a resource alone: enough to say who may frame it.
    pub async fn resource(&self, reference: &ResourceRef) -> Result<Option<Arc<Resource>>> {
        let (lookups, now) = (&self.0, self.0.clock.now());
        let mut batch = Vec::new();
        let resource = lookups.resources.look_up(Some(reference.clone()), Some(now), &mut batch);
        let items = self.read(batch).await?;
        lookups.resources.resolve(resource, &items, now)
    }

    /// Loads everything that bears on a view.
    pub async fn load(&self, keys: EvidenceKeys) -> Result<Evidence> {
        let now = self.0.clock.now();
        self.collect(keys, Some(now), now).await
    }

    /// The same without the caches: for creating a credential.
    pub async fn load_uncached(&self, keys: EvidenceKeys) -> Result<Evidence> {
        self.collect(keys, None, self.0.clock.now()).await
    }

    async fn collect(
        &self,
        keys: EvidenceKeys,
        cached_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Evidence> {
        let lookups = &self.0;
        let mut batch = Vec::new();
        let version = keys.version.and_then(|version| Some((keys.resource.clone()?, version)));
        let switch = lookups.switch.look_up(Some(()), cached_at, &mut batch);
        let resource = lookups.resources.look_up(keys.resource, cached_at, &mut batch);
        let session = lookups.sessions.look_up(keys.session, cached_at, &mut batch);
        let version = lookups.versions.look_up(version, cached_at, &mut batch);
        let account = lookups.accounts.look_up(keys.account, cached_at, &mut batch);
        let state = lookups.states.look_up(keys.state, cached_at, &mut batch);
        let user = keys.user.map(|id| id.fingerprint());
        let user = lookups.users.look_up(user, cached_at, &mut batch);
        let tenant = lookups.tenants.look_up(keys.tenant, cached_at, &mut batch);
        let items = self.read(batch).await?;
        let session = lookups.sessions.resolve(session, &items, now)?;
        let (session, context) = session.unwrap_or((SessionState::Absent, None));
        let resource = lookups.resources.resolve(resource, &items, now)?;
        let questions = match &resource {
            Some(resource) => {
                self.questions_of(resource.content.as_ref(), resource.deployment, cached_at).await?
            }
            None => CardQuestions::default(),
        };
        Ok(Evidence {
            embedding_enabled: self.is_on(lookups.switch.resolve(switch, &items, now)?),
            resource,
            questions,
            session,
            context,
            version: lookups.versions.resolve(version, &items, now)?,
            account: lookups.accounts.resolve(account, &items, now)?,
            state: lookups.states.resolve(state, &items, now)?,
            user: lookups.users.resolve(user, &items, now)?.filter(|user| !user.is_expired(now)),
            tenant: lookups.tenants.resolve(tenant, &items, now)?,
        })
    }

    /// Loads the questions that content in `deployment` shows, without the caches: for publishing it.
    pub async fn card_questions(
        &self,
        content: Option<&Content>,
        deployment: Deployment,
    ) -> Result<CardQuestions> {
        self.questions_of(content, deployment, None).await
    }

    /// Loads the questions that content shows: all in one round trip, and in none if there are none.
    async fn questions_of(
        &self,
        content: Option<&Content>,
        deployment: Deployment,
        cached_at: Option<Timestamp>,
    ) -> Result<CardQuestions> {
        let (lookups, now) = (&self.0, self.0.clock.now());
        let numbers = content.map(Content::questions).unwrap_or_default();
        let mut batch = Vec::new();
        let asked: Vec<_> = numbers
            .into_iter()
            .map(|number| lookups.questions.look_up(Some(number), cached_at, &mut batch))
            .collect();
        let items = self.read(batch).await?;
        let mut found = Vec::with_capacity(asked.len());
        for question in asked {
            found.extend(lookups.questions.resolve(question, &items, now)?);
        }
        Ok(CardQuestions::of(found, deployment))
    }

    fn is_on(&self, turned: Option<Option<bool>>) -> bool {
        turned.flatten().unwrap_or(self.0.settings.embedding_enabled)
    }

    /// Reads the whole batch or fails: a partial answer could be a wider view.
    async fn read(&self, batch: Vec<Item>) -> Result<Vec<Item>> {
        match batch.is_empty() {
            true => Ok(Vec::new()),
            // Boxed, so that the future of a request whose evidence is cached stays small.
            false => Box::pin(self.0.table.get_batch(batch)).await,
        }
    }
}
