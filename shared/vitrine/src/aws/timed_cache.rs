//! A small cache with an age limit and a weight limit.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use vitrine_rules::clock::Timestamp;

/// Total weight in bytes past which the oldest entries are evicted. It bounds the function's memory.
const MAX_WEIGHT: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub struct TimedCache<K, V> {
    max_age_seconds: i64,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: usize,
    read_at: Timestamp,
}

impl<K: Eq + Hash + Clone, V: Clone> TimedCache<K, V> {
    pub fn new(max_age_seconds: i64) -> Self {
        Self { max_age_seconds, entries: Mutex::default() }
    }

    /// A cache of values that stay true, limited by weight only.
    pub fn ageless() -> Self {
        Self::new(i64::MAX)
    }

    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Timestamp) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries().get(key).filter(|entry| self.is_fresh(entry, now)).map(|entry| entry.value.clone())
    }

    /// Caches `value`, which was requested at `read_at`.
    pub fn put(&self, key: K, value: V, weight: usize, read_at: Timestamp) {
        if self.max_age_seconds == 0 || weight > MAX_WEIGHT / 4 {
            return;
        }
        let mut entries = self.entries();
        entries.retain(|_, entry| self.is_fresh(entry, read_at));
        while entries.values().map(|entry| entry.weight).sum::<usize>() + weight > MAX_WEIGHT {
            let Some(oldest) =
                entries.iter().min_by_key(|(_, entry)| entry.read_at).map(|(key, _)| key.clone())
            else {
                break;
            };
            entries.remove(&oldest);
        }
        entries.insert(key, Entry { value, weight, read_at });
    }

    /// An entry from the future was read before the clock was set back: it is not fresh either.
    fn is_fresh(&self, entry: &Entry<V>, now: Timestamp) -> bool {
        (0..self.max_age_seconds).contains(&now.since(entry.read_at))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_000 + seconds)
    }

    #[test]
    fn entries_expire_by_age_in_both_directions() {
        let cache = TimedCache::new(5);
        cache.put("a", 1, 1, at(0));
        assert_eq!(cache.get("a", at(4)), Some(1));
        assert_eq!(cache.get("a", at(5)), None);
        assert_eq!(cache.get("a", at(-1)), None);
    }

    #[test]
    fn an_age_limit_of_zero_caches_nothing() {
        let cache = TimedCache::new(0);
        cache.put("a", 1, 1, at(0));
        assert_eq!(cache.get("a", at(0)), None);
    }

    #[test]
    fn the_oldest_entries_are_evicted_by_weight() {
        let cache = TimedCache::new(60);
        for (seconds, key) in (0..).zip(["a", "b", "c", "d", "e"]) {
            cache.put(key, seconds, MAX_WEIGHT / 4, at(seconds));
        }
        assert_eq!(cache.get("a", at(5)), None);
        assert_eq!(cache.get("e", at(5)), Some(4));
        cache.put("huge", 9, MAX_WEIGHT, at(5));
        assert_eq!(cache.get("huge", at(5)), None);
    }
}
