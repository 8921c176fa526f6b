//! Row policies as a table declares them.

use deserr::{DeserializeError, Deserr, ErrorKind, IntoValue, ValueKind, ValuePointerRef, take_cf_content};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Issue;
use crate::json::input::{Invalid, Wrong};
use crate::query::column::Column;
use crate::viewer::tenant::group_name_problem;

/// The rows that viewers in some groups may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowPolicy {
    /// Names of groups; `*` is every viewer.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100, value_type = Vec<crate::forms::PolicyGroup>))]
    pub groups: Vec<String>,
    pub rows: PolicyRows,
}

/// `"all"`, or rules that a row must satisfy together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PolicyRows {
    All(AllRows),
    Rules(Vec<RowRule>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AllRows {
    #[serde(rename = "all")]
    All,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowRule {
    pub column: String,
    pub op: Operator,
    /// A literal, `{"attribute": name}`, a list of literals for `in`, or two of them for `between`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[deserr(default)]
    pub value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Operator {
    #[serde(rename = "=")]
    #[deserr(rename = "=")]
    Equals,
    #[serde(rename = "in")]
    #[deserr(rename = "in")]
    In,
    #[serde(rename = "between")]
    #[deserr(rename = "between")]
    Between,
    #[serde(rename = "is_null")]
    #[deserr(rename = "is_null")]
    IsNull,
}

/// The right side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand<'a> {
    Literal(&'a Value),
    Attribute(&'a str),
}

/// A rule's operator with the operands that it takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Comparison<'a> {
    Equals(Operand<'a>),
    In(&'a [Value]),
    InAttribute(&'a str),
    Between(Operand<'a>, Operand<'a>),
    IsNull,
}

impl<'a> Operand<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Object(members) => match members.get("attribute") {
                Some(Value::String(name)) if members.len() == 1 => Some(Self::Attribute(name)),
                _ => None,
            },
            Value::Null | Value::Array(_) => None,
            literal => Some(Self::Literal(literal)),
        }
    }
}

impl RowRule {
    pub(super) fn comparison(&self) -> Result<Comparison<'_>, Wrong> {
        match self.op {
            Operator::Equals => Operand::of(&self.value)
                .map(Comparison::Equals)
                .ok_or(Wrong("must be a literal or {\"attribute\": name}")),
            Operator::In => match &self.value {
                Value::Array(items) => Ok(Comparison::In(items)),
                value => match Operand::of(value) {
                    Some(Operand::Attribute(name)) => Ok(Comparison::InAttribute(name)),
                    _ => Err(Wrong("must be a list of literals or {\"attribute\": name}")),
                },
            },
            Operator::Between => match self.value.as_array().map(Vec::as_slice) {
                Some([low, high]) => Operand::of(low).zip(Operand::of(high)),
                _ => None,
            }
            .map(|(low, high)| Comparison::Between(low, high))
            .ok_or(Wrong("must be a list of two, each a literal or {\"attribute\": name}")),
            Operator::IsNull if self.value.is_null() => Ok(Comparison::IsNull),
            Operator::IsNull => Err(Wrong("must be absent")),
        }
    }

    /// The problems of the rule. Columns are unknown before a table has its first version.
    fn problems(&self, columns: Option<&[Column]>, path: &str) -> Vec<Issue> {
        let value_path = format!("{path}.value");
        let comparison = match self.comparison() {
            Ok(comparison) => comparison,
            Err(wrong) => return vec![Issue::new(value_path, wrong.0)],
        };
        if let Comparison::In(items) = comparison
            && !(1..=RowPolicy::MAX_VALUES).contains(&items.len())
        {
            return vec![Issue::new(value_path, "must be 1 to 1000 literals")];
        }
        let Some(columns) = columns else { return Vec::new() };
        let Some(column) = columns.iter().find(|column| column.name == self.column) else {
            return vec![Issue::new(format!("{path}.column"), "is not a column of this table")];
        };
        let fits = |operand: &Operand| match operand {
            Operand::Literal(literal) => column.kind.value(literal).is_some(),
            Operand::Attribute(name) => !name.trim().is_empty(),
        };
        let is_sound = match &comparison {
            Comparison::Equals(operand) => fits(operand),
            Comparison::In(items) => items.iter().all(|item| fits(&Operand::Literal(item))),
            Comparison::InAttribute(name) => fits(&Operand::Attribute(name)),
            Comparison::Between(low, high) => fits(low) && fits(high),
            Comparison::IsNull => true,
        };
        let is_compared = comparison != Comparison::IsNull;
        if is_compared && column.kind == crate::query::column_type::ColumnType::Json {
            return vec![Issue::new(format!("{path}.op"), "must be is_null for a column of type json")];
        }
        if is_sound {
            Vec::new()
        } else {
            let message =
                format!("must be of the column's type, {}, or the name of an attribute", column.kind);
            vec![Issue::new(value_path, message)]
        }
    }
}

impl RowPolicy {
    pub const MAX_POLICIES: usize = 100;
    const MAX_RULES: usize = 20;
    const MAX_GROUPS: usize = 100;
    const MAX_VALUES: usize = 1_000;

    /// The problems of a table's policies, under `path`.
    pub fn problems(policies: &[Self], columns: Option<&[Column]>, path: &str) -> Vec<Issue> {
        if policies.len() > Self::MAX_POLICIES {
            return vec![Issue::new(path, "must be at most 100 policies")];
        }
        let each = policies.iter().enumerate();
        each.flat_map(|(index, policy)| policy.own_problems(columns, &format!("{path}[{index}]"))).collect()
    }

    fn own_problems(&self, columns: Option<&[Column]>, path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        if !(1..=Self::MAX_GROUPS).contains(&self.groups.len()) {
            issues.push(Issue::new(format!("{path}.groups"), "must be 1 to 100 names of groups, or [\"*\"]"));
        }
        for (index, group) in self.groups.iter().enumerate() {
            // Groups of a tenant have a reserved prefix, and policies may name them.
            let name = group.strip_prefix("system:tenant:").unwrap_or(group);
            if group != "*" && group_name_problem(name).is_some() {
                let message = "must be the name of a group, or *";
                issues.push(Issue::new(format!("{path}.groups[{index}]"), message));
            }
        }
        let rows_path = format!("{path}.rows");
        match &self.rows {
            PolicyRows::All(_) => {}
            // No rule would mean no restriction, which nobody should get by mistake.
            PolicyRows::Rules(rules) if !(1..=Self::MAX_RULES).contains(&rules.len()) => {
                issues.push(Issue::new(rows_path, "must be \"all\" or 1 to 20 rules"));
            }
            PolicyRows::Rules(rules) => issues.extend(
                rules
                    .iter()
                    .enumerate()
                    .flat_map(|(index, rule)| rule.problems(columns, &format!("{rows_path}[{index}]"))),
            ),
        }
        issues
    }
}

impl Deserr<Invalid> for PolicyRows {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Invalid> {
        match value {
            deserr::Value::String(word) if word == "all" => Ok(Self::All(AllRows::All)),
            deserr::Value::String(word) => Err(take_cf_content(Invalid::error::<V>(
                None,
                ErrorKind::UnknownValue { value: &word, accepted: &["all"] },
                location,
            ))),
            rules @ deserr::Value::Sequence(_) => {
                Vec::deserialize_from_value(rules, location).map(Self::Rules)
            }
            actual => Err(take_cf_content(Invalid::error(
                None,
                ErrorKind::IncorrectValueKind { actual, accepted: &[ValueKind::Sequence, ValueKind::String] },
                location,
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    fn columns() -> Vec<Column> {
        input::read(json!([
            {"name": "city", "type": "text"},
            {"name": "amount", "type": "decimal(10,2)"},
            {"name": "day", "type": "date"},
            {"name": "count", "type": "integer", "hidden": true},
            {"name": "extra", "type": "json"},
        ]))
        .unwrap()
    }

    #[test]
    fn policies_are_stored_in_one_form() {
        let form = json!([
            {"groups": ["*"], "rows": [
                {"column": "city", "op": "in", "value": {"attribute": "cities"}},
                {"column": "amount", "op": "between", "value": [0, {"attribute": "most"}]},
                {"column": "day", "op": "is_null"},
            ]},
            {"groups": ["staff", "system:tenant:acme:group:chefs"], "rows": "all"},
        ]);
        let read: Vec<RowPolicy> = input::read(form.clone()).unwrap();
        assert_eq!(RowPolicy::problems(&read, Some(&columns()), "row_policies"), []);
        assert_eq!(serde_json::to_value(&read).unwrap(), form);
        assert_eq!(serde_json::from_value::<Vec<RowPolicy>>(form).unwrap(), read);
    }

    #[test]
    fn every_problem_names_its_field() {
        let rule = |rule: Value| json!({"groups": ["*"], "rows": [rule]});
        let cases = [
            (json!({"groups": [], "rows": "all"}), "p[0].groups"),
            (json!({"groups": [" a"], "rows": "all"}), "p[0].groups[0]"),
            (json!({"groups": ["*"], "rows": []}), "p[0].rows"),
            (rule(json!({"column": "gone", "op": "=", "value": 1})), "p[0].rows[0].column"),
            (rule(json!({"column": "city", "op": "="})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "=", "value": null})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "=", "value": 1})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "=", "value": ["a"]})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "=", "value": {"attribute": ""}})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "=", "value": {"attribute": 1}})), "p[0].rows[0].value"),
            (
                rule(json!({"column": "city", "op": "=", "value": {"attribute": "a", "b": 1}})),
                "p[0].rows[0].value",
            ),
            (rule(json!({"column": "city", "op": "in", "value": "a"})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "in", "value": []})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "in", "value": ["a", null]})), "p[0].rows[0].value"),
            (
                rule(json!({"column": "city", "op": "in", "value": ["a", {"attribute": "b"}]})),
                "p[0].rows[0].value",
            ),
            (rule(json!({"column": "day", "op": "between", "value": ["2024-01-01"]})), "p[0].rows[0].value"),
            (
                rule(json!({"column": "day", "op": "between", "value": {"attribute": "a"}})),
                "p[0].rows[0].value",
            ),
            (
                rule(json!({"column": "day", "op": "between", "value": ["2024-01-01", "soon"]})),
                "p[0].rows[0].value",
            ),
            (rule(json!({"column": "count", "op": "=", "value": "5"})), "p[0].rows[0].value"),
            (rule(json!({"column": "amount", "op": "=", "value": 0.125})), "p[0].rows[0].value"),
            (rule(json!({"column": "city", "op": "is_null", "value": "a"})), "p[0].rows[0].value"),
            (rule(json!({"column": "extra", "op": "=", "value": "a"})), "p[0].rows[0].op"),
        ];
        for (policy, path) in cases {
            let read: Vec<RowPolicy> = input::read(json!([policy])).unwrap();
            let issues = RowPolicy::problems(&read, Some(&columns()), "p");
            let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_str()).collect();
            assert_eq!(paths, [path], "{policy}");
        }
    }

    #[test]
    fn shapes_are_checked_when_they_are_read() {
        for policy in [
            json!({"groups": ["*"]}),
            json!({"rows": "all"}),
            json!({"groups": "*", "rows": "all"}),
            json!({"groups": ["*"], "rows": "none"}),
            json!({"groups": ["*"], "rows": {}}),
            json!({"groups": ["*"], "rows": "all", "columns": []}),
            json!({"groups": ["*"], "rows": [{"column": "city", "op": "like", "value": "a"}]}),
            json!({"groups": ["*"], "rows": [{"column": "city", "op": "!=", "value": "a"}]}),
            json!({"groups": ["*"], "rows": [{"op": "=", "value": "a"}]}),
            json!({"groups": ["*"], "rows": [{"column": "city", "op": "=", "value": "a", "sql": "1=1"}]}),
            json!({"groups": ["*"], "rows": ["1=1"]}),
        ] {
            assert!(input::read::<Vec<RowPolicy>>(json!([policy])).is_err(), "{policy}");
        }
    }

    #[test]
    fn columns_are_checked_when_they_are_known() {
        let read: Vec<RowPolicy> =
            input::read(json!([{"groups": ["*"], "rows": [{"column": "gone", "op": "=", "value": 1}]}]))
                .unwrap();
        assert_eq!(RowPolicy::problems(&read, None, "p"), []);
        assert_eq!(RowPolicy::problems(&read, Some(&[]), "p").len(), 1);
    }
}
