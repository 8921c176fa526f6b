//! Running a function: read the settings, connect, make ready, serve.

use axum::Router;
use lambda_http::Error;

use super::log;
use crate::capability::Capability;
use crate::environment::Environment;

/// What every function's `main` does.
pub async fn run<S: Capability>(router: impl FnOnce(S) -> Router) -> Result<(), Error> {
    tracing::subscriber::set_global_default(log::json_lines(log::level(), std::io::stdout))?;
    // Naming the backend here makes a build without it fail, instead of the first token.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let state = S::connect(&Environment::load().await?);
    // Before the first request, when the processor is not throttled yet and nobody waits.
    state.warm().await;
    lambda_http::run(router(state)).await
}
