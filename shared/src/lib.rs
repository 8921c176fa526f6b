//! The rules of signed embedding, and the storage behind them.
//!
//! The modules come in three layers, and each uses only the ones before it:
//!
//! - **rules**, pure: [`token`], [`parameters`], [`view`] and the words they speak of ([`resource`],
//!   [`policy`], [`viewer`], [`session`], [`access`], ...). They know no AWS and no HTTP.
//! - **reach**: [`secrets`], [`key_versions`], [`key_writer`], [`rotation`] and [`storage`], put together in
//!   [`views`], [`rehearsals`] and [`places`]; what [`introspection`] tells of them. [`capability`] ties what a function
//!   can reach to what its policy allows.
//! - **wire**: [`http`], what all functions' routers have in common.

pub mod access;
pub mod account;
pub mod afterwards;
pub mod attribute;
pub mod audit;
pub mod capability;
pub mod clock;
pub mod content;
pub mod decision;
pub mod environment;
pub mod error;
pub mod external_user;
pub mod http;
pub mod identifiers;
pub mod input;
pub mod introspection;
pub mod key_versions;
pub mod key_writer;
pub mod origin;
mod outage;
pub mod parameter;
pub mod parameters;
pub mod places;
pub mod policy;
pub mod random;
mod recent;
pub mod registration;
pub mod rehearsals;
pub mod resource;
pub mod rotation;
pub mod secrets;
pub mod session;
pub mod session_string;
pub mod settings;
pub mod storage;
pub mod strict_json;
pub mod tenant;
pub mod token;
pub mod version;
pub mod view;
pub mod viewer;
pub mod views;

/// What [`capabilities!`] needs where it is used.
#[doc(hidden)]
pub mod macros {
    pub use axum::extract::FromRef;
    pub use tokio;
}
