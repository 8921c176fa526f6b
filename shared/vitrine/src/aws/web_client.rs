//! JSON over HTTP from servers outside of AWS, with the HTTP client of the SDK.
//!
//! Answers are bounded in size and time, and a redirect is a failure: what is sent here goes to no other server.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::http::{Method, Request, header};
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};

/// The time within which a request is answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest answer: 256 KiB.
const LARGEST_ANSWER: usize = 256 * 1024;

/// A client without connections until it is first used.
#[derive(Clone, Default)]
pub struct WebClient {
    tls: Arc<OnceLock<SharedHttpConnector>>,
    plain: Arc<OnceLock<SharedHttpConnector>>,
}

/// An answer with any status.
#[derive(Debug)]
pub struct WebAnswer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl WebClient {
    pub async fn get(&self, url: &str) -> Result<WebAnswer, &'static str> {
        self.send(Method::GET, url, None, String::new()).await
    }

    /// Sends a form, with the value of an `Authorization` header if there is one.
    pub async fn post(
        &self,
        url: &str,
        authorization: Option<&SecretString>,
        form: String,
    ) -> Result<WebAnswer, &'static str> {
        self.send(Method::POST, url, authorization, form).await
    }

    /// None of the texts of a failure says more than which step failed.
    async fn send(
        &self,
        method: Method,
        url: &str,
        authorization: Option<&SecretString>,
        form: String,
    ) -> Result<WebAnswer, &'static str> {
        let mut request = Request::builder()
            .method(&method)
            .uri(url)
            .header(header::ACCEPT, "application/json")
            // Some firewalls refuse requests of a client that does not name itself.
            .header(header::USER_AGENT, concat!("vitrine/", env!("CARGO_PKG_VERSION")));
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization.expose_secret());
        }
        let request = request.body(SdkBody::from(form)).map_err(|_| "the address is not valid")?;
        let request = HttpRequest::try_from(request).map_err(|_| "the address is not valid")?;
        let connector = self.connector(url.starts_with("https://"));
        let answered = async {
            let answer = connector.call(request).await.map_err(|_| "no connection")?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
            let body = body.map_err(|_| "the answer is too large or ended early")?;
            Ok(WebAnswer { status, body: body.to_bytes().to_vec() })
        };
        tokio::time::timeout(PATIENCE, answered).await.unwrap_or(Err("no answer in time"))
    }

    /// Connections are not kept: the next request may come after the function was frozen for an hour.
    fn connector(&self, is_tls: bool) -> SharedHttpConnector {
        let builder = || Connector::builder().pool_max_idle_per_host(0);
        let connector = if is_tls {
            self.tls.get_or_init(|| {
                let provider = Provider::Rustls(CryptoMode::AwsLc);
                SharedHttpConnector::new(builder().tls_provider(provider).build())
            })
        } else {
            self.plain.get_or_init(|| SharedHttpConnector::new(builder().build_http()))
        };
        connector.clone()
    }
}
