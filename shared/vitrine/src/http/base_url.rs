//! The base URL of the links in responses.

use axum::http::{HeaderMap, header};

use vitrine_rules::error::{Error, Result};
use vitrine_rules::settings::Settings;

/// Returns the `PublicUrl` setting, else the host of the request. API Gateway accepts only its own host names, but a proxy
/// in front of it may not, so anything that is not a plain host and port is refused.
pub fn base_url(settings: &Settings, headers: &HeaderMap) -> Result<String> {
    if let Some(url) = &settings.public_url {
        return Ok(url.clone());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = match headers.get(header::HOST) {
        None => "localhost",
        Some(host) => host
            .to_str()
            .ok()
            .filter(|host| is_plain(host))
            .ok_or_else(|| Error::invalid("", "the `Host` header must be a host name and a port"))?,
    };
    let scheme = match text("x-forwarded-proto") {
        Some("http") => "http",
        Some(_) => "https",
        None if is_loopback(host) => "http",
        None => "https",
    };
    Ok(format!("{scheme}://{host}"))
}

/// Returns whether a host consists of letters, digits, dots and hyphens, with an optional port.
fn is_plain(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_name = name == "[::1]"
        || (!name.is_empty()
            && name.len() <= 253
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')));
    is_name
        && port
            .is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls() {
        let of = |setting: &str, headers: &[(&'static str, &str)]| {
            let mut settings = Settings::default();
            settings.set("PublicUrl", setting).unwrap();
            base_url(
                &settings,
                &headers
                    .iter()
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                    .collect(),
            )
            .unwrap()
        };
        assert_eq!(of("https://e.example.com/", &[("host", "x")]), "https://e.example.com");
        assert_eq!(
            of("", &[("host", "abc.execute-api.eu-central-1.amazonaws.com")]),
            "https://abc.execute-api.eu-central-1.amazonaws.com"
        );
        assert_eq!(of("", &[("host", "127.0.0.1:3000")]), "http://127.0.0.1:3000");
        assert_eq!(
            of("", &[("host", "localhost:3000"), ("x-forwarded-proto", "https")]),
            "https://localhost:3000"
        );
    }

    #[test]
    fn a_host_is_a_name_and_a_port() {
        for good in
            ["embed.example.com", "embed-1.example.com:8443", "127.0.0.1:3000", "[::1]:3000", "localhost"]
        {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a/b",
            "user@example.com",
            "a.example.com/x?",
            "a.example.com#",
            "a.example.com:",
            "a.example.com:80x",
            "a.example.com:99999",
            "a\"b",
            "<a>",
            "a,b",
            "a:1:2",
            "éxample.com",
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
        let host = |value: &str| [(header::HOST, value.parse().unwrap())].into_iter().collect::<HeaderMap>();
        assert!(base_url(&Settings::default(), &host("evil.example/path")).is_err());
        let mut settings = Settings::default();
        settings.set("PublicUrl", "https://e.example.com").unwrap();
        assert_eq!(base_url(&settings, &host("evil.example/path")).unwrap(), "https://e.example.com");
    }
}
