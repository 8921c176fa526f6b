//! Service accounts: viewers that the stack stores, and that can call the API themselves.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::json::input::Wrong;
use crate::random;
use crate::viewer::email::Email;
use crate::viewer::role::Role;

/// A name of 3 to 255 letters, digits and underscores that starts with a letter. Case is not significant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(min_length = 3, max_length = 255, pattern = r"^[A-Za-z][A-Za-z0-9_]*$")
)]
pub struct Username(String);

impl Username {
    /// The form that is part of the storage key.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Username {
    type Err = Wrong;

    fn from_str(text: &str) -> std::result::Result<Self, Wrong> {
        let sound = (3..=255).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(Wrong("must be 3 to 255 letters, digits and underscores, a letter first"))
        }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name by which clients find an account. No username contains an `@`, and every email address does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountName {
    Username(Username),
    Email(Email),
}

impl FromStr for AccountName {
    type Err = Wrong;

    fn from_str(text: &str) -> std::result::Result<Self, Wrong> {
        if text.contains('@') { text.parse().map(Self::Email) } else { text.parse().map(Self::Username) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Tells this account from an earlier one of the same name.
    pub id: String,
    pub username: Username,
    /// Belongs to at most one account.
    #[serde(default)]
    pub email: Option<Email>,
    pub role: Role,
    /// Attributes of every view of this account.
    pub attributes: BTreeMap<String, Value>,
    pub created_at: Timestamp,
    /// Grows with every change. A write that is based on an older revision is refused.
    pub revision: u64,
}

/// The use of a service account's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TokenType {
    ReadWrite,
    /// Reads data; has no access to the administrative API.
    ReadScaling,
}

/// The record of a service account's token, without the token itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountToken {
    pub id: String,
    pub name: String,
    pub token_type: TokenType,
    /// The id of its account. A later account of the same name does not inherit the token.
    pub account: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl AccountToken {
    /// Derives the id from the name, so that each name has one token.
    pub fn id_of(name: &str) -> String {
        random::fingerprint(name).split_off(40)
    }

    /// Returns whether a text has the form of an id.
    pub fn is_id(text: &str) -> bool {
        text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires| expires <= now)
    }
}

/// Creates a token: `st-<username>-<id>-<secret>`. Neither username nor id contains a hyphen.
pub fn new_token(username: &Username, id: &str) -> Result<String> {
    Ok(format!("st-{}-{id}-{}", username.folded(), random::secret()?))
}

/// The username and the id in a token of this form.
pub fn parts_of(token: &str) -> Option<(Username, &str)> {
    let mut parts = token.strip_prefix("st-")?.splitn(3, '-');
    let (username, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let sound = AccountToken::is_id(id) && secret.len() == 43;
    sound.then(|| Some((username.parse().ok()?, id))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        for good in ["abc", "Embed_Acme1", &"a".repeat(255)] {
            assert!(good.parse::<Username>().is_ok(), "{good}");
        }
        for bad in ["", "ab", "1abc", "_abc", "a-bc", "a b", "äbc", "a.b.c", &"a".repeat(256)] {
            assert!(bad.parse::<Username>().is_err(), "{bad}");
        }
        assert_eq!("Embed_Acme".parse::<Username>().unwrap().folded(), "embed_acme");
    }

    #[test]
    fn an_account_is_named_by_username_or_email() {
        let named = |text: &str| text.parse::<AccountName>();
        assert_eq!(named("acme"), Ok(AccountName::Username("acme".parse().unwrap())));
        assert_eq!(named(" Ann@x.example"), Ok(AccountName::Email("Ann@x.example".parse().unwrap())));
        for bad in ["", "a b", "@", "ann@", "äbc"] {
            assert!(named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_account_that_was_stored_without_an_email_is_read() {
        let stored = serde_json::json!({
            "id": "a", "username": "acme", "role": "member", "attributes": {}, "created_at": "2026-01-01T00:00:00Z",
            "revision": 1,
        });
        assert_eq!(serde_json::from_value::<ServiceAccount>(stored).unwrap().email, None);
    }

    #[test]
    fn tokens_carry_what_finds_them() {
        let username: Username = "Embed_Acme".parse().unwrap();
        let id = AccountToken::id_of("nightly");
        let token = new_token(&username, &id).unwrap();
        let (found, found_id) = parts_of(&token).unwrap();
        assert_eq!((found.folded(), found_id), (username.folded(), id.as_str()));
        for other in ["", "st-", "st-abc", "st-abc-x-y", "sk-abc-def", &token[1..], &format!("{token}x")] {
            assert!(parts_of(other).is_none(), "{other}");
        }
    }
}
