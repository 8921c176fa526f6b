//! A query as it reaches an engine: its text, its typed values, and the tables that it may read.

use std::time::Duration;

use vitrine_rules::query::limits::{FunctionLimits, QueryLimits};
use vitrine_rules::query::prepare::PreparedSql;

use crate::table::EngineTable;

/// One execution of a published query for one viewer.
#[derive(Debug, Clone)]
pub struct EngineQuery {
    pub prepared: PreparedSql,
    /// The only tables of the catalog.
    pub tables: Vec<EngineTable>,
    /// Limits of the text.
    pub syntax: QueryLimits,
    pub limits: Limits,
    /// The time zone of the current day and time, or UTC. Timestamps of tables stay what they are, in UTC: `AT TIME ZONE` shows
    /// them in a zone.
    pub time_zone: Option<String>,
    /// Its rows are written as they come. One thread reads them, so that few are in memory.
    pub is_export: bool,
}

/// Budgets of one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of the answer. More are cut off and the answer says so.
    pub rows: usize,
    /// Bytes of the answer in memory. More are cut off and the answer says so.
    pub bytes: usize,
    /// From the start of planning to the last row.
    pub time: Duration,
    /// Memory that operators such as sorts, joins and aggregates may hold.
    pub memory: usize,
    pub functions: FunctionLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 2_000,
            bytes: 64 << 20,
            time: Duration::from_secs(20),
            memory: 512 << 20,
            functions: FunctionLimits::DEFAULT,
        }
    }
}
