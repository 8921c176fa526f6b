//! Access keys of the administrative API, with their permissions and their scope.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Reason, Result};
use crate::permission::Permission;
use crate::random;
use crate::reach::Reach;
use crate::viewer::role::Role;
use crate::viewer::service_account::{AccountToken, ServiceAccount};

/// The record of an access key, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessKey {
    pub id: String,
    pub name: String,
    pub role: Role,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Permission>))]
    pub permissions: BTreeSet<Permission>,
    /// The deployments that it is limited to; an empty list means all.
    #[serde(rename = "deployments")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::resource::ids::Deployment>))]
    pub reach: Reach,
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
            permissions: BTreeSet::new(),
            reach: Reach::stack(),
            created_at: Timestamp::from_unix(0),
            expires_at: None,
        }
    }

    /// The permissions of a service account and the lifetime of its token, expressed as a key.
    pub fn of_account(account: &ServiceAccount, token: &AccountToken) -> Self {
        Self {
            id: format!("account:{}", account.username),
            name: account.username.to_string(),
            role: account.role,
            permissions: BTreeSet::new(),
            reach: Reach::stack(),
            created_at: account.created_at,
            expires_at: token.expires_at,
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

    /// Refuses to make or end a credential that may do more than this key, or elsewhere.
    pub fn require_control(&self, other: &Self) -> Result<()> {
        let refuse = |cause| Err(Error::new(Reason::AccessDenied).detail(cause));
        if !self.reach.includes(&other.reach) {
            return refuse("the other key reaches further");
        }
        if other.role == Role::Admin && self.role != Role::Admin {
            return refuse("the other key is an admin's");
        }
        other.permissions.iter().try_for_each(|permission| self.require(*permission))
    }

    /// The end of a credential that this key makes: no later than the key's own.
    pub fn end_within(&self, asked: Option<Timestamp>) -> Result<Option<Timestamp>> {
        match (self.expires_at, asked) {
            (Some(own), Some(asked)) if asked > own => {
                Err(Error::new(Reason::AccessDenied).detail("the credential would outlive the key"))
            }
            (own, asked) => Ok(asked.or(own)),
        }
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
    use crate::resource::ids::Deployment;

    fn key(role: Role, permissions: &[Permission], deployments: &[u32]) -> AccessKey {
        AccessKey {
            role,
            permissions: permissions.iter().copied().collect(),
            reach: Reach::of(deployments.iter().map(|number| Deployment::new(*number).unwrap())),
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

    /// Pairs of keys, and whether the first has control over the second.
    #[test]
    fn a_key_controls_only_those_that_may_no_more() {
        use Permission::*;
        use Role::*;
        let every = [ResourcesWrite, ResourcesList, SessionsCreate, Introspect];
        let cases = [
            (key(Admin, &[], &[]), key(Admin, &[], &[]), true),
            (key(Admin, &[], &[]), key(Restricted, &every, &[1]), true),
            (key(Admin, &[], &[1, 2]), key(Admin, &[], &[2]), true),
            (key(Admin, &[], &[1]), key(Member, &every, &[1]), true),
            (key(Admin, &[], &[1]), key(Admin, &[], &[]), false),
            (key(Admin, &[], &[1]), key(Restricted, &[], &[]), false),
            (key(Admin, &[], &[1]), key(Admin, &[], &[1, 2]), false),
            (key(Member, &every, &[]), key(Admin, &[], &[]), false),
            (key(Member, &[ResourcesList], &[]), key(Member, &[ResourcesList], &[]), true),
            (key(Member, &[ResourcesList], &[]), key(Member, &[ResourcesList, Introspect], &[]), false),
        ];
        for (own, other, controls) in cases {
            assert_eq!(own.require_control(&other).is_ok(), controls, "{own:?} {other:?}");
        }
    }

    /// The end of a key, the end that it asks for, and the end that it gets.
    #[test]
    fn a_key_makes_none_that_outlives_it() {
        let at = |seconds: Option<i64>| seconds.map(Timestamp::from_unix);
        for (own, asked, end) in [
            (None, None, Ok(None)),
            (None, Some(5), Ok(Some(5))),
            (Some(9), None, Ok(Some(9))),
            (Some(9), Some(5), Ok(Some(5))),
            (Some(9), Some(9), Ok(Some(9))),
            (Some(9), Some(10), Err(Reason::AccessDenied)),
        ] {
            let own = AccessKey { expires_at: at(own), ..AccessKey::bootstrap() };
            let got = own.end_within(at(asked)).map_err(|error| error.reason);
            assert_eq!(got, end.map(at), "{asked:?}");
        }
    }

    #[test]
    fn a_permission_is_written_as_its_word() {
        use Permission::*;
        for permission in [ResourcesWrite, ResourcesList, SessionsCreate, Introspect] {
            assert_eq!(serde_json::to_value(permission).unwrap(), permission.word());
        }
    }

    #[test]
    fn lists_are_stored_without_repetitions() {
        let mut stored = serde_json::to_value(AccessKey::bootstrap()).unwrap();
        stored["deployments"] = serde_json::json!([2, 1, 1]);
        stored["permissions"] = serde_json::json!(["introspect", "introspect"]);
        let key: AccessKey = serde_json::from_value(stored).unwrap();
        let written = serde_json::to_value(key).unwrap();
        assert_eq!(written["deployments"], serde_json::json!([1, 2]));
        assert_eq!(written["permissions"], serde_json::json!(["introspect"]));
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
