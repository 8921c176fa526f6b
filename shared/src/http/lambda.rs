//! Running a function: read the settings, connect, make ready, serve.

use axum::Router;
use lambda_http::Error;
use lambda_http::lambda_runtime::Runtime;
use tower::ServiceExt;
use tower::layer::layer_fn;

use super::log;
use crate::afterwards::Afterwards;
use crate::capability::Capability;
use crate::environment::Environment;

/// What the `main` of every function with routes does.
pub async fn run<S: Capability>(router: impl FnOnce(S) -> Router) -> Result<(), Error> {
    let (state, afterwards) = connect().await?;
    // A layer around the whole runtime ends when the answer has been sent, and before the next event is
    // asked for: until then the function is not frozen.
    let after_the_answer = layer_fn(|service| {
        let afterwards = afterwards.clone();
        ServiceExt::then(service, move |answered| async move {
            afterwards.done().await;
            answered
        })
    });
    let handler = lambda_http::Adapter::from(router(state));
    Runtime::new(handler).layer(after_the_answer).run().await
}

/// What every function does before its first event.
pub async fn connect<S: Capability>() -> Result<(S, Afterwards), Error> {
    tracing::subscriber::set_global_default(log::json_lines(log::level(), std::io::stdout))?;
    // Naming the backend here makes a build without it fail, instead of the first token.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let environment = Environment::load().await?;
    let state = S::connect(&environment);
    // Before the first request, when the processor is not throttled yet and nobody waits.
    state.warm().await;
    Ok((state, environment.afterwards))
}
