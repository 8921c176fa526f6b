//! The rules of signed embedding.
//!
//! Everything here is pure: no AWS, no HTTP and no async runtime, which the crate's dependencies enforce.
//! A rule that can be tested without them belongs here.
//!
//! - [`token`]: verifying and making embed tokens
//! - [`view`]: the decision to show something, and the parameters it is shown with
//! - [`resource`]: dashboards, questions and dives, and their embed policy
//! - [`viewer`]: external users, service accounts, tenants, attributes and groups
//! - [`session`], [`access_key`], [`key_session`]: the credentials that the stack gives out
//! - [`reach`], [`permission`]: the part of the stack that an access key may know of, and what it may do there
//! - [`sign_in_attempts`]: the bound on wrong passwords
//! - [`openid`]: sign-in to the console through a provider of OpenID Connect
//! - [`json`]: strict parsing of documents and checked input
//! - [`data`]: sources, tables, versions and uploads
//! - [`query`], [`row_policy`]: queries over live data, and the rows that a viewer may see
//! - [`member_query`]: queries that name measures and dimensions instead of SQL
//! - [`publishing`]: the checks of content with queries
//! - [`paging`], [`cursor`]: pages of a list, and the encrypted places where they end
//! - [`error`], [`issues`], [`settings`], [`query_settings`], [`clock`], [`random`], [`text`]: what all of them share

pub mod access_key;
pub mod clock;
pub mod console_session;
pub mod cursor;
pub mod data;
pub mod error;
#[cfg(feature = "openapi")]
pub mod forms;
pub mod issues;
pub mod json;
pub mod key_session;
pub mod member_query;
pub mod openid;
pub mod paging;
pub mod permission;
pub mod publishing;
pub mod query;
pub mod query_settings;
pub mod random;
pub mod reach;
pub mod resource;
pub mod row_policy;
pub mod session;
pub mod settings;
pub mod sign_in_attempts;
pub mod sign_in_lock;
pub mod text;
pub mod token;
pub mod view;
pub mod viewer;
