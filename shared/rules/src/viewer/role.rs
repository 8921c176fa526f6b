//! The roles of access keys and service accounts.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::json::input::Invalid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(rename_all = "lowercase")]
#[deserr(error = Invalid, rename_all = lowercase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// Has every permission.
    Admin,
    /// Has the permissions that its key names.
    Member,
    /// Has the permissions that its key names.
    Restricted,
}

impl Role {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Restricted => "restricted",
        }
    }
}
