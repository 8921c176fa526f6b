//! What Secrets Manager holds: the signing keys and the stack's admin key.
//!
//! Both are kept in memory, read again when they grow old, and go on serving when Secrets Manager does
//! not answer. Without ever having read them there is no answer at all.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;

use crate::aws::aws_error::unavailable;
use crate::aws::environment::Environment;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Reason, Result};

pub const GET_SECRET_VALUE: &str = "secretsmanager:GetSecretValue";

/// An unknown `kid` asks for the keys again, but not more often than this: anybody can invent one.
const MIN_REFRESH_SECONDS: i64 = 5;

/// How long a request waits for keys to be read again that are in memory already.
const PATIENCE: Duration = Duration::from_millis(800);

/// One secret, read as a `T` and kept.
pub struct CachedSecret<T> {
    client: Client,
    secret_id: String,
    pub clock: Clock,
    max_age_seconds: i64,
    parse: fn(&str) -> std::result::Result<T, String>,
    value: RwLock<Option<(Arc<T>, Timestamp)>>,
    /// When it was last asked for. Held while asking, so that many requests ask once.
    asked: tokio::sync::Mutex<Option<Timestamp>>,
}

impl<T> CachedSecret<T> {
    pub fn new(
        environment: &Environment,
        secret_id: &str,
        parse: fn(&str) -> std::result::Result<T, String>,
    ) -> Self {
        Self {
            client: environment.secrets.clone(),
            secret_id: secret_id.to_owned(),
            clock: environment.clock.clone(),
            max_age_seconds: environment.settings.key_cache_seconds,
            parse,
            value: RwLock::default(),
            asked: tokio::sync::Mutex::default(),
        }
    }

    /// The value, not older than it may be while Secrets Manager answers.
    pub async fn get(&self) -> Result<Arc<T>> {
        self.get_within(self.max_age_seconds).await
    }

    /// The value, read again unless it was asked for a moment ago.
    pub async fn get_anew(&self) -> Result<Arc<T>> {
        self.get_within(MIN_REFRESH_SECONDS.min(self.max_age_seconds)).await
    }

    async fn get_within(&self, max_age: i64) -> Result<Arc<T>> {
        match self.read(max_age) {
            Some(value) => Ok(value),
            // On the heap: a request that needs nothing read should not carry the room for it about.
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
        let fetched = match &kept {
            None => self.fetch().await,
            // Nobody waits long for a newer value than the one that would do.
            Some(_) => tokio::time::timeout(PATIENCE, self.fetch())
                .await
                .unwrap_or_else(|_| Err(Error::new(Reason::Unavailable).detail("GetSecretValue: slow"))),
        };
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                *self.value.write().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&value), now));
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
        let (value, read_at) = value.as_ref()?;
        let age = self.clock.now().since(*read_at);
        (max_age == i64::MAX || (0..max_age).contains(&age)).then(|| Arc::clone(value))
    }

    async fn fetch(&self) -> Result<T> {
        let answer = self.client.get_secret_value().secret_id(&self.secret_id).send().await;
        let answer = answer.map_err(|error| unavailable("GetSecretValue", &error))?;
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
