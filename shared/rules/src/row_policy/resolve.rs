//! The policies of a table and the attributes of a viewer, as the rows that the viewer may see.

use std::collections::BTreeMap;

use serde_json::Value;

use super::definition::{Comparison, Operand, PolicyRows, RowPolicy, RowRule};
use super::{RowAccess, RowCondition, RowConditions, RowFilter, RowTest};
use crate::error::{Reason, Result};
use crate::query::column::Column;
use crate::query::column_type::ColumnType;
use crate::query::typed_value::TypedValue;
use crate::viewer::Viewer;

/// Resolves the policies of a table for a viewer.
///
/// A policy matches if one of its groups is the viewer's and every attribute that it names is there with the type
/// that its column needs. The rows of all matching policies are visible; if there is none, the viewer is refused.
pub fn resolve<'c>(
    policies: &[RowPolicy],
    columns: impl Iterator<Item = &'c Column> + Clone,
    viewer: &Viewer,
) -> Result<RowAccess> {
    if policies.is_empty() {
        return Ok(RowAccess::All);
    }
    let concerns =
        |policy: &&RowPolicy| policy.groups.iter().any(|group| group == "*" || viewer.groups.contains(group));
    let mut is_matched = false;
    let mut any = Vec::new();
    for policy in policies.iter().filter(concerns) {
        match rows(&policy.rows, columns.clone(), &viewer.attributes) {
            Matched::Everything => return Ok(RowAccess::All),
            Matched::Rows(conditions) => any.push(conditions),
            Matched::NoRow => {}
            Matched::No => continue,
        }
        is_matched = true;
    }
    match (is_matched, any.is_empty()) {
        (false, _) => Err(Reason::RowPolicy.into()),
        (true, true) => Ok(RowAccess::None),
        (true, false) => Ok(RowAccess::Some(RowFilter { any })),
    }
}

enum Matched {
    No,
    Everything,
    Rows(RowConditions),
    NoRow,
}

fn rows<'c>(
    rows: &PolicyRows,
    columns: impl Iterator<Item = &'c Column> + Clone,
    attributes: &BTreeMap<String, Value>,
) -> Matched {
    let rules = match rows {
        PolicyRows::All(_) => return Matched::Everything,
        // Publishing refuses it; if it is stored all the same, it opens nothing.
        PolicyRows::Rules(rules) if rules.is_empty() => return Matched::No,
        PolicyRows::Rules(rules) => rules,
    };
    let mut all = Vec::with_capacity(rules.len());
    let mut is_empty = false;
    // Every rule is resolved, so that an empty list does not hide an attribute that is missing.
    for rule in rules {
        let Some(column) = columns.clone().find(|column| column.name == rule.column) else {
            return Matched::No;
        };
        match test(rule, column.kind, attributes) {
            None => return Matched::No,
            Some(RowTest::In(values)) if values.is_empty() => is_empty = true,
            Some(test) => all.push(RowCondition { column: column.name.clone(), kind: column.kind, test }),
        }
    }
    if is_empty { Matched::NoRow } else { Matched::Rows(RowConditions { all }) }
}

fn test(rule: &RowRule, kind: ColumnType, attributes: &BTreeMap<String, Value>) -> Option<RowTest> {
    let value = |operand: Operand| match operand {
        Operand::Literal(literal) => kind.value(literal),
        Operand::Attribute(name) => kind.value(attributes.get(name)?),
    };
    Some(match rule.comparison().ok()? {
        Comparison::Equals(operand) => RowTest::Equals(value(operand)?),
        Comparison::In(items) => RowTest::In(list(items, kind)?),
        Comparison::InAttribute(name) => RowTest::In(list(attributes.get(name)?.as_array()?, kind)?),
        Comparison::Between(low, high) => RowTest::Between(value(low)?, value(high)?),
        Comparison::IsNull => RowTest::IsNull,
    })
}

