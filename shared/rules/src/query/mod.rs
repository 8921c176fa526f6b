//! Queries: SQL with template tags, whose values are bound and never spliced.
//!
//! - [`scanner`]: the text of a template as pieces
//! - [`definition`], [`widget_type`]: queries and tags as their author declares them
//! - [`prepare`], [`query_error`]: a template and the values of a view as SQL with placeholders and typed arguments
//! - [`sample`]: the checks of a query when it is published
//! - [`date_bounds`], [`field_filter`]: the conditions that dates and field filters stand for
//! - [`content`], [`choose`]: questions and the queries of dives, and the one that a request is about
//! - [`mapping`], [`column_choices`]: the parameters that set the tags of a query, and the choices of one that filters a column
//! - [`table`], [`column_type`]: the tables that a query reads
//! - [`cache_key`], [`answer`]: the key of a query's answer, and the answer as it is cached
//! - [`limits`]: bounds of queries
//!
//! The syntax of SQL itself is checked in the crate `vitrine-query`, so that only functions that run queries link a parser.

pub mod answer;
pub(crate) mod assemble;
pub mod cache_key;
pub mod choose;
pub mod column;
pub mod column_choices;
pub(crate) mod column_sql;
pub mod column_type;
pub mod content;
pub mod date_bounds;
pub mod definition;
pub mod field_filter;
pub mod lexer;
pub mod limits;
pub mod mapping;
pub mod prepare;
pub mod query_error;
pub mod sample;
pub mod scanner;
pub mod table;
pub mod typed_value;
pub mod widget_type;

#[cfg(test)]
mod tests;
