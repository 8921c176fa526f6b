//! The common crate of all functions.
//!
//! Four folders, each using only those below it:
//!
//! - [`http`]: routes, callers, bodies, errors and logs, shared by every router
//! - [`dialects`]: shapes and words that belong to one vendor
//! - [`app`]: use cases, one file each, named by a verb
//! - [`aws`]: storage, signing keys, and the capabilities that are a function's IAM policy
//!
//! The pure rules below them are a crate of their own, re-exported as [`rules`].

pub mod app;
pub mod aws;
pub mod dialects;
pub mod http;

pub use vitrine_rules as rules;

/// Re-exports for the code that the crate's macros generate.
#[doc(hidden)]
pub mod macros {
    pub use axum::extract::FromRef;
    pub use tokio;
}
