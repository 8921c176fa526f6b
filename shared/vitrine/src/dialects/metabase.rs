//! Metabase: the words of its API.

/// Header in which its clients send an access key.
pub const SESSION_HEADER: &str = "x-metabase-session";
