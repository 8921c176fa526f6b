//! A parameter that a resource declares.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Issue;
use crate::json::input::{Invalid, Wrong};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Parameter {
    /// What tokens, URLs and the embed policy call it.
    pub slug: String,
    /// What the viewer reads beside the control.
    pub name: String,
    #[serde(rename = "type")]
    #[deserr(rename = "type")]
    pub kind: ParameterType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub default: Option<Value>,
    #[serde(default)]
    #[deserr(default)]
    pub required: bool,
    #[serde(default)]
    #[deserr(default)]
    pub multiple: bool,
    /// What a viewer may choose from: each `[value]` or `[value, label]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub values: Option<Vec<Vec<Value>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Invalid, try_from(String) = Self::read -> Wrong)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ParameterType {
    Text,
    Number,
    Date,
    DateRange,
    Boolean,
    Category,
}

impl ParameterType {
    /// Reads our own words, and the `family/operator` words that Metabase uses.
    fn read(word: String) -> Result<Self, Wrong> {
        Ok(match word.as_str() {
            "text" | "id" => Self::Text,
            "number" => Self::Number,
            "date" => Self::Date,
            "date_range" | "date/range" | "date/all-options" => Self::DateRange,
            "boolean" => Self::Boolean,
            "category" | "temporal-unit" => Self::Category,
            _ => match word.split_once('/').map(|(family, _)| family) {
                Some("string") => Self::Category,
                Some("location") => Self::Category,
                Some("number") => Self::Number,
                Some("date") => Self::Date,
                Some("boolean") => Self::Boolean,
                _ => {
                    return Err(Wrong("must be one of: text, number, date, date_range, boolean, category"));
                }
            },
        })
    }
}

impl Parameter {
    const MAX_VALUES: usize = 1_000;

    /// What is wrong with a list of parameters, under `path`.
    pub fn problems(parameters: &[Self], path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (index, parameter) in parameters.iter().enumerate() {
            let mut issue = |field: &str, message: &str| {
                issues.push(Issue::new(format!("{path}[{index}].{field}"), message));
            };
            if !is_slug(&parameter.slug) {
                issue(
                    "slug",
                    "must be 1 to 100 characters without control characters or white space at its ends, and not `parameters`",
                );
            }
            if parameters[..index].iter().any(|earlier| earlier.slug == parameter.slug) {
                issue("slug", "is used twice");
            }
            if parameter.id.is_some() && parameters[..index].iter().any(|earlier| earlier.id == parameter.id)
            {
                issue("id", "is used twice");
            }
            if !parameter.default.as_ref().is_none_or(is_value) {
                issue("default", "must be a single value or a list of them");
            }
            if let Some(values) = &parameter.values
                && (values.len() > Self::MAX_VALUES || !values.iter().all(|choice| is_choice(choice)))
            {
                issue("values", "must be at most 1000 items, each [value] or [value, label]");
            }
        }
        issues
    }
}

/// Is `value` something a parameter can have: a scalar, or a list of scalars?
pub fn is_value(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        Value::Array(items) => items.iter().all(is_scalar),
        _ => true,
    }
}

const fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

fn is_choice(choice: &[Value]) -> bool {
    match choice {
        [value] => is_scalar(value),
        [value, label] => is_scalar(value) && label.is_string(),
        _ => false,
    }
}

fn is_slug(slug: &str) -> bool {
    // `?parameters=` is the JSON form of all of them.
    slug != "parameters"
        && (1..=100).contains(&slug.chars().count())
        && slug.trim() == slug
        && !slug.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    #[test]
    fn types_of_both_vocabularies() {
        for (word, kind) in [
            ("text", ParameterType::Text),
            ("category", ParameterType::Category),
            ("string/=", ParameterType::Category),
            ("string/contains", ParameterType::Category),
            ("number/between", ParameterType::Number),
            ("date/single", ParameterType::Date),
            ("date/range", ParameterType::DateRange),
            ("date/all-options", ParameterType::DateRange),
            ("boolean/=", ParameterType::Boolean),
        ] {
            assert_eq!(ParameterType::read(word.into()), Ok(kind), "{word}");
        }
        assert!(ParameterType::read("sql".into()).is_err());
    }

    #[test]
    fn every_problem_is_named() {
        let parameters: Vec<Parameter> = input::read(json!([
            {"slug": "a", "name": "A", "type": "text", "id": "1"},
            {"slug": "a", "name": "A", "type": "text", "id": "1", "default": {"no": 1}},
            {"slug": " b", "name": "B", "type": "text", "values": [["x", "X"], ["y", 1]]},
        ]))
        .unwrap();
        let paths: Vec<_> =
            Parameter::problems(&parameters, "p").into_iter().map(|issue| issue.path).collect();
        assert_eq!(paths, ["p[1].slug", "p[1].id", "p[1].default", "p[2].slug", "p[2].values"]);
        assert_eq!(Parameter::problems(&parameters[..1], "p"), []);
    }
}
