//! The origin that links to exports lead to, for the policy of the page that follows them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::BUCKET;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;

/// The sources that a page may fetch exports from, as a policy writes them. It reaches nothing.
#[derive(Debug, Clone)]
pub struct ExportOrigin(Arc<str>);

impl Capability for ExportOrigin {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::new()
    }

    fn connect(environment: &Environment) -> Self {
        environment.shared(|| {
            let endpoint = environment.endpoint("AWS_ENDPOINT_URL_S3");
            let region = environment.region().unwrap_or_default();
            Self(of_bucket(&environment.name_of(BUCKET), region, endpoint.as_deref()).into())
        })
    }
}

impl ExportOrigin {
    /// For a local run, whose bucket is at a port of this machine.
    pub fn loopback() -> Self {
        Self("http://127.0.0.1:* http://localhost:*".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Without a name or a region, or with ones that are none, nothing may be fetched.
fn of_bucket(bucket: &str, region: &str, endpoint: Option<&str>) -> String {
    let is_plain = |text: &str, more: &[char]| {
        !text.is_empty()
            && text.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || more.contains(&letter)
            })
    };
    if let Some(endpoint) = endpoint {
        let (scheme, rest) = endpoint.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_sound = matches!(scheme, "http" | "https") && is_plain(authority, &['.', '-', ':', '[', ']']);
        return if is_sound { format!("{scheme}://{authority}") } else { String::new() };
    }
    if !is_plain(bucket, &['.', '-']) || !is_plain(region, &['-']) {
        return String::new();
    }
    let partition = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    // A name with dots would not match the certificate as a part of the host.
    let host = if bucket.contains('.') { String::new() } else { format!("{bucket}.") };
    format!("https://{host}s3.{region}.{partition}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_fetches_exports_from_its_own_bucket_alone() {
        let cases = [
            ("stack-data-1x2", "eu-central-1", None, "https://stack-data-1x2.s3.eu-central-1.amazonaws.com"),
            ("stack-data-1x2", "cn-north-1", None, "https://stack-data-1x2.s3.cn-north-1.amazonaws.com.cn"),
            ("a.b", "eu-central-1", None, "https://s3.eu-central-1.amazonaws.com"),
            ("", "eu-central-1", None, ""),
            ("data", "", None, ""),
            ("data; script-src *", "eu-central-1", None, ""),
            ("data", "eu central", None, ""),
            ("data", "local", Some("http://127.0.0.1:4566/x"), "http://127.0.0.1:4566"),
            ("data", "local", Some("https://*"), ""),
            ("data", "local", Some("http://a b"), ""),
            ("data", "local", Some("localhost"), ""),
        ];
        for (bucket, region, endpoint, expected) in cases {
            assert_eq!(of_bucket(bucket, region, endpoint), expected, "{bucket} {region} {endpoint:?}");
        }
    }
}
