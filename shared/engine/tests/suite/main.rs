//! Tests of the embedded engine over Parquet files. One binary: linking the engine takes longer than running it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod attacks;
mod dialects;
mod encoders;
mod exhaustion;
mod files;
mod imports;
mod policies;
mod property;
#[cfg(feature = "s3")]
mod s3;
mod stores;
mod surface;
