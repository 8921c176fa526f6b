//! An earlier version of a resource: what it was, and the way back to it.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use vitrine::app::check_queries::Mode;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::WriteResources;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::resource::Resource;
use vitrine::rules::resource::version::Version;

use crate::State as App;
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::resource::{content_of, named, path_of, with_findings, with_problem};

type VersionPath = (String, String, String);

/// The resource, if the caller may know of it, with one of its versions.
async fn load(app: &App, caller: &ConsoleCaller, path: &VersionPath) -> Result<(Resource, Version)> {
    let (kind, id, number) = path;
    let resource = app.publisher.get(&caller.key, &named(&(kind.clone(), id.clone()))?).await?;
    let version = app.versions.get(&resource, parse_number(number)?).await?;
    Ok((resource, version))
}

fn parse_number(text: &str) -> Result<u64> {
    let number = text.parse().ok().filter(|number: &u64| *number > 0 && number.to_string() == text);
    number.ok_or(Reason::VersionNotFound.into())
}

pub async fn show(
    State(app): State<App>,
    Path(path): Path<VersionPath>,
    Signed { caller, .. }: Signed<WriteResources>,
) -> PageResult {
    let (resource, version) = match load(&app, &caller, &path).await {
        Ok(loaded) => loaded,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let number = version.summary.version;
    let title = format!("{}, version {number}", resource.title);
    let content = html! {
        p.crumbs { a href={ (crate::PATH) "/resources" } { "Resources" } " / " a href=(path_of(&resource)) { (resource.title) } }
        h1 { "Version " (number) @if number == resource.version { " " span.tag.published { "now" } } }
        p { "Stored " (parts::time(version.summary.created_at)) ". " (now_shown(&resource)) }
        @if number != resource.version && !resource.archived { div.actions { (restore_button(&caller, &resource, number)) } }
        section { h2 { "Content" } (content_of(version.content.as_ref())) }
    };
    Ok(page(&caller, &title, Section::Resources, content))
}

fn now_shown(resource: &Resource) -> String {
    let others =
        if resource.kind.has_named_versions() { "Tokens that name no version show" } else { "Viewers see" };
    format!("{others} version {}.", resource.version)
}

fn restore_button(caller: &ConsoleCaller, resource: &Resource, number: u64) -> Markup {
    parts::confirm_safe(
        "Restore this version…",
        html! { p {
            strong { (resource.title) } " will have the content of version " (number) " again, as a new version. Version " (resource.version)
            " stays in the list. Title, parameters and who may see it do not change."
        } },
        html! {
            form method="post" action={ (path_of(resource)) "/versions/" (number) } {
                (parts::form_token(caller))
                input type="hidden" name="revision" value=(resource.revision);
                button.primary type="submit" { "Restore version " (number) }
            }
        },
    )
}

pub async fn restore(
    State(app): State<App>,
    Path(path): Path<VersionPath>,
    SignedForm { caller, fields, .. }: SignedForm<WriteResources>,
) -> PageResult {
    let of = (path.0.clone(), path.1.clone());
    let written = async {
        let revision = fields.number("revision").ok_or_else(|| Error::invalid("revision", "is required"))?;
        let (reference, number) = (named(&of)?, parse_number(&path.2)?);
        let (publisher, key) = (&app.publisher, &caller.key);
        app.versions.restore(publisher, key, &reference, number, Some(revision), Mode::Write).await
    };
    let written = match written.await {
        Ok(written) => written,
        Err(error) => return with_problem(&app, caller, &of, error).await,
    };
    match written.warnings.filter(|warnings| !warnings.is_empty()) {
        Some(warnings) => with_findings(&app, &caller, &of, "version", &warnings).await,
        None => Ok(Redirect::to(&format!("{}?done=version", path_of(&written.resource))).into_response()),
    }
}
