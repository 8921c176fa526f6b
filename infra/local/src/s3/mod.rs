//! A stand-in for S3: one bucket over a folder. The protocol and the signatures, also those in URLs, are those of the
//! `s3s` crate; the objects are ours, because its own file server keeps what a checksum has refused and ignores `If-Match`.
//!
//! There are no versions of objects. What the template's lifecycle would delete is deleted at the next start.

mod folder;
mod multipart;
mod objects;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use s3s::service::{S3Service, S3ServiceBuilder};
use tower::ServiceExt;

pub use folder::ObjectFolder;

use crate::credential::Credential;
use crate::loopback;
use objects::Objects;

/// The prefixes whose objects end, and their days. A test compares them with the template.
pub const LIFECYCLE: [(&str, u64); 3] = [("cache", 7), ("exports", 1), ("uploads", 7)];

/// Every request must be signed with the credential, by its headers or by its URL.
pub fn router(folder: Arc<ObjectFolder>, credential: &Credential) -> Router {
    let mut service = S3ServiceBuilder::new(Objects::new(folder));
    service.set_auth(credential.for_s3());
    Router::new().fallback(call).with_state(service.build())
}

/// The same for a port. A page may follow a link to an object: the link is the credential.
pub fn listening(folder: Arc<ObjectFolder>, credential: &Credential) -> Router {
    router(folder, credential).layer(axum::middleware::from_fn(async |request: Request, next| {
        let next: axum::middleware::Next = next;
        match loopback::is_addressed(&request, None) {
            true => next.run(request).await,
            false => StatusCode::FORBIDDEN.into_response(),
        }
    }))
}

const PREFLIGHT: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, PUT"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
];

async fn call(State(service): State<S3Service>, request: Request) -> Response {
    // As the bucket's CORS rule in the template: the link is the credential.
    let is_open = matches!(request.method().as_str(), "GET" | "HEAD" | "PUT");
    if request.method() == Method::OPTIONS {
        return (StatusCode::OK, PREFLIGHT).into_response();
    }
    let Ok(answer) = service.oneshot(request).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut answer = answer.map(Body::new);
    if is_open {
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_sdk_s3::Client;
    use aws_sdk_s3::config::{BehaviorVersion, Config, Region};
    use aws_sdk_s3::presigning::PresigningConfig;
    use aws_sdk_s3::primitives::ByteStream;

    use super::*;
    use crate::in_process::InProcess;

    fn client(router: Router, credential: &Credential) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("local"))
            .credentials_provider(credential.for_sdk())
            .endpoint_url("http://s3.invalid")
            .force_path_style(true)
            .http_client(InProcess::new([("s3.invalid", router)]));
        Client::from_conf(config.build())
    }

    #[tokio::test]
    async fn requests_need_the_credential_and_links_their_time() {
        let folder = Arc::new(ObjectFolder::open("a-bucket", None).unwrap());
        let credential = Credential::generate().unwrap();
        let router = router(folder, &credential);
        let ours = client(router.clone(), &credential);
        let put = |client: &Client| {
            client.put_object().bucket("a-bucket").key("a").body(ByteStream::from_static(b"x")).send()
        };
        put(&ours).await.unwrap();
        let other = client(router.clone(), &Credential::generate().unwrap());
        put(&other).await.unwrap_err();
        for (age, status) in [(30, 200), (90, 403)] {
            let signed = PresigningConfig::builder()
                .start_time(SystemTime::now() - Duration::from_secs(age))
                .expires_in(Duration::from_secs(60));
            let get = ours.get_object().bucket("a-bucket").key("a");
            let link = get.presigned(signed.build().unwrap()).await.unwrap();
            let request = Request::get(link.uri()).header("host", "s3.invalid").body(Body::empty());
            let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
            assert_eq!(answer.status(), status, "{age}");
        }
    }

    #[tokio::test]
    async fn lists_come_in_pages_with_folders() {
        let folder = Arc::new(ObjectFolder::open("a-bucket", None).unwrap());
        let credential = Credential::generate().unwrap();
        let client = client(router(folder, &credential), &credential);
        for key in ["t/a", "t/b/1", "t/b/2", "t/c", "u"] {
            let put = client.put_object().bucket("a-bucket").key(key);
            put.body(ByteStream::from_static(b"x")).send().await.unwrap();
        }
        for most in [1, 2, 100] {
            let (mut found, mut token) = (Vec::new(), None);
            loop {
                let list =
                    client.list_objects_v2().bucket("a-bucket").prefix("t/").delimiter("/").max_keys(most);
                let page = list.set_continuation_token(token).send().await.unwrap();
                found.extend(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
                found.extend(page.common_prefixes().iter().filter_map(|one| one.prefix().map(str::to_owned)));
                token = page.next_continuation_token;
                if token.is_none() {
                    break;
                }
            }
            found.sort();
            assert_eq!(found, ["t/a", "t/b/", "t/c"], "{most}");
        }
    }
}
