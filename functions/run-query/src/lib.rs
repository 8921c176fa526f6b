//! Runs published queries for viewers, and any query for the owner.

mod ask;
mod engine;
mod execute;
mod file;
mod listings;
mod plan;
mod preview;
mod question;
mod reply;
mod values;

use std::sync::Arc;

use axum::Router;
use vitrine::app::limit_queries::QueryLimiter;
use vitrine::app::open_view::ViewOpener;
use vitrine::app::prepare_query::QueryPreparer;
use vitrine::app::share_answer::AnswerSharing;
use vitrine::aws::blobs::ExportFiles;
use vitrine::aws::scratch::Scratch;
use vitrine::aws::storage::QueryHandles;
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::settings::Settings;

use crate::engine::QueryEngine;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        views: ViewOpener,
        preparer: QueryPreparer,
        engine: QueryEngine,
        sharing: AnswerSharing,
        limiter: QueryLimiter,
        handles: QueryHandles,
        exports: ExportFiles,
        scratch: Scratch,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

pub fn routes() -> Routes<State> {
    Routes::default()
        .open_post("/v1/query", ask::ask)
        .open_get("/v1/query/{handle}", ask::ask_again)
        .open_post("/v1/query/values", values::values)
        .post("/v1/query/preview", preview::preview)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(ask::ask, ask::ask_again, values::values, preview::preview))]
pub struct ApiDoc;
