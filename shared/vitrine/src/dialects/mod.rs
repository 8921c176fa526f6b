//! Shapes and words that belong to one vendor's API.

pub mod cube;
pub mod motherduck;
