//! Settings: the global switch, and the parameters of the template as they are now.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::settings::{EnabledInToken, Settings};

use crate::State as App;
use crate::error_page::with_error;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};

const PATH: &str = "/console/settings";

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let note = match fields.text("done") {
        "on" => parts::done("Embedding is switched on."),
        "off" => parts::done("Embedding is switched off. Every view is refused."),
        _ => html! {},
    };
    Ok(view(&app, &caller, &note).into_response())
}

fn view(app: &App, caller: &ConsoleCaller, note: &Markup) -> impl IntoResponse + use<> {
    let content = html! {
        h1 { "Settings" }
        (note)
        section { h2 { "Embedding" } (switch(app, caller)) }
        section { h2 { "Parameters of the stack" }
            p { "They are parameters of the template. To change one, deploy with "
                code { "sam deploy --parameter-overrides NAME=VALUE" } "; in the local run, start it with " code { "--set NAME=VALUE" } "." }
            (parts::scrolling("Parameters of the stack", html! { table {
                thead { tr { th scope="col" { "Parameter" } th scope="col" { "Value" } th scope="col" { "Meaning" } } }
                tbody { @for (name, value, meaning) in parameters(&app.settings) { tr {
                    th scope="row" { code { (name) } }
                    td { @if value.is_empty() { span.muted { "empty" } } @else { (value) } }
                    td { (meaning) }
                } } }
            } }))
        }
    };
    page(caller, "Settings", Section::Settings, content)
}

fn switch(app: &App, caller: &ConsoleCaller) -> Markup {
    let seconds = app.settings.resource_cache_seconds;
    let form = |value: &'static str, class: &'static str, label: &'static str| {
        html! {
            form method="post" action=(PATH) {
                (parts::form_token(caller))
                button class=(class) type="submit" name="embedding" value=(value) { (label) }
            }
        }
    };
    html! {
        @if caller.embedding_enabled {
            p { "Embedding is on for the whole stack." }
            (parts::confirm("Switch embedding off…", html! {
                p { "Switch off " strong { "embedding of the whole stack" } "? Every view of every resource is refused within " (seconds) " seconds. You can switch it on again." }
            }, form("off", "danger", "Switch embedding off")))
        } @else {
            p { "Embedding is off for the whole stack: every view is refused." }
            (form("on", "primary", "Switch embedding on"))
        }
    }
}

pub async fn change(
    State(app): State<App>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    match set(&app, fields.text("embedding")).await {
        Ok(()) => {
            let done = query(&[("done", fields.text("embedding"))]);
            Ok(Redirect::to(&format!("{PATH}{done}")).into_response())
        }
        Err(error) if error.is_outage() => Err(Refused::of(error, caller)),
        Err(error) => Ok(with_error(view(&app, &caller, &parts::problem(&error)), error)),
    }
}

async fn set(app: &App, word: &str) -> Result<()> {
    match word {
        "on" => app.switch.set(true).await,
        "off" => app.switch.set(false).await,
        _ => Err(Error::invalid("embedding", "must be on or off")),
    }
}

/// Name, value and meaning of the parameters that decide about views.
fn parameters(settings: &Settings) -> Vec<(&'static str, String, &'static str)> {
    let list = |items: Vec<String>| items.join(", ");
    let switch = |on: bool| if on { "true" } else { "false" }.to_owned();
    let (queries, sign_in) = (&settings.queries, &settings.sign_in);
    vec![
        (
            "AllowedOrigins",
            list(settings.allowed_origins.iter().map(ToString::to_string).collect()),
            "Pages that may frame every published resource, beside each resource’s own list.",
        ),
        (
            "PublicUrl",
            settings.public_url.clone().unwrap_or_default(),
            "The address in generated links; if empty, that of each request.",
        ),
        (
            "Deployments",
            list(settings.deployments.iter().map(ToString::to_string).collect()),
            "Deployments that resources and keys may name.",
        ),
        ("EmbeddingEnabled", switch(settings.embedding_enabled), "The switch above, until it is first set."),
        (
            "RequireTokenExpiry",
            switch(settings.require_token_expiry),
            "A token without an expiry is refused.",
        ),
        (
            "MaxTokenLifetimeSeconds",
            settings.max_token_lifetime_seconds.to_string(),
            "The longest time to a token’s expiry; 0 accepts any.",
        ),
        (
            "EnabledInToken",
            match settings.enabled_in_token {
                EnabledInToken::Default => "default",
                EnabledInToken::Pinned => "pinned",
            }
            .to_owned(),
            "Whether the viewer may override a value that the token gives to an editable parameter.",
        ),
        (
            "AllowEmptyLockedList",
            switch(settings.allow_empty_locked_list),
            "An empty list of a locked parameter turns the filter off.",
        ),
        (
            "ResourceCacheSeconds",
            settings.resource_cache_seconds.to_string(),
            "The longest delay until an unpublished resource is refused.",
        ),
        (
            "KeyCacheSeconds",
            settings.key_cache_seconds.to_string(),
            "The longest delay until a retired signing key is refused.",
        ),
        (
            "KeyGraceSeconds",
            settings.key_grace_seconds.to_string(),
            "The time in which the previous signing key may still sign after a rotation.",
        ),
        ("MaxExternalUsers", settings.max_external_users.to_string(), "The most external users."),
        (
            "MaxEphemeralUsers",
            settings.max_ephemeral_users.to_string(),
            "The most users that end by themselves.",
        ),
        (
            "RevokeOnReplay",
            switch(settings.revoke_on_replay),
            "A second exchange of a session revokes the token of the first one.",
        ),
        ("Console", switch(settings.console), "The stack has this console."),
        (
            "ConsoleIssuer",
            sign_in.issuer.as_ref().map(ToString::to_string).unwrap_or_default(),
            "The provider through which people sign in to this console; if empty, they need an access key.",
        ),
        (
            "ConsoleClientId",
            sign_in.client_id.clone(),
            "The console’s client id at the provider. ConsoleClientSecretArn names the secret that has the client’s own, if it has one.",
        ),
        (
            "ConsoleGroupClaim",
            sign_in.group_claim.clone(),
            "The claim of the provider’s tokens that has a person’s groups.",
        ),
        (
            "ConsoleRoles",
            sign_in.roles.text().to_owned(),
            "What each group may do here. The first group of a person decides, and a change ends the sessions of all people.",
        ),
        ("TableRows", queries.table_rows.to_string(), "The most rows of an answer that is shown as a table."),
        ("ChartRows", queries.chart_rows.to_string(), "The most rows of an answer that is drawn as a chart."),
        ("FileRows", queries.file_rows.to_string(), "The most rows of an answer that is downloaded."),
    ]
}
