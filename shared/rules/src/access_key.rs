//! Access keys of the administrative API, with their permissions and their scope.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::json::input::Invalid;
use crate::random;
use crate::resource::ids::Deployment;
use crate::viewer::role::Role;
use crate::viewer::service_account::ServiceAccount;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
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

/// The record of an access key, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessKey {
    pub id: String,
    pub name: String,
    pub role: Role,
    pub permissions: Vec<Permission>,
    /// The deployments that it is limited to; an empty list means all.
    pub deployments: Vec<Deployment>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Timestamp>,
}

impl AccessKey {
    /// The id of the key that the stack is created with.
    pub const BOOTSTRAP: &'static str = "bootstrap";

    pub fn bootstrap() -> Self {
        Self {
            id: Self::BOOTSTRAP.to_owned(),
            name: "The stack's admin key".to_owned(),
            role: Role::Admin,
            permissions: Vec::new(),
            deployments: Vec::new(),
            created_at: Timestamp::from_unix(0),
            expires_at: None,
        }
    }

    /// The permissions of a service account, expressed as a key.
    pub fn of_account(account: &ServiceAccount) -> Self {
        Self {
            id: format!("account:{}", account.username),
            name: account.username.to_string(),
            role: account.role,
            permissions: Vec::new(),
            deployments: Vec::new(),
            created_at: account.created_at,
            expires_at: None,
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }

    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.role == Role::Admin || self.permissions.contains(&permission) {
            Ok(())
        } else {
            Err(Reason::AccessDenied.into())
        }
    }

    pub fn require_admin(&self) -> Result<()> {
        if self.role == Role::Admin { Ok(()) } else { Err(Reason::AccessDenied.into()) }
    }

    pub fn require_deployment(&self, deployment: Deployment) -> Result<()> {
        if self.deployments.is_empty() || self.deployments.contains(&deployment) {
            Ok(())
        } else {
            Err(Error::new(Reason::AccessDenied)
                .detail(format_args!("deployment {deployment} is outside the key's scope")))
        }
    }

    /// Refuses a key scope that reaches further than this key's. An empty scope means all deployments.
    pub fn require_scope(&self, deployments: &[Deployment]) -> Result<()> {
        if deployments.is_empty() && !self.deployments.is_empty() {
            return Err(Error::new(Reason::AccessDenied).detail("a scoped key asks for one without scope"));
        }
        deployments.iter().try_for_each(|deployment| self.require_deployment(*deployment))
    }
}

/// Creates a key: `sk-<id>-<secret>`. The id finds the record, and the whole key is compared by its fingerprint.
pub fn new_key() -> Result<(String, String)> {
    let id = random::short_id()?;
    let key = format!("sk-{id}-{}", random::secret()?);
    Ok((id, key))
}

/// The id in a key of this form.
pub fn id_of(key: &str) -> Option<&str> {
    let (id, secret) = key.strip_prefix("sk-")?.split_once('-')?;
    let sound = crate::resource::ids::is_public_id(id) && secret.len() == 43;
    sound.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(role: Role, permissions: &[Permission], deployments: &[u32]) -> AccessKey {
        AccessKey {
            role,
            permissions: permissions.to_vec(),
            deployments: deployments.iter().map(|number| Deployment::new(*number).unwrap()).collect(),
            ..AccessKey::bootstrap()
        }
    }

    #[test]
    fn a_key_may_what_its_role_and_permissions_say() {
        use Permission::*;
        for permission in [ResourcesWrite, ResourcesList, SessionsCreate, Introspect] {
            assert!(key(Role::Admin, &[], &[]).require(permission).is_ok());
            for role in [Role::Member, Role::Restricted] {
                assert!(key(role, &[permission], &[]).require(permission).is_ok());
                assert!(key(role, &[], &[]).require(permission).is_err());
            }
        }
        assert!(key(Role::Member, &[ResourcesWrite, Introspect], &[]).require(SessionsCreate).is_err());
        assert!(key(Role::Member, &[ResourcesWrite], &[]).require_admin().is_err());
    }

    #[test]
    fn a_key_reaches_the_deployments_of_its_scope() {
        let two = Deployment::new(2).unwrap();
        assert!(key(Role::Admin, &[], &[]).require_deployment(two).is_ok());
        assert!(key(Role::Admin, &[], &[1, 2]).require_deployment(two).is_ok());
        assert!(key(Role::Admin, &[], &[1]).require_deployment(two).is_err());
    }

    #[test]
    fn a_key_has_no_say_over_one_that_reaches_further() {
        let scope = |deployments: &[u32]| key(Role::Admin, &[], deployments).deployments;
        let accepts =
            |own: &[u32], other: &[u32]| key(Role::Admin, &[], own).require_scope(&scope(other)).is_ok();
        assert!(accepts(&[], &[]) && accepts(&[], &[1]) && accepts(&[1, 2], &[2]) && accepts(&[1], &[1]));
        assert!(!accepts(&[1], &[]) && !accepts(&[1], &[2]) && !accepts(&[1], &[1, 2]));
    }

    #[test]
    fn new_keys_carry_their_id() {
        let (id, key) = new_key().unwrap();
        assert_eq!(id_of(&key), Some(id.as_str()));
        for other in ["", "sk-", "sk-abc-def", "admin", &key[3..], &format!("{key}x")] {
            assert_eq!(id_of(other), None, "{other}");
        }
    }
}
