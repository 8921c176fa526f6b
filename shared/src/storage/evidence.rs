//! All that storage knows about a view, in one round trip; or in none, when it was read a moment ago.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use serde_json::Value;

use super::accounts;
use super::resources;
use super::sessions;
use super::switch;
use super::table::{Item, Table, text_of};
use super::versions;
use crate::account::{ServiceAccount, Username};
use crate::capability::{Capability, Grant};
use crate::clock::{Clock, Timestamp};
use crate::content::Content;
use crate::environment::Environment;
use crate::error::{Error, Reason, Result};
use crate::identifiers::ResourceRef;
use crate::outage::unavailable;
use crate::recent::Recent;
use crate::resource::Resource;
use crate::session::SessionState;
use crate::settings::Settings;
use crate::version::Version;
use crate::view::Evidence;

/// What every entry weighs.
const ENTRY_WEIGHT: usize = 2_048;

#[derive(Clone)]
pub struct EvidenceReader(Arc<Inner>);

struct Inner {
    table: Table,
    clock: Clock,
    settings: Arc<Settings>,
    switch: Recent<(), bool>,
    resources: Recent<ResourceRef, Arc<Resource>>,
    sessions: Recent<String, SessionState>,
    versions: Recent<(ResourceRef, u64), Arc<Version>>,
    accounts: Recent<String, Arc<ServiceAccount>>,
    states: Recent<String, Arc<Value>>,
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
            switch: Recent::new(age),
            resources: Recent::new(age),
            sessions: Recent::new(age),
            versions: Recent::new(age),
            accounts: Recent::new(age),
            states: Recent::new(age),
        }))
    }

    async fn warm(&self) {
        if let Err(error) = self.embedding_enabled().await {
            tracing::warn!(detail = error.detail, "the table could not be read ahead");
        }
    }
}

/// What bears on a decision, by its ids.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    pub resource: &'a ResourceRef,
    /// What the token's session or revocation is filed under.
    pub session: Option<&'a str>,
    /// The version of the content that the token is about.
    pub version: Option<u64>,
    /// The service account that the viewer is.
    pub account: Option<&'a Username>,
    /// What the first state of the content is filed under.
    pub state: Option<&'a str>,
}

/// The parts that are not known and have to be read.
#[derive(Default)]
struct Wanted<'a> {
    switch: bool,
    resource: Option<&'a ResourceRef>,
    session: Option<&'a str>,
    version: Option<(&'a ResourceRef, u64)>,
    account: Option<&'a Username>,
    state: Option<&'a str>,
}

/// What was found; a part that was not asked for stays as it is.
#[derive(Default)]
struct Found {
    switch: Option<bool>,
    resource: Option<Arc<Resource>>,
    session: Option<SessionState>,
    version: Option<Arc<Version>>,
    account: Option<Arc<ServiceAccount>>,
    state: Option<Arc<Value>>,
}

impl EvidenceReader {
    /// The global switch.
    pub async fn embedding_enabled(&self) -> Result<bool> {
        let now = self.0.clock.now();
        if let Some(enabled) = self.0.switch.get(&(), now) {
            return Ok(enabled);
        }
        let found = self.read(Wanted { switch: true, ..Wanted::default() }, now).await?;
        Ok(found.switch.unwrap_or(self.0.settings.embedding_enabled))
    }

    /// A resource alone, for whoever needs to know where it may be framed.
    pub async fn resource(&self, reference: &ResourceRef) -> Result<Option<Arc<Resource>>> {
        let now = self.0.clock.now();
        if let Some(resource) = self.0.resources.get(reference, now) {
            return Ok(Some(resource));
        }
        Ok(self.read(Wanted { resource: Some(reference), ..Wanted::default() }, now).await?.resource)
    }

    /// Everything that bears on a view.
    pub async fn gather(&self, sought: Sought<'_>) -> Result<Evidence> {
        let now = self.0.clock.now();
        let memory = &self.0;
        let known = Found {
            switch: memory.switch.get(&(), now),
            resource: memory.resources.get(sought.resource, now),
            session: sought.session.and_then(|id| memory.sessions.get(&id.to_owned(), now)),
            version: sought
                .version
                .and_then(|version| memory.versions.get(&(sought.resource.clone(), version), now)),
            account: sought.account.and_then(|name| memory.accounts.get(&name.folded(), now)),
            state: sought.state.and_then(|id| memory.states.get(&id.to_owned(), now)),
        };
        self.complete(sought, known, now).await
    }

    /// The same, past the memory: for whoever makes a credential and not just looks.
    pub async fn gather_now(&self, sought: Sought<'_>) -> Result<Evidence> {
        self.complete(sought, Found::default(), self.0.clock.now()).await
    }

