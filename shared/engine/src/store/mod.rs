//! The files of tables: read through object stores that hold each file to the version that was named.

pub mod folder;
pub mod pinned;
#[cfg(feature = "s3")]
pub mod s3;
