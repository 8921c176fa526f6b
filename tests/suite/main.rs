//! The contract, told as tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod binaries;
mod dives;
mod openapi;
mod resources;
mod sessions;
mod template;
