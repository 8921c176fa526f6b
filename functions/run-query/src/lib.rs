//! Runs published queries for viewers, and any query for the owner.

mod ask;
mod checked;
mod cube_data;
mod cube_load;
mod cube_meta;
mod engine;
mod execute;
mod file;
mod listings;
mod metabase_dataset;
mod metabase_embed;
mod metabase_result;
mod metabase_values;
mod plan;
mod preview;
mod question;
mod reply;
mod values;

use std::sync::Arc;

use axum::Router;
use vitrine::app::limit_queries::QueryLimiter;
use vitrine::app::open_console_session::ConsoleSessionOpener;
use vitrine::app::open_view::ViewOpener;
use vitrine::app::prepare_query::QueryPreparer;
use vitrine::app::share_answer::AnswerSharing;
use vitrine::aws::blobs::ExportFiles;
use vitrine::aws::scratch::Scratch;
use vitrine::aws::storage::{QueryHandles, ResourceReader, TableNames};
use vitrine::dialects::metabase::catalog::DataCatalog;
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::settings::Settings;

use crate::checked::CheckedQueries;
use crate::engine::QueryEngine;

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        console: ConsoleSessionOpener,
        views: ViewOpener,
        preparer: QueryPreparer,
        table_names: TableNames,
        checked: CheckedQueries,
        engine: QueryEngine,
        sharing: AnswerSharing,
        limiter: QueryLimiter,
        handles: QueryHandles,
        exports: ExportFiles,
        resources: ResourceReader,
        catalog: DataCatalog,
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
        .open_get("/api/embed/card/{token}/query", metabase_embed::query)
        .open_get("/api/embed/card/{token}/query/{format}", metabase_embed::export)
        .get("/api/preview_embed/card/{token}/query", metabase_embed::preview_query)
        .get("/api/preview_embed/card/{token}/query/{format}", metabase_embed::preview_export)
        .open_get("/api/embed/dashboard/{token}/dashcard/{dashcard}/card/{card}", metabase_embed::dashcard)
        .open_get(
            "/api/embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}",
            metabase_embed::dashcard_export,
        )
        .get(
            "/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}",
            metabase_embed::preview_dashcard,
        )
        .get(
            "/api/preview_embed/dashboard/{token}/dashcard/{dashcard}/card/{card}/{format}",
            metabase_embed::preview_dashcard_export,
        )
        .open_get("/api/embed/{kind}/{token}/params/{key}/values", metabase_values::values)
        .open_get("/api/embed/{kind}/{token}/params/{key}/search/{prefix}", metabase_values::search)
        .open_get("/api/embed/{kind}/{token}/params/{key}/remapping", metabase_values::remapping)
        .get("/api/preview_embed/{kind}/{token}/params/{key}/values", metabase_values::preview_values)
        .get(
            "/api/preview_embed/{kind}/{token}/params/{key}/search/{prefix}",
            metabase_values::preview_search,
        )
        .get("/api/preview_embed/{kind}/{token}/params/{key}/remapping", metabase_values::preview_remapping)
        .post("/api/dashboard/{id}/dashcard/{dashcard}/card/{card}/query", metabase_dataset::dashcard)
        .post("/api/dataset", metabase_dataset::dataset)
        .post("/api/dataset/{format}", metabase_dataset::dataset_export)
        .post("/api/card/{id}/query", metabase_dataset::card)
        .post("/api/card/{id}/query/{format}", metabase_dataset::card_export)
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
    cube_meta::meta,
    metabase_embed::query,
    metabase_embed::export,
    metabase_embed::preview_query,
    metabase_embed::preview_export,
    metabase_embed::dashcard,
    metabase_embed::dashcard_export,
    metabase_embed::preview_dashcard,
    metabase_embed::preview_dashcard_export,
    metabase_values::values,
    metabase_values::search,
    metabase_values::remapping,
    metabase_values::preview_values,
    metabase_values::preview_search,
    metabase_values::preview_remapping,
    metabase_dataset::dashcard,
    metabase_dataset::dataset,
    metabase_dataset::dataset_export,
    metabase_dataset::card,
    metabase_dataset::card_export,
))]
pub struct ApiDoc;
