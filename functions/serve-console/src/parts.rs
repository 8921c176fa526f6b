//! Parts of pages.

use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::rules::clock::Timestamp;
use vitrine::rules::error::{Error, Issue};
use vitrine::rules::resource::ResourceSummary;

use crate::request::FORM_TOKEN;

/// The hidden field that each form of a session carries.
pub fn form_token(caller: &ConsoleCaller) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(caller.form_token); }
}

/// The message of a refusal, and each problem with its place.
pub fn problem(error: &Error) -> Markup {
    html! {
        div.note.bad role="alert" {
            p { (error.message) }
            @if !error.issues.is_empty() { (issues(error.issues.iter())) }
        }
    }
}

pub fn issues<'a>(issues: impl Iterator<Item = &'a Issue>) -> Markup {
    html! {
        ul {
            @for issue in issues {
                li { @if !issue.path.is_empty() { code { (issue.path) } " " } (issue.message) }
            }
        }
    }
}

/// A sentence about something that was done.
pub fn done(text: &str) -> Markup {
    html! { p.note.good role="status" { (text) } }
}

/// A moment as people read it, in UTC.
pub fn time(moment: Timestamp) -> Markup {
    let text = moment.to_string();
    let shown = text.get(..16).unwrap_or(&text).replace('T', " ");
    html! { time datetime=(text) title=(text) { (shown) " UTC" } }
}

pub fn maybe_time(moment: Option<Timestamp>, otherwise: &str) -> Markup {
    html! { @match moment { Some(moment) => (time(moment)), None => span.muted { (otherwise) } } }
}

/// The state of a resource, in a word.
pub fn state(enable_embedding: bool, archived: bool) -> Markup {
    html! {
        @if archived { span.tag.archived { "Archived" } }
        @else if enable_embedding { span.tag.published { "Published" } }
        @else { span.tag { "Draft" } }
    }
}

pub fn kind_name(kind: vitrine::rules::resource::ids::Kind) -> &'static str {
    use vitrine::rules::resource::ids::Kind;
    match kind {
        Kind::Dashboard => "Dashboard",
        Kind::Question => "Question",
        Kind::Dive => "Dive",
    }
}

/// The path of a resource's page.
pub fn path_of(resource: &ResourceSummary) -> String {
    format!("{}/resources/{}/{}", crate::PATH, resource.kind, resource.id)
}

/// A button that opens a question before the form in it can be sent. It says what will be gone.
pub fn confirm(button: &str, question: Markup, form: Markup) -> Markup {
    asking("danger", button, question, form)
}

/// The same for what takes nothing away.
pub fn confirm_safe(button: &str, question: Markup, form: Markup) -> Markup {
    asking("safe", button, question, form)
}

fn asking(class: &str, button: &str, question: Markup, form: Markup) -> Markup {
    html! {
        details.confirm {
            summary.button.(class) { (button) }
            div.panel { div { (question) } (form) }
        }
    }
}

/// A sentence in which names stand between backticks.
pub fn with_names(text: &str) -> Markup {
    let parts: Vec<_> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    html! {
        @if !is_paired { (text) }
        @else { @for (index, part) in parts.iter().enumerate() { @if index % 2 == 1 { code { (part) } } @else { (part) } } }
    }
}

/// The ways to a new resource.
pub fn new_resource() -> Markup {
    let links = [
        ("question", "New question"),
        ("dashboard", "New dashboard"),
        ("dive", "New dive"),
        ("html", "New HTML page"),
        ("url", "New page of your site"),
    ];
    html! {
        div.actions { @for (what, label) in links { a.button href={ (crate::PATH) "/new/" (what) } { (label) } } }
    }
}

/// A table that scrolls by itself on a narrow screen.
pub fn scrolling(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_between_backticks_are_marked_and_nothing_becomes_markup() {
        for (text, expected) in [
            ("no name", "no name"),
            ("`exp` is over", "<code>exp</code> is over"),
            ("leave `kid` out, or `alg`", "leave <code>kid</code> out, or <code>alg</code>"),
            ("one ` alone", "one ` alone"),
            ("`<b>`", "<code>&lt;b&gt;</code>"),
            ("", ""),
        ] {
            assert_eq!(with_names(text).into_string(), expected, "{text}");
        }
    }
}
