//! The files of tables: read through object stores that hold each file to the version that was named.

pub mod counted;
pub mod folder;
pub mod kept;
pub mod pinned;
#[cfg(feature = "s3")]
pub mod s3;
pub mod stored_table;
pub mod version;
