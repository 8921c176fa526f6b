//! The permissions of callers that are no admins.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::json::input::Invalid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Permission {
    #[serde(rename = "resources:write")]
    #[deserr(rename = "resources:write")]
    ResourcesWrite,
    #[serde(rename = "resources:list")]
    #[deserr(rename = "resources:list")]
    ResourcesList,
    #[serde(rename = "sessions:create")]
    #[deserr(rename = "sessions:create")]
    SessionsCreate,
    #[serde(rename = "introspect")]
    #[deserr(rename = "introspect")]
    Introspect,
}

impl Permission {
    pub const fn word(self) -> &'static str {
        match self {
            Self::ResourcesWrite => "resources:write",
            Self::ResourcesList => "resources:list",
            Self::SessionsCreate => "sessions:create",
            Self::Introspect => "introspect",
        }
    }
}
