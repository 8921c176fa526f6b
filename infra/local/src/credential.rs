//! The credential for the ports of the embedded services. It is generated for each process, so that only programs
//! that were given it can call them.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use vitrine::rules::random;

use crate::{LocalError, loopback};

/// The form of AWS credentials, so that every SDK and tool can send it.
#[derive(Clone)]
pub struct Credential {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
}

impl Credential {
    pub fn generate() -> Result<Self, LocalError> {
        Ok(Self {
            access_key_id: random::hex_session().map_err(LocalError::Random)?,
            secret_access_key: random::secret().map_err(LocalError::Random)?,
            session_token: random::secret().map_err(LocalError::Random)?,
        })
    }

    pub fn for_sdk(&self) -> aws_sdk_dynamodb::config::Credentials {
        aws_sdk_dynamodb::config::Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            Some(self.session_token.clone()),
            None,
            "vitrine-local",
        )
    }

    /// The environment variables that AWS SDKs and tools read it from.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
            ("AWS_SESSION_TOKEN", self.session_token.clone()),
        ]
    }

    /// S3 checks signatures itself, because the URLs that it is reached with are signed as well.
    pub fn for_s3(&self) -> s3s::auth::SimpleAuth {
        s3s::auth::SimpleAuth::from_single(self.access_key_id.as_str(), self.secret_access_key.as_str())
    }

    /// Puts the check in front of a service that listens on a port.
    pub fn protect(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self.clone(), check))
    }

    /// The session token is the secret part. The signature is not checked: whoever has the token has the key too.
    fn is_shown(&self, headers: &HeaderMap) -> bool {
        let id = text(headers, header::AUTHORIZATION.as_str())
            .strip_prefix("AWS4-HMAC-SHA256 Credential=")
            .and_then(|rest| rest.split_once('/'))
            .map_or("", |(id, _)| id);
        let is_token = random::equal(text(headers, "x-amz-security-token"), &self.session_token);
        random::equal(id, &self.access_key_id) && is_token
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Browsers are refused whatever they show. The host's port is not compared, because a proxy on this machine may
/// forward to the service; the credential decides.
async fn check(State(credential): State<Credential>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let from_a_page = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    if !from_a_page && loopback::is_addressed(&request, None) && credential.is_shown(headers) {
        return next.run(request).await;
    }
    let body = json!({
        "__type": "UnrecognizedClientException",
        "message": "This needs the AWS credentials that `vitrine services` printed when it started.",
    });
    (StatusCode::FORBIDDEN, axum::Json(body)).into_response()
}
