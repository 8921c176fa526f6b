//! The access rules of the local server, applied before any route.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Extension, Router};
use tower::ServiceExt;
use vitrine::http::{HttpResult, Routes};
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::random;

use crate::loopback;
use crate::services::Services;

/// Routes that control this process. They need the admin key.
const CONTROL: &str = "/_local/";

/// Routes of the demo's host page. They need no key, because its backend calls the product for it.
const DEMO: &str = "/demo/";

#[derive(Clone)]
struct Guard {
    port: u16,
    services: Arc<Services>,
}

/// Puts the rules in front of every route of `router`, also of those that do not exist.
pub fn protect(router: Router, port: u16, services: Arc<Services>) -> Router {
    router.layer(middleware::from_fn_with_state(Guard { port, services }, check))
}

async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match guard.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => refuse(error).await,
    }
}

impl Guard {
    fn admit(&self, request: &Request) -> Result<()> {
        if !loopback::is_addressed(request, Some(self.port)) {
            let message =
                "This server answers on this machine only: Host must be a loopback name with its port.";
            return Err(Error::new(Reason::AccessDenied).message(message));
        }
        let path = request.uri().path();
        let is_control = path.starts_with(CONTROL);
        if (is_control || path.starts_with(DEMO)) && loopback::is_from_another_origin(request.headers()) {
            let message = "Pages of other origins may not call this.";
            return Err(Error::new(Reason::AccessDenied).message(message));
        }
        if is_control { self.require_admin_key(request) } else { Ok(()) }
    }

    fn require_admin_key(&self, request: &Request) -> Result<()> {
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
        let shown = shown.ok_or(Reason::AccessKeyMissing)?;
        let key = self.services.admin_key();
        if !key.is_empty() && random::equal(shown, &key) {
            Ok(())
        } else {
            Err(Reason::AccessKeyUnknown.into())
        }
    }
}

/// Answers like any other refusal of the product: the same body and headers, a request id, a line in the log.
async fn refuse(error: Error) -> Response {
    let refusals = Routes::default()
        .get("/refused", async |Extension(error): Extension<Error>| -> HttpResult<()> { Err(error.into()) })
        .finish();
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static("/refused");
    request.extensions_mut().insert(error);
    let Ok(response) = refusals.oneshot(request).await;
    response
}
