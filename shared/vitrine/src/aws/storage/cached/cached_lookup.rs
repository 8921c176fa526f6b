//! One kind of thing that is read by its key and remembered for a moment.
//!
//! Reading goes in two steps, so that many kinds share one round trip: first each shelf says what it knows
//! and asks for the rest, then each takes what came.

use std::hash::Hash;

use crate::aws::storage::cached::cache::TimedCache;
use crate::aws::storage::table::Item;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::Result;

pub struct CachedLookup<K, V> {
    recent: TimedCache<K, V>,
    /// Where a thing stands in the table.
    key: fn(&K) -> Item,
    /// What an item says, or its absence; and what it weighs in memory, if it may be remembered.
    read: fn(Option<&Item>) -> Result<Option<Read<V>>>,
}

/// Something read.
pub struct Read<V> {
    pub value: V,
    /// None: to be read anew each time.
    pub weight: Option<usize>,
}

/// A thing between being asked for and being there.
pub enum Slot<K, V> {
    Known(Option<V>),
    ViewRequest(K, Item),
}

impl<K: Eq + Hash + Clone, V: Clone> CachedLookup<K, V> {
    pub fn new(
        max_age_seconds: i64,
        key: fn(&K) -> Item,
        read: fn(Option<&Item>) -> Result<Option<Read<V>>>,
    ) -> Self {
        Self { recent: TimedCache::new(max_age_seconds), key, read }
    }

    /// What is known of `key` at the time that counts; what is not goes to the `batch`. Without a time
    /// nothing counts as known.
    pub fn ask(&self, key: Option<K>, known_at: Option<Timestamp>, batch: &mut Vec<Item>) -> Slot<K, V> {
        let Some(key) = key else { return Slot::Known(None) };
        if let Some(value) = known_at.and_then(|now| self.recent.get(&key, now)) {
            return Slot::Known(Some(value));
        }
        let place = (self.key)(&key);
        batch.push(place.clone());
        Slot::ViewRequest(key, place)
    }

    /// What came of it.
    pub fn take(&self, slot: Slot<K, V>, items: &[Item], now: Timestamp) -> Result<Option<V>> {
        let (key, place) = match slot {
            Slot::Known(value) => return Ok(value),
            Slot::ViewRequest(key, place) => (key, place),
        };
        let item = items.iter().find(|item| place.iter().all(|(name, value)| item.get(name) == Some(value)));
        let Some(Read { value, weight }) = (self.read)(item)? else { return Ok(None) };
        if let Some(weight) = weight {
            self.recent.put(key, value.clone(), weight, now);
        }
        Ok(Some(value))
    }
}
