//! All of Vitrine in one process: the routes of every function on one port, and the real AWS SDK against an
//! embedded DynamoDB and stand-ins for S3, Lambda and Secrets Manager. Nothing of this crate runs on AWS.

mod address;
mod clock_route;
mod credential;
mod demo;
mod dynamodb;
pub mod functions;
mod guard;
pub mod import;
pub mod in_process;
mod lambda;
mod least_privilege;
mod listener;
mod loopback;
pub mod options;
mod orders;
mod private_files;
pub mod publish;
mod revenue;
mod rotate_route;
mod s3;
pub mod secret_store;
mod secrets_manager;
pub mod server;
pub mod services;
mod static_files;
mod table;
pub mod time_argument;

pub use lambda::Invocable;
pub use s3::LIFECYCLE;
pub use table::create_request as table_definition;

use std::io;
use std::path::PathBuf;

use vitrine::rules::settings::SettingError;

/// An error that ends the local run; displayed as one line.
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
    #[error("no random numbers: {0}")]
    Random(vitrine::rules::error::Error),
    #[error("nothing was imported: {0}")]
    Import(String),
    #[error("nothing was published: {0}")]
    Publish(String),
    #[error("the demo could not be published: {0}")]
    Demo(String),
}
