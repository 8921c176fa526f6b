//! The sessions of the console that the caller may end.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use vitrine::app::open_console::{ConsoleCaller, ListedSession};
use vitrine::http::caller::Anybody;

use crate::State as App;
use crate::fields::Fields;
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<Anybody>,
) -> PageResult {
    let sessions = match app.console.sessions(&caller).await {
        Ok(sessions) => sessions,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let content = html! {
        h1 { "Sessions" }
        @if fields.text("done") == "end" { (parts::done("The session is ended. Its next request leads to the sign-in.")) }
        p { "Browsers that are signed in to this console: those of your own, and for an admin of the whole stack all of them." }
        (table(&caller, &sessions))
    };
    Ok(page(&caller, "Sessions", Section::Sessions, content))
}

fn table(caller: &ConsoleCaller, sessions: &[ListedSession]) -> Markup {
    parts::scrolling(
        "Sessions",
        html! { table {
            thead { tr {
                th scope="col" { "Access key or person" } th scope="col" { "Signed in" } th scope="col" { "Last request" } th scope="col" { "Ends" }
                th scope="col" { "Browser" } th scope="col" { span.hidden { "End" } }
            } }
            tbody { @for one in sessions { tr {
                th scope="row" { (one.session.key_name) @if one.is_own { " " span.tag.published { "this one" } } }
                td { (parts::time(one.session.started_at)) }
                td { (parts::time(one.seen_at)) }
                td { (parts::time(one.session.ends_at(one.seen_at))) }
                td { @if one.session.browser.is_empty() { span.muted { "unknown" } } @else { (one.session.browser) } }
                td { @if !one.is_own { (end_button(caller, one)) } }
            } } }
        } },
    )
}

fn end_button(caller: &ConsoleCaller, one: &ListedSession) -> Markup {
    parts::confirm(
        "End…",
        html! { p { "End the session of " strong { (one.session.key_name) } " that began " (parts::time(one.session.started_at)) "?" } },
        html! {
            form method="post" action={ (crate::PATH) "/sessions/" (one.handle) "/end" } {
                (parts::form_token(caller))
                button.danger type="submit" { "End it" }
            }
        },
    )
}

pub async fn end(
    State(app): State<App>,
    Path(handle): Path<String>,
    SignedForm { caller, .. }: SignedForm<Anybody>,
) -> PageResult {
    match app.console.end(&caller, &handle).await {
        Ok(()) => Ok(Redirect::to(&format!("{}/sessions?done=end", crate::PATH)).into_response()),
        Err(error) => Err(Refused::of(error, caller)),
    }
}
