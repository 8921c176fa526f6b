//! The page of what needs attention. The first page loads its list after it is shown.

use axum::extract::State;
use maud::{Markup, html};
use vitrine::app::find_attention::{Attention, NamedResource};
use vitrine::http::caller::StackAdmin;

use crate::State as App;
use crate::data::table_path;
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed};

const TITLE: &str = "What needs attention";

pub async fn show(State(app): State<App>, Signed { caller, .. }: Signed<StackAdmin>) -> PageResult {
    let found = match Box::pin(app.attention.all()).await {
        Ok(found) => found,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let content = html! {
        h1 { (TITLE) }
        div id="attention" {
            @if found.is_empty() { p.muted { "Nothing found." } }
            @else { ul.rows { @for one in &found { li { span { (line(one)) } } } } }
            p.small {
                "Looked at: signing keys, queries that failed in the last seven days, locked parameters that set nothing, uploads that failed, "
                "and tables without a row policy that published resources read. At most 20 of each are shown."
            }
        }
    };
    Ok(page(&caller, TITLE, Section::Home, content))
}

fn line(attention: &Attention) -> Markup {
    let console = crate::PATH;
    html! {
        @match attention {
            Attention::IdleKey { kid } => {
                a href={ (console) "/keys" } { "The signing key " code { (kid) } " is safe to retire" }
                " – no token in use was signed with it."
            }
            Attention::BrokenQuery { resource, request_id, at } => {
                (link(resource, "/edit")) " – a query of it failed, last noted " (parts::time(*at)) ". "
                a href={ (console) "/refusals?request_id=" (request_id) } { "Why" }
            }
            Attention::Unwired { resource, parameters } => {
                (link(resource, "/edit")) " – locked, but wired to no query: "
                @for (index, slug) in parameters.iter().enumerate() { @if index > 0 { ", " } code { (slug) } }
                ". The token sets a value that restricts nothing."
            }
            Attention::NoPolicy { table, resource, has_more } => {
                a href=(table_path(table)) { "The table " code { (table) } " has no row policy" }
                " – " (link(resource, "")) @if *has_more { " and others" }
                " read it: only locked parameters decide which rows a viewer sees."
            }
            Attention::FailedUpload { table, upload, at } => {
                a href={ (table_path(table)) "/uploads/" (upload) } { "The last upload to " code { (table) } " failed" }
                " – it was started " (parts::time(*at)) "."
            }
        }
    }
}

fn link(named: &NamedResource, page: &str) -> Markup {
    let reference = &named.resource;
    html! { a href={ (crate::PATH) "/resources/" (reference.kind) "/" (reference.id) (page) } { (named.title) } }
}
