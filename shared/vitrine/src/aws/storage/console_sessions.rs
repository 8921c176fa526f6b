//! Sessions of the console, stored under a fingerprint of their cookie.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access_keys;
use super::activity;
use super::embedding_switch;
use super::table::document;
use super::table::schema::{PARTITION, SORT, TTL};
use super::table::{DynamoTable, Item, key, number, number_of, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::console_session::{ConsoleCookie, ConsoleSession};
use vitrine_rules::error::Result;
use vitrine_rules::settings::Settings;
use vitrine_rules::view::activity::DayCount;

const PARTITION_KEY: &str = "console_sessions";
const SEEN: &str = "seen_at";

/// A session with the time of its last request.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// The name under which it is stored.
    pub handle: String,
    pub session: ConsoleSession,
    pub seen_at: Timestamp,
}

impl StoredSession {
    fn read(item: &Item) -> Result<Self> {
        let seen = number_of(item, SEEN).and_then(|at| i64::try_from(at).ok());
        Ok(Self {
            handle: text_of(item, SORT).ok_or_else(|| unreadable("console session"))?.to_owned(),
            session: document::read(item, "console session")?,
            seen_at: Timestamp::from_unix(seen.ok_or_else(|| unreadable("console session"))?),
        })
    }
}

/// A session, and its access key if the cookie names a stored one that has the session's fingerprint.
#[derive(Debug)]
pub struct FoundSession {
    pub stored: StoredSession,
    pub key: Option<AccessKey>,
    pub embedding_enabled: bool,
    /// The last days, if they were asked for.
    pub days: Vec<DayCount>,
}

/// Finds the session of a request, and can neither start nor end one.
#[derive(Debug, Clone)]
pub struct ConsoleSessionReader {
    table: DynamoTable,
    settings: Arc<Settings>,
}

/// Starts, lists and ends sessions.
#[derive(Debug, Clone)]
pub struct ConsoleSessions(DynamoTable);

impl Capability for ConsoleSessionReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([
            TABLE.allow("dynamodb:BatchGetItem"),
            TABLE.items(PARTITION_KEY).allow("dynamodb:UpdateItem"),
        ])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), settings: Arc::clone(&environment.settings) }
    }
}

impl Capability for ConsoleSessions {
    fn grants() -> BTreeSet<Grant> {
        let writes = ["dynamodb:PutItem", "dynamodb:DeleteItem"];
        let mut grants = allow_all(&[TABLE.items(PARTITION_KEY)], &writes);
        grants.insert(TABLE.allow("dynamodb:Query"));
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl ConsoleSessionReader {
    /// Reads the session of a cookie, the access key that the cookie names and the global switch, in one request; and the
    /// days before `days_until`.
    pub async fn find(
        &self,
        cookie: &ConsoleCookie,
        days_until: Option<Timestamp>,
    ) -> Result<Option<FoundSession>> {
        let own = key(PARTITION_KEY, &cookie.handle());
        let switch = embedding_switch::item_key();
        let keys = [own.clone(), switch.clone()];
        let keys = keys.into_iter().chain(cookie.key_id.as_deref().map(access_keys::key_of));
        let keys = keys.chain(days_until.into_iter().flat_map(activity::keys_of_shown)).collect();
        let mut items = self.table.get_batch(keys).await?;
        let mut take = |wanted: &Item| {
            let is_it = |item: &Item| {
                [PARTITION, SORT].iter().all(|name| text_of(item, name) == text_of(wanted, name))
            };
            items.iter().position(is_it).map(|index| items.swap_remove(index))
        };
        let Some(stored) = take(&own).as_ref().map(StoredSession::read).transpose()? else {
            return Ok(None);
        };
        let key = cookie.key_id.as_deref().and_then(|id| take(&access_keys::key_of(id)));
        let fingerprint = &stored.session.fingerprint;
        let key = key.map(|item| access_keys::authentic(item, fingerprint)).transpose()?.flatten();
        let switched = embedding_switch::stored(take(&switch).as_ref())?;
        let embedding_enabled = switched.unwrap_or(self.settings.embedding_enabled);
        let days = days_until.map(|now| activity::days_of(&items, now)).unwrap_or_default();
        Ok(Some(FoundSession { stored, key, embedding_enabled, days }))
    }

    /// Records a request. A session that was ended stays ended.
    pub async fn record(&self, handle: &str, now: Timestamp) -> Result<()> {
        let sent = self
            .table
            .update(key(PARTITION_KEY, handle))
            .update_expression("SET #seen = :now")
            .condition_expression("attribute_exists(pk) AND #seen < :now")
            .expression_attribute_names("#seen", SEEN)
            .expression_attribute_values(":now", number(now.unix()))
            .send()
            .await;
        sent.if_condition_held("UpdateItem").map(drop)
    }
}

impl ConsoleSessions {
    pub async fn start(&self, cookie: &ConsoleCookie, session: &ConsoleSession) -> Result<()> {
        let mut item = key(PARTITION_KEY, &cookie.handle());
        document::write(&mut item, session)?;
        item.insert(SEEN.to_owned(), number(session.started_at.unix()));
        item.insert(TTL.to_owned(), number(session.expires_at().unix()));
        self.0.put(item).send().await.or_unavailable("PutItem").map(drop)
    }

    pub async fn end(&self, handle: &str) -> Result<()> {
        self.0.remove(key(PARTITION_KEY, handle)).await
    }

    /// All sessions that have not expired, the ones of hours ago included.
    pub async fn all(&self) -> Result<Vec<StoredSession>> {
        self.0.all(PARTITION_KEY).await?.iter().map(StoredSession::read).collect()
    }
}
