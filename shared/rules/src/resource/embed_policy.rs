//! The embed policy: whether a resource may be shown, who may set its parameters, and on whose pages.

use std::collections::BTreeMap;
use std::ops::Deref;

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, Map, ValueKind, ValuePointerRef, take_cf_content,
};
use serde::{Deserialize, Serialize};

use crate::json::input::Invalid;
use crate::json::named::Named;

/// The rule for each parameter, by slug. Nobody can set a parameter that is not listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbeddingParams(BTreeMap<String, WhoMaySet>);

impl Deref for EmbeddingParams {
    type Target = BTreeMap<String, WhoMaySet>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Deserr<Invalid> for EmbeddingParams {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Invalid> {
        Named::deserialize_from_value(value, location).map(|Named(params)| Self(params))
    }
}

/// The party that can set a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum WhoMaySet {
    /// Nobody; the default applies.
    Disabled,
    /// The viewer.
    Enabled,
    /// The token only.
    Locked,
    /// Nobody; the value comes from this viewer attribute.
    Attribute(String),
}

impl WhoMaySet {
    /// Returns whether the value is beyond the viewer's control, and every view has one.
    pub const fn is_locked(&self) -> bool {
        matches!(self, Self::Locked | Self::Attribute(_))
    }
}

impl Deserr<Invalid> for WhoMaySet {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Invalid> {
        const WORDS: &[&str] = &["disabled", "enabled", "locked"];
        match value {
            deserr::Value::String(word) => match word.as_str() {
                "disabled" => Ok(Self::Disabled),
                "enabled" => Ok(Self::Enabled),
                "locked" => Ok(Self::Locked),
                _ => Err(take_cf_content(Invalid::error::<V>(
                    None,
                    ErrorKind::UnknownValue { value: &word, accepted: WORDS },
                    location,
                ))),
            },
            deserr::Value::Map(mut map) if map.len() == 1 => match map.remove("attribute") {
                Some(name) => {
                    String::deserialize_from_value(name.into_value(), location.push_key("attribute"))
                        .map(Self::Attribute)
                }
                None => Err(take_cf_content(Invalid::error::<V>(
                    None,
                    ErrorKind::MissingField { field: "attribute" },
                    location,
                ))),
            },
            actual => Err(take_cf_content(Invalid::error(
                None,
                ErrorKind::IncorrectValueKind { actual, accepted: &[ValueKind::String] },
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

    #[test]
    fn reads_and_writes_the_same_form() {
        let form = json!({"a": "disabled", "b": "enabled", "c": "locked", "d": {"attribute": "city"}});
        let policy: EmbeddingParams = input::read(form.clone()).unwrap();
        assert_eq!(serde_json::to_value(&policy).unwrap(), form);
        assert_eq!(serde_json::from_value::<EmbeddingParams>(form).unwrap(), policy);
    }

    #[test]
    fn refuses_any_other_word() {
        for bad in [
            json!("Enabled"),
            json!(true),
            json!(null),
            json!({"attribute": 1}),
            json!({}),
            json!({"x": "y"}),
        ] {
            assert!(input::read::<EmbeddingParams>(json!({ "a": bad.clone() })).is_err(), "{bad}");
        }
    }
}
