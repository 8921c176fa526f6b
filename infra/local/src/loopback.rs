//! Checks that keep web pages away from servers on this machine. A page can send requests to a loopback port in two
//! ways: from its own origin, which the browser states, and after its DNS name was rebound to 127.0.0.1, which the
//! `Host` header shows.

use axum::http::{HeaderMap, Request, header};

const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
const HTTP_PORT: u16 = 80;

/// Returns whether the request names a loopback address, and only that: in its one `Host` header and, if the request line is
/// a whole URL, there too. `port`, if given, must match.
pub fn is_addressed<B>(request: &Request<B>, port: Option<u16>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let authority = request.uri().authority();
    host.to_str().is_ok_and(|host| is_loopback(host, port))
        && authority.is_none_or(|authority| is_loopback(authority.as_str(), port))
}

fn is_loopback(authority: &str, port: Option<u16>) -> bool {
    let authority = authority.to_ascii_lowercase();
    let named = NAMES.iter().find_map(|name| authority.strip_prefix(name));
    let given = match named {
        Some("") => Some(HTTP_PORT),
        Some(rest) => rest
            .strip_prefix(':')
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok()),
        None => None,
    };
    given.is_some_and(|given| port.is_none_or(|port| port == given))
}

/// Returns whether a browser states that a page of another origin sent the request. Other programs send neither header.
pub fn is_from_another_origin(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(|host| host.as_bytes()).unwrap_or_default();
    let ours = [b"http://", host].concat();
    let foreign_origin = headers.get_all(header::ORIGIN).iter().any(|origin| origin.as_bytes() != ours);
    let mut sites = headers.get_all("sec-fetch-site").iter();
    foreign_origin || sites.any(|site| site != "same-origin" && site != "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str, headers: &[(&'static str, &str)]) -> Request<()> {
        headers
            .iter()
            .fold(Request::builder().uri(line), |request, (name, value)| request.header(*name, *value))
            .body(())
            .unwrap()
    }

    #[test]
    fn only_loopback_names_with_our_port_are_accepted() {
        for host in ["127.0.0.1:3000", "localhost:3000", "LocalHost:3000", "[::1]:3000"] {
            assert!(is_addressed(&request("/", &[("host", host)]), Some(3000)), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:3000",
            "127.0.0.1",
            "127.0.0.1:3001",
            "127.0.0.1:+3000",
            "127.0.0.1:",
            "127.0.0.1.evil.example:3000",
            "127.0.0.1@evil.example:3000",
            "localhost.evil.example:3000",
            "evil@localhost:3000",
            "127.0.0.2:3000",
            "0.0.0.0:3000",
            "[::1]3000",
        ] {
            assert!(!is_addressed(&request("/", &[("host", host)]), Some(3000)), "{host}");
        }
        assert!(!is_addressed(&request("/", &[]), Some(3000)), "no host");
        let twice = [("host", "127.0.0.1:3000"), ("host", "127.0.0.1:3000")];
        assert!(!is_addressed(&request("/", &twice), Some(3000)), "two hosts");
        let host = [("host", "127.0.0.1:3000")];
        assert!(is_addressed(&request("http://localhost:3000/", &host), Some(3000)));
        assert!(!is_addressed(&request("http://evil.example:3000/", &host), Some(3000)));
    }

    #[test]
    fn the_port_is_optional_and_80_by_default() {
        assert!(is_addressed(&request("/", &[("host", "localhost")]), Some(80)));
        assert!(is_addressed(&request("/", &[("host", "localhost:9")]), None));
        assert!(!is_addressed(&request("/", &[("host", "evil.example:9")]), None));
    }

    #[test]
    fn pages_of_other_origins_are_recognised() {
        let host = ("host", "127.0.0.1:3000");
        for own in [
            vec![],
            vec![("origin", "http://127.0.0.1:3000")],
            vec![("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
        ] {
            let headers = [vec![host], own].concat();
            assert!(!is_from_another_origin(request("/", &headers).headers()), "{headers:?}");
        }
        for other in [
            ("origin", "null"),
            ("origin", "https://127.0.0.1:3000"),
            ("origin", "http://127.0.0.1:3001"),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", ""),
        ] {
            assert!(is_from_another_origin(request("/", &[host, other]).headers()), "{other:?}");
        }
    }
}
