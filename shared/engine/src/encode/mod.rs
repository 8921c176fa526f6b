//! Rows as bytes: JSON for pages and files, CSV for files.

mod cell;
pub mod csv;
pub mod json;

pub use cell::Cell;
