//! Data: the tables that queries read, and the sources of files that others write.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::data::source::{Source, SourceInput};
use vitrine::rules::data::table::TableSummary;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::json::input;
use vitrine::rules::paging::{MAX_LIMIT, Page, Paging};
use vitrine::rules::query::table::{
    MANAGED, SOURCE_NAME, TABLE_NAME, TableInput, is_source_name, is_table_name,
};

use crate::State as App;
use crate::error_page::with_error;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::table_form;

pub const PATH: &str = "/console/data";

/// The tables of one page of the list.
const SIZE: i32 = 100;

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let note = match fields.text("done") {
        "remove" => parts::done("The table is removed with its versions."),
        "source" => parts::done("The source is saved."),
        "remove-source" => parts::done("The source is removed. Its files stay."),
        _ => html! {},
    };
    list(&app, caller, &fields, note).await
}

async fn list(app: &App, caller: ConsoleCaller, fields: &Fields, note: Markup) -> PageResult {
    let after = Some(fields.text("cursor")).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    let (size, all) = (Paging::new(Some(SIZE), after), Paging::new(Some(MAX_LIMIT), None));
    let (tables, sources) = (app.versions_of_tables.tables(&size).await, app.sources.list(&all).await);
    let (tables, sources) = match (tables, sources) {
        (Ok(tables), Ok(sources)) => (tables, sources),
        (Err(error), _) | (_, Err(error)) => return Err(Refused::of(error, caller)),
    };
    let content = html! {
        h1 { "Data" }
        (note)
        section { h2 { "Tables" } (table_list(&tables)) }
        section { h2 { "New table" } (new_table(&caller, &sources.items, fields)) }
        section { h2 { "Sources" } (source_list(&caller, &sources.items)) }
        section { h2 { "New source" } (new_source(&caller, fields)) }
    };
    Ok(page(&caller, "Data", Section::Data, content))
}

pub fn table_path(name: &str) -> String {
    format!("{PATH}/tables/{name}")
}

fn table_list(tables: &Page<TableSummary>) -> Markup {
    let next = tables.next().map(|next| format!("{PATH}{}", query(&[("cursor", next)])));
    html! {
        @if tables.items.is_empty() {
            div.empty { p { "There is no table yet. Create one below, then upload a file of CSV, JSON lines or Parquet." } }
        } @else {
            (parts::scrolling("Tables", html! { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Source" } th scope="col" { "Version" } th scope="col" { "Description" } th scope="col" { "Changed" }
                } }
                tbody { @for one in &tables.items { tr {
                    th scope="row" { a href=(table_path(&one.name)) { (one.name) } }
                    td { code { (one.source) } }
                    td { @match one.version { Some(number) => (number), None => span.muted { "none" } } }
                    td { (one.description.as_deref().unwrap_or_default()) }
                    td { (parts::time(one.updated_at)) }
                } } }
            } }))
        }
        @if let Some(next) = next { nav.pages aria-label="Pages" { a.button href=(next) rel="next" { "Next page" } } }
    }
}

fn new_table(caller: &ConsoleCaller, sources: &[Source], fields: &Fields) -> Markup {
    html! {
        form.stack method="post" action=(PATH) {
            (parts::form_token(caller))
            label { span { "Name" } input name="table" required maxlength="63" value=(fields.text("table")) placeholder="orders"; }
            label { span { "Description" } input name="description" maxlength="4096" value=(fields.text("description")); }
            label { span { "Source" } select name="source" {
                @for source in sources { option value=(source.name) selected[fields.text("source") == source.name] {
                    (source.name) @if source.name == MANAGED { " – files that you upload" }
                } }
            } }
            label { span { "Location, for files that others write" }
                input name="location" maxlength="1024" value=(fields.text("location")) placeholder="sales/2026/"; }
            (table_form::declared(fields.exact("declared")))
            div.actions { button.primary type="submit" { "Create the table" } }
        }
    }
}

fn source_list(caller: &ConsoleCaller, sources: &[Source]) -> Markup {
    parts::scrolling(
        "Sources",
        html! { table {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Location" } th scope="col" { span.hidden { "Remove" } } } }
            tbody { @for source in sources { tr {
                th scope="row" { (source.name) }
                td { @match &source.location { Some(location) => code { (location) }, None => span.muted { "the stack’s own bucket" } } }
                td { @if source.name != MANAGED {
                    (parts::confirm("Remove…", html! { p { "Remove the source " strong { (source.name) } "? Its files stay." } }, html! {
                        form method="post" action={ (PATH) "/sources/" (source.name) "/remove" } {
                            (parts::form_token(caller))
                            button.danger type="submit" { "Remove " (source.name) }
                        }
                    }))
                } }
            } } }
        } },
    )
}

fn new_source(caller: &ConsoleCaller, fields: &Fields) -> Markup {
    html! {
        p.small { "A place of files that others write. The stack may read the buckets of its parameter " code { "DataSources" } "." }
        form.stack method="post" action={ (PATH) "/sources" } {
            (parts::form_token(caller))
            label { span { "Name" } input name="name" required maxlength="63" value=(fields.text("name")) placeholder="lake"; }
            label { span { "Location" } input name="place" required maxlength="1024" value=(fields.text("place")) placeholder="s3://bucket/prefix"; }
            div.actions { button type="submit" { "Save the source" } }
        }
    }
}

/// The list again with what was entered, and what is wrong with it.
async fn again(app: &App, caller: ConsoleCaller, fields: &Fields, error: Error) -> PageResult {
    if error.is_outage() {
        return Err(Refused::of(error, caller));
    }
    Ok(with_error(list(app, caller, fields, parts::problem(&error)).await, error))
}

pub async fn create(
    State(app): State<App>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    match create_table(&app, &fields).await {
        Ok(name) => Ok(Redirect::to(&format!("{}?done=create", table_path(&name))).into_response()),
        Err(error) => again(&app, caller, &fields, error).await,
    }
}

async fn create_table(app: &App, fields: &Fields) -> Result<String> {
    let name = fields.text("table");
    if !is_table_name(name) {
        return Err(Error::invalid("table", TABLE_NAME));
    }
    let mut document = Map::new();
    for field in ["description", "location"] {
        if !fields.text(field).is_empty() {
            document.insert(field.to_owned(), fields.text(field).into());
        }
    }
    if !matches!(fields.text("source"), "" | MANAGED) {
        document.insert("source".to_owned(), fields.text("source").into());
    }
    if let Some(columns) = table_form::declared_columns(fields.exact("declared"))? {
        document.insert("columns".to_owned(), columns);
    }
    let input: TableInput = input::check(Value::Object(document))?;
    app.table_putter.create(name, input).await?;
    Ok(name.to_owned())
}

pub async fn put_source(
    State(app): State<App>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    let put = async {
        if !is_source_name(fields.text("name")) {
            return Err(Error::invalid("source", SOURCE_NAME));
        }
        let input: SourceInput = input::check(json!({"kind": "files", "location": fields.text("place")}))?;
        app.source_putter.put(fields.text("name"), &input).await
    };
    match put.await {
        Ok(_) => Ok(Redirect::to(&format!("{PATH}?done=source")).into_response()),
        Err(error) => again(&app, caller, &fields, error).await,
    }
}

pub async fn remove_source(
    State(app): State<App>,
    Path(name): Path<String>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    match app.source_remover.remove(&name).await {
        Ok(()) => Ok(Redirect::to(&format!("{PATH}?done=remove-source")).into_response()),
        Err(error) => again(&app, caller, &fields, error).await,
    }
}
