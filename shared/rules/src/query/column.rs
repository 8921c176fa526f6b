//! Columns of a table.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::error::Issue;
use crate::json::input::Invalid;
use crate::query::column_type::ColumnType;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub name: String,
    #[serde(rename = "type")]
    #[deserr(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::ColumnTypeWord))]
    pub kind: ColumnType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub description: Option<String>,
    /// No query can name it; row policies can.
    #[serde(default)]
    #[deserr(default)]
    pub hidden: bool,
}

impl Column {
    pub const MAX_COLUMNS: usize = 500;

    /// The problems of a table's columns, under `path`.
    pub fn problems(columns: &[Self], path: &str) -> Vec<Issue> {
        if !(1..=Self::MAX_COLUMNS).contains(&columns.len()) {
            return vec![Issue::new(path, "must be 1 to 500 columns")];
        }
        let mut issues = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let mut issue = |field: &str, message: &str| {
                issues.push(Issue::new(format!("{path}[{index}].{field}"), message));
            };
            if !is_column_name(&column.name) {
                issue("name", "must be 1 to 128 characters without control characters or outer spaces");
            }
            if columns[..index].iter().any(|earlier| earlier.name == column.name) {
                issue("name", "is used twice");
            }
            if column.description.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
                issue("description", "must be at most 1000 characters");
            }
        }
        issues
    }
}

/// Returns whether `name` can name a column.
pub fn is_column_name(name: &str) -> bool {
    (1..=128).contains(&name.chars().count()) && name.trim() == name && !name.chars().any(char::is_control)
}
