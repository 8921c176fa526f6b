//! JSON over HTTP to one site.

use std::path::Path;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Uri};
use serde_json::Value;

use crate::LocalError;

/// The time within which a request is answered.
const PATIENCE: Duration = Duration::from_secs(60);

/// The usual variable for a file of certificates that are trusted instead of the machine's.
const AUTHORITIES: &str = "SSL_CERT_FILE";

const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A site with the key of its administrator.
#[derive(Debug, Clone)]
pub struct Site {
    base: String,
    key: String,
    connector: SharedHttpConnector,
}

/// An answer to a request: its status and its JSON.
#[derive(Debug)]
pub struct SiteAnswer {
    pub status: u16,
    pub json: Value,
}

impl SiteAnswer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The reason of a refusal in the words of the site, with the fields that it is about.
    pub fn refusal(&self) -> String {
        let message = self.json["message"].as_str().or(self.json.as_str()).unwrap_or_default();
        let issues = self.json["issues"].as_array().into_iter().flatten();
        let issues = issues.map(|issue| {
            let part = |name: &str| issue[name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", part("path"), part("message"))
        });
        let parts: Vec<String> = std::iter::once(message.to_owned()).chain(issues).collect();
        format!("{} {}", self.status, parts.join("; ")).trim().to_owned()
    }
}

impl Site {
    pub fn new(base: &str, key: String, connector: impl HttpConnector + 'static) -> Self {
        let connector = SharedHttpConnector::new(connector);
        Self { base: base.trim_end_matches('/').to_owned(), key, connector }
    }

    /// A site that is reached over the network. Its certificate is of an authority that the machine knows, or of one in the file that
    /// `SSL_CERT_FILE` names.
    pub fn over_network(base: &str, key: String) -> Result<Self, LocalError> {
        if let Some(file) = std::env::var_os(AUTHORITIES).filter(|file| !file.is_empty()) {
            let is_list = std::fs::read_to_string(&file).is_ok_and(|text| text.contains("BEGIN CERTIFICATE"));
            if !is_list {
                let file = Path::new(&file).display();
                return Err(LocalError::Import(format!("{AUTHORITIES}={file}: no file with certificates")));
            }
        }
        let provider = Provider::Rustls(CryptoMode::AwsLc);
        let connector = Connector::builder().tls_provider(provider).build();
        Ok(Self::new(base, key, connector))
    }

    /// Returns whether the key can be read on its way there.
    pub fn is_in_the_clear(&self) -> bool {
        let uri: Option<Uri> = self.base.parse().ok();
        let is_local =
            |uri: &Uri| uri.host().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
        !uri.is_some_and(|uri| uri.scheme_str() == Some("https") || is_local(&uri))
    }

    pub async fn get(&self, path: &str) -> Result<SiteAnswer, LocalError> {
        self.send(Method::GET, path, None).await
    }

    /// What must be there.
    pub async fn read(&self, path: &str) -> Result<Value, LocalError> {
        let answer = self.get(path).await?;
        if answer.is_success() { Ok(answer.json) } else { Err(self.error(path, &answer.refusal())) }
    }

    pub async fn put(&self, path: &str, body: &Value) -> Result<SiteAnswer, LocalError> {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<SiteAnswer, LocalError> {
        self.send(Method::POST, path, Some(body)).await
    }

    fn error(&self, path: &str, cause: &str) -> LocalError {
        LocalError::Import(format!("{}{path}: {cause}", self.base))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<SiteAnswer, LocalError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("x-api-key", &self.key)
            .header("accept", "application/json");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(SdkBody::empty, |body| SdkBody::from(body.to_string()));
        let request =
            request.body(body).map_err(|_| self.error(path, "the address or the key is not valid"))?;
        let request =
            HttpRequest::try_from(request).map_err(|_| self.error(path, "the address is not valid"))?;
        let answered = tokio::time::timeout(PATIENCE, async {
            let response = self.connector.call(request).await.map_err(|error| {
                let cause = root_cause(&error);
                let hint = if cause.contains("certificate") {
                    format!(" ({AUTHORITIES} names a file with the certificates of private authorities)")
                } else {
                    String::new()
                };
                self.error(path, &format!("cannot be reached: {cause}{hint}"))
            })?;
            let status = response.status().as_u16();
            let body = to_bytes(Body::new(response.into_body()), LARGEST_ANSWER).await;
            let body = body.map_err(|_| self.error(path, "the answer broke off or is too large"))?;
            let json = serde_json::from_slice(&body).unwrap_or_else(|_| {
                Value::String(String::from_utf8_lossy(&body).chars().take(200).collect())
            });
            Ok(SiteAnswer { status, json })
        });
        answered.await.map_err(|_| self.error(path, "no answer in time"))?
    }
}

/// The first error of a chain, which says the most.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_over_the_network_encrypted_only() {
        for (base, is_in_the_clear) in [
            ("https://embed.example.com", false),
            ("http://127.0.0.1:3000", false),
            ("http://localhost:3000/", false),
            ("http://[::1]:3000", false),
            ("http://embed.example.com", true),
            ("http://127.0.0.1.example.com", true),
            ("embed.example.com", true),
            ("", true),
        ] {
            assert_eq!(
                Site::over_network(base, "key".to_owned()).unwrap().is_in_the_clear(),
                is_in_the_clear,
                "{base}"
            );
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_fields() {
        let json = serde_json::json!({"message": "Not valid.", "issues": [{"path": "name", "message": "is required"}]});
        let refusal = |status, json| SiteAnswer { status, json }.refusal();
        assert_eq!(refusal(400, json), "400 Not valid.; name is required");
        assert_eq!(refusal(401, Value::String("Unauthenticated".to_owned())), "401 Unauthenticated");
        assert_eq!(refusal(500, Value::Null), "500");
    }
}
