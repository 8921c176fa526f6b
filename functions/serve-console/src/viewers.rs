//! Viewers: external users, tenants, groups, attributes and service accounts, as the owner's backend has named them.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::aws::storage::external_users::UserListing;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::paging::{Page, Paging};
use vitrine::rules::viewer::attribute::AttributeDefinition;
use vitrine::rules::viewer::external_user::ExternalUser;
use vitrine::rules::viewer::service_account::ServiceAccount;
use vitrine::rules::viewer::tenant::TenantName;

use crate::State as App;
use crate::accounts;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::user_sessions;

pub const PATH: &str = "/console/viewers";

pub const SIZE: i32 = 50;

/// The tenants, groups and attributes that the first page lists.
const LISTED: i32 = 100;

struct Listed {
    users: Page<ExternalUser>,
    accounts: Page<ServiceAccount>,
    tenants: Vec<String>,
    has_more_tenants: bool,
    groups: Vec<String>,
    attributes: Vec<AttributeDefinition>,
}

/// A field of the address; none if it is empty.
pub fn given<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    Some(fields.text(name)).filter(|text| !text.is_empty())
}

async fn load(app: &App, fields: &Fields) -> Result<Listed> {
    let tenant = match given(fields, "tenant") {
        Some(name) => Some(name.parse::<TenantName>().map_err(|_| Reason::TenantNotFound)?),
        None => None,
    };
    let listing = UserListing { tenant: tenant.as_ref(), search: given(fields, "q"), group: None };
    let paging = Paging::new(Some(SIZE), given(fields, "cursor").map(str::to_owned));
    let some = Paging::new(Some(LISTED), None);
    let users = app.users.list(listing, &paging).await?;
    let accounts = accounts::load(app, fields).await?;
    let tenants = app.tenants.list(None, &some).await?;
    Ok(Listed {
        users,
        accounts,
        has_more_tenants: tenants.has_next,
        tenants: tenants.items.into_iter().map(|tenant| tenant.name.as_str().to_owned()).collect(),
        groups: app.definitions.groups(&some).await?.items,
        attributes: app.definitions.attributes(&some, |_| true).await?.items,
    })
}

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let listed = match load(&app, &fields).await {
        Ok(listed) => listed,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let content = html! {
        h1 { "Viewers" }
        @if fields.text("done") == "remove" { (parts::done("The user is removed. Open sessions end shortly.")) }
        section { h2 { "External users" } (users(&fields, &listed)) }
        div.columns {
            section { h2 { "Groups" } (groups(&listed.groups)) }
            section { h2 { "Attributes" } (definitions(&listed.attributes)) }
        }
        section { h2 { "Tenants" } (tenants(&listed)) }
        section #accounts { h2 { "Service accounts" } (accounts::list(&fields, &listed.accounts)) }
    };
    Ok(page(&caller, "Viewers", Section::Viewers, content))
}

fn users(fields: &Fields, listed: &Listed) -> Markup {
    let (words, tenant) = (fields.text("q"), fields.text("tenant"));
    let next = listed.users.next();
    let next =
        next.map(|next| format!("{PATH}{}", query(&[("q", words), ("tenant", tenant), ("cursor", next)])));
    html! {
        form.filters role="search" action=(PATH) {
            label.wide { span { "Search" } input type="search" name="q" value=(words) placeholder="Part of an email address or id"; }
            label { span { "Tenant" } input name="tenant" list="tenants" value=(tenant) placeholder="in none"; }
            datalist id="tenants" { @for name in &listed.tenants { option value=(name) {} } }
            button type="submit" { "Show" }
        }
        @if listed.users.items.is_empty() {
            div.empty { p {
                @if words.is_empty() && tenant.is_empty() && !listed.tenants.is_empty() { "Every external user is in a tenant. Choose one to see its users." }
                @else if words.is_empty() && tenant.is_empty() { "There is no external user yet. Your backend names them when it asks for a session, and tokens that it signs need none." }
                @else { "No user matches." }
            } }
        } @else {
            (parts::scrolling("External users", html! { table {
                thead { tr { th scope="col" { "Id" } th scope="col" { "Email" } th scope="col" { "Name" } th scope="col" { "Groups" } th scope="col" { "Created" } } }
                tbody { @for user in &listed.users.items { tr {
                    th scope="row" { a href={ (PATH) "/" (user.id) } { (user.external_id) } }
                    td { (user.email.as_deref().unwrap_or_default()) }
                    td { (user.display_name.as_deref().unwrap_or_default()) }
                    td { (user.groups.iter().chain(user.tenant_groups()).cloned().collect::<Vec<_>>().join(", ")) }
                    td { (parts::time(user.created_at)) }
                } } }
            } }))
        }
        @if let Some(next) = next { nav.pages aria-label="Pages" { a.button href=(next) rel="next" { "Next page" } } }
    }
}

fn groups(names: &[String]) -> Markup {
    html! {
        @if names.is_empty() { p.muted { "None is defined. " code { "POST /v1/groups" } " defines one." } }
        @else { ul.plain { @for name in names { li { (name) } } } }
    }
}

fn definitions(attributes: &[AttributeDefinition]) -> Markup {
    html! {
        @if attributes.is_empty() { p.muted { "None is defined. " code { "POST /v1/attributes" } " defines one." } }
        @else { ul.rows { @for one in attributes { li {
            code { (one.name) }
            span.muted { (type_name(one)) @if let Some(default) = &one.default_value { ", else " code { (default) } } }
        } } } }
    }
}

