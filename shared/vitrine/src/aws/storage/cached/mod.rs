//! Reads of what a view needs, through caches of a few seconds.

mod cache;
mod cached_lookup;
pub mod evidence;
