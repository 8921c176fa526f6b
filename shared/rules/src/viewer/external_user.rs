//! External users: viewers that the owner's backend names and describes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::json::input::Wrong;
use crate::random;
use crate::viewer::tenant::TenantName;

/// The lifetime of an ephemeral user after the last session.
pub const EPHEMERAL_SECONDS: i64 = 7 * 86_400;

/// The day of a moment, counted from 1970.
pub fn day_of(moment: Timestamp) -> u64 {
    u64::try_from(moment.unix() / 86_400).unwrap_or_default()
}

/// The owner's id of a user: 1 to 255 characters, in lower case, without spaces at the ends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 255, pattern = r"\S"))]
pub struct ExternalId(String);

impl ExternalId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fingerprint that is part of the user's storage key. Nobody can choose two ids with the same one.
    pub fn fingerprint(&self) -> String {
        random::fingerprint(&self.0)
    }
}

impl FromStr for ExternalId {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let id = text.trim().to_lowercase();
        if (1..=255).contains(&id.chars().count()) && !id.chars().any(char::is_control) {
            Ok(Self(id))
        } else {
            Err(Wrong("must be 1 to 255 characters without control characters"))
        }
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExternalUser {
    /// A random number that tells this user from an earlier one of the same external id.
    pub id: u64,
    pub external_id: ExternalId,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub picture: Option<String>,
    pub attributes: BTreeMap<String, Value>,
    /// Groups of the whole stack, by name.
    pub groups: Vec<String>,
    pub tenant: Option<Membership>,
    pub created_at: Timestamp,
    /// The expiry of an ephemeral user. A user without one takes a seat under the limit.
    pub expires_at: Option<Timestamp>,
    /// The day under which an ephemeral user is counted, the one of the expiry. None for a user from before they
    /// were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_day: Option<u64>,
    /// Grows with every change. A write that is based on an older revision is refused.
    pub revision: u64,
}

/// The part of a user that the page can show. What is absent is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub picture: Option<String>,
}

impl Profile {
    /// This profile, with that of the stored user where it says nothing.
    #[must_use]
    pub fn over(self, user: Option<&ExternalUser>) -> Self {
        let stored = |field: fn(&ExternalUser) -> &Option<String>| user.and_then(|user| field(user).clone());
        Self {
            email: self.email.or_else(|| stored(|user| &user.email)),
            display_name: self.display_name.or_else(|| stored(|user| &user.display_name)),
            picture: self.picture.or_else(|| stored(|user| &user.picture)),
        }
    }
}

/// The membership of a user in a tenant; there is at most one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub tenant: TenantName,
    /// The id of the tenant, which tells it from an earlier one of the same name.
    pub tenant_id: u64,
    /// Groups of the tenant, by name.
    pub groups: Vec<String>,
}

impl ExternalUser {
    pub fn new(external_id: ExternalId, id: u64, now: Timestamp) -> Self {
        Self {
            id,
            external_id,
            email: None,
            display_name: None,
            picture: None,
            attributes: BTreeMap::new(),
            groups: Vec::new(),
            tenant: None,
            created_at: now,
            expires_at: None,
            ephemeral_day: None,
            revision: 0,
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }

    pub const fn is_ephemeral(&self) -> bool {
        self.expires_at.is_some()
    }

    pub fn tenant_name(&self) -> Option<&TenantName> {
        self.tenant.as_ref().map(|membership| &membership.tenant)
    }

    pub fn tenant_groups(&self) -> &[String] {
        self.tenant.as_ref().map_or(&[], |membership| &membership.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids_are_trimmed_and_lowercased() {
        let id = |text: &str| text.parse::<ExternalId>().map(|id| id.0);
        assert_eq!(id(" User@Example.com\t"), Ok("user@example.com".to_owned()));
        assert_eq!(id("ÄÖ"), Ok("äö".to_owned()));
        assert!(id(&"x".repeat(255)).is_ok());
        for bad in ["", "  ", "a\u{0}b", "a\nb", &"x".repeat(256)] {
            assert!(id(bad).is_err(), "{bad:?}");
        }
    }
}
