//! The signing keys on the page of keys.

use axum::extract::{Path, State};
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::app::retire_signing_key::SigningKeyStatus;
use vitrine::http::caller::StackAdmin;

use crate::State as App;
use crate::access_keys::back;
use crate::parts;
use crate::request::{PageResult, Refused, SignedForm};

pub fn section(caller: &ConsoleCaller, keys: &[SigningKeyStatus]) -> Markup {
    html! {
        section {
            h2 { "Signing keys" }
            p.small {
                "Your server signs tokens with the first one. The stack rotates it by itself; to do it now, run "
                code { "aws secretsmanager rotate-secret --secret-id SIGNING_SECRET_ARN" } "."
            }
            @if keys.is_empty() { div.empty { p { "There is no signing key yet. The first rotation creates one." } } }
            @else { (table(caller, keys)) }
        }
    }
}

fn table(caller: &ConsoleCaller, keys: &[SigningKeyStatus]) -> Markup {
    parts::scrolling(
        "Signing keys",
        html! { table {
            thead { tr {
                th scope="col" { "Key" } th scope="col" { "Created" } th scope="col" { "Last use" } th scope="col" { "Verifies until" }
                th scope="col" { span.hidden { "Retire" } }
            } }
            tbody { @for key in keys { tr {
                th scope="row" { code { (key.kid) } @if key.is_signing { " " span.tag.published { "signs" } } @else if key.is_safe_to_retire { " " span.tag { "safe to retire" } } }
                td { (parts::maybe_time(key.created_at, "unknown")) }
                td { (parts::maybe_time(key.usage.last, "never")) }
                td { (parts::maybe_time(key.verifies_until, "no end")) }
                td { @if !key.is_signing { (retire_button(caller, key)) } }
            } } }
        } },
    )
}

fn retire_button(caller: &ConsoleCaller, key: &SigningKeyStatus) -> Markup {
    parts::confirm(
        "Retire…",
        html! {
            p { "Retire the signing key " code { (key.kid) } "? Every token that it signed is refused from then on. This cannot be undone." }
            @if !key.is_safe_to_retire { p.note.warn { "Tokens that it signed may still be in use." } }
        },
        html! {
            form method="post" action={ (crate::PATH) "/signing-keys/" (key.kid) "/retire" } {
                (parts::form_token(caller))
                @if !key.is_safe_to_retire { input type="hidden" name="force" value="true"; }
                button.danger type="submit" { "Retire it" }
            }
        },
    )
}

pub async fn retire(
    State(app): State<App>,
    Path(kid): Path<String>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    match app.signing_keys.retire(&kid, fields.text("force") == "true").await {
        Ok(()) => Ok(back("retire")),
        Err(error) => Err(Refused::of(error, caller)),
    }
}
