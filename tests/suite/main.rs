//! The contract, told as tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod access;
mod attacks;
mod bad_input;
mod binaries;
mod clients;
mod cube;
mod cube_clients;
mod cube_races;
mod cube_sessions;
mod dives;
mod embed_page;
mod forge;
mod introspect;
mod limits;
mod log;
mod metabase_admin;
mod metabase_fixtures;
mod metabase_lists;
mod metabase_preview;
mod metabase_settings;
mod metabase_values;
mod metabase_viewer;
mod motherduck;
mod motherduck_clients;
mod motherduck_sandbox;
mod motherduck_sessions;
mod openapi;
mod outages;
mod resources;
mod rows;
mod sessions;
mod shape;
mod template;
mod views;
mod wire;
