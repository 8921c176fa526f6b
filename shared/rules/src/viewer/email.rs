//! Email addresses. Only their form is checked.

use std::fmt;
use std::str::FromStr;

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::json::input::{Invalid, Wrong};

const MAX_BYTES: usize = 320;

/// An address as it was written, without spaces at the ends. Case is not significant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(transparent)]
#[deserr(error = Invalid, try_from(String) = Self::read -> Wrong)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Email(String);

impl Email {
    fn read(text: String) -> Result<Self, Wrong> {
        text.parse()
    }

    /// The form in which two addresses are compared.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for Email {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let email = text.trim();
        let parts = email.rsplit_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
        let is_plain = !email.chars().any(|letter| letter.is_whitespace() || letter.is_control());
        if parts.is_some() && is_plain && email.len() <= MAX_BYTES {
            Ok(Self(email.to_owned()))
        } else {
            Err(Wrong("must be an email address"))
        }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails() {
        for good in ["a@b", " user@example.com ", "\"odd@name\"@example.com"] {
            assert_eq!(good.parse::<Email>().unwrap().to_string(), good.trim());
        }
        for bad in ["", "a", "@b", "a@", "a b@c", "a\n@b", &format!("{}@b", "x".repeat(320))] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
        assert_eq!("Ann@Example.COM".parse::<Email>().unwrap().folded(), "ann@example.com");
    }
}
