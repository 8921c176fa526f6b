//! Manages the data that queries read: sources, tables, uploads and versions.
//!
//! It has no query engine. The function that has one imports files and inspects those of others.

mod metabase_databases;
mod sources;
mod tables;
mod uploads;
mod versions;

use axum::Router;
use deserr::Deserr;
use vitrine::app::commit_version::VersionCommitter;
use vitrine::app::put_source::SourcePutter;
use vitrine::app::put_table::TablePutter;
use vitrine::app::remove_source::SourceRemover;
use vitrine::app::remove_table::TableRemover;
use vitrine::app::roll_back_table::TableRollback;
use vitrine::app::start_upload::UploadStarter;
use vitrine::aws::storage::{SourceLister, SourceReader, TableReader, TableVersionReader, UploadReader};
use vitrine::dialects::metabase::catalog::DataCatalog;
use vitrine::http::query::parse_switch;
use vitrine::http::{Callers, Routes};
use vitrine::rules::clock::Clock;
use vitrine::rules::json::input::{Invalid, Wrong};

vitrine::function_state! {
    pub struct State {
        callers: Callers,
        sources: SourceReader,
        source_lister: SourceLister,
        source_putter: SourcePutter,
        source_remover: SourceRemover,
        tables: TableReader,
        table_putter: TablePutter,
        table_remover: TableRemover,
        uploads: UploadReader,
        upload_starter: UploadStarter,
        versions: TableVersionReader,
        committer: VersionCommitter,
        rollback: TableRollback,
        catalog: DataCatalog,
        clock: Clock,
    }
}

/// The query of a change that can break published queries.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ForceQuery {
    /// `true` changes it even if published queries break.
    #[deserr(default, try_from(String) = parse_switch -> Wrong)]
    force: Option<bool>,
}

impl ForceQuery {
    pub fn is_forced(&self) -> bool {
        self.force == Some(true)
    }
}

pub fn routes() -> Routes<State> {
    const SOURCE: &str = "/v1/sources/{source}";
    const TABLE: &str = "/v1/tables/{table}";
    const VERSIONS: &str = "/v1/tables/{table}/versions";
    Routes::default()
        .get("/v1/sources", sources::list)
        .put(SOURCE, sources::put)
        .get(SOURCE, sources::get)
        .delete(SOURCE, sources::delete)
        .get("/v1/tables", tables::list)
        .put(TABLE, tables::put)
        .get(TABLE, tables::get)
        .delete(TABLE, tables::delete)
        .post("/v1/tables/{table}/uploads", uploads::start)
        .get("/v1/tables/{table}/uploads/{upload}", uploads::get)
        .post(VERSIONS, versions::commit)
        .get(VERSIONS, versions::list)
        .post("/v1/tables/{table}/rollback", versions::roll_back)
        .get("/api/database", metabase_databases::list)
        .get("/api/database/{id}", metabase_databases::get)
        .get("/api/database/{id}/metadata", metabase_databases::metadata)
        .get("/api/table/{id}/query_metadata", metabase_databases::table)
        .get("/api/field/{id}", metabase_databases::field)
}

pub fn router(state: State) -> Router {
    routes().with_state(state).finish()
}

#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    sources::list,
    sources::put,
    sources::get,
    sources::delete,
    tables::list,
    tables::put,
    tables::get,
    tables::delete,
    uploads::start,
    uploads::get,
    versions::commit,
    versions::list,
    versions::roll_back,
    metabase_databases::list,
    metabase_databases::get,
    metabase_databases::metadata,
    metabase_databases::table,
    metabase_databases::field,
))]
pub struct ApiDoc;