fn type_name(definition: &AttributeDefinition) -> String {
    let word = serde_json::to_value(definition.kind).ok();
    word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn tenants(listed: &Listed) -> Markup {
    html! {
        @if listed.tenants.is_empty() { p.muted { "There is none." } }
        @else {
            ul.rows { @for name in &listed.tenants { li {
                a href={ "/console/tenants/" (name) } { (name) }
                a href={ (PATH) (query(&[("tenant", name)])) } { "its users" }
            } } }
            @if listed.has_more_tenants { p.small { "The first " (LISTED) "." } }
        }
    }
}

/// A name of another form was never stored.
pub fn user_id(text: &str) -> Result<u64> {
    let number = text.parse().ok().filter(|number| *number > 0 && !text.starts_with(['+', '0']));
    number.ok_or_else(|| Reason::UserNotFound.into())
}

pub async fn user(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let found = async {
        let user = app.user.find_by_id(user_id(&id)?).await?.ok_or(Reason::UserNotFound)?;
        let paging = Paging::new(Some(SIZE), given(&fields, "sessions").map(str::to_owned));
        let sessions = app.user_sessions.of(user.id, &paging).await?;
        Ok((user, sessions))
    };
    let (user, sessions) = match found.await {
        Ok(found) => found,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let title = user.external_id.as_str();
    let content = html! {
        p.crumbs { a href=(PATH) { "Viewers" } " / External user" }
        h1 { (title) }
        @if fields.text("done") == "end" { (parts::done("The session is ended. Its views are refused shortly.")) }
        div.columns {
            section { h2 { "Facts" } dl {
                dt { "Number" } dd { (user.id) }
                dt { "Email" } dd { (user.email.as_deref().unwrap_or("unknown")) }
                dt { "Name" } dd { (user.display_name.as_deref().unwrap_or("unknown")) }
                dt { "Tenant" } dd { @match user.tenant_name() {
                    Some(name) => a href={ "/console/tenants/" (name) } { (name) }, None => span.muted { "none" },
                } }
                dt { "Groups" } dd { @if user.groups.is_empty() { span.muted { "none" } } @else { (user.groups.join(", ")) } }
                dt { "Groups of the tenant" } dd { @if user.tenant_groups().is_empty() { span.muted { "none" } } @else { (user.tenant_groups().join(", ")) } }
                dt { "Created" } dd { (parts::time(user.created_at)) }
                dt { "Removed" } dd { (parts::maybe_time(user.expires_at, "not by itself")) }
            } }
            section { h2 { "Attributes" }
                @if user.attributes.is_empty() { p.muted { "None. Those with a default have it." } }
                @else { (values(&user.attributes)) }
            }
        }
        section { h2 { "Sessions" }
            (user_sessions::list(&caller, user.id, &sessions))
            p.small { "Removing the user ends all of them within " (app.settings.resource_cache_seconds) " seconds. Tokens that your backend signs by itself are no sessions." }
            (remove_button(&caller, &user))
        }
    };
    Ok(page(&caller, title, Section::Viewers, content))
}

pub fn values(attributes: &std::collections::BTreeMap<String, serde_json::Value>) -> Markup {
    html! { dl { @for (name, value) in attributes { dt { code { (name) } } dd { code { (value) } } } } }
}

fn remove_button(caller: &ConsoleCaller, user: &ExternalUser) -> Markup {
    parts::confirm(
        "Remove the user…",
        html! { p { "Remove " strong { (user.external_id) } " with the attributes above? Every open view of this user ends. A new session creates the user again." } },
        html! {
            form method="post" action={ (PATH) "/" (user.id) "/remove" } {
                (parts::form_token(caller))
                button.danger type="submit" { "Remove " (user.external_id) }
            }
        },
    )
}

pub async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    SignedForm { caller, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    let removed = async { app.user_remover.remove(user_id(&id)?).await };
    match removed.await {
        Ok(()) => Ok(Redirect::to(&format!("{PATH}?done=remove")).into_response()),
        Err(error) => Err(Refused::of(error, caller)),
    }
}

pub async fn tenant(
    State(app): State<App>,
    Path(name): Path<String>,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let found = async {
        let name: TenantName = name.parse().map_err(|_| Reason::TenantNotFound)?;
        app.tenants.find_with_groups(&name).await?.ok_or_else(|| Reason::TenantNotFound.into())
    };
    let found = match found.await {
        Ok(found) => found,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let tenant = &found.tenant;
    let title = tenant.name.as_str();
    let content = html! {
        p.crumbs { a href=(PATH) { "Viewers" } " / Tenant" }
        h1 { (title) }
        section { dl {
            dt { "Name" } dd { (tenant.display_name.as_deref().unwrap_or("unknown")) }
            dt { "Users" } dd { a href={ (PATH) (query(&[("tenant", title)])) } { (tenant.users) } ", without those that end by themselves" }
            dt { "Created" } dd { (parts::time(tenant.created_at)) }
        } }
        div.columns {
            section { h2 { "Groups" }
                @if found.groups.is_empty() { p.muted { "None." } }
                @else { ul.rows { @for group in &found.groups { li { (group.name) span.muted { (group.users) @if group.users == 1 { " user" } @else { " users" } } } } } }
            }
            section { h2 { "Attributes" } (definitions(&found.attributes)) }
        }
    };
    Ok(page(&caller, title, Section::Viewers, content))
}
