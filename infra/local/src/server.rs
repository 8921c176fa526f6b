//! The local server: all functions and the local routes on one port.

use std::sync::Arc;

use tokio::net::TcpListener;
use vitrine::rules::clock::Clock;

use crate::demo::Demo;
use crate::listener::{bind, serve};
use crate::options::Options;
use crate::rotate_route::Rotation;
use crate::services::Services;
use crate::{LocalError, clock_route, functions, guard, rotate_route, static_files};

pub struct Server {
    pub base_url: String,
    pub services: Arc<Services>,
    listener: TcpListener,
    router: axum::Router,
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
        services.open_links().await?;
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
        let router = guard::protect(router, address.port(), Arc::clone(&services));
        Ok(Self { base_url, services, listener, router })
    }

    /// Answers requests until `stop` completes, then lets running requests and background tasks finish.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), LocalError> {
        serve(self.listener, self.router, stop).await;
        self.services.process.background.finish().await;
        self.services.stop();
        Ok(())
    }
}
