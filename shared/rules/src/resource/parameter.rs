//! Parameters as a resource declares them.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;
#[cfg(feature = "openapi")]
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type};

use super::parameter_value::ParameterValue;
use crate::error::Issue;
use crate::json::input::{Invalid, Wrong};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Parameter {
    /// The name of the parameter in tokens, URLs and the embed policy.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::Slug))]
    pub slug: String,
    /// The label beside the control.
    pub name: String,
    #[serde(rename = "type")]
    #[deserr(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(schema_with = written_type))]
    pub kind: ParameterType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = any_value))]
    pub default: Option<Value>,
    #[serde(default)]
    #[deserr(default)]
    pub required: bool,
    #[serde(default)]
    #[deserr(default)]
    pub multiple: bool,
    /// The choices of the viewer: each `[value]` or `[value, label]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(schema_with = choices))]
    pub values: Option<Vec<Vec<Value>>>,
    /// Refuses every value that is not among `values`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[deserr(default)]
    pub values_strict: bool,
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

/// The types that a parameter can be declared with.
#[cfg(feature = "openapi")]
pub fn written_type() -> Schema {
    const WORDS: &str = r"^(text|number|date|date_range|boolean|category|id|temporal-unit|(string|location|number|date|boolean)/.*)$";
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(WORDS))
        .description(Some("`text`, `number`, `date`, `date_range`, `boolean` or `category`. Written as `family/operator`, such as `string/=`, it is stored as one of these."))
        .into()
}

#[cfg(feature = "openapi")]
fn scalar() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([
        Type::String,
        Type::Number,
        Type::Boolean,
        Type::Null,
    ]))
}

/// A value that [`is_value`] takes.
#[cfg(feature = "openapi")]
pub fn any_value() -> Schema {
    OneOfBuilder::new()
        .item(scalar())
        .item(ArrayBuilder::new().items(scalar()))
        .description(Some("A single value or a list of them."))
        .into()
}

/// The schema of an attribute's value.
#[cfg(feature = "openapi")]
#[derive(Debug)]
pub struct AnyValue;

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for AnyValue {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        any_value().into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for AnyValue {}

/// Choices that [`Parameter::problems`] accepts.
#[cfg(feature = "openapi")]
pub fn choices() -> Schema {
    let choice = ArrayBuilder::new().items(scalar()).min_items(Some(1)).max_items(Some(2));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(choice)
        .max_items(Some(Parameter::MAX_VALUES))
        .description(Some("The choices of the viewer: each `[value]` or `[value, label]`."))
        .into()
}

impl ParameterType {
    /// Reads our own words, and words of the form `family/operator` such as `string/=`.
    pub(crate) fn read(word: String) -> Result<Self, Wrong> {
        Ok(match word.as_str() {
            "text" | "id" => Self::Text,
            "number" => Self::Number,
            "date" => Self::Date,
            "date_range" | "date/range" | "date/all-options" | "date/relative" | "date/month-year"
            | "date/quarter-year" => Self::DateRange,
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

impl ParameterType {
    /// The type of a word, if it is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::read(word.to_owned()).ok()
    }
}

impl Parameter {
    const MAX_VALUES: usize = 1_000;

    /// Returns whether a value fits the declared type and choices.
    fn fits(&self, value: &Value) -> bool {
        ParameterValue::of(self, value).is_ok()
    }

    /// A parameter by its id, or by its slug where it has none.
    pub fn by_id<'a>(parameters: &'a [Self], id: &str) -> Option<&'a Self> {
        parameters.iter().find(|parameter| parameter.id.as_ref().unwrap_or(&parameter.slug) == id)
    }

    /// The choice that a value stands for, whether it is written as text or as it is.
    pub fn choice(&self, value: &Value) -> Option<&Value> {
        let is_same = |choice: &&Value| match (*choice, value) {
            (Value::String(choice), Value::String(text)) => choice == text,
            (Value::String(_), _) => false,
            (choice, Value::String(text)) => {
                serde_json::from_str(text).is_ok_and(|value: Value| value == *choice)
            }
            (choice, value) => choice == value,
        };
        self.values.iter().flatten().filter_map(|choice| choice.first()).find(is_same)
    }

    /// The problems of a list of parameters, under `path`.
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
            } else if parameter.default.as_ref().is_some_and(|default| !parameter.fits(default)) {
                issue(
                    "default",
                    "must be a value of the parameter's type, and of its choices if they are strict",
                );
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

/// Returns whether a parameter can have this value: a scalar, or a list of scalars.
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
            ("date/month-year", ParameterType::DateRange),
            ("date/relative", ParameterType::DateRange),
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
