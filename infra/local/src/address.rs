//! The operation that a request to S3 or Lambda names by its method, path and query.

use axum::http::{Method, Uri};

use crate::services;

/// An action on the bucket or on one of its objects.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedObject {
    pub action: &'static str,
    /// None for an action on the bucket itself.
    pub key: Option<String>,
}

/// The action of a request to S3; none for one that no function may make.
pub fn of_object(method: &str, uri: &str) -> Option<NamedObject> {
    let (method, uri): (Method, Uri) = (method.parse().ok()?, uri.parse().ok()?);
    let path = uri.path().strip_prefix('/')?;
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if bucket != services::BUCKET {
        return None;
    }
    let (mut is_listing, mut is_upload, mut is_part, mut begins) = (false, false, false, false);
    for (name, _) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "x-id" | "response-content-type" | "response-content-disposition" => {}
            "list-type" => is_listing = true,
            "prefix" | "delimiter" | "continuation-token" | "max-keys" | "start-after" if key.is_empty() => {}
            "uploads" => begins = true,
            "uploadId" => is_upload = true,
            "partNumber" => is_part = true,
            name if name.starts_with("X-Amz-") => {}
            // A subresource, or a version, which needs an action of its own.
            _ => return None,
        }
    }
    let action = match (method.as_str(), is_listing, begins, is_upload, is_part) {
        ("GET", true, false, false, false) if key.is_empty() => "s3:ListBucket",
        _ if key.is_empty() || is_listing => return None,
        ("GET" | "HEAD", _, false, false, false) => "s3:GetObject",
        ("PUT", _, false, false, false) | ("PUT", _, false, true, true) => "s3:PutObject",
        ("POST", _, true, false, false) | ("POST", _, false, true, false) => "s3:PutObject",
        ("DELETE", _, false, false, false) => "s3:DeleteObject",
        ("DELETE", _, false, true, false) => "s3:AbortMultipartUpload",
        _ => return None,
    };
    Some(NamedObject { action, key: (!key.is_empty()).then(|| decoded(key)) })
}

/// The text of a part of a path, in which a plus sign is no space.
fn decoded(path: &str) -> String {
    let form = path.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(form.as_bytes()).map(|(text, _)| text.into_owned()).collect()
}

/// The name of the function that a request to Lambda invokes.
pub fn of_function(uri: &str) -> Option<&str> {
    let path = uri.split_once("://")?.1.split_once('/')?.1;
    path.strip_prefix("2015-03-31/functions/")?.strip_suffix("/invocations")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "http://s3.invalid/vitrine-data/cache/a";

    #[test]
    fn the_action_follows_from_method_and_query() {
        for (method, query, action) in [
            ("GET", "", "s3:GetObject"),
            ("GET", "?x-id=GetObject", "s3:GetObject"),
            ("GET", "?response-content-type=a&X-Amz-Signature=b", "s3:GetObject"),
            ("HEAD", "", "s3:GetObject"),
            ("PUT", "?x-id=PutObject", "s3:PutObject"),
            ("PUT", "?partNumber=1&uploadId=a", "s3:PutObject"),
            ("POST", "?uploads", "s3:PutObject"),
            ("POST", "?uploadId=a", "s3:PutObject"),
            ("DELETE", "", "s3:DeleteObject"),
            ("DELETE", "?uploadId=a", "s3:AbortMultipartUpload"),
        ] {
            let expected = NamedObject { action, key: Some("cache/a".to_owned()) };
            assert_eq!(of_object(method, &format!("{OBJECT}{query}")), Some(expected), "{method} {query}");
        }
        let list = NamedObject { action: "s3:ListBucket", key: None };
        let listing = "http://s3.invalid/vitrine-data?list-type=2&prefix=tables%2F";
        assert_eq!(of_object("GET", listing), Some(list));
        assert_eq!(of_object("GET", &listing.replace("data?", "data/?")).unwrap().action, "s3:ListBucket");
    }

    #[test]
    fn what_no_function_may_do_has_no_action() {
        for (method, query) in [
            ("GET", "?acl"),
            ("GET", "?tagging"),
            ("GET", "?versionId=a"),
            ("GET", "?uploadId=a"),
            ("GET", "?list-type=2"),
            ("PUT", "?acl"),
            ("PUT", "?tagging"),
            ("PUT", "?partNumber=1"),
            ("PUT", "?retention"),
            ("POST", ""),
            ("POST", "?restore"),
            ("POST", "?select&select-type=2"),
            ("DELETE", "?versionId=a"),
            ("DELETE", "?tagging"),
            ("PATCH", ""),
        ] {
            assert_eq!(of_object(method, &format!("{OBJECT}{query}")), None, "{method} {query}");
        }
        for (method, uri) in [
            ("GET", "http://s3.invalid/"),
            ("GET", "http://s3.invalid/vitrine-data"),
            ("PUT", "http://s3.invalid/vitrine-data"),
            ("DELETE", "http://s3.invalid/vitrine-data"),
            ("PUT", "http://s3.invalid/vitrine-data?policy"),
            ("POST", "http://s3.invalid/vitrine-data?delete"),
            ("GET", "http://s3.invalid/other/cache/a"),
            ("GET", "http://s3.invalid/vitrine-data2/cache/a"),
        ] {
            assert_eq!(of_object(method, uri), None, "{method} {uri}");
        }
    }

    #[test]
    fn keys_are_compared_as_the_server_reads_them() {
        let key =
            |path: &str| of_object("GET", &format!("http://s3.invalid/vitrine-data/{path}")).unwrap().key;
        for (path, expected) in [
            ("cache/a%20b", "cache/a b"),
            ("cache/a+b", "cache/a+b"),
            ("cache/a%2Bb", "cache/a+b"),
            ("cache/%2E%2E/tables", "cache/../tables"),
            ("ca%63he/a=b&c", "cache/a=b&c"),
        ] {
            assert_eq!(key(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn only_an_invocation_names_a_function() {
        let url = |path: &str| format!("http://lambda.invalid/2015-03-31/functions/{path}");
        assert_eq!(of_function(&url("a/invocations")), Some("a"));
        for path in ["a", "a/invocations/b", "a/configuration", ""] {
            assert_eq!(of_function(&url(path)), None, "{path}");
        }
        assert_eq!(of_function("http://lambda.invalid/2014-11-13/functions/a/invoke-async"), None);
    }
}
