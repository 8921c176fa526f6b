//! The cookies of the console.

use axum::http::{HeaderMap, HeaderValue, header};

use super::base_url::base_url;
use vitrine_rules::console_session::{LIFETIME_SECONDS, is_secret};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::openid::sign_in_flow::PATIENCE_SECONDS;
use vitrine_rules::settings::Settings;

/// Whether cookies are set for https, which they always are but in the local run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Cookies are `Secure`, and have the prefix by which browsers refuse any other.
    Https,
    /// Not every browser takes a `Secure` cookie from a local address, so these have other names.
    LocalHttp,
}

impl Transport {
    pub fn of(headers: &HeaderMap, settings: &Settings) -> Result<Self> {
        // Every browser names a host, so a request without one is no local run.
        let is_http =
            headers.contains_key(header::HOST) && base_url(settings, headers)?.starts_with("http://");
        Ok(if is_http { Self::LocalHttp } else { Self::Https })
    }

    const fn session(self) -> &'static str {
        match self {
            Self::Https => "__Host-vitrine-console",
            Self::LocalHttp => "vitrine-console",
        }
    }

    const fn sign_in(self) -> &'static str {
        match self {
            Self::Https => "__Host-vitrine-sign-in",
            Self::LocalHttp => "vitrine-sign-in",
        }
    }

    const fn provider_sign_in(self) -> &'static str {
        match self {
            Self::Https => "__Host-vitrine-provider",
            Self::LocalHttp => "vitrine-provider",
        }
    }

    /// The session in a request; none if there is none, or more than one.
    pub fn read_session(self, headers: &HeaderMap) -> Option<&str> {
        only(headers, self.session())
    }

    /// The secret of the sign-in form in a request.
    pub fn read_sign_in(self, headers: &HeaderMap) -> Option<&str> {
        only(headers, self.sign_in()).filter(|secret| is_secret(secret))
    }

    /// The sealed sign-in through a provider that the browser began.
    pub fn read_provider_sign_in(self, headers: &HeaderMap) -> Option<&str> {
        only(headers, self.provider_sign_in())
    }

    /// This cookie comes along when the provider's page leads back, which no `Strict` one does.
    pub fn set_provider_sign_in(self, value: &str) -> Result<HeaderValue> {
        self.set_as(self.provider_sign_in(), value, PATIENCE_SECONDS, "Lax")
    }

    pub fn end_provider_sign_in(self) -> Result<HeaderValue> {
        self.set_as(self.provider_sign_in(), "", 0, "Lax")
    }

    pub fn set_session(self, value: &str) -> Result<HeaderValue> {
        self.set(self.session(), value, LIFETIME_SECONDS)
    }

    pub fn end_session(self) -> Result<HeaderValue> {
        self.set(self.session(), "", 0)
    }

    pub fn set_sign_in(self, value: &str) -> Result<HeaderValue> {
        self.set(self.sign_in(), value, 3_600)
    }

    pub fn end_sign_in(self) -> Result<HeaderValue> {
        self.set(self.sign_in(), "", 0)
    }

    fn set(self, name: &str, value: &str, seconds: i64) -> Result<HeaderValue> {
        self.set_as(name, value, seconds, "Strict")
    }

    fn set_as(self, name: &str, value: &str, seconds: i64, same_site: &str) -> Result<HeaderValue> {
        let secure = match self {
            Self::Https => "; Secure",
            Self::LocalHttp => "",
        };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
        HeaderValue::from_str(&text).map_err(|_| Error::internal("a cookie that is no header"))
    }
}

/// Refuses a request that another site sent, if the browser says so. The form's token decides where it does not.
pub fn require_same_origin(headers: &HeaderMap) -> Result<()> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin") => Ok(()),
        Some(_) => Err(Reason::FormTokenInvalid.into()),
    }
}

/// The only cookie of a name. A second one, which another host of the domain may have set, makes both useless.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// The headers of a request, and whether its cookies are those of the local run.
    #[test]
    fn only_a_local_run_over_http_has_plain_cookies() {
        for (pairs, is_local) in [
            (&[("host", "127.0.0.1:3000")][..], true),
            (&[("host", "localhost:3000")], true),
            (&[("host", "localhost:3000"), ("x-forwarded-proto", "https")], false),
            (&[("host", "abc.execute-api.eu-central-1.amazonaws.com")], false),
            (&[], false),
        ] {
            let transport = Transport::of(&headers(pairs), &Settings::default()).unwrap();
            assert_eq!(transport == Transport::LocalHttp, is_local, "{pairs:?}");
        }
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let read =
            |line: &str| Transport::Https.read_session(&headers(&[("cookie", line)])).map(str::to_owned);
        assert_eq!(read("a=b; __Host-vitrine-console=x"), Some("x".to_owned()));
        assert_eq!(read("__Host-vitrine-console=x; __Host-vitrine-console=y"), None);
        assert_eq!(read("vitrine-console=x"), None);
        assert_eq!(read(""), None);
    }
}
