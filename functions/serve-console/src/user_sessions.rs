//! The sessions of an external user, on the user's page.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::aws::storage::sessions::UserSession;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::paging::Page;
use vitrine::rules::session::SessionState;

use crate::State as App;
use crate::fields::query;
use crate::parts;
use crate::request::{PageResult, Refused, SignedForm};
use crate::viewers::{PATH, user_id};

pub fn list(caller: &ConsoleCaller, user: u64, sessions: &Page<UserSession>) -> Markup {
    html! {
        @if sessions.items.is_empty() { p.muted { "None is open." } }
        @else {
            (parts::scrolling("Sessions", html! { table {
                thead { tr {
                    th scope="col" { "Started" } th scope="col" { "Opens" } th scope="col" { "State" } th scope="col" { "Ends" }
                    th scope="col" { span.hidden { "End it" } }
                } }
                tbody { @for one in &sessions.items { tr {
                    th scope="row" { (parts::time(one.session.created_at)) }
                    td { (opens(one)) }
                    td { @if one.state == SessionState::Redeemed { "in use" } @else { "not yet used" } }
                    td { (parts::time(one.ends_at)) }
                    td { (end_button(caller, user, one)) }
                } } }
            } }))
        }
        @if let Some(next) = sessions.next() {
            nav.pages aria-label="Pages of sessions" { a.button href={ (PATH) "/" (user) (query(&[("sessions", next)])) } rel="next" { "Older sessions" } }
        }
    }
}

fn opens(one: &UserSession) -> Markup {
    let grant = &one.session.grant;
    html! {
        @match (&grant.resource, grant.deployment) {
            (Some((kind, id)), _) => a href={ (crate::PATH) "/resources/" (kind) "/" (id) } { (parts::kind_name(*kind)) " " (id) },
            (None, Some(deployment)) => { "Everything in deployment " (deployment) },
            (None, None) => "Everything",
        }
    }
}

fn end_button(caller: &ConsoleCaller, user: u64, one: &UserSession) -> Markup {
    parts::confirm(
        "End…",
        html! { p { "End the session that was started " strong { (parts::time(one.session.created_at)) } "? Its views are refused shortly. The viewer can start another through your site." } },
        html! {
            form method="post" action={ (PATH) "/" (user) "/sessions/" (one.handle) "/end" } {
                (parts::form_token(caller))
                button.danger type="submit" { "End the session" }
            }
        },
    )
}

pub async fn end(
    State(app): State<App>,
    Path((id, session)): Path<(String, String)>,
    SignedForm { caller, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    let ended = async {
        let id = user_id(&id)?;
        app.session_ender.end(id, &session).await.map(|()| id)
    };
    match ended.await {
        Ok(id) => Ok(Redirect::to(&format!("{PATH}/{id}?done=end")).into_response()),
        Err(error) => Err(Refused::of(error, caller)),
    }
}
