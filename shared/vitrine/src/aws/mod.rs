//! Storage in DynamoDB, signing keys in Secrets Manager, and the capabilities that reach them.

pub mod admin_key;
pub mod aws_error;
pub mod background;
pub mod capability;
pub mod environment;
pub mod process;
pub mod signing_keys;
pub mod storage;
