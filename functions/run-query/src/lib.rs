//! Runs published queries for viewers, and any query for the owner.

mod ask;
mod cube_data;
mod cube_load;
mod cube_meta;
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
use vitrine::aws::storage::{QueryHandles, TableNames};
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::settings::Settings;

use crate::engine::QueryEngine;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        views: ViewOpener,
        preparer: QueryPreparer,
        table_names: TableNames,
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
        .open_get("/cubejs-api/v1/load", cube_load::load)
        .open_post("/cubejs-api/v1/load", cube_load::load_posted)
        .open_get("/cubejs-api/v1/sql", cube_load::sql)
        .open_post("/cubejs-api/v1/sql", cube_load::sql_posted)
        .open_get("/cubejs-api/v1/meta", cube_meta::meta)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    ask::ask,
    ask::ask_again,
    values::values,
    preview::preview,
    cube_load::load,
    cube_load::load_posted,
    cube_load::sql,
    cube_load::sql_posted,
    cube_meta::meta
))]
pub struct ApiDoc;
