//! A table: its columns and row policies, its rows as a viewer sees them, uploads and versions.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::data::table::Table;
use vitrine::rules::data::version::TableVersionSummary;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::paging::{Page, Paging};
use vitrine::rules::query::table::is_table_name;

use crate::State as App;
use crate::assets;
use crate::data::{self, table_path};
use crate::error_page::with_error;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::table_form::TableForm;

/// The versions that are listed.
const VERSIONS: i32 = 50;

/// The table that a path names.
pub async fn named(app: &App, name: &str) -> Result<Table> {
    let found = if is_table_name(name) { app.tables.get(name).await? } else { None };
    found.ok_or_else(|| Reason::TableNotFound.into())
}

pub async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let note = match fields.text("done") {
        "create" => parts::done("The table is created. Upload its first file below."),
        "save" => parts::done("Saved."),
        "import" => parts::done("The file is imported. It is the current version."),
        "rollback" => parts::done("The chosen version is current."),
        _ => html! {},
    };
    match load(&app, &name).await {
        Ok((table, versions)) => {
            Ok(view(&caller, &table, &versions, &TableForm::of(&table), &Said { note, error: None }))
        }
        Err(error) => Err(Refused::of(error, caller)),
    }
}

async fn load(app: &App, name: &str) -> Result<(Table, Page<TableVersionSummary>)> {
    let table = named(app, name).await?;
    let versions = app.versions_of_tables.versions(&table, &Paging::new(Some(VERSIONS), None)).await?;
    Ok((table, versions))
}

/// The sentence above the page, and the error that it is about.
struct Said<'a> {
    note: Markup,
    error: Option<&'a Error>,
}

pub async fn change(
    State(app): State<App>,
    Path(name): Path<String>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    let error = match act(&app, &name, &fields).await {
        Ok(path) => return Ok(Redirect::to(&path).into_response()),
        Err(error) => error,
    };
    // The page as it is now, with what was entered and what is wrong with it.
    let (table, versions) = match load(&app, &name).await {
        Ok(loaded) if !error.is_outage() => loaded,
        _ => return Err(Refused::of(error, caller)),
    };
    let is_save = fields.text("action") == "save";
    let form = if is_save { TableForm::sent(&fields) } else { TableForm::of(&table) };
    let note = html! {
        (parts::problem(&error))
        @if !is_save && error.reason == Reason::BreaksQueries { (forced(&caller, &table, &fields)) }
    };
    let said = Said { note, error: is_save.then_some(&error) };
    Ok(with_error(view(&caller, &table, &versions, &form, &said), error))
}

/// Does what the form says, and returns the path of the page that follows.
async fn act(app: &App, name: &str, fields: &Fields) -> Result<String> {
    let force = fields.text("force") == "true";
    let action = fields.text("action");
    match action {
        "save" => {
            let table = named(app, name).await?;
            let form = TableForm::sent(fields);
            app.table_putter.replace_at(name, form.revision(), form.input(&table)?, force).await?;
        }
        "rollback" => {
            named(app, name).await?;
            let number = fields.number("version").ok_or(Reason::VersionNotFound)?;
            app.rollback.roll_back(name, number, force).await?;
        }
        "remove" => {
            if !is_table_name(name) {
                return Err(Reason::TableNotFound.into());
            }
            app.table_remover.remove(name, force).await?;
            return Ok(format!("{}?done=remove", data::PATH));
        }
        _ => return Err(Error::invalid("action", "is not known")),
    }
    Ok(format!("{}{}", table_path(name), query(&[("done", action)])))
}

/// The same again for somebody who accepts that published queries break.
fn forced(caller: &ConsoleCaller, table: &Table, fields: &Fields) -> Markup {
    let label =
        if fields.text("action") == "remove" { "Remove it all the same" } else { "Roll back all the same" };
    html! {
        form method="post" action=(table_path(&table.name)) {
            (parts::form_token(caller))
            input type="hidden" name="force" value="true";
            input type="hidden" name="version" value=(fields.text("version"));
            button.danger type="submit" name="action" value=(fields.text("action")) { (label) " " (table.name) }
        }
    }
}

fn view(
    caller: &ConsoleCaller,
    table: &Table,
    versions: &Page<TableVersionSummary>,
    form: &TableForm,
    said: &Said<'_>,
) -> Response {
    let has_rows = table.current.is_some() || table.location.is_some();
    let content = html! {
        p.crumbs { a href=(data::PATH) { "Data" } " / Table" }
        h1 { (table.name) }
        (said.note)
        (facts(table))
        @if table.location.is_none() { section { h2 { "Upload a file" } (upload(caller, table)) } }
        @if has_rows { section { h2 { "Rows" } (rows(table)) } }
        section { (form.show(caller, table, said.error)) }
        @if table.location.is_none() { section { h2 { "Versions" } (version_list(caller, table, versions)) } }
        (remove_button(caller, table))
        script type="module" src=(assets::path_of("data.js")) {}
    };
    page(caller, &table.name, Section::Data, content)
}

