//! The contract, told as tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod access;
mod attacks;
mod bad_input;
mod binaries;
mod dives;
mod embed_page;
mod forge;
mod introspect;
mod limits;
mod log;
mod openapi;
mod outages;
mod resources;
mod sessions;
mod shape;
mod template;
mod views;
mod wire;
