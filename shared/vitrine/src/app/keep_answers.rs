//! Keeps answers of queries: in the memory and the files of this process, and where all processes find them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::blobs::AnswerCache;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::scratch::Scratch;
use crate::aws::timed_cache::TimedCache;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::Error;
use vitrine_rules::query::answer::{Answer, Freshness};

/// Finds and stores answers. Nothing that fails here refuses a query: what cannot be read is computed.
#[derive(Debug, Clone)]
pub struct KeptAnswers {
    /// Those of small answers that were wanted last.
    recent: Arc<TimedCache<String, Arc<Answer>>>,
    own: Scratch,
    common: AnswerCache,
    clock: Clock,
}

impl Capability for KeptAnswers {
    fn grants() -> BTreeSet<Grant> {
        AnswerCache::grants()
    }

    fn connect(environment: &Environment) -> Self {
        let own = Scratch::connect(environment);
        Self {
            recent: Arc::new(TimedCache::ageless()),
            own,
            common: AnswerCache::connect(environment),
            clock: environment.clock.clone(),
        }
    }

    async fn warm(&self) {
        self.own.sweep();
        self.common.warm().await;
    }
}

impl KeptAnswers {
    /// The answer of this process's own memory and files.
    pub fn own(&self, key: &str, fresh: Freshness) -> Option<Arc<Answer>> {
        let now = self.clock.now();
        let recent = self.recent.get(key, now);
        if let Some(answer) = recent.filter(|answer| fresh.admits(answer.facts.as_of, now)) {
            return Some(answer);
        }
        self.own.get(key).and_then(|entry| self.fresh(&entry, key, fresh))
    }

    /// The answer of any process.
    pub async fn find(&self, key: &str, fresh: Freshness) -> Option<Arc<Answer>> {
        if let Some(answer) = self.own(key, fresh) {
            return Some(answer);
        }
        let entry = self.common.get(key).await.unwrap_or_else(|error| {
            note(&error, "a cached answer was not read");
            None
        })?;
        let answer = self.fresh(&entry, key, fresh)?;
        self.own.keep(key, &entry);
        Some(answer)
    }

    /// Stores an answer. Returns whether every process finds it.
    pub async fn keep(&self, key: &str, answer: &Arc<Answer>) -> bool {
        let Some(entry) = answer.seal(key) else { return false };
        self.remember(key, answer);
        self.own.keep(key, &entry);
        match self.common.put(key, entry.into()).await {
            Ok(()) => true,
            Err(error) => {
                note(&error, "an answer was not cached");
                false
            }
        }
    }

    fn fresh(&self, entry: &[u8], key: &str, fresh: Freshness) -> Option<Arc<Answer>> {
        let answer = Answer::open(entry, key)?;
        if !fresh.admits(answer.facts.as_of, self.clock.now()) {
            return None;
        }
        let answer = Arc::new(answer);
        self.remember(key, &answer);
        Some(answer)
    }

    fn remember(&self, key: &str, answer: &Arc<Answer>) {
        self.recent.put(key.to_owned(), Arc::clone(answer), key.len() + answer.size(), self.clock.now());
    }
}

fn note(error: &Error, what: &'static str) {
    tracing::warn!(reason = error.reason.word(), detail = error.detail, "{what}");
}
