//! Reads of what a view needs, through caches of a few seconds.

pub(super) mod cached_lookup;
pub mod evidence;
