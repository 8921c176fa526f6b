//! Attributes of external users. An attribute is defined before a user can have it, and keeps its type.

use std::collections::BTreeMap;
use std::fmt;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Issue, Reason, Result};
use crate::json::input::Invalid;
use crate::resource::ids::is_name;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(rename_all = "snake_case")]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AttributeType {
    #[deserr(rename = "string")]
    String,
    #[deserr(rename = "number")]
    Number,
    #[deserr(rename = "boolean")]
    Boolean,
    #[deserr(rename = "string_array")]
    StringArray,
    #[deserr(rename = "number_array")]
    NumberArray,
}

impl AttributeType {
    const fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::StringArray => "string_array",
            Self::NumberArray => "number_array",
        }
    }

    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::StringArray => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::NumberArray => value.as_array().is_some_and(|items| items.iter().all(Value::is_number)),
        }
    }

    /// Parses a default, which is text for every type: `5`, `true`, `["a", "b"]`.
    fn read(self, text: &str) -> Option<Value> {
        let value = match self {
            Self::String => Value::from(text),
            _ => serde_json::from_str(text).ok()?,
        };
        self.takes(&value).then_some(value)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The definition of an attribute, in the form in which it is stored. Its type never changes: parameters
/// that are bound to the attribute rely on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeDefinition {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AttributeType,
    pub display_name: Option<String>,
    /// The value of users who were given none, as text: `5`, `true`, `["a"]`.
    pub default_value: Option<String>,
    pub description: Option<String>,
}

impl AttributeDefinition {
    fn default(&self) -> Option<Value> {
        self.kind.read(self.default_value.as_deref()?)
    }

    /// This definition in the place of `present`, if that has the same type.
    pub fn over(&self, present: Option<&Self>) -> Result<()> {
        match present {
            Some(present) if present.kind != self.kind => Err(Error::new(Reason::AttributeTypeChanged)
                .message(format!(
                    "User attribute {}: cannot change type from {} to {}",
                    self.name, present.kind, self.kind
                ))),
            _ => Ok(()),
        }
    }

    /// The problems of a definition, by the names that the native API has for its fields.
    pub fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut issue = |field: &str, message: &str| issues.push(Issue::new(field, message));
        if !is_name(&self.name) {
            issue("name", "must be 1 to 255 characters without slashes, control characters or outer spaces");
        }
        if self.default_value.is_some() && self.default().is_none() {
            issue("default_value", "must be of the attribute's type, written as text");
        }
        for (field, text) in [("display_name", &self.display_name), ("description", &self.description)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
                issue(field, "must be at most 1000 characters");
            }
        }
        issues
    }
}

/// All definitions that apply to a user, by name.
#[derive(Debug, Clone, Default)]
pub struct Definitions(BTreeMap<String, AttributeDefinition>);

