//! Row policies: which rows of a table a viewer may see.
//!
//! A policy is structured: conditions on columns against literals and viewer attributes, never SQL. [`resolve`] turns
//! the policies of a table and a viewer into [`RowAccess`], which an engine applies below the query.

mod definition;
mod resolve;

pub use definition::{Operand, Operator, PolicyRows, RowPolicy, RowRule};
pub use resolve::resolve;

use crate::query::column_type::ColumnType;
use crate::query::typed_value::TypedValue;

/// The rows of one table that one viewer may see. A viewer whom no policy matches gets an error instead.
#[derive(Debug, Clone, PartialEq)]
pub enum RowAccess {
    All,
    /// Rows that satisfy the filter.
    Some(RowFilter),
    /// No row: an attribute that a policy names is an empty list.
    None,
}

/// Alternatives, of which a row satisfies at least one. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFilter {
    pub any: Vec<RowConditions>,
}

/// Conditions, all of which a row satisfies. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct RowConditions {
    pub all: Vec<RowCondition>,
}

/// A condition on one column. Every value has the column's type. A row whose column is NULL satisfies none but `IsNull`.
#[derive(Debug, Clone, PartialEq)]
pub struct RowCondition {
    pub column: String,
    pub kind: ColumnType,
    pub test: RowTest,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RowTest {
    Equals(TypedValue),
    /// Never empty, without duplicates.
    In(Vec<TypedValue>),
    /// Both ends belong to it.
    Between(TypedValue, TypedValue),
    IsNull,
}
