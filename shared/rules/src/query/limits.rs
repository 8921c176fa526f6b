//! The limits of a query's text and values, and of what its functions make.

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

/// Bounds of what one call of a function makes. An engine's memory budget counts only what operators hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionLimits {
    /// Bytes of a text: `repeat`, `lpad`, `concat` and their kind.
    pub text_bytes: u64,
    /// Elements of a list: `range`, `array_repeat` and their kind.
    pub list_elements: u64,
    /// Rows of a series that stands where a table can.
    pub series_rows: u64,
}

impl FunctionLimits {
    pub const DEFAULT: Self = Self { text_bytes: 1 << 20, list_elements: 100_000, series_rows: 1_000_000 };
}

impl Default for FunctionLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { sql_bytes: 32 * 1024, depth: 50, list_values: 200, tags: 50 }
    }
}
