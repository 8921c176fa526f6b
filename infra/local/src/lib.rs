//! All of Vitrine in one process: every function's routes on one port, the real AWS SDK against an
//! embedded DynamoDB, and a stand-in for Secrets Manager. Nothing of it runs on AWS.

mod clock_route;
mod demo;
mod documents;
pub mod functions;
mod least_privilege;
pub mod moment;
pub mod options;
mod rotate_route;
pub mod secret_store;
mod secrets_manager;
pub mod server;
pub mod services;
mod table;

pub use table::create_request as table_definition;

use std::io;
use std::path::PathBuf;

use vitrine::rules::settings::SettingError;

/// Why the local run cannot start or go on; one line for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("port {port} on 127.0.0.1 cannot be used: {source}")]
    Port { port: u16, source: io::Error },
    #[error("the folder {} cannot be used: {cause}", path.display())]
    Folder { path: PathBuf, cause: String },
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("the embedded services failed: {0}")]
    Services(String),
    #[error("no randomness: {0}")]
    Random(vitrine::rules::error::Error),
    #[error("the demo could not be published: {0}")]
    Demo(String),
}
