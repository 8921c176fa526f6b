//! The log: JSON lines on standard output.

mod line;

use std::io::Write;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// The crates of this project. Others are logged from level WARN only: at finer levels they write requests and events,
/// and with them tokens.
const OURS: [&str; 14] = [
    "vitrine",
    "vitrine_rules",
    "vitrine_local",
    "create_session",
    "redeem_session",
    "verify_token",
    "list_embeddable",
    "publish_resource",
    "manage_keys",
    "manage_viewers",
    "explain_refusal",
    "serve_embed",
    "rotate_key",
    "authorize_request",
];

/// A subscriber that writes one JSON object per line. Lambda adds the time.
pub fn json_lines<F, W>(level: LevelFilter, writer: F) -> impl tracing::Subscriber + Send + Sync
where
    F: Fn() -> W + Send + Sync + 'static,
    W: Write,
{
    let heard = Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|name| (name, level)));
    tracing_subscriber::registry().with(heard).with(line::Lines::to(writer))
}

/// The level in Lambda's logging configuration.
pub fn level() -> LevelFilter {
    let named = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    named.ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}
