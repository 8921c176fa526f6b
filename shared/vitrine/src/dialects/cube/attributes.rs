//! Definitions of attributes, as Cube's clients write them.

use deserr::Deserr;

use vitrine_rules::error::Issue;
use vitrine_rules::json::input::{Check, Invalid};
use vitrine_rules::viewer::attribute::{AttributeDefinition, AttributeType};

/// An attribute that a tenant or the whole stack is to have.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct UserAttributeDefinition {
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine_rules::forms::Name))]
    pub name: String,
    #[deserr(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(rename = "type"))]
    kind: AttributeType,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    display_name: Option<String>,
    /// The value of users who were given none, as text: `5`, `true`, `["a"]`.
    #[deserr(default)]
    default_value: Option<String>,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    description: Option<String>,
}

impl UserAttributeDefinition {
    /// The problems of the definition, under `path` and by the names that its fields have here.
    pub fn problems_under(&self, path: &str) -> Vec<Issue> {
        let issues = AttributeDefinition::from(self.clone()).problems().into_iter();
        let renamed = |issue: Issue| Issue::new(format!("{path}{}", field_name(&issue.path)), issue.message);
        issues.map(renamed).collect()
    }
}

impl Check for UserAttributeDefinition {
    fn problems(&self) -> Vec<Issue> {
        self.problems_under("")
    }
}

fn field_name(path: &str) -> &str {
    match path {
        "default_value" => "defaultValue",
        "display_name" => "displayName",
        same => same,
    }
}

impl From<UserAttributeDefinition> for AttributeDefinition {
    fn from(definition: UserAttributeDefinition) -> Self {
        Self {
            name: definition.name,
            kind: definition.kind,
            display_name: definition.display_name,
            default_value: definition.default_value,
            description: definition.description,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_rules::json::input;

    use super::*;

    #[test]
    fn problems_carry_the_names_of_the_fields_here() {
        let long = "x".repeat(1_001);
        let document = json!({
            "name": " ",
            "type": "number",
            "displayName": long,
            "defaultValue": "five",
            "description": long,
        });
        let definition: UserAttributeDefinition = input::read(document).unwrap();
        let issues = definition.problems_under("all[0].");
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths, ["all[0].name", "all[0].defaultValue", "all[0].displayName", "all[0].description"]);
    }

    #[test]
    fn fields_of_the_native_api_are_unknown_here() {
        let document = json!({"name": "a", "type": "number", "default_value": "5"});
        assert!(input::read::<UserAttributeDefinition>(document).is_err());
    }
}
