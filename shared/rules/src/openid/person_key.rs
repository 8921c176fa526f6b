//! The permissions of a person, expressed as an access key.

use super::sign_in_settings::SignInSettings;
use crate::access_key::AccessKey;
use crate::clock::Timestamp;
use crate::random;
use crate::reach::Reach;

/// The key of a person who signed in by this group; none if the settings are no longer those of the fingerprint.
pub fn key_of(
    settings: &SignInSettings,
    id: String,
    name: String,
    group: &str,
    fingerprint: &str,
    started_at: Timestamp,
) -> Option<AccessKey> {
    let is_current = settings.active().is_some() && random::equal(&settings.fingerprint(), fingerprint);
    let role = settings.roles.of_group(group).filter(|_| is_current)?;
    Some(AccessKey {
        id,
        name,
        role: role.role,
        permissions: role.permissions.clone(),
        reach: Reach::of(role.deployments.iter().copied()),
        created_at: started_at,
        expires_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openid::sign_in_settings::tests::{GOOD, settings};

    #[test]
    fn each_setting_ends_the_sessions_when_it_changes() {
        let before = settings(&GOOD);
        let key = |settings: &SignInSettings, group: &str| {
            let now = Timestamp::from_unix(0);
            key_of(settings, "person:1".into(), "Anna".into(), group, &before.fingerprint(), now)
        };
        assert!(key(&before, "owners").unwrap().require_admin().is_ok());
        assert!(key(&before, "analysts").unwrap().require_admin().is_err());
        assert!(key(&before, "others").is_none());
        for change in [
            ("ConsoleIssuer", ""),
            ("ConsoleIssuer", "https://id.example.com/"),
            ("ConsoleClientId", "other"),
            ("ConsoleClientId", ""),
            ("ConsoleGroupClaim", "groups"),
            ("ConsoleRoles", "owners=admin"),
            ("ConsoleRoles", "owners=admin,analysts=read@1"),
            ("ConsoleRoles", ""),
        ] {
            let after = settings(&[&GOOD[..], &[change]].concat());
            assert!(key(&after, "owners").is_none(), "{change:?}");
        }
    }

    #[test]
    fn a_person_reaches_the_deployments_of_the_group() {
        let settings = settings(&[&GOOD[..3], &[("ConsoleRoles", "a=admin@1+2,b=admin")]].concat());
        for (group, is_stack) in [("a", false), ("b", true)] {
            let now = Timestamp::from_unix(0);
            let key =
                key_of(&settings, "person:1".into(), "Anna".into(), group, &settings.fingerprint(), now);
            assert_eq!(key.unwrap().reach.is_stack(), is_stack, "{group}");
        }
    }
}