impl Definitions {
    /// Combines the definitions of the stack with those of the user's tenant, which take precedence.
    pub fn of<'a>(definitions: impl IntoIterator<Item = &'a AttributeDefinition>) -> Self {
        Self(definitions.into_iter().map(|one| (one.name.clone(), one.clone())).collect())
    }

    pub fn get(&self, name: &str) -> Option<&AttributeDefinition> {
        self.0.get(name)
    }

    /// Checks that a user can have these values. Null removes a value, and fits every type.
    pub fn check(&self, given: &[(String, Value)]) -> Result<()> {
        let unknown: Vec<_> =
            given.iter().map(|(name, _)| name.as_str()).filter(|name| !self.0.contains_key(*name)).collect();
        if !unknown.is_empty() {
            return Err(Error::new(Reason::AttributeUnknown)
                .message(format!("User attributes not found: {}", unknown.join(", "))));
        }
        for (name, value) in given {
            if let Some(definition) = self.get(name)
                && !value.is_null()
                && !definition.kind.takes(value)
            {
                return Err(Error::new(Reason::AttributeType)
                    .message(format!("User attribute {name} must be of type {}", definition.kind)));
            }
        }
        Ok(())
    }

    /// The effective values of a user: the given values that fit their definitions, else the defaults.
    pub fn effective(&self, given: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let value = |definition: &AttributeDefinition| {
            let own = given.get(&definition.name).filter(|value| definition.kind.takes(value)).cloned();
            own.or_else(|| definition.default())
        };
        self.0.iter().filter_map(|(name, definition)| Some((name.clone(), value(definition)?))).collect()
    }

    /// Drops the values in `given` that have no definition.
    pub fn retain(&self, given: &mut BTreeMap<String, Value>) {
        given.retain(|name, _| self.0.contains_key(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definitions() -> Definitions {
        let all: Vec<AttributeDefinition> = [
            json!({"name": "city", "type": "string"}),
            json!({"name": "level", "type": "number", "defaultValue": "5"}),
            json!({"name": "teams", "type": "string_array"}),
        ]
        .into_iter()
        .map(|definition| serde_json::from_value(definition).unwrap())
        .collect();
        Definitions::of(&all)
    }

    #[test]
    fn every_type_takes_its_own_values() {
        use AttributeType::*;
        let values =
            [json!("x"), json!(1.5), json!(true), json!(["x"]), json!([1, 2.5]), json!([]), json!({})];
        let cases = [
            (String, [true, false, false, false, false, false, false]),
            (Number, [false, true, false, false, false, false, false]),
            (Boolean, [false, false, true, false, false, false, false]),
            (StringArray, [false, false, false, true, false, true, false]),
            (NumberArray, [false, false, false, false, true, true, false]),
        ];
        for (kind, expected) in cases {
            assert_eq!(values.each_ref().map(|value| kind.takes(value)), expected, "{kind}");
            assert!(!kind.takes(&json!(["x", 1])) && !kind.takes(&Value::Null), "{kind}");
        }
    }

    #[test]
    fn defaults_are_text_of_the_type() {
        use AttributeType::*;
        assert_eq!(String.read("5"), Some(json!("5")));
        assert_eq!(Number.read("5"), Some(json!(5)));
        assert_eq!(Boolean.read("true"), Some(json!(true)));
        assert_eq!(StringArray.read(r#"["a"]"#), Some(json!(["a"])));
        assert_eq!(NumberArray.read("[1]"), Some(json!([1])));
        for (kind, text) in [(Number, "five"), (Boolean, "1"), (StringArray, "a"), (NumberArray, r#"["1"]"#)]
        {
            assert_eq!(kind.read(text), None, "{kind} {text}");
        }
    }

    #[test]
    fn definitions_are_stored_in_one_form() {
        let stored = json!({
            "name": "level",
            "type": "number",
            "displayName": "Level",
            "defaultValue": "5",
            "description": null,
        });
        let definition: AttributeDefinition = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(definition.default_value.as_deref(), Some("5"));
        assert_eq!(serde_json::to_value(definition).unwrap(), stored);
    }

    #[test]
    fn what_is_given_must_be_defined_and_fit() {
        let check = |given: Value| {
            let given: Vec<_> = given.as_object().unwrap().clone().into_iter().collect();
            definitions().check(&given).map_err(|error| error.reason)
        };
        assert_eq!(
            check(json!({"city": "Berlin", "level": 1, "teams": [], "none": 1})),
            Err(Reason::AttributeUnknown)
        );
        assert_eq!(check(json!({"city": 1})), Err(Reason::AttributeType));
        assert_eq!(check(json!({"city": null, "level": 2})), Ok(()));
    }

    #[test]
    fn what_a_user_has_is_what_fits_or_the_default() {
        let given = BTreeMap::from([
            ("city".to_owned(), json!(1)),
            ("teams".to_owned(), json!(["a"])),
            ("gone".to_owned(), json!("x")),
        ]);
        let effective = definitions().effective(&given);
        assert_eq!(json!(effective), json!({"level": 5, "teams": ["a"]}));
    }
}
