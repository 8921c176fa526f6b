//! Embed tenants: customers of the owner, each with its own users, groups and attributes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Issue, Reason, Result};
use crate::json::input::Wrong;
use crate::random;
use crate::resource::ids::is_name;
use crate::viewer::attribute::AttributeDefinition;

/// A name of 2 to 36 lowercase letters, digits and hyphens that starts with a letter and does not end with a hyphen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(min_length = 2, max_length = 36, pattern = r"^[a-z][a-z0-9-]*[a-z0-9]$")
)]
pub struct TenantName(String);

impl TenantName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantName {
    type Err = Wrong;

    fn from_str(text: &str) -> std::result::Result<Self, Wrong> {
        let sound = (2..=36).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong(
                "must be 2 to 36 lowercase letters, digits and hyphens, a letter first and no hyphen last",
            ))
        }
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Tells this tenant from an earlier one of the same name.
    pub id: u64,
    pub name: TenantName,
    pub display_name: Option<String>,
    pub created_at: Timestamp,
    /// The number of users, without ephemeral ones.
    pub users: u64,
    /// Grows whenever something is added to it.
    pub changes: u64,
}

/// A tenant with its groups and attributes.
#[derive(Debug, Clone)]
pub struct TenantWithGroups {
    pub tenant: Tenant,
    pub groups: Vec<TenantGroup>,
    pub attributes: Vec<AttributeDefinition>,
}

/// A group of users in a tenant. Its name never changes, because policies refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantGroup {
    pub name: String,
    pub description: Option<String>,
    /// The number of users, without ephemeral ones.
    #[serde(skip)]
    pub users: u64,
}

impl TenantGroup {
    /// Derives the id from the name, so that each name has one group.
    pub fn id_of(name: &str) -> u64 {
        let digest = random::fingerprint(name);
        u64::from_str_radix(&digest[..12], 16).unwrap_or_default() + 1
    }

    pub fn id(&self) -> u64 {
        Self::id_of(&self.name)
    }

    /// The name of the group outside its tenant.
    pub fn qualified(tenant: &TenantName, name: &str) -> String {
        format!("system:tenant:{tenant}:group:{name}")
    }
}

/// The problem of a group's name, for groups of a tenant and of the whole stack.
pub fn group_name_problem(name: &str) -> Option<&'static str> {
    if name.starts_with("system:") {
        Some("must not start with system:, which is reserved")
    } else if is_name(name) {
        None
    } else {
        Some("must be 1 to 255 characters without slashes, control characters or outer spaces")
    }
}

/// Requires that the named groups exist.
pub fn require_groups<'a>(named: &'a [String], is_there: impl Fn(&str) -> bool) -> Result<()> {
    let missing: Vec<&'a str> = named.iter().map(String::as_str).filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        Ok(())
    } else {
        let message = format!("Groups with names {} not found", missing.join(", "));
        Err(Error::new(Reason::GroupUnknown).message(message))
    }
}

/// The problem of a list of group names, under `path`.
pub fn group_list_problems(names: &[String], path: &str, most: usize) -> Option<Issue> {
    (names.len() > most).then(|| Issue::new(path, format!("must be at most {most} items")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_names() {
        for good in ["ab", "acme", "a1", "acme-eu-2", &"a".repeat(36)] {
            assert!(good.parse::<TenantName>().is_ok(), "{good}");
        }
        for bad in ["", "a", "Acme", "1a", "-a", "a-", "a_b", "a b", "ä1", "a.b", &"a".repeat(37), "ab\n"] {
            assert!(bad.parse::<TenantName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn group_ids_are_numbers_that_javascript_reads_exactly() {
        let id = TenantGroup::id_of("editors");
        assert_eq!(id, TenantGroup::id_of("editors"));
        assert_ne!(id, TenantGroup::id_of("Editors"));
        assert!((1..=1 << 48).contains(&id));
    }

    #[test]
    fn group_names() {
        assert_eq!(group_name_problem("Finance team"), None);
        for bad in ["", " a", "a/b", "system:x", "a\u{0}b", &"x".repeat(256)] {
            assert!(group_name_problem(bad).is_some(), "{bad}");
        }
    }
}
