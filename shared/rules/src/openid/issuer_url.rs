//! The address of an issuer, and of the endpoints that its document names.

use std::fmt;

/// The most characters of an address.
const MAX_CHARACTERS: usize = 1_000;

/// The issuer of the setting, exactly as its tokens name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// Parses an https address without a query. Plain http is for issuers on this machine only.
    pub fn parse(text: &str) -> Option<Self> {
        let is_sound = is_address(text) && !text.contains('?') && (is_https(text) || is_loopback(text));
        is_sound.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the document that describes the issuer.
    pub fn document(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.trim_end_matches('/'))
    }

    /// Returns whether a secret may be sent to this endpoint: over TLS, or on this machine if the issuer is there.
    pub fn trusts(&self, endpoint: &str) -> bool {
        is_address(endpoint) && (is_https(endpoint) || (is_loopback(&self.0) && is_loopback(endpoint)))
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a text has a scheme and a plain host, and neither a user nor a fragment.
fn is_address(text: &str) -> bool {
    let is_plain = text.len() <= MAX_CHARACTERS
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#'));
    is_plain && host(text).is_some_and(|host| !host.is_empty())
}

fn is_https(text: &str) -> bool {
    text.starts_with("https://")
}

fn is_loopback(text: &str) -> bool {
    text.starts_with("http://")
        && host(text).is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
}

fn host(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let is_sound = (name == "[::1]" || is_name(name)) && port.is_none_or(|port| port.parse::<u16>().is_ok());
    is_sound.then_some(name)
}