fn list(items: &[Value], kind: ColumnType) -> Option<Vec<TypedValue>> {
    // A list of nothing has no type, but a column of JSON compares with nothing at all.
    if kind == ColumnType::Json {
        return None;
    }
    let mut values = items.iter().map(|item| kind.value(item)).collect::<Option<Vec<_>>>()?;
    values.sort_by_cached_key(TypedValue::canonical);
    values.dedup();
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use proptest::prelude::*;
    use serde_json::json;

    fn columns() -> Vec<Column> {
        input::read(json!([
            {"name": "city", "type": "text"},
            {"name": "id", "type": "integer"},
            {"name": "amount", "type": "decimal(10,2)"},
            {"name": "day", "type": "date"},
            {"name": "at", "type": "timestamp"},
            {"name": "paid", "type": "boolean", "hidden": true},
            {"name": "extra", "type": "json"},
        ]))
        .unwrap()
    }

    fn viewer(attributes: Value, groups: &[&str]) -> Viewer {
        input::read(json!({"attributes": attributes, "groups": groups})).unwrap()
    }

    /// A short form: `all`, `none`, the reason of a refusal, or conditions with `&` and `|`.
    fn shown(access: Result<RowAccess>) -> String {
        let value = |value: &TypedValue| match value {
            TypedValue::Text(text) => text.clone(),
            TypedValue::Integer(number) => number.to_string(),
            TypedValue::Decimal(decimal) => format!("{}e-{}", decimal.digits, decimal.scale),
            TypedValue::Number(number) => format!("{number:?}"),
            TypedValue::Boolean(value) => value.to_string(),
            TypedValue::Date(date) => date.to_string(),
            TypedValue::Timestamp(moment) => moment.to_string(),
        };
        let condition = |condition: &RowCondition| match &condition.test {
            RowTest::Equals(one) => format!("{}={}", condition.column, value(one)),
            RowTest::In(values) => {
                format!("{} in {}", condition.column, values.iter().map(value).collect::<Vec<_>>().join(","))
            }
            RowTest::Between(low, high) => format!("{} {}..{}", condition.column, value(low), value(high)),
            RowTest::IsNull => format!("{} null", condition.column),
        };
        match access {
            Ok(RowAccess::All) => "all".to_owned(),
            Ok(RowAccess::None) => "none".to_owned(),
            Ok(RowAccess::Some(filter)) => {
                let all = |conditions: &RowConditions| {
                    conditions.all.iter().map(condition).collect::<Vec<_>>().join(" & ")
                };
                filter.any.iter().map(all).collect::<Vec<_>>().join(" | ")
            }
            Err(error) => error.reason.word().to_owned(),
        }
    }

    fn rule(column: &str, op: &str, value: Value) -> Value {
        json!({"column": column, "op": op, "value": value})
    }

    fn attribute(name: &str) -> Value {
        json!({ "attribute": name })
    }

    /// column, operator, value, attributes -> rows, under one policy for everybody.
    #[test]
    fn rules_become_typed_conditions_or_nothing() {
        let cases = [
            ("city", "=", json!("Berlin"), json!({}), "city=Berlin"),
            ("city", "=", attribute("a"), json!({"a": "Berlin"}), "city=Berlin"),
            ("city", "=", attribute("a"), json!({"a": ""}), "city="),
            ("city", "=", attribute("a"), json!({"a": "' or 1=1 --"}), "city=' or 1=1 --"),
            ("city", "=", attribute("a"), json!({}), "row_policy"),
            ("city", "=", attribute("a"), json!({"A": "Berlin"}), "row_policy"),
            ("city", "=", attribute("a"), json!({"a": null}), "row_policy"),
            ("city", "=", attribute("a"), json!({"a": 5}), "row_policy"),
            ("city", "=", attribute("a"), json!({"a": true}), "row_policy"),
            ("city", "=", attribute("a"), json!({"a": ["Berlin"]}), "row_policy"),
            ("city", "=", attribute("a"), json!({"a": []}), "row_policy"),
            ("city", "in", json!(["Berlin", "Paris"]), json!({}), "city in Berlin,Paris"),
            ("city", "in", json!(["Paris", "Berlin", "Paris"]), json!({}), "city in Berlin,Paris"),
            ("city", "in", attribute("a"), json!({"a": ["Berlin", "Paris"]}), "city in Berlin,Paris"),
            ("city", "in", attribute("a"), json!({"a": ["Berlin"]}), "city in Berlin"),
            ("city", "in", attribute("a"), json!({"a": []}), "none"),
            ("city", "in", attribute("a"), json!({"a": "Berlin"}), "row_policy"),
            ("city", "in", attribute("a"), json!({"a": ["Berlin", 5]}), "row_policy"),
            ("city", "in", attribute("a"), json!({"a": ["Berlin", null]}), "row_policy"),
            ("city", "in", attribute("a"), json!({"a": [null]}), "row_policy"),
            ("city", "in", attribute("a"), json!({"a": null}), "row_policy"),
            ("city", "in", attribute("a"), json!({}), "row_policy"),
            ("id", "=", attribute("a"), json!({"a": 5}), "id=5"),
            ("id", "=", attribute("a"), json!({"a": 5.0}), "id=5"),
            ("id", "=", attribute("a"), json!({"a": "5"}), "row_policy"),
            ("id", "=", attribute("a"), json!({"a": 5.5}), "row_policy"),
            ("id", "=", attribute("a"), json!({"a": true}), "row_policy"),
            ("id", "in", attribute("a"), json!({"a": [5, 6]}), "id in 5,6"),
            ("id", "in", attribute("a"), json!({"a": [5, "6"]}), "row_policy"),
            ("id", "between", json!([1, 5]), json!({}), "id 1..5"),
            ("id", "between", json!([attribute("a"), 5]), json!({"a": 2}), "id 2..5"),
            ("id", "between", json!([attribute("a"), attribute("b")]), json!({"a": 2, "b": 3}), "id 2..3"),
            ("id", "between", json!([attribute("a"), attribute("b")]), json!({"a": 2}), "row_policy"),
            ("id", "between", json!([attribute("a"), 5]), json!({"a": "2"}), "row_policy"),
            ("id", "between", json!([attribute("a"), 5]), json!({"a": null}), "row_policy"),
            ("amount", "=", attribute("a"), json!({"a": 12.5}), "amount=1250e-2"),
            ("amount", "=", attribute("a"), json!({"a": 12.125}), "row_policy"),
            ("amount", "=", attribute("a"), json!({"a": "12.5"}), "row_policy"),
            (
                "day",
                "between",
                json!(["2024-01-01", attribute("a")]),
                json!({"a": "2024-02-01"}),
                "day 2024-01-01..2024-02-01",
            ),
            ("day", "=", attribute("a"), json!({"a": "01/02/2024"}), "row_policy"),
            ("day", "=", attribute("a"), json!({"a": "today"}), "row_policy"),
            ("at", "=", attribute("a"), json!({"a": "2024-01-01T00:00:00+01:00"}), "at=2023-12-31T23:00:00"),
            ("paid", "=", attribute("a"), json!({"a": true}), "paid=true"),
            ("paid", "=", attribute("a"), json!({"a": "true"}), "row_policy"),
            ("paid", "=", attribute("a"), json!({"a": 1}), "row_policy"),
            ("city", "is_null", json!(null), json!({}), "city null"),
            ("extra", "is_null", json!(null), json!({}), "extra null"),
            ("extra", "=", attribute("a"), json!({"a": "x"}), "row_policy"),
            ("extra", "in", attribute("a"), json!({"a": []}), "row_policy"),
            ("gone", "=", json!("x"), json!({}), "row_policy"),
            ("gone", "is_null", json!(null), json!({}), "row_policy"),
            ("gone", "in", attribute("a"), json!({"a": []}), "row_policy"),
            ("city", "=", json!(5), json!({}), "row_policy"),
        ];
        for (column, op, value, attributes, expected) in cases {
            let policies: Vec<RowPolicy> =
                input::read(json!([{"groups": ["*"], "rows": [rule(column, op, value.clone())]}])).unwrap();
            let access = resolve(&policies, columns().iter(), &viewer(attributes.clone(), &[]));
            assert_eq!(shown(access), expected, "{column} {op} {value} {attributes}");
        }
    }

    /// policies, attributes, groups -> rows.
    #[test]
    fn matching_policies_add_up() {
        let berlin = || json!([rule("city", "=", json!("Berlin"))]);
        let own = || json!([rule("city", "in", attribute("cities"))]);
        let policy = |groups: &[&str], rows: Value| json!({"groups": groups, "rows": rows});
        let cases = [
            (json!([]), json!({}), vec![], "all"),
            (json!([policy(&["*"], json!("all"))]), json!({}), vec![], "all"),
            (json!([policy(&["staff"], json!("all"))]), json!({}), vec!["staff"], "all"),
            (json!([policy(&["staff"], json!("all"))]), json!({}), vec![], "row_policy"),
            (json!([policy(&["staff"], json!("all"))]), json!({}), vec!["Staff"], "row_policy"),
            (json!([policy(&["staff"], json!("all"))]), json!({}), vec!["*"], "row_policy"),
            (json!([policy(&["staff", "chefs"], json!("all"))]), json!({}), vec!["chefs"], "all"),
            (
                json!([policy(&["*"], berlin()), policy(&["staff"], json!("all"))]),
                json!({}),
                vec![],
                "city=Berlin",
            ),
            (
                json!([policy(&["*"], berlin()), policy(&["staff"], json!("all"))]),
                json!({}),
                vec!["staff"],
                "all",
            ),
            (
                json!([policy(&["*"], berlin()), policy(&["*"], own())]),
                json!({"cities": ["Paris"]}),
                vec![],
                "city=Berlin | city in Paris",
            ),
            (
                json!([policy(&["*"], berlin()), policy(&["*"], own())]),
                json!({"cities": []}),
                vec![],
                "city=Berlin",
            ),
            (json!([policy(&["*"], berlin()), policy(&["*"], own())]), json!({}), vec![], "city=Berlin"),
            (json!([policy(&["*"], own()), policy(&["staff"], berlin())]), json!({}), vec![], "row_policy"),
            (
                json!([policy(&["*"], own()), policy(&["staff"], berlin())]),
                json!({"cities": []}),
                vec![],
                "none",
            ),
            (
                json!([policy(
                    &["*"],
                    json!([rule("city", "in", attribute("cities")), rule("id", "=", json!(1))])
                )]),
                json!({"cities": ["Paris"]}),
                vec![],
                "city in Paris & id=1",
            ),
            (
                json!([policy(
                    &["*"],
                    json!([rule("city", "in", attribute("cities")), rule("id", "=", attribute("gone"))])
                )]),
                json!({"cities": []}),
                vec![],
                "row_policy",
            ),
            (
                json!([policy(
                    &["*"],
                    json!([rule("id", "=", json!(1)), rule("city", "in", attribute("cities"))])
                )]),
                json!({"cities": []}),
                vec![],
                "none",
            ),
            // Publishing refuses a policy without rules; a stored one opens nothing.
            (json!([policy(&["*"], json!([]))]), json!({}), vec![], "row_policy"),
        ];
        for (policies, attributes, groups, expected) in cases {
            let read: Vec<RowPolicy> = input::read(policies.clone()).unwrap();
            let access = resolve(&read, columns().iter(), &viewer(attributes.clone(), &groups));
            assert_eq!(shown(access), expected, "{policies} {attributes} {groups:?}");
        }
    }

    #[derive(Debug, Clone)]
    struct Row {
        city: Option<String>,
        id: Option<i64>,
    }

    fn any_row() -> impl Strategy<Value = Row> {
        (prop::option::of("[ab]"), prop::option::of(0_i64..3)).prop_map(|(city, id)| Row { city, id })
    }

    fn any_attribute() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[ab]".prop_map(Value::from),
            (0_i64..3).prop_map(Value::from),
            Just(Value::Null),
            Just(json!(true)),
            prop::collection::vec("[ab]".prop_map(Value::from), 0..3).prop_map(Value::from),
            prop::collection::vec((0_i64..3).prop_map(Value::from), 0..3).prop_map(Value::from),
        ]
    }

    fn any_rule() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec!["p", "q"]);
        prop_oneof![
            "[ab]".prop_map(|city| rule("city", "=", json!(city))),
            name.clone().prop_map(|name| rule("city", "=", attribute(name))),
            name.clone().prop_map(|name| rule("city", "in", attribute(name))),
            name.clone().prop_map(|name| rule("id", "=", attribute(name))),
            name.clone().prop_map(|name| rule("id", "in", attribute(name))),
            (name, 0_i64..3).prop_map(|(name, low)| rule("id", "between", json!([low, attribute(name)]))),
            Just(rule("city", "is_null", json!(null))),
        ]
    }

    fn any_policies() -> impl Strategy<Value = Vec<Value>> {
        let groups = prop::sample::subsequence(vec!["*", "g", "h"], 1..3);
        let rows = prop_oneof![
            1 => Just(json!("all")),
            5 => prop::collection::vec(any_rule(), 1..3).prop_map(Value::from),
        ];
        prop::collection::vec(
            (groups, rows).prop_map(|(groups, rows)| json!({"groups": groups, "rows": rows})),
            1..4,
        )
    }

    fn has_row(access: &Result<RowAccess>, row: &Row) -> bool {
        let holds = |condition: &RowCondition| {
            let value = match condition.column.as_str() {
                "city" => row.city.clone().map(TypedValue::Text),
                _ => row.id.map(TypedValue::Integer),
            };
            match (&condition.test, value) {
                (RowTest::IsNull, value) => value.is_none(),
                (_, None) => false,
                (RowTest::Equals(one), Some(value)) => *one == value,
                (RowTest::In(values), Some(value)) => values.contains(&value),
                (
                    RowTest::Between(TypedValue::Integer(low), TypedValue::Integer(high)),
                    Some(TypedValue::Integer(id)),
                ) => (*low..=*high).contains(&id),
                _ => false,
            }
        };
        match access {
            Ok(RowAccess::All) => true,
            Ok(RowAccess::Some(filter)) => {
                filter.any.iter().any(|conditions| conditions.all.iter().all(holds))
            }
            Ok(RowAccess::None) | Err(_) => false,
        }
    }

    /// Written from the rule in words, without the types of the resolution.
    fn should_see(policies: &[Value], attributes: &Value, groups: &[&str], row: &Row) -> bool {
        let city = row.city.clone().map_or(Value::Null, Value::from);
        let id = row.id.map_or(Value::Null, Value::from);
        let operand = |value: &Value| match value.get("attribute") {
            Some(name) => attributes.get(name.as_str().unwrap()).cloned().unwrap_or_default(),
            None => value.clone(),
        };
        let fits =
            |column: &str, value: &Value| if column == "city" { value.is_string() } else { value.is_i64() };
        // Nothing where an attribute is missing or of a wrong type.
        let holds = |rule: &Value| -> Option<bool> {
            let column = rule["column"].as_str().unwrap();
            let own = if column == "city" { &city } else { &id };
            match rule["op"].as_str().unwrap() {
                "=" => {
                    let value = operand(&rule["value"]);
                    fits(column, &value).then(|| value == *own)
                }
                "in" => {
                    let value = operand(&rule["value"]);
                    let items = value.as_array()?;
                    items.iter().all(|item| fits(column, item)).then(|| items.contains(own))
                }
                "between" => {
                    let (low, high) = (operand(&rule["value"][0]), operand(&rule["value"][1]));
                    let (low, high) = (low.as_i64()?, high.as_i64()?);
                    Some(own.as_i64().is_some_and(|own| low <= own && own <= high))
                }
                _ => Some(own.is_null()),
            }
        };
        policies.iter().any(|policy| {
            let is_theirs = policy["groups"]
                .as_array()
                .unwrap()
                .iter()
                .any(|group| group == "*" || groups.iter().any(|own| group == own));
            let rows = match policy["rows"].as_array() {
                None => true,
                Some(rules) => rules
                    .iter()
                    .map(holds)
                    .collect::<Option<Vec<_>>>()
                    .is_some_and(|all| all.iter().all(|one| *one)),
            };
            is_theirs && rows
        })
    }

    proptest! {
        /// A viewer sees exactly the rows of the policies that match.
        #[test]
        fn rows_are_those_of_the_matching_policies(
            policies in any_policies(),
            attributes in prop::collection::btree_map("[pq]", any_attribute(), 0..3),
            groups in prop::sample::subsequence(vec!["g", "h"], 0..3),
            rows in prop::collection::vec(any_row(), 1..8),
        ) {
            let read: Vec<RowPolicy> = input::read(json!(policies)).unwrap();
            let attributes = json!(attributes);
            let access = resolve(&read, columns().iter(), &viewer(attributes.clone(), &groups));
            for row in &rows {
                prop_assert_eq!(
                    has_row(&access, row),
                    should_see(&policies, &attributes, &groups, row),
                    "{:?} {:?}", row, access
                );
            }
        }

        /// Losing an attribute never shows a row more.
        #[test]
        fn a_missing_attribute_never_widens(
            policies in any_policies(),
            attributes in prop::collection::btree_map("[pq]", any_attribute(), 1..3),
            row in any_row(),
        ) {
            let read: Vec<RowPolicy> = input::read(json!(policies)).unwrap();
            let all = resolve(&read, columns().iter(), &viewer(json!(attributes), &["g"]));
            for lost in attributes.keys() {
                let mut fewer = attributes.clone();
                fewer.remove(lost);
                let access = resolve(&read, columns().iter(), &viewer(json!(fewer), &["g"]));
                prop_assert!(!has_row(&access, &row) || has_row(&all, &row));
            }
        }
    }
}
