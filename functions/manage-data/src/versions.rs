//! `/v1/tables/{table}/versions` and `/v1/tables/{table}/rollback`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use vitrine::app::commit_version::{Committed, VersionCommitter};
use vitrine::app::roll_back_table::TableRollback;
use vitrine::aws::storage::{TableReader, TableVersionReader};
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, HttpResult, Json, List, Query};
use vitrine::rules::data::version::TableVersionSummary;
use vitrine::rules::error::{Issue, Reason};
use vitrine::rules::json::input::{Check, Invalid};
use vitrine::rules::query::column::Column;

use crate::ForceQuery;
use crate::tables::{find, require_form};

/// The upload to commit.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionInput {
    upload: String,
}

impl Check for VersionInput {}

/// The version to return to.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackInput {
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    version: u64,
}

impl Check for RollbackInput {
    fn problems(&self) -> Vec<Issue> {
        match self.version {
            0 => vec![Issue::new("version", "must be the number of a version")],
            _ => Vec::new(),
        }
    }
}

/// A version of a table.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionAnswer {
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    version: u64,
    rows: u64,
    columns: Vec<Column>,
}

/// An import that takes longer than the caller waits.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunningImport {
    upload: String,
    state: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum CommitAnswer {
    Version(VersionAnswer),
    Running(RunningImport),
}

/// Commit an upload.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/tables/{table}/versions", tag = "data",
    params(("table" = vitrine::rules::forms::TableName, Path,), ForceQuery),
    description = "Admin of the whole stack only. Makes the uploaded file the current version of the table. Types of columns are those that are declared, or else inferred. 202 after ten seconds: the import goes on, and `GET /v1/tables/{table}/uploads/{upload}` has its state. 400 `import_failed` names lines and columns of the file, and nothing is replaced. 409 `breaks_queries` lists the published resources that the version would break. An upload is one version, however often it is committed; one that failed can be committed again.",
    request_body = VersionInput,
    responses((status = 201, body = VersionAnswer, description = "The version is current"), (status = 202, body = RunningImport, description = "The import goes on"), (status = 409))
))]
pub async fn commit(
    _: Allowed<StackAdmin>,
    State(committer): State<VersionCommitter>,
    Path(table): Path<String>,
    Query(query): Query<ForceQuery>,
    Json(input): Json<VersionInput>,
) -> HttpResult<(StatusCode, axum::Json<CommitAnswer>)> {
    require_form(&table)?;
    let committed = committer.commit(&table, &input.upload, query.is_forced()).await?;
    let (status, answer) = match committed {
        Committed::Version { version, rows, columns } => {
            (StatusCode::CREATED, CommitAnswer::Version(VersionAnswer { version, rows, columns }))
        }
        Committed::Running(upload) => {
            let state = upload.state.word();
            (StatusCode::ACCEPTED, CommitAnswer::Running(RunningImport { upload: upload.id, state }))
        }
    };
    Ok((status, axum::Json(answer)))
}

/// List the versions of a table.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/tables/{table}/versions", tag = "data",
    params(("table" = vitrine::rules::forms::TableName, Path,), PageQuery),
    description = "Admin of the whole stack only. The newest first.",
    responses((status = 200, body = List<TableVersionSummary>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(tables): State<TableReader>,
    State(versions): State<TableVersionReader>,
    Path(table): Path<String>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<TableVersionSummary>>> {
    let table = find(&tables, &table).await?;
    Ok(axum::Json(List::of(versions.versions(&table, &query.paging()).await?)))
}

/// Return to a version of a table.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/tables/{table}/rollback", tag = "data",
    params(("table" = vitrine::rules::forms::TableName, Path,), ForceQuery),
    description = "Admin of the whole stack only. Makes a version current again, whether it is older or newer than the current one. No version is removed. 409 `breaks_queries` lists published resources that may read columns which this version lacks.",
    request_body = RollbackInput,
    responses((status = 200, body = VersionAnswer), (status = 409))
))]
pub async fn roll_back(
    _: Allowed<StackAdmin>,
    State(rollback): State<TableRollback>,
    Path(table): Path<String>,
    Query(query): Query<ForceQuery>,
    Json(input): Json<RollbackInput>,
) -> HttpResult<axum::Json<VersionAnswer>> {
    require_form(&table)?;
    let table = rollback.roll_back(&table, input.version, query.is_forced()).await?;
    let columns = table.plain_columns();
    let current = table.current.ok_or(Reason::VersionNotFound)?;
    Ok(axum::Json(VersionAnswer { version: current.number, rows: current.rows, columns }))
}
