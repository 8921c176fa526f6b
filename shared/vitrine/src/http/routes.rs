//! The routes of a function: a router that can list its routes.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware as layers;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use tower::ServiceExt;

use super::middleware::answer;
use super::problem::HttpError;
use super::requirement::{Arguments, Requirement};
use vitrine_rules::error::Reason;

pub struct Routes<S = ()> {
    router: Router<S>,
    declared: Vec<(Method, &'static str)>,
    required: Vec<(Method, &'static str, Requirement)>,
    pages: Vec<&'static str>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { router: Router::new(), declared: Vec::new(), required: Vec::new(), pages: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    #[must_use]
    pub fn get<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.route::<T>(Method::GET, path, routing::get(handler))
    }

    #[must_use]
    pub fn post<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.route::<T>(Method::POST, path, routing::post(handler))
    }

    #[must_use]
    pub fn put<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.route::<T>(Method::PUT, path, routing::put(handler))
    }

    #[must_use]
    pub fn patch<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.route::<T>(Method::PATCH, path, routing::patch(handler))
    }

    #[must_use]
    pub fn delete<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.route::<T>(Method::DELETE, path, routing::delete(handler))
    }

    /// Like [`Self::get`], readable from any origin. The embed page can be without an origin of its own, and these routes
    /// take no cookie: whoever has the token may read the response.
    #[must_use]
    pub fn open_get<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.open::<T>(Method::GET, path, routing::get(handler))
    }

    /// Like [`Self::post`], callable from any origin.
    #[must_use]
    pub fn open_post<H: Handler<T, S>, T: Arguments + 'static>(self, path: &'static str, handler: H) -> Self {
        self.open::<T>(Method::POST, path, routing::post(handler))
    }

    fn open<T: Arguments>(self, method: Method, path: &'static str, methods: MethodRouter<S>) -> Self {
        let routes = self.route::<T>(method, path, methods.layer(layers::map_response(any_origin)));
        // A path with several open methods has one preflight.
        let preflight_of_path = (Method::OPTIONS, path);
        if routes.declared.contains(&preflight_of_path) {
            return routes;
        }
        routes.route::<((),)>(Method::OPTIONS, path, routing::options(preflight))
    }

    fn route<T: Arguments>(mut self, method: Method, path: &'static str, methods: MethodRouter<S>) -> Self {
        self.router = self.router.route(path, methods);
        self.required.extend(T::REQUIRES.map(|requirement| (method.clone(), path, requirement)));
        self.declared.push((method, path));
        self
    }

    /// Adds pages for people below a path, which no program calls: they are not part of the API description.
    #[must_use]
    pub fn pages(mut self, path: &'static str, pages: Router<S>) -> Self {
        self.router = self.router.nest(path, pages);
        self.pages.push(path);
        self
    }

    /// The paths below which there are pages for people.
    pub fn page_paths(&self) -> &[&'static str] {
        &self.pages
    }

    /// The methods and path patterns of all routes.
    pub fn declared(&self) -> &[(Method, &'static str)] {
        &self.declared
    }

    /// The routes that require an access key.
    pub fn required(&self) -> &[(Method, &'static str, Requirement)] {
        &self.required
    }

    /// Adds the state, so that the routes of several functions can be combined.
    pub fn with_state(self, state: S) -> Routes {
        let Self { router, declared, required, pages } = self;
        Routes { router: router.with_state(state), declared, required, pages }
    }
}

impl Routes {
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.declared.extend(other.declared);
        self.required.extend(other.required);
        self.pages.extend(other.pages);
        self
    }

    /// Builds the router: every error has the same shape, every request a log line, and a trailing slash makes no
    /// difference.
    pub fn finish(self) -> Router {
        let served = self
            .router
            .fallback(|| async { HttpError::from(Reason::RouteNotFound) })
            .layer(layers::from_fn(answer));
        // Only requests that match no route are routed again.
        served.clone().fallback_service(served.map_request(without_trailing_slash))
    }
}

const ALLOW_ORIGIN: (HeaderName, HeaderValue) =
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

async fn any_origin(response: Response) -> Response {
    let exposed = (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("content-disposition, retry-after, x-request-id"),
    );
    ([ALLOW_ORIGIN, exposed], response).into_response()
}

async fn preflight() -> impl IntoResponse {
    (
        StatusCode::NO_CONTENT,
        [
            ALLOW_ORIGIN,
            (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, prefer, x-request-id"),
            ),
            (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
        ],
    )
}

fn without_trailing_slash(mut request: Request) -> Request {
    let path = request.uri().path();
    let shorter = path.trim_end_matches('/');
    if shorter.len() == path.len() || shorter.is_empty() {
        return request;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(uri) = format!("{shorter}{query}").parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}
