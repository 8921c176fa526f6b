//! The syntax of published SQL.
//!
//! The SQL surface is an allow-list: one query over declared tables and listed functions. [`parse`] reads a text within
//! its limits, [`Parsed::check`] holds it against the tables and functions that there are, and the result has the names
//! of its columns as Postgres gives them. [`guard`] does both for SQL that was prepared from a template.
//!
//! It is a crate of its own so that only functions that run queries link the parser. Templates, values and policies are in
//! `vitrine_rules::query` and `vitrine_rules::row_policy`.

mod aliases;
mod columns;
mod functions;
mod guard;
mod joins;
mod nearest;
mod parse;
mod shape;
mod tokens;

#[cfg(test)]
mod tests;

pub use columns::{SelectedColumn, unique_names};
pub use functions::Volatility;
pub use guard::{Guarded, Surface, guard};
pub use nearest::nearest;
pub use parse::{Parsed, parse};
pub use sqlparser;
