//! Runs a function: reads the settings, connects, prepares, serves.

use axum::Router;
use lambda_http::lambda_runtime::{LambdaInvocation, Runtime};
use lambda_http::{Adapter, Error, LambdaEvent, Service, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use tower::layer::layer_fn;

use super::log;
use crate::aws::background::BackgroundTasks;
use crate::aws::capability::Capability;
use crate::aws::environment::Environment;

/// Runs a function with routes.
pub async fn run<S: Capability>(router: impl FnOnce(S) -> Router) -> Result<(), Error> {
    let (state, background) = connect().await?;
    serve(Runtime::new(Adapter::from(router(state))), background).await
}

/// Runs a function without routes.
pub async fn run_events<S, E, A>(
    handle: impl AsyncFn(&S, E) -> vitrine_rules::error::Result<A>,
) -> Result<(), Error>
where
    S: Capability,
    E: DeserializeOwned,
    A: Serialize,
{
    let (state, background): (S, _) = connect().await?;
    let (state, handle) = (&state, &handle);
    let handler =
        service_fn(
            |event: LambdaEvent<E>| async move { handle(state, event.payload).await.map_err(Error::from) },
        );
    serve(Runtime::new(handler), background).await
}

/// Serves events, and finishes the background tasks of each. A layer around the whole runtime ends after the
/// response was sent and before the next event is requested; until then Lambda does not freeze the function.
async fn serve<S>(runtime: Runtime<S>, background: BackgroundTasks) -> Result<(), Error>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let after_the_response = layer_fn(|service| {
        let background = background.clone();
        ServiceExt::then(service, move |answered| async move {
            background.finish().await;
            answered
        })
    });
    runtime.layer(after_the_response).run().await
}

/// Prepares everything before the first event.
async fn connect<S: Capability>() -> Result<(S, BackgroundTasks), Error> {
    let function = [log::crate_of::<S>().to_owned()];
    tracing::subscriber::set_global_default(log::json_lines(log::level(), function, std::io::stdout))?;
    // Naming the backend here makes a build without it fail, not the first token.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let environment = Environment::load().await?;
    let state = S::connect(&environment);
    // During the init phase the processor is not throttled and no viewer waits.
    // Boxed, because it runs once: no `main` needs to be as large as everything that is prepared.
    Box::pin(state.warm()).await;
    Ok((state, environment.process.background))
}
