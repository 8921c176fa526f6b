//! The base URL of the links in responses.

use axum::http::{HeaderMap, header};

use vitrine_rules::settings::Settings;

/// Returns the `PublicUrl` setting, else the host of the request. API Gateway accepts only its own host names.
pub fn base_url(settings: &Settings, headers: &HeaderMap) -> String {
    if let Some(url) = &settings.public_url {
        return url.clone();
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST.as_str()).unwrap_or("localhost");
    let scheme = match text("x-forwarded-proto") {
        Some("http") => "http",
        Some(_) => "https",
        None if is_loopback(host) => "http",
        None => "https",
    };
    format!("{scheme}://{host}")
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
}
