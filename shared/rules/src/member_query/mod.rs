//! Queries of members: measures and dimensions of one table, named instead of written in SQL.
//!
//! - [`members`]: the measures and dimensions that a table's visible columns make, with their titles
//! - [`asked`], [`document`]: a query as callers write it
//! - [`date_range`]: ranges of dates, absolute and relative
//! - `conditions`: filters as SQL conditions with typed arguments
//! - [`compile`]: a query as SQL with placeholders

pub mod asked;
pub mod compile;
mod conditions;
pub mod date_range;
pub mod document;
pub mod members;

#[cfg(test)]
mod tests;

use crate::error::{Error, Reason};

/// The refusal of a query. The message quotes names that the caller sent, and no value of a row.
pub(crate) fn refused(message: impl Into<String>) -> Error {
    Error::new(Reason::QueryInvalid).message(message.into())
}
