//! Tables as their owner declares them.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::error::Issue;
use crate::json::input::{Check, Invalid};
use crate::query::column::Column;
use crate::row_policy::RowPolicy;

/// The fields of a table that its owner sets. A field that is left out is empty, except the columns, which the first
/// version infers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TableInput {
    /// `managed` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::forms::SourceName>))]
    pub source: Option<String>,
    /// The prefix of files that others write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1024))]
    pub location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 4096))]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 500))]
    pub columns: Option<Vec<Column>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub row_policies: Vec<RowPolicy>,
}

/// The source that every stack has.
pub const MANAGED: &str = "managed";

impl Check for TableInput {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.source.as_deref().is_some_and(|source| !is_source_name(source)) {
            issues.push(Issue::new("source", SOURCE_NAME));
        }
        if self.location.as_deref().is_some_and(|location| !is_prefix(location)) {
            let message = "must be a prefix of at most 1024 characters, without `..` or a slash at its start";
            issues.push(Issue::new("location", message));
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 4_096) {
            issues.push(Issue::new("description", "must be at most 4096 characters"));
        }
        if let Some(columns) = &self.columns {
            issues.extend(Column::problems(columns, "columns"));
        }
        issues.extend(RowPolicy::problems(&self.row_policies, self.columns.as_deref(), "row_policies"));
        issues
    }
}

pub const TABLE_NAME: &str =
    "must be 1 to 63 lower-case letters, digits and underscores, and not start with a digit";
pub const SOURCE_NAME: &str =
    "must be 1 to 63 lower-case letters, digits, hyphens and underscores, a letter first";

/// Returns whether `name` can name a table. Such a name needs no quotes in SQL.
pub fn is_table_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

pub fn is_source_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

fn is_prefix(location: &str) -> bool {
    (1..=1_024).contains(&location.chars().count())
        && !location.starts_with('/')
        && !location.chars().any(char::is_control)
        && !location.split('/').any(|part| part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::{Value, json};

    fn problems(table: Value) -> Vec<String> {
        let input: TableInput = input::read(table).unwrap();
        input.problems().into_iter().map(|issue| issue.path).collect()
    }

    #[test]
    fn tables_are_read_and_written_in_one_form() {
        let form = json!({
            "source": "managed",
            "description": "Orders of all customers",
            "columns": [
                {"name": "city", "type": "text", "description": "City", "hidden": false},
                {"name": "amount", "type": "decimal(10,2)", "hidden": true},
            ],
            "row_policies": [{"groups": ["*"], "rows": [{"column": "city", "op": "=", "value": {"attribute": "city"}}]}],
        });
        let table: TableInput = input::check(form.clone()).unwrap();
        assert_eq!(serde_json::to_value(&table).unwrap(), form);
        assert_eq!(serde_json::from_value::<TableInput>(form).unwrap(), table);
        assert_eq!(input::check::<TableInput>(json!({})).unwrap(), TableInput::default());
    }

    #[test]
    fn every_problem_names_its_field() {
        let column = |name: &str| json!({"name": name, "type": "text"});
        let cases: [(Value, &[&str]); 12] = [
            (json!({"source": "No such"}), &["source"]),
            (json!({"location": "../secret"}), &["location"]),
            (json!({"location": "/abs"}), &["location"]),
            (json!({"location": "sales/2024/"}), &[]),
            (json!({"description": "x".repeat(4_097)}), &["description"]),
            (json!({"columns": []}), &["columns"]),
            (json!({"columns": vec![column("a"); 501]}), &["columns"]),
            (json!({"columns": [column("a"), column("b"), column("a")]}), &["columns[2].name"]),
            (json!({"columns": [column(" a"), column("")]}), &["columns[0].name", "columns[1].name"]),
            (json!({"columns": [column("a\u{0}")]}), &["columns[0].name"]),
            (json!({"columns": [column("Größe \"x\"")]}), &[]),
            (
                json!({"columns": [column("a")], "row_policies": [{"groups": ["*"], "rows": [{"column": "b", "op": "is_null"}]}]}),
                &["row_policies[0].rows[0].column"],
            ),
        ];
        for (table, paths) in cases {
            assert_eq!(problems(table.clone()), paths, "{table}");
        }
    }

    #[test]
    fn names_of_tables_and_sources() {
        for good in ["orders", "_x", "o2", "sales_2024"] {
            assert!(is_table_name(good), "{good}");
        }
        for bad in ["", "Orders", "2024", "a-b", "a.b", "a b", "bücher", "a\"", &"a".repeat(64)] {
            assert!(!is_table_name(bad), "{bad}");
        }
        assert!(is_source_name("managed") && is_source_name("lake-2"));
        assert!(!is_source_name("-a") && !is_source_name("Lake") && !is_source_name("2a"));
    }
}
