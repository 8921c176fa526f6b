//! The limits of a query's text and values.

/// Bounds that a query keeps whoever wrote it and whatever a viewer sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLimits {
    /// Bytes of the SQL as its author wrote it.
    pub sql_bytes: usize,
    /// Levels of nesting: optional blocks, brackets, sub-queries, function calls.
    pub depth: usize,
    /// Values of one parameter.
    pub list_values: usize,
    /// Tags of one query.
    pub tags: usize,
}

impl QueryLimits {
    /// The longest SQL that can come out of a template: lists of values and referenced questions make it grow.
    pub const fn rendered_bytes(&self) -> usize {
        self.sql_bytes.saturating_mul(4)
    }

    /// The operators of one expression, all levels together. Planners take quadratic time for long chains.
    pub const fn operators(&self) -> usize {
        self.depth.saturating_mul(10)
    }
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { sql_bytes: 32 * 1024, depth: 50, list_values: 200, tags: 50 }
    }
}
