//! Uploads: the browser sends a file to the bucket, and an import makes a version of it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde_json::json;
use vitrine::app::commit_version::Committed;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::HttpError;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::data::table::Table;
use vitrine::rules::data::upload::{Upload, UploadInput, UploadState};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input;

use crate::State as App;
use crate::assets;
use crate::data::{self, table_path};
use crate::data_table::named;
use crate::error_page::with_error;
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};

/// The origin that a response may connect to beside its own.
#[derive(Debug, Clone)]
pub struct ConnectTo(pub String);

fn path_of(table: &str, upload: &str) -> String {
    format!("{}/uploads/{upload}", table_path(table))
}

async fn find(app: &App, table: &str, upload: &str) -> Result<(Table, Upload)> {
    let table = named(app, table).await?;
    let upload = app.uploads.find(&table, upload, app.clock.now()).await?;
    Ok((table, upload.ok_or(Reason::UploadNotFound)?))
}

/// Starts an upload, for the script of the table's page.
pub async fn start(
    State(app): State<App>,
    Path(table): Path<String>,
    SignedForm { fields, .. }: SignedForm<StackAdmin>,
) -> std::result::Result<Response, HttpError> {
    let text = |name| fields.text(name);
    let size =
        fields.number::<u64>("size").ok_or_else(|| Error::invalid("size", "must be a number of bytes"))?;
    let input: UploadInput =
        input::check(json!({"format": text("format"), "size": size, "sha256": text("sha256")}))?;
    let table = named(&app, &table).await?;
    let started = app.upload_starter.start(&table.name, input).await?;
    Ok(Json(json!({"path": path_of(&table.name, &started.upload.id)})).into_response())
}

/// The worker that sends the file. As a script of its own it has a policy of its own, so that no page may connect to
/// the bucket.
pub async fn sender(
    State(app): State<App>,
    Path((table, upload)): Path<(String, String)>,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let signed = async {
        let (_, upload) = find(&app, &table, &upload).await?;
        app.upload_starter.sign(&upload).await
    };
    let request = match signed.await {
        Ok(request) => request,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let origin = origin_of(&request.url).ok_or_else(|| Error::internal("the URL of an upload"))?;
    let request = json!({"url": request.url, "headers": request.headers});
    let script = format!("const request = {request};\n{}", include_str!("../assets/sender.js"));
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"))];
    let mut response = (content_type, script).into_response();
    response.extensions_mut().insert(ConnectTo(origin.to_owned()));
    Ok(response)
}

/// Scheme and authority of a URL.
fn origin_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let is_plain = rest[..end].bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    (is_plain && end > 0).then(|| &url[..scheme.len() + 3 + end])
}

pub async fn show(
    State(app): State<App>,
    Path((table, upload)): Path<(String, String)>,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    match find(&app, &table, &upload).await {
        Ok((table, upload)) => Ok(view(&caller, &table, &upload)),
        Err(error) => Err(Refused::of(error, caller)),
    }
}

pub async fn commit(
    State(app): State<App>,
    Path((table, upload)): Path<(String, String)>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    let committed = async {
        let table = named(&app, &table).await?;
        app.committer.commit(&table.name, &upload, fields.text("force") == "true").await
    };
    let error = match committed.await {
        Ok(Committed::Version { .. }) => {
            return Ok(Redirect::to(&format!("{}?done=import", table_path(&table))).into_response());
        }
        Ok(Committed::Running(_)) => return Ok(Redirect::to(&path_of(&table, &upload)).into_response()),
        Err(error) => error,
    };
    // The reasons are stored with the upload.
    match find(&app, &table, &upload).await {
        Ok((table, upload)) if !error.is_outage() => Ok(with_error(view(&caller, &table, &upload), error)),
        _ => Err(Refused::of(error, caller)),
    }
}

fn view(caller: &ConsoleCaller, table: &Table, upload: &Upload) -> Response {
    let commit = |label: &str, class: &'static str, force: bool| {
        html! {
            form method="post" action={ (path_of(&table.name, &upload.id)) "/commit" } {
                (parts::form_token(caller))
                @if force { input type="hidden" name="force" value="true"; }
                button class=(class) type="submit" { (label) }
            }
        }
    };
    let issues = |found: &[vitrine::rules::data::finding::Finding]| {
        let issues: Vec<_> = found.iter().cloned().map(Issue::from).collect();
        parts::issues(issues.iter())
    };
    let content = html! {
        p.crumbs { a href=(data::PATH) { "Data" } " / " a href=(table_path(&table.name)) { (table.name) } " / Upload" }
        h1 { "Upload to " (table.name) }
        @match &upload.state {
            UploadState::Waiting => {
                p role="status" { "The file of " (upload.size) " bytes is not imported yet." }
                (commit("Import it", "primary", false))
            },
            UploadState::Importing { .. } => {
                p role="status" data-reload="2" { "The import runs: " (upload.rows_read) " rows so far." }
                p { a.button href=(path_of(&table.name, &upload.id)) { "Look again" } }
            },
            UploadState::Done { version, rows, columns } => {
                (parts::done(&format!("It is version {version} with {rows} rows.")))
                (parts::scrolling("Columns", html! { table {
                    thead { tr { th scope="col" { "Column" } th scope="col" { "Type" } } }
                    tbody { @for column in columns { tr { th scope="row" { (column.name) } td { code { (column.kind) } } } } }
                } }))
            },
            UploadState::Failed { issues: found } => {
                div.note.bad role="alert" { p { "The file cannot become a version. Nothing was replaced." } (issues(found)) }
                (commit("Try again", "", false))
            },
            UploadState::Refused { issues: found } => {
                div.note.bad role="alert" { p { "The version would break published queries. Nothing was replaced." } (issues(found)) }
                (commit("Import it all the same", "danger", true))
            },
        }
        p { a.button href=(table_path(&table.name)) { "To the table" } }
        script type="module" src=(assets::path_of("data.js")) {}
    };
    page(caller, "Upload", Section::Data, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_url_is_its_scheme_and_authority() {
        for (url, origin) in [
            (
                "https://b.s3.eu-central-1.amazonaws.com/uploads/a?x=/",
                Some("https://b.s3.eu-central-1.amazonaws.com"),
            ),
            ("http://127.0.0.1:9/b", Some("http://127.0.0.1:9")),
            ("http://s3.invalid", Some("http://s3.invalid")),
            ("https://a;script-src *//b", None),
            ("https://a b/", None),
            ("https:///b", None),
            ("/b", None),
        ] {
            assert_eq!(origin_of(url), origin, "{url}");
        }
    }
}
