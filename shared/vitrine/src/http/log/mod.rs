//! The log: JSON lines on standard output.

mod line;

use std::io::Write;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// The crates that every function is built of.
const SHARED: [&str; 2] = ["vitrine", "vitrine_rules"];

/// A subscriber that writes one JSON object per line. Lambda adds the time.
///
/// `crates` names the other crates of this project that log. All others are logged from level WARN only: at finer
/// levels they write requests and events, and with them tokens.
pub fn json_lines<F, W>(
    level: LevelFilter,
    crates: impl IntoIterator<Item = String>,
    writer: F,
) -> impl tracing::Subscriber + Send + Sync
where
    F: Fn() -> W + Send + Sync + 'static,
    W: Write,
{
    let crates = SHARED.map(str::to_owned).into_iter().chain(crates);
    let targets =
        Targets::new().with_default(LevelFilter::WARN).with_targets(crates.map(|name| (name, level)));
    tracing_subscriber::registry().with(targets).with(line::Lines::to(writer))
}

/// The crate that defines a function's state, as a log target: the function itself.
pub fn crate_of<S>() -> &'static str {
    std::any::type_name::<S>().split("::").next().unwrap_or_default()
}

/// The level in Lambda's logging configuration.
pub fn level() -> LevelFilter {
    let named = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    named.ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}
