//! Reads of what a view needs, through caches of a few seconds.

mod cache;
pub(super) mod cached_lookup;
pub mod evidence;
