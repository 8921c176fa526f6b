//! Cached lookups: items of one kind, read by their key and cached for a few seconds.
//!
//! A read has two steps, so that many kinds share one round trip: first each lookup answers from its cache or
//! adds a key to the batch, then each takes its item out of the batch's answer.

use std::hash::Hash;

use crate::aws::storage::table::Item;
use crate::aws::timed_cache::TimedCache;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::Result;

pub struct CachedLookup<K, V> {
    cache: TimedCache<K, V>,
    /// Returns the item's key in the table.
    key: fn(&K) -> Item,
    /// Reads an item, or its absence.
    read: fn(Option<&Item>) -> Result<Option<Read<V>>>,
}

/// A value that was read from the table.
pub struct Read<V> {
    pub value: V,
    /// The weight in the cache; none if the value must not be cached.
    pub weight: Option<usize>,
}

/// A value between the two steps of a read.
pub enum Lookup<K, V> {
    Hit(Option<V>),
    Miss(K, Item),
}

impl<K: Eq + Hash + Clone, V: Clone> CachedLookup<K, V> {
    pub fn new(
        max_age_seconds: i64,
        key: fn(&K) -> Item,
        read: fn(Option<&Item>) -> Result<Option<Read<V>>>,
    ) -> Self {
        Self { cache: TimedCache::new(max_age_seconds), key, read }
    }

    /// Answers from the cache as of `cached_at`, or adds the key to the `batch`. Without a time the cache is
    /// passed over.
    pub fn look_up(
        &self,
        key: Option<K>,
        cached_at: Option<Timestamp>,
        batch: &mut Vec<Item>,
    ) -> Lookup<K, V> {
        let Some(key) = key else { return Lookup::Hit(None) };
        if let Some(value) = cached_at.and_then(|now| self.cache.get(&key, now)) {
            return Lookup::Hit(Some(value));
        }
        let item_key = (self.key)(&key);
        batch.push(item_key.clone());
        Lookup::Miss(key, item_key)
    }

    /// Takes the value out of the batch's answer, and caches it.
    pub fn resolve(&self, lookup: Lookup<K, V>, items: &[Item], now: Timestamp) -> Result<Option<V>> {
        let (key, item_key) = match lookup {
            Lookup::Hit(value) => return Ok(value),
            Lookup::Miss(key, item_key) => (key, item_key),
        };
        let item =
            items.iter().find(|item| item_key.iter().all(|(name, value)| item.get(name) == Some(value)));
        let Some(Read { value, weight }) = (self.read)(item)? else { return Ok(None) };
        if let Some(weight) = weight {
            self.cache.put(key, value.clone(), weight, now);
        }
        Ok(Some(value))
    }
}
