//! Origins that may frame an embed, in the form that `frame-ancestors` takes.
//!
//! They are written into a response header, so the form is narrow: a scheme, a host that can start with `*.`, and a port
//! that can be `*`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::json::input::{Invalid, Wrong};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Deserr)]
#[serde(transparent)]
#[deserr(error = Invalid, try_from(String) = Self::read -> Wrong)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(
        max_length = 255,
        pattern = r"^(\*|[A-Za-z][A-Za-z0-9+.-]*://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:(\*|[1-9][0-9]{0,4}))?)/?$"
    )
)]
pub struct Origin(String);

/// The most bytes of the origins in one header: some proxies and clients refuse larger headers.
pub const MAX_LIST_BYTES: usize = 4_096;

const FORM: Wrong = Wrong("must be an origin such as https://app.example.com, https://*.example.com or *");

impl Origin {
    /// Parses a list, separated by commas or spaces.
    pub fn list(text: &str) -> Result<Vec<Self>, Wrong> {
        text.split([',', ' ']).filter(|part| !part.is_empty()).map(str::parse).collect()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes that it takes in a list, with the space after it.
    const fn size(&self) -> usize {
        self.0.len() + 1
    }

    /// The origins of a list that may frame a page. Beyond [`MAX_LIST_BYTES`] an origin is left out, so that it may
    /// not: an allow list that is cut is only stricter, and a header that is cut on its way is not.
    pub fn in_header<'a>(origins: impl IntoIterator<Item = &'a Self>) -> BTreeSet<&'a Self> {
        let (mut kept, mut bytes) = (BTreeSet::new(), 0);
        for origin in origins {
            if !kept.contains(origin) && bytes + origin.size() <= MAX_LIST_BYTES {
                bytes += origin.size();
                kept.insert(origin);
            }
        }
        kept
    }

    /// Returns whether a header has room for all of them.
    pub fn fit_in_header<'a>(origins: impl IntoIterator<Item = &'a Self>) -> bool {
        let all: BTreeSet<_> = origins.into_iter().collect();
        all.iter().map(|origin| origin.size()).sum::<usize>() <= MAX_LIST_BYTES
    }

    fn read(text: String) -> Result<Self, Wrong> {
        text.parse()
    }
}

impl FromStr for Origin {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        if text == "*" {
            return Ok(Self(text));
        }
        let (scheme, authority) = text.split_once("://").ok_or(FORM)?;
        let (host, port) = authority.split_once(':').unwrap_or((authority, "*"));
        let host = host.strip_prefix("*.").unwrap_or(host);
        let sound = is_scheme(scheme)
            && is_host(host)
            && (port == "*" || port.parse::<u16>().is_ok_and(|port| port > 0))
            && text.len() <= 255;
        if sound { Ok(Self(text)) } else { Err(FORM) }
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://localhost:*",
            "https://*.example.com",
            "capacitor://localhost",
            "http://127.0.0.1:3000",
            "*",
        ] {
            assert_eq!(good.parse::<Origin>().unwrap().as_str(), good);
        }
        assert_eq!("HTTPS://App.Example.com/".parse::<Origin>().unwrap().as_str(), "https://app.example.com");
        for bad in [
            "",
            "app.example.com",
            "https://",
            "https://a.com/path",
            "https://a.com; script-src *",
            "https://a.com\r\nset-cookie: x",
            "https://a.com b.com",
            "https://a..com",
            "https://*.",
            "https://a.com:0",
            "https://a.com:99999",
            "https://*",
            "'self'",
            "javascript:alert(1)",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_takes_4_kib_of_a_header() {
        // 64 bytes each with the space after it.
        let origins: Vec<Origin> = (0..80)
            .map(|index| format!("https://{}{index:02}.com", "a".repeat(49)).parse().unwrap())
            .collect();
        assert_eq!(origins[0].size(), 64);
        assert_eq!(Origin::in_header(&origins[..64]).len(), 64);
        assert_eq!(
            Origin::in_header(&origins).into_iter().collect::<Vec<_>>(),
            origins[..64].iter().collect::<Vec<_>>()
        );
        // Those that are twice in the list take their place once, and a short one may still fit.
        let twice = origins[..64].iter().chain(&origins[..64]);
        assert_eq!(Origin::in_header(twice).len(), 64);
    }

    #[test]
    fn lists() {
        assert_eq!(Origin::list("https://a.com, https://b.com").unwrap().len(), 2);
        assert_eq!(Origin::list("").unwrap(), []);
        assert!(Origin::list("https://a.com, nonsense").is_err());
    }
}
