//! Data that queries read: sources, tables, their versions and uploads.
//!
//! - [`source`]: the places of files
//! - [`table`]: tables as they are stored, with columns, row policies and the current version
//! - [`version`]: immutable versions and their files
//! - [`upload`]: files on their way to a version
//! - [`signed_request`]: requests that whoever has them may send
//! - [`finding`]: problems as functions tell them to each other
//! - [`work`]: the tasks of the function that imports tables and checks queries

pub mod finding;
pub mod signed_request;
pub mod source;
pub mod table;
pub mod upload;
pub mod version;
pub mod work;
