//! The local run: everything started, on one port.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use vitrine::rules::clock::Clock;

use crate::demo::Demo;
use crate::options::Options;
use crate::rotate_route::Rotation;
use crate::services::{Services, bind};
use crate::{LocalError, clock_route, documents, functions, rotate_route};

/// A browser that keeps a connection open must not keep the process alive.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Server {
    pub base_url: String,
    pub services: Arc<Services>,
    listener: TcpListener,
    router: axum::Router,
}

impl Server {
    /// Starts everything but answering.
    pub async fn start(options: &Options) -> Result<Self, LocalError> {
        let settings = options.kept.settings()?;
        let clock = Clock::default();
        if let Some(moment) = options.now {
            moment.apply(&clock);
        }
        // The port first: without it there is no point in touching the data.
        let listener = bind(options.port).await?;
        let address = listener.local_addr().map_err(|error| LocalError::Services(error.to_string()))?;
        let base_url = format!("http://{address}");
        let services = Arc::new(Services::start(&options.kept, 0, 0).await?);
        let functions = functions::connect_all(&services, &settings, &clock).await;
        let rotation = Rotation {
            services: Arc::clone(&services),
            function: functions::rotate_key(&services, &settings, &clock).await,
        };
        let product = functions::merge_routes(functions)
            .and(documents::routes())
            .and(clock_route::routes(clock.clone()))
            .and(rotate_route::routes(rotation));
        let router = if options.no_demo {
            product.finish()
        } else {
            let demo = Demo::new(&base_url, &services, &settings, &clock);
            let router = product.and(demo.routes()).finish();
            demo.publish(&router).await?;
            router
        };
        Ok(Self { base_url, services, listener, router })
    }

    /// Answers until `stop` resolves, then lets running requests finish.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), LocalError> {
        let (stopping, mut stopped) = watch::channel(false);
        let serve = axum::serve(self.listener, self.router).with_graceful_shutdown(async move {
            stop.await;
            stopping.send_replace(true);
        });
        let patience = async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
            tokio::time::sleep(PATIENCE).await;
        };
        let served = tokio::select! {
            served = serve => served,
            () = patience => Ok(()),
        };
        self.services.afterwards.done().await;
        self.services.stop();
        served.map_err(|error| LocalError::Services(error.to_string()))
    }
}
