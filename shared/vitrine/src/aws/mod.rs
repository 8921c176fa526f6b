//! Storage in DynamoDB and S3, signing keys in Secrets Manager, the engine's worker, the provider of OpenID Connect, and
//! the capabilities that reach them.

pub mod admin_key;
pub mod aws_error;
pub mod background;
pub mod blobs;
pub mod capability;
pub mod engine_worker;
pub mod environment;
pub mod identity_provider;
pub mod process;
pub mod scratch;
pub mod signing_keys;
pub mod storage;
pub mod timed_cache;
mod web_client;
