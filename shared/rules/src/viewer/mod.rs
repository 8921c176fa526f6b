//! Viewers, and what the stack stores about them.

pub mod attribute;
pub mod email;
pub mod external_user;
pub mod role;
pub mod service_account;
pub mod tenant;
pub mod upsert_user;

use std::collections::BTreeMap;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Issue;
use crate::json::input::Invalid;
use crate::resource::parameter::is_value;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Deserr)]
#[serde(default)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Viewer {
    /// The owner's id of the viewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::forms::Label>))]
    pub id: Option<String>,
    /// Attributes that a resource's parameters can be locked to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, crate::resource::parameter::AnyValue>))]
    pub attributes: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[deserr(default)]
    pub groups: Vec<String>,
}

impl Viewer {
    pub fn problems(&self, path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.id.as_ref().is_some_and(|id| id.trim().is_empty() || id.chars().count() > 255) {
            issues.push(Issue::new(format!("{path}.id"), "must be 1 to 255 characters"));
        }
        for (name, value) in &self.attributes {
            if !is_value(value) {
                issues.push(Issue::new(
                    format!("{path}.attributes.{name}"),
                    "must be a single value or a list of them",
                ));
            }
        }
        issues
    }
}
