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
use axum::http::{Request, Response};
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
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let service = request.uri().host().and_then(|host| self.services.get(host));
        let service = service.ok_or_else(|| ConnectorError::user("not an embedded service".into()))?;
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
