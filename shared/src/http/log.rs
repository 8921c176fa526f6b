//! The log: JSON lines on standard output.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The crates whose lines are ours. Others are heard only when they warn: at their finer levels they
/// write out requests and events, and with them tokens.
const OURS: [&str; 10] = [
    "vitrine",
    "vitrine_local",
    "create_session",
    "redeem_session",
    "verify_token",
    "list_embeddable",
    "publish_resource",
    "manage_access",
    "serve_embed",
    "rotate_key",
];

/// A subscriber that writes one JSON object a line.
pub fn json_lines<W>(level: LevelFilter, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(layer(level, writer))
}

fn layer<S, W>(level: LevelFilter, writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let ours = OURS.map(|target| (target, level));
    fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        // Lambda and the terminal both know what time it is.
        .without_time()
        .with_writer(writer)
        .with_filter(Targets::new().with_default(LevelFilter::WARN).with_targets(ours))
}

/// The level that Lambda's logging configuration asks for.
pub fn level() -> LevelFilter {
    let named = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    named.ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}
