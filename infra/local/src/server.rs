//! The local server: all functions and the local routes on one port.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use tokio::net::TcpListener;
use tower::ServiceExt;
use vitrine::rules::clock::Clock;

use crate::demo::Demo;
use crate::listener::{bind, serve_with_uploads};
use crate::options::Options;
use crate::rotate_route::Rotation;
use crate::services::{BUCKET, Services};
use crate::{LocalError, clock_route, functions, guard, rotate_route, static_files};

/// The links to objects lead here. Each carries a signature of its own.
const OBJECTS: &str = "/vitrine-data/{*key}";

fn is_of_an_object(request: &Request) -> bool {
    let path = request.uri().path().strip_prefix('/');
    path.and_then(|path| path.strip_prefix(BUCKET)).is_some_and(|rest| rest.starts_with('/'))
}

pub struct Server {
    pub base_url: String,
    pub services: Arc<Services>,
    listener: TcpListener,
    router: Router,
}

impl Server {
    /// Prepares everything up to, but not including, answering requests.
    pub async fn start(options: &Options) -> Result<Self, LocalError> {
        let settings = options.kept.settings()?;
        let clock = Clock::default();
        if let Some(time) = options.now {
            time.apply(&clock);
        }
        // The port first: without it the data must stay untouched.
        let listener = bind(options.port).await?;
        let address = listener.local_addr().map_err(|error| LocalError::Services(error.to_string()))?;
        let base_url = format!("http://{address}");
        let mut services = Services::start(&options.kept)?;
        services.links_at(address);
        let services = Arc::new(services);
        let functions = functions::connect_all(&services, &settings, &clock).await;
        let rotation = Rotation {
            services: Arc::clone(&services),
            function: functions::rotate_key(&services, &settings, &clock).await,
        };
        let product = functions::merge_routes(functions)
            .and(static_files::routes())
            .and(clock_route::routes(clock.clone()))
            .and(rotate_route::routes(rotation));
        let router = if options.no_demo {
            product.finish()
        } else {
            let demo = Demo::new(&base_url, &services, &settings, &clock);
            let router = product.and(demo.routes()).finish();
            demo.publish(&router, &services).await?;
            router
        };
        // Before the product, which has no such path. The signature covers the path as it is sent.
        let objects = services.s3_router();
        let router = Router::new()
            .route(OBJECTS, any(move |request: Request| objects.oneshot(request)))
            .fallback_service(router);
        let router = guard::protect(router, address.port(), Arc::clone(&services));
        Ok(Self { base_url, services, listener, router })
    }

    /// Answers requests until `stop` completes, then lets running requests and background tasks finish.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), LocalError> {
        serve_with_uploads(self.listener, self.router, is_of_an_object, stop).await;
        self.services.process.background.finish().await;
        self.services.stop();
        Ok(())
    }
}
