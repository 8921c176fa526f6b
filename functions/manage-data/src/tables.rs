//! `/v1/tables`: the declarations of tables.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use vitrine::app::put_table::TablePutter;
use vitrine::app::remove_table::TableRemover;
use vitrine::aws::storage::{TableReader, TableVersionReader};
use vitrine::http::caller::StackAdmin;
use vitrine::http::query::PageQuery;
use vitrine::http::{Allowed, ContentJson, HttpResult, Json, List, Query};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::data::table::{StoredColumn, Table, TableSummary};
use vitrine::rules::error::{Error, Reason};
use vitrine::rules::query::table::{TABLE_NAME, TableInput, is_table_name};
use vitrine::rules::row_policy::RowPolicy;

use crate::ForceQuery;

/// A table with its numbers.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Table))]
pub struct TableAnswer {
    name: String,
    /// The number that other programs know it by. A table that is deleted and created again has another.
    id: u64,
    source: String,
    /// The prefix of files that others write.
    location: Option<String>,
    description: Option<String>,
    /// Empty before the first version, unless they are declared.
    columns: Vec<TableColumn>,
    row_policies: Vec<RowPolicy>,
    /// The current version; null before the first, and for files that others write.
    version: Option<u64>,
    /// The rows of the current version.
    rows: Option<u64>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    updated_at: Timestamp,
}

/// A column with its number, which it keeps as long as its name.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct TableColumn {
    id: u64,
    name: String,
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = vitrine::rules::forms::ColumnTypeWord))]
    kind: String,
    description: Option<String>,
    /// No query can name it; row policies can.
    hidden: bool,
}

impl From<StoredColumn> for TableColumn {
    fn from(StoredColumn { id, column }: StoredColumn) -> Self {
        let kind = column.kind.to_string();
        Self { id, name: column.name, kind, description: column.description, hidden: column.hidden }
    }
}

impl From<Table> for TableAnswer {
    fn from(table: Table) -> Self {
        Self {
            name: table.name,
            id: table.id,
            source: table.source,
            location: table.location,
            description: table.description,
            columns: table.columns.into_iter().map(TableColumn::from).collect(),
            row_policies: table.row_policies,
            version: table.current.as_ref().map(|version| version.number),
            rows: table.current.as_ref().map(|version| version.rows),
            created_at: table.created_at,
            updated_at: table.updated_at,
        }
    }
}

/// Create or replace a table.
#[cfg_attr(feature = "openapi", utoipa::path(
    put, path = "/v1/tables/{table}", tag = "data",
    params(("table" = vitrine::rules::forms::TableName, Path,), ForceQuery),
    description = "Admin of the whole stack only. Fields that are left out are empty, except `columns`: they stay, and the first version, or the files that others write, give them. Declared columns must be columns of the current version, with its types. A table without `row_policies` is open to everybody who may see a resource that reads it. 409 `breaks_queries` lists published resources that may read columns which are hidden or left out.",
    request_body = TableInput,
    responses((status = 200, body = TableAnswer, description = "Replaced"), (status = 201, body = TableAnswer, description = "Created"), (status = 409))
))]
pub async fn put(
    _: Allowed<StackAdmin>,
    State(putter): State<TablePutter>,
    Path(name): Path<String>,
    Query(query): Query<ForceQuery>,
    Json(input): ContentJson<TableInput>,
) -> HttpResult<(StatusCode, axum::Json<TableAnswer>)> {
    if !is_table_name(&name) {
        return Err(Error::invalid("table", TABLE_NAME).into());
    }
    let written = putter.put(&name, input, query.is_forced()).await?;
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(written.table.into())))
}

/// Read a table.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/tables/{table}", tag = "data", params(("table" = vitrine::rules::forms::TableName, Path,)),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = TableAnswer))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(tables): State<TableReader>,
    Path(name): Path<String>,
) -> HttpResult<axum::Json<TableAnswer>> {
    Ok(axum::Json(find(&tables, &name).await?.into()))
}

/// List tables.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/tables", tag = "data", params(PageQuery),
    description = "Admin of the whole stack only. By name.",
    responses((status = 200, body = List<TableSummary>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(tables): State<TableVersionReader>,
    Query(query): Query<PageQuery>,
) -> HttpResult<axum::Json<List<TableSummary>>> {
    Ok(axum::Json(List::of(tables.tables(&query.paging()).await?)))
}

/// Delete a table.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/tables/{table}", tag = "data",
    params(("table" = vitrine::rules::forms::TableName, Path,), ForceQuery),
    description = "Admin of the whole stack only. Removes its versions too; files that others write stay. A table that is created under its name later has another id, and its versions go on counting. 409 `breaks_queries` lists the published resources that read it.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(remover): State<TableRemover>,
    Path(name): Path<String>,
    Query(query): Query<ForceQuery>,
) -> HttpResult<StatusCode> {
    require_form(&name)?;
    remover.remove(&name, query.is_forced()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The table that a path names.
pub async fn find(tables: &TableReader, name: &str) -> HttpResult<Table> {
    require_form(name)?;
    Ok(tables.get(name).await?.ok_or(Reason::TableNotFound)?)
}

/// A name of another form was never stored.
pub fn require_form(name: &str) -> HttpResult<()> {
    if is_table_name(name) { Ok(()) } else { Err(Reason::TableNotFound.into()) }
}
