//! The frame of every page.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::{Admin, ListResources, Need, StackAdmin};

use crate::assets;
use crate::parts;

/// The entry of the menu that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Home,
    Resources,
    Data,
    Viewers,
    Keys,
    Refusals,
    Sessions,
    Settings,
    None,
}

struct Entry {
    section: Section,
    path: &'static str,
    name: &'static str,
    is_shown: bool,
}

/// The entries that the caller's key can open.
fn menu(caller: &ConsoleCaller) -> Vec<Entry> {
    let key = &caller.key;
    let entry = |section, path, name, is_shown| Entry { section, path, name, is_shown };
    let all = [
        entry(Section::Home, "", "Home", true),
        entry(Section::Resources, "/resources", "Resources", ListResources::check(key).is_ok()),
        entry(Section::Data, "/data", "Data", StackAdmin::check(key).is_ok()),
        entry(Section::Viewers, "/viewers", "Viewers", StackAdmin::check(key).is_ok()),
        entry(Section::Keys, "/keys", "Keys", Admin::check(key).is_ok()),
        entry(Section::Refusals, "/refusals", "Refused views", StackAdmin::check(key).is_ok()),
        entry(Section::Sessions, "/sessions", "Sessions", true),
        entry(Section::Settings, "/settings", "Settings", StackAdmin::check(key).is_ok()),
    ];
    all.into_iter().filter(|entry| entry.is_shown).collect()
}

/// A page for a signed-in caller.
pub fn page(caller: &ConsoleCaller, title: &str, section: Section, content: Markup) -> Response {
    document(
        title,
        html! {
            header.top {
                (mark())
                nav aria-label="Console" {
                    @for entry in menu(caller) {
                        a href={ (crate::PATH) (entry.path) } aria-current=[(entry.section == section).then_some("page")] {
                            (entry.name)
                        }
                    }
                }
                form.out method="post" action={ (crate::PATH) "/sign-out" } {
                    (parts::form_token(caller))
                    span.who title={ @if !caller.is_person() { "Access key " } (caller.key.id) } { (caller.key.name) }
                    button.quiet type="submit" { "Sign out" }
                }
            }
            @if !caller.embedding_enabled {
                p.banner { "Embedding is switched off for the whole stack: every view is refused until it is switched on again." }
            }
            main id="main" { (content) }
        },
    )
}

/// A page for somebody who is not signed in.
pub fn plain_page(title: &str, content: Markup) -> Response {
    document(title, html! { main.alone id="main" { (mark()) (content) } })
}

fn mark() -> Markup {
    html! {
        a.mark href=(crate::PATH) {
            svg viewBox="0 0 16 16" aria-hidden="true" { path d="M2 2h12v12H2zM5 11V8m3 3V5m3 6V7"; }
            "Vitrine"
        }
    }
}

const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='none' \
     stroke='%230a6a65' stroke-width='2' d='M2 2h12v12H2zM5 11V8m3 3V5m3 6V7'/%3E%3C/svg%3E";

fn document(title: &str, body: Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Vitrine" }
                link rel="icon" href=(PreEscaped(ICON));
                link rel="stylesheet" href=(assets::path_of("console.css"));
                script type="module" src=(assets::path_of("console.js")) {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (body)
            }
        }
    };
    Html(document.into_string()).into_response()
}
