//! Users and groups, as Cube's clients write and read them.

use deserr::Deserr;
use serde::Serialize;

use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::Issue;
use vitrine_rules::json::input::{Check, Invalid};
use vitrine_rules::viewer::email::Email;
use vitrine_rules::viewer::external_user::{ExternalId, ExternalUser};
use vitrine_rules::viewer::tenant::{TenantGroup, group_name_problem};

/// A user, as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbedUser {
    pub id: u64,
    username: ExternalId,
    external_id: ExternalId,
    email: Option<String>,
    first_name: Option<String>,
    picture: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    /// The time at which an ephemeral user is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    expires_at: Option<Timestamp>,
}

impl From<ExternalUser> for EmbedUser {
    fn from(user: ExternalUser) -> Self {
        Self {
            id: user.id,
            username: user.external_id.clone(),
            external_id: user.external_id,
            email: user.email,
            first_name: user.display_name,
            picture: user.picture,
            created_at: user.created_at,
            expires_at: user.expires_at,
        }
    }
}

#[derive(Debug, Clone, Default, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields, rename_all = camelCase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(rename_all = "camelCase"))]
pub struct UserProfile {
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    pub display_name: Option<String>,
    /// An absolute http or https URL.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<vitrine_rules::forms::WebUrl>))]
    pub picture: Option<String>,
}

impl UserProfile {
    pub fn problems_under(&self, path: &str) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.display_name.as_ref().is_some_and(|name| name.chars().count() > 255) {
            issues.push(Issue::new(format!("{path}displayName"), "must be at most 255 characters"));
        }
        if self.picture.as_ref().is_some_and(|picture| !is_url(picture)) {
            issues.push(Issue::new(format!("{path}picture"), "must be an absolute http or https URL"));
        }
        issues
    }
}

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    text.len() <= 2_048 && !host.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A group that a tenant is to have.
#[derive(Debug, Clone, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupDefinition {
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine_rules::forms::Name))]
    pub name: String,
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub description: Option<String>,
}

impl GroupDefinition {
    pub fn problems_under(&self, path: &str) -> Vec<Issue> {
        let name = group_name_problem(&self.name).map(|wrong| Issue::new(format!("{path}name"), wrong));
        name.into_iter().chain(description_problem(self.description.as_deref(), path)).collect()
    }

    pub fn is_named_like(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Check for GroupDefinition {
    fn problems(&self) -> Vec<Issue> {
        self.problems_under("")
    }
}

/// The problem of a group's description, under `path`.
pub fn description_problem(description: Option<&str>, path: &str) -> Option<Issue> {
    let is_long = description.is_some_and(|text| text.chars().count() > 1_000);
    is_long.then(|| Issue::new(format!("{path}description"), "must be at most 1000 characters"))
}

impl From<GroupDefinition> for TenantGroup {
    fn from(definition: GroupDefinition) -> Self {
        Self { name: definition.name, description: definition.description, users: 0 }
    }
}

/// The problem of an email address.
pub fn email_problem(email: &str) -> Option<&'static str> {
    email.parse::<Email>().err().map(|wrong| wrong.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures() {
        for good in ["https://a.example/x.png?y", "http://a"] {
            assert!(is_url(good), "{good}");
        }
        for bad in
            ["", "a.png", "//a/b", "https://", "javascript:alert(1)", "data:image/png;base64,x", "https:///x"]
        {
            assert!(!is_url(bad), "{bad}");
        }
    }
}
