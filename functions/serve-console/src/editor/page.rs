//! The page of the editor.

use axum::response::Response;
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::{Need, StackAdmin};
use vitrine::rules::resource::ids::Kind;

use super::board_fields::{self, Surroundings};
use super::document::{is_on, items, shown, text};
use super::form::EditorForm;
use super::{Draft, EditorNotes, Shape, content_fields, parameter_fields};
use crate::State as App;
use crate::layout::{Section, page};
use crate::resource::{found, path_of};
use crate::{assets, parts};

pub fn show(
    app: &App,
    caller: &ConsoleCaller,
    draft: &Draft,
    around: &Surroundings,
    notes: &EditorNotes,
) -> Response {
    let issues = notes.problem.as_ref().map(|error| error.issues.as_slice()).unwrap_or_default();
    let form = EditorForm { issues };
    let title = title(draft);
    let content = html! {
        link rel="stylesheet" href=(assets::path_of("editor.css"));
        script type="module" src=(assets::path_of("editor.js")) {}
        p.crumbs {
            a href={ (crate::PATH) "/resources" } { "Resources" }
            @if let Some((resource, _)) = &draft.present { " / " a href=(path_of(resource)) { (resource.title) } }
        }
        h1 { (title) }
        (said(&form, notes))
        form.embed.editor method="post" action=(draft.path) {
            (parts::form_token(caller))
            // The first button is the one that Enter presses: it must not store anything.
            button.hidden type="submit" name="action" value="update" tabindex="-1" formnovalidate { "Update" }
            @if let Some((_, revision)) = &draft.present { input type="hidden" name="revision" value=(revision); }
            (common(app, caller, &form, draft))
            (content(&form, draft, around))
            @if matches!(draft.shape, Shape::Html | Shape::Url | Shape::Dashboard) {
                section { h2 { "Parameters" } (parameter_fields::show(&form, &draft.document)) }
            }
            @if draft.shape == Shape::Question && StackAdmin::check(&caller.key).is_ok() { (preview()) }
            (buttons(draft))
        }
    };
    page(caller, &title, Section::Resources, content)
}

fn title(draft: &Draft) -> String {
    match (&draft.present, draft.shape) {
        (Some((resource, _)), _) => format!("Edit {}", resource.title),
        (None, Shape::Question) => "New question".to_owned(),
        (None, Shape::Dashboard) => "New dashboard".to_owned(),
        (None, Shape::Html) if draft.kind == Kind::Dive && !draft.has_kinds => "New dive".to_owned(),
        (None, Shape::Html) => "New page of HTML".to_owned(),
        (None, Shape::Url) => "New page of your site".to_owned(),
    }
}

fn said(form: &EditorForm<'_>, notes: &EditorNotes) -> Markup {
    html! {
        @match &notes.problem {
            Some(_) if !notes.theirs.is_empty() => {
                div.note.warn role="alert" id="theirs" {
                    p { strong { "Somebody else changed this in the meantime." } " Your version is below and is not stored. Saving it again replaces theirs, which has:" }
                    dl { @for (path, text) in &notes.theirs {
                        dt { code { (path) } }
                        dd { @if text.is_empty() { span { "nothing" } } @else { pre.source tabindex="0" { code { (text) } } } }
                    } }
                }
            }
            Some(error) => (form.summary(&error.message)),
            None => {}
        }
        @if let Some(done) = notes.done { (parts::done(done)) }
        (found(&notes.warnings))
    }
}

fn common(app: &App, caller: &ConsoleCaller, form: &EditorForm<'_>, draft: &Draft) -> Markup {
    let document = &draft.document;
    let origins: Vec<_> =
        items(document, "/allowed_origins").iter().map(|origin| shown(Some(origin))).collect();
    let kinds = Kind::ALL.map(|kind| (kind.word(), parts::kind_name(kind)));
    html! {
        section {
            h2 { "About it" }
            div.pair {
                (form.text("Title", "title", text(document, "/title"), "Revenue by month"))
                @if draft.has_kinds { (form.choice("Stored as", "kind", draft.kind.word(), &kinds)) }
                @if app.settings.deployments.len() > 1 && draft.present.is_none() {
                    label { span { "Deployment" } select id="deployment" name="deployment" {
                        @for deployment in caller.key.reach.reachable(&app.settings) {
                            option value=(deployment) selected[shown(document.get("deployment")) == deployment.to_string()] { (deployment) }
                        }
                    } }
                }
            }
            (form.area("Description", "description", text(document, "/description"), 2, ""))
            (form.area("Pages that may frame it: one origin a line", "allowed_origins", &origins.join("\n"), 2, "https://app.example.com"))
            (form.check("Viewers may download", "allow_downloads", is_on(document, "/allow_downloads")))
        }
    }
}

fn content(form: &EditorForm<'_>, draft: &Draft, around: &Surroundings) -> Markup {
    let content = &draft.document["content"];
    match draft.shape {
        Shape::Question => content_fields::show_question(form, content, draft.sent_settings.as_deref()),
        Shape::Html => content_fields::show_html(form, content, &draft.stored_names),
        Shape::Url => content_fields::show_url(form, content),
        Shape::Dashboard => board_fields::show(form, &draft.document, around),
    }
}

/// A place that the script fills while the SQL is written.
fn preview() -> Markup {
    html! {
        section id="try" hidden {
            h2 { "Preview" }
            p.small { "The first rows, as a viewer without attributes and with the defaults of the tags." }
            div data-chart {}
            div data-rows {}
            p.muted data-state role="status" {}
        }
    }
}

fn buttons(draft: &Draft) -> Markup {
    let present = draft.present.as_ref().map(|(resource, _)| resource);
    let is_shown = present.is_some_and(|resource| resource.enable_embedding);
    let is_archived = present.is_some_and(|resource| resource.archived);
    html! {
        div.actions.bar {
            @if is_shown || is_archived { button.primary type="submit" name="action" value="save" { "Save" } }
            @else {
                button.primary type="submit" name="action" value="publish" { "Save and publish" }
                button type="submit" name="action" value="save" { "Save as a draft" }
            }
            button type="submit" name="action" value="check" { "Check" }
            button.quiet type="submit" name="action" value="update" formnovalidate { "Update" }
            @if let Some(resource) = present { a.button.quiet href={ (path_of(resource)) "/embed" } { "Embed this" } }
        }
        p.small { "“Check” says what is wrong and stores nothing. “Update” shows rows for new tags and parameters." }
    }
}
