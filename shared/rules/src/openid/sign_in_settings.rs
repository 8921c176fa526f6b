//! The settings of sign-in through a provider.

use super::console_roles::ConsoleRoles;
use super::issuer_url::IssuerUrl;
use crate::random;

/// The most characters of a client id and of a claim's name.
const MAX_CHARACTERS: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInSettings {
    /// None: nobody signs in through a provider.
    pub issuer: Option<IssuerUrl>,
    pub client_id: String,
    pub group_claim: String,
    pub roles: ConsoleRoles,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            group_claim: "groups".to_owned(),
            roles: ConsoleRoles::default(),
        }
    }
}

impl SignInSettings {
    /// Sets one of these settings; none if there is no setting of this name, else what it takes if it is refused.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<Result<(), &'static str>> {
        let is_plain =
            |text: &str| text.chars().count() <= MAX_CHARACTERS && !text.chars().any(char::is_control);
        let set = match name {
            "ConsoleIssuer" if value.is_empty() => {
                self.issuer = None;
                Ok(())
            }
            "ConsoleIssuer" => match IssuerUrl::parse(value) {
                Some(issuer) => {
                    self.issuer = Some(issuer);
                    Ok(())
                }
                None => Err("an https URL without a query"),
            },
            "ConsoleClientId" if is_plain(value) => {
                value.clone_into(&mut self.client_id);
                Ok(())
            }
            "ConsoleClientId" => Err("at most 255 characters"),
            "ConsoleGroupClaim" if is_plain(value) && !value.is_empty() => {
                value.clone_into(&mut self.group_claim);
                Ok(())
            }
            "ConsoleGroupClaim" => Err("the name of a claim"),
            "ConsoleRoles" => match ConsoleRoles::parse(value) {
                Some(roles) => {
                    self.roles = roles;
                    Ok(())
                }
                None => Err(
                    "groups with `admin`, `write`, `read` or permissions, such as owners=admin,analysts=read@1",
                ),
            },
            _ => return None,
        };
        Some(set)
    }

    /// The issuer, if people can sign in through it.
    pub fn active(&self) -> Option<&IssuerUrl> {
        self.issuer.as_ref().filter(|_| !self.client_id.is_empty())
    }

    /// The fingerprint of all that decides who may do what. A session ends when it changes.
    pub fn fingerprint(&self) -> String {
        let issuer = self.issuer.as_ref().map_or("", IssuerUrl::as_str);
        let parts = ["person", issuer, &self.client_id, &self.group_claim, self.roles.text()];
        // Control characters are in none of the parts.
        random::fingerprint(&parts.join("\n"))
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn settings(pairs: &[(&str, &str)]) -> SignInSettings {
        let mut settings = SignInSettings::default();
        for (name, value) in pairs {
            settings.set(name, value).unwrap().unwrap();
        }
        settings
    }

    pub const GOOD: [(&str, &str); 4] = [
        ("ConsoleIssuer", "https://id.example.com"),
        ("ConsoleClientId", "console"),
        ("ConsoleGroupClaim", "roles"),
        ("ConsoleRoles", "owners=admin,analysts=read"),
    ];

    #[test]
    fn it_is_off_without_an_issuer_or_a_client() {
        assert!(SignInSettings::default().active().is_none());
        assert!(settings(&GOOD[..1]).active().is_none());
        assert!(settings(&GOOD[1..]).active().is_none());
        assert!(settings(&GOOD[..2]).active().is_some());
    }

    #[test]
    fn issuers_are_https_or_on_this_machine() {
        for good in [
            "https://id.example.com",
            "https://login.example.com/0191e7a0/v2.0",
            "https://id.example.com:8443/realms/a/",
            "http://127.0.0.1:8080/realms/a",
            "http://localhost",
            "http://[::1]:90",
        ] {
            assert!(IssuerUrl::parse(good).is_some(), "{good}");
        }
        for bad in [
            "id.example.com",
            "http://id.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "http://localhost:x",
            "https://",
            "https:///path",
            "https://user@id.example.com",
            "https://id.example.com?a=b",
            "https://id.example.com#a",
            "https://id.example.com/a b",
            "https://id.example.com\\a",
            "ftp://id.example.com",
            "javascript://id.example.com",
        ] {
            assert_eq!(IssuerUrl::parse(bad), None, "{bad}");
        }
    }

    /// An issuer, an endpoint, and whether that is used.
    #[test]
    fn endpoints_are_https_unless_the_issuer_is_on_this_machine() {
        for (issuer, endpoint, is_trusted) in [
            ("https://id.example.com", "https://id.example.com/token", true),
            ("https://id.example.com", "https://token.example.net/token?p=1", true),
            ("https://id.example.com", "http://id.example.com/token", false),
            ("https://id.example.com", "http://127.0.0.1/token", false),
            ("https://id.example.com", "https://id.example.com/token#x", false),
            ("https://id.example.com", "/token", false),
            ("http://127.0.0.1:80", "http://127.0.0.1:81/token", true),
            ("http://127.0.0.1:80", "https://id.example.com/token", true),
            ("http://127.0.0.1:80", "http://id.example.com/token", false),
        ] {
            assert_eq!(IssuerUrl::parse(issuer).unwrap().trusts(endpoint), is_trusted, "{issuer} {endpoint}");
        }
    }
}
