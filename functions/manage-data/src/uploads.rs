//! `/v1/tables/{table}/uploads`: files that become versions of a table.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use vitrine::app::start_upload::{StartedUpload, UploadStarter};
use vitrine::aws::storage::{TableReader, UploadReader};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, Json};
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::data::upload::{FileFormat, Upload, UploadInput, UploadState};
use vitrine::rules::error::{Issue, Issues, Reason};
use vitrine::rules::query::column::Column;

use crate::tables::{find, require_form};

/// The request that takes the file.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadRequest {
    upload: String,
    url: String,
    method: &'static str,
    /// They have to be sent as they are.
    headers: BTreeMap<String, String>,
    /// The end of the time in which the request can begin.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    expires_at: Timestamp,
}

impl From<StartedUpload> for UploadRequest {
    fn from(started: StartedUpload) -> Self {
        Self {
            upload: started.upload.id,
            url: started.request.url,
            method: "PUT",
            headers: started.request.headers,
            expires_at: started.request.expires_at,
        }
    }
}

/// An upload and the state of its import.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadStatus {
    upload: String,
    format: FileFormat,
    size: u64,
    /// `waiting`, `importing`, `done`, `failed`, or `refused` if the version would break published queries.
    state: &'static str,
    /// Rows that were read so far.
    rows_read: u64,
    /// The version that it has become.
    version: Option<u64>,
    rows: Option<u64>,
    /// The columns of that version; empty before.
    columns: Vec<Column>,
    /// The reasons why it did not become a version, with lines and columns of the file. The first 50.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Issue>, max_items = 50))]
    issues: Issues,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_at: Timestamp,
    /// The end of the time in which it can be committed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    expires_at: Timestamp,
}

impl From<Upload> for UploadStatus {
    fn from(upload: Upload) -> Self {
        let state = upload.state.word();
        let (made, issues) = match upload.state {
            UploadState::Waiting | UploadState::Importing { .. } => (None, Vec::new()),
            UploadState::Done { version, rows, columns } => (Some((version, rows, columns)), Vec::new()),
            UploadState::Failed { issues } | UploadState::Refused { issues } => (None, issues),
        };
        Self {
            upload: upload.id,
            format: upload.format,
            size: upload.size,
            state,
            rows_read: upload.rows_read,
            version: made.as_ref().map(|made| made.0),
            rows: made.as_ref().map(|made| made.1),
            columns: made.map(|made| made.2).unwrap_or_default(),
            issues: issues.into_iter().map(Issue::from).collect::<Vec<_>>().into(),
            created_at: upload.created_at,
            expires_at: upload.expires_at,
        }
    }
}

/// Start an upload.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/tables/{table}/uploads", tag = "data", params(("table" = vitrine::rules::forms::TableName, Path,)),
    description = "Admin of the whole stack only. Send the file to `url` with `method` and `headers`, then commit it with `POST /v1/tables/{table}/versions`. The URL takes a file of this size and checksum, and nothing else. An upload is kept for seven days.",
    request_body = UploadInput,
    responses((status = 201, body = UploadRequest, description = "Started"))
))]
pub async fn start(
    _: Allowed<StackAdmin>,
    State(starter): State<UploadStarter>,
    Path(table): Path<String>,
    Json(input): Json<UploadInput>,
) -> HttpResult<(StatusCode, axum::Json<UploadRequest>)> {
    require_form(&table)?;
    let started = starter.start(&table, input).await?;
    Ok((StatusCode::CREATED, axum::Json(started.into())))
}

/// Read the state of an upload.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/tables/{table}/uploads/{upload}", tag = "data",
    params(("table" = vitrine::rules::forms::TableName, Path,), ("upload" = vitrine::rules::forms::PublicId, Path,)),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = UploadStatus))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(tables): State<TableReader>,
    State(uploads): State<UploadReader>,
    State(clock): State<Clock>,
    Path((table, upload)): Path<(String, String)>,
) -> HttpResult<axum::Json<UploadStatus>> {
    let table = find(&tables, &table).await?;
    let upload = uploads.find(&table, &upload, clock.now()).await?.ok_or(Reason::UploadNotFound)?;
    Ok(axum::Json(upload.into()))
}
