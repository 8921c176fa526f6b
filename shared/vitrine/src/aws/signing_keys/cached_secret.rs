//! A cache for one secret of Secrets Manager.
//!
//! A value is read again when it is older than `KeyCacheSeconds`, and a stale one is used while Secrets Manager
//! cannot be reached. Until a value has been read for the first time, every request fails.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;

use crate::aws::aws_error::failure;
use crate::aws::capability::AwsResource;
use crate::aws::environment::Environment;
use crate::aws::process::KeyRevision;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};

pub const GET_SECRET_VALUE: &str = "secretsmanager:GetSecretValue";

/// An unknown `kid` triggers a refresh, but not more often than this: anybody can invent one.
const MIN_REFRESH_SECONDS: i64 = 5;

/// The longest wait for a refresh while a stale value is available.
const PATIENCE: Duration = Duration::from_millis(800);

/// A secret that is read as a `T` and cached.
pub struct CachedSecret<T> {
    client: Client,
    secret_id: String,
    pub clock: Clock,
    max_age_seconds: i64,
    parse: fn(&str) -> std::result::Result<T, String>,
    /// Changes of the secret that were made in this process.
    revision: KeyRevision,
    value: RwLock<Option<Read<T>>>,
    /// The time of the last request. Locked during a request, so that concurrent callers send one.
    asked: tokio::sync::Mutex<Option<Timestamp>>,
}

/// A secret's value as it was read.
struct Read<T> {
    value: Arc<T>,
    at: Timestamp,
    revision: u64,
}

impl<T> CachedSecret<T> {
    pub fn new(
        environment: &Environment,
        secret: AwsResource,
        revision: KeyRevision,
        parse: fn(&str) -> std::result::Result<T, String>,
    ) -> Self {
        Self {
            client: environment.client(Client::new),
            secret_id: environment.name_of(secret),
            clock: environment.clock.clone(),
            max_age_seconds: environment.settings.key_cache_seconds,
            parse,
            revision,
            value: RwLock::default(),
            asked: tokio::sync::Mutex::default(),
        }
    }

    /// The value; a stale one only while Secrets Manager cannot be reached.
    pub async fn get(&self) -> Result<Arc<T>> {
        self.get_within(self.max_age_seconds).await
    }

    /// The value, read again unless that was done a few seconds ago.
    pub async fn refresh(&self) -> Result<Arc<T>> {
        self.get_within(MIN_REFRESH_SECONDS.min(self.max_age_seconds)).await
    }

    async fn get_within(&self, max_age: i64) -> Result<Arc<T>> {
        match self.read(max_age) {
            Some(value) => Ok(value),
            // Boxed, so that the future of a request that needs no refresh stays small.
            None => Box::pin(self.ask(max_age)).await,
        }
    }

    async fn ask(&self, max_age: i64) -> Result<Arc<T>> {
        let mut asked = self.asked.lock().await;
        let now = self.clock.now();
        if let Some(value) = self.read(max_age) {
            return Ok(value);
        }
        let kept = self.read(i64::MAX);
        if let Some(kept) = &kept
            && asked.is_some_and(|asked| (0..MIN_REFRESH_SECONDS.min(max_age)).contains(&now.since(asked)))
        {
            return Ok(Arc::clone(kept));
        }
        *asked = Some(now);
        let revision = self.revision.current();
        let fetched = match &kept {
            None => self.fetch().await,
            // A stale value is available, so bound the refresh.
            Some(_) => tokio::time::timeout(PATIENCE, self.fetch())
                .await
                .unwrap_or_else(|_| Err(Error::new(Reason::Unavailable).detail("GetSecretValue: slow"))),
        };
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                *self.value.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(Read { value: Arc::clone(&value), at: now, revision });
                Ok(value)
            }
            Err(error) => match kept {
                Some(kept) => {
                    tracing::warn!(
                        detail = error.detail,
                        "a secret could not be read again; the one in memory serves on"
                    );
                    Ok(kept)
                }
                None => Err(error),
            },
        }
    }

    fn read(&self, max_age: i64) -> Option<Arc<T>> {
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        let Read { value, at, revision } = value.as_ref()?;
        let age = self.clock.now().since(*at);
        // A value from before a change in this process is not used, not even during an outage.
        let is_current = *revision == self.revision.current();
        (is_current && (max_age == i64::MAX || (0..max_age).contains(&age))).then(|| Arc::clone(value))
    }

    async fn fetch(&self) -> Result<T> {
        let answer = self.client.get_secret_value().secret_id(&self.secret_id).send().await;
        let answer = answer.map_err(|error| failure("GetSecretValue", &error))?;
        let unusable = |cause: &str| Error::new(Reason::Unavailable).detail(cause);
        let text = answer.secret_string().ok_or_else(|| unusable("the secret is binary"))?;
        (self.parse)(text).map_err(|cause| unusable(&cause))
    }

    pub async fn warm(&self) {
        if let Err(error) = self.get().await {
            tracing::warn!(detail = error.detail, "a secret could not be read ahead");
        }
    }
}