fn facts(table: &Table) -> Markup {
    html! {
        section { dl {
            dt { "Source" } dd { code { (table.source) } }
            @if let Some(location) = &table.location { dt { "Location" } dd { code { (location) } } }
            @else {
                dt { "Current version" }
                dd { @match &table.current {
                    Some(version) => { (version.number) " with " (version.rows) " rows, of " (parts::time(version.created_at)) },
                    None => span.muted { "none: it has no file yet" },
                } }
            }
            dt { "Number" } dd { (table.id) }
            dt { "Changed" } dd { (parts::time(table.updated_at)) }
        } }
    }
}

fn upload(caller: &ConsoleCaller, table: &Table) -> Markup {
    html! {
        noscript { p.note.warn { "Uploads need JavaScript: the browser sends the file to the bucket itself. Without it, use "
            code { "POST /v1/tables/" (table.name) "/uploads" } "." } }
        form.stack id="upload" hidden method="post" action={ (table_path(&table.name)) "/uploads" } {
            (parts::form_token(caller))
            label { span { "File of CSV, JSON lines or Parquet, at most 1 GiB" } input type="file" name="file" required accept=".csv,.tsv,.jsonl,.ndjson,.parquet"; }
            label { span { "Format" } select name="format" {
                option value="csv" { "CSV with a line of names" } option value="jsonl" { "JSON lines" } option value="parquet" { "Parquet" }
            } }
            p.small { "It becomes the current version. " @if table.columns.is_empty() { "The types of its columns are inferred." } @else { "Its columns get the types below." } }
            div.actions { button.primary type="submit" { "Upload and import" } }
            progress max="1" value="0" aria-label="Progress of the upload" hidden {}
            p role="status" {}
        }
    }
}

fn rows(table: &Table) -> Markup {
    html! {
        noscript { p.note.warn { "Rows need JavaScript: the page asks the function with the query engine for them." } }
        form.stack id="see" hidden data-table=(table.name) {
            @if table.row_policies.is_empty() { p.small { "The table has no row policy, so every viewer sees the same rows." } }
            label { span { "See as a viewer in these groups, with commas between them" } input name="groups" placeholder="support"; }
            label { span { "and with these attributes, in JSON" } textarea.code name="attributes" rows="2" spellcheck="false" placeholder="{\"customers\": [\"acme\"]}" {} }
            div.actions { button type="submit" { "Show the first rows" } }
            p role="status" {}
            div.result {}
        }
    }
}

fn version_list(caller: &ConsoleCaller, table: &Table, versions: &Page<TableVersionSummary>) -> Markup {
    let current = table.current.as_ref().map(|version| version.number);
    html! {
        @if versions.items.is_empty() { p.muted { "There is none yet." } }
        @else {
            (parts::scrolling("Versions", html! { table {
                thead { tr { th scope="col" { "Version" } th scope="col" { "Rows" } th scope="col" { "Imported" } th scope="col" { span.hidden { "Roll back" } } } }
                tbody { @for one in &versions.items { tr {
                    th scope="row" { (one.version) @if current == Some(one.version) { " " span.tag.published { "current" } } }
                    td { (one.rows) }
                    td { (parts::time(one.created_at)) }
                    td { @if current != Some(one.version) { (roll_back_button(caller, table, one)) } }
                } } }
            } }))
            @if versions.has_next { p.small { "The last " (VERSIONS) "." } }
        }
    }
}

fn roll_back_button(caller: &ConsoleCaller, table: &Table, version: &TableVersionSummary) -> Markup {
    parts::confirm(
        "Make current…",
        html! { p { "Make version " strong { (version.version) } " of " strong { (table.name) } " with " (version.rows) " rows the current one? Queries read it from then on. No version is removed." } },
        html! {
            form method="post" action=(table_path(&table.name)) {
                (parts::form_token(caller))
                input type="hidden" name="version" value=(version.version);
                button.danger type="submit" name="action" value="rollback" { "Make version " (version.version) " current" }
            }
        },
    )
}

fn remove_button(caller: &ConsoleCaller, table: &Table) -> Markup {
    parts::confirm(
        "Remove the table…",
        html! { p { "Remove " strong { (table.name) } " with all its versions? Queries that read it fail from then on. This cannot be undone." } },
        html! {
            form method="post" action=(table_path(&table.name)) {
                (parts::form_token(caller))
                button.danger type="submit" name="action" value="remove" { "Remove " (table.name) }
            }
        },
    )
}
