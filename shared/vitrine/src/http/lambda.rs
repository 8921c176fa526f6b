//! Running a function: read the settings, connect, make ready, serve.

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

/// What the `main` of every function with routes does.
pub async fn run<S: Capability>(router: impl FnOnce(S) -> Router) -> Result<(), Error> {
    let (state, afterwards) = connect().await?;
    serve(Runtime::new(Adapter::from(router(state))), afterwards).await
}

/// What the `main` of every other function does.
pub async fn run_events<S, E, A>(
    handle: impl AsyncFn(&S, E) -> vitrine_rules::error::Result<A>,
) -> Result<(), Error>
where
    S: Capability,
    E: DeserializeOwned,
    A: Serialize,
{
    let (state, afterwards): (S, _) = connect().await?;
    let (state, handle) = (&state, &handle);
    let handler =
        service_fn(
            |event: LambdaEvent<E>| async move { handle(state, event.payload).await.map_err(Error::from) },
        );
    serve(Runtime::new(handler), afterwards).await
}

/// A layer around the whole runtime ends when the answer has been sent, and before the next event is asked
/// for: until then the function is not frozen.
async fn serve<S>(runtime: Runtime<S>, afterwards: BackgroundTasks) -> Result<(), Error>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
{
    let after_the_answer = layer_fn(|service| {
        let afterwards = afterwards.clone();
        ServiceExt::then(service, move |answered| async move {
            afterwards.done().await;
            answered
        })
    });
    runtime.layer(after_the_answer).run().await
}

/// Done before the first event.
async fn connect<S: Capability>() -> Result<(S, BackgroundTasks), Error> {
    tracing::subscriber::set_global_default(log::json_lines(log::level(), std::io::stdout))?;
    // Naming the backend here makes a build without it fail, instead of the first token.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let environment = Environment::load().await?;
    let state = S::connect(&environment);
    // Before the first request, when the processor is not throttled yet and nobody waits.
    // Once, and so on the heap: no `main` need be as large as all that is made ready.
    Box::pin(state.warm()).await;
    Ok((state, environment.afterwards))
}
