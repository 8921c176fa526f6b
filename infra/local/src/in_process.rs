//! An HTTP client for the AWS SDK that calls the embedded services in this process. No port is opened, so no other
//! program and no web page can reach them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, Response, header};
use tower::ServiceExt;

/// Each service by its host name.
#[derive(Debug, Clone)]
pub struct InProcess {
    services: Arc<BTreeMap<&'static str, Router>>,
}

impl InProcess {
    pub fn new(services: impl IntoIterator<Item = (&'static str, Router)>) -> Self {
        Self { services: Arc::new(services.into_iter().collect()) }
    }

    /// Calls the service that the request's host names. Any other host is an error, never a network connection.
    async fn dispatch(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let service = request.uri().host().and_then(|host| self.services.get(host));
        let service = service.ok_or_else(|| ConnectorError::user("not an embedded service".into()))?;
        // As an HTTP client adds it; it is part of the signature.
        let host = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        if let Some(host) = host {
            request.headers_mut().entry(header::HOST).or_insert(host);
        }
        // In a task of its own, as behind a socket: concurrent callers interleave, and a call that has started
        // completes even if its caller is cancelled.
        let call = tokio::spawn(respond(service.clone(), request));
        let response = call.await.map_err(other)?.map_err(other)?;
        HttpResponse::try_from(response).map_err(other)
    }
}

async fn respond(service: Router, request: Request<SdkBody>) -> Result<Response<SdkBody>, axum::Error> {
    let Ok(response) = service.oneshot(request.map(Body::new)).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await?;
    Ok(Response::from_parts(parts, SdkBody::from(body)))
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> ConnectorError {
    ConnectorError::other(error.into(), None)
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.clone();
        HttpConnectorFuture::new(async move { client.dispatch(request).await })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.clone().into_shared()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;

    use super::*;

    async fn call(url: &str) -> Result<(u16, SdkBody), ConnectorError> {
        let echo = Router::new().route("/", post(async |body: String| format!("echo {body}")));
        let request = Request::builder().method("POST").uri(url).body(SdkBody::from("hello")).unwrap();
        let client = InProcess::new([("service.invalid", echo)]);
        let response = client.dispatch(request.try_into().unwrap()).await?;
        Ok((response.status().as_u16(), response.into_body()))
    }

    #[tokio::test]
    async fn a_named_service_answers_and_no_other_host_is_connected_to() {
        let (status, body) = call("http://service.invalid/").await.unwrap();
        assert_eq!((status, body.bytes()), (200, Some(&b"echo hello"[..])));
        // A listener shows that nothing is sent over the network.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        for host in ["other.invalid", &listener.local_addr().unwrap().to_string()] {
            let error = call(&format!("http://{host}/")).await.unwrap_err();
            assert!(error.is_user(), "{host}: {error:?}");
        }
        assert!(listener.accept().is_err());
    }
}