    async fn complete(&self, sought: Sought<'_>, known: Found, now: Timestamp) -> Result<Evidence> {
        let wanted = Wanted {
            switch: known.switch.is_none(),
            resource: known.resource.is_none().then_some(sought.resource),
            session: sought.session.filter(|_| known.session.is_none()),
            version: sought
                .version
                .filter(|_| known.version.is_none())
                .map(|version| (sought.resource, version)),
            account: sought.account.filter(|_| known.account.is_none()),
            state: sought.state.filter(|_| known.state.is_none()),
        };
        let found = if wanted.is_nothing() { Found::default() } else { self.read(wanted, now).await? };
        Ok(Evidence {
            embedding_enabled: known.switch.or(found.switch).unwrap_or(self.0.settings.embedding_enabled),
            resource: known.resource.or(found.resource),
            session: known.session.or(found.session).unwrap_or(SessionState::Absent),
            version: known.version.or(found.version),
            account: known.account.or(found.account),
            state: known.state.or(found.state),
        })
    }

    async fn read(&self, wanted: Wanted<'_>, now: Timestamp) -> Result<Found> {
        let resource_key = wanted.resource.map(resources::key_of);
        let session_key = wanted.session.map(sessions::key_of);
        let switch_key = wanted.switch.then(switch::item_key);
        let version_key = wanted.version.map(|(dive, version)| versions::key_of(dive, version));
        let account_key = wanted.account.map(accounts::key_of);
        let state_key = wanted.state.map(sessions::state_key);
        let keys = [&resource_key, &session_key, &version_key, &account_key, &state_key, &switch_key];
        let keys = keys.into_iter().flatten().cloned().collect();
        let items = self.batch_get(keys).await?;
        let find = |key: &Option<Item>| {
            key.as_ref().and_then(|key| {
                items.iter().find(|item| key.iter().all(|(name, value)| item.get(name) == Some(value)))
            })
        };
        let mut found = Found::default();
        if wanted.switch {
            let enabled = switch::value_of(find(&switch_key), &self.0.settings)?;
            self.0.switch.put((), enabled, 1, now);
            found.switch = Some(enabled);
        }
        if let (Some(reference), Some(item)) = (wanted.resource, find(&resource_key)) {
            let resource = Arc::new(resources::from_item(item)?);
            let weight = text_weight(item) + resource.content.as_ref().map_or(0, Content::size);
            // What cannot be seen is read anew each time: publishing shows at once.
            if resource.is_embeddable() {
                self.0.resources.put(reference.clone(), Arc::clone(&resource), weight, now);
            }
            found.resource = Some(resource);
        }
        if let (Some((dive, number)), Some(item)) = (wanted.version, find(&version_key)) {
            let version = Arc::new(versions::from_item(item)?);
            let weight = ENTRY_WEIGHT + version.content.as_ref().map_or(0, Content::size);
            self.0.versions.put((dive.clone(), number), Arc::clone(&version), weight, now);
            found.version = Some(version);
        }
        if let (Some(name), Some(item)) = (wanted.account, find(&account_key)) {
            let account = Arc::new(accounts::from_item(item)?);
            self.0.accounts.put(name.folded(), Arc::clone(&account), text_weight(item), now);
            found.account = Some(account);
        }
        if let (Some(id), Some(item)) = (wanted.state, find(&state_key)) {
            let state = Arc::new(sessions::kept_state(item)?);
            self.0.states.put(id.to_owned(), Arc::clone(&state), text_weight(item), now);
            found.state = Some(state);
        }
        if let Some(id) = wanted.session {
            let state = find(&session_key).map_or(SessionState::Absent, sessions::state_of);
            self.0.sessions.put(id.to_owned(), state, ENTRY_WEIGHT, now);
            found.session = Some(state);
        }
        Ok(found)
    }

    /// Reads all of `keys` or fails: half an answer could be a wider view.
    async fn batch_get(&self, keys: Vec<Item>) -> Result<Vec<Item>> {
        let table = &self.0.table;
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(Error::internal)?;
        let answer = table
            .client
            .batch_get_item()
            .request_items(&table.name, request)
            .send()
            .await
            .map_err(|error| unavailable("BatchGetItem", &error))?;
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            return Err(Error::new(Reason::Unavailable).detail("BatchGetItem: throttled in part"));
        }
        // An answer that leaves our table out says nothing, and least of all that nothing is there.
        let items = answer.responses.and_then(|mut tables| tables.remove(&table.name));
        items.ok_or_else(|| {
            Error::new(Reason::Unavailable).detail("BatchGetItem: an answer without the table")
        })
    }
}

/// What an entry weighs beside the content of a resource.
fn text_weight(item: &Item) -> usize {
    ENTRY_WEIGHT + text_of(item, "document").map_or(0, str::len)
}

impl Wanted<'_> {
    const fn is_nothing(&self) -> bool {
        !self.switch
            && self.resource.is_none()
            && self.session.is_none()
            && self.version.is_none()
            && self.account.is_none()
            && self.state.is_none()
    }
}
