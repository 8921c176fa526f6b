//! Cube: users, groups and attributes, and lists as its clients page through them.

pub mod attributes;
pub mod paging;
pub mod security_context;
pub mod users;

/// Scheme of the header `Authorization` in which its clients send an access key.
pub const ACCESS_KEY_SCHEME: &str = "Api-Key";

/// Scheme of the header `Authorization` in which its clients send an embed token.
pub const EMBED_TOKEN_SCHEME: &str = "Embed-Token";

/// The issuer that its clients expect in the token of a session.
pub const ISSUER: &str = "cubecloud";
