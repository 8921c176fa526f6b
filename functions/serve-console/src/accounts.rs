//! Service accounts and their tokens.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect};
use maud::{Markup, html};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::StackAdmin;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::paging::{Page, Paging};
use vitrine::rules::viewer::service_account::{AccountName, AccountToken, ServiceAccount};

use crate::State as App;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::viewers;

const PATH: &str = "/console/accounts";

/// The accounts that the page of viewers lists.
pub async fn load(app: &App, fields: &Fields) -> Result<Page<ServiceAccount>> {
    let paging =
        Paging::new(Some(viewers::SIZE), viewers::given(fields, "accounts_cursor").map(str::to_owned));
    app.account_list.list(viewers::given(fields, "account"), &paging).await
}

pub fn list(fields: &Fields, accounts: &Page<ServiceAccount>) -> Markup {
    let words = fields.text("account");
    let address = |next| {
        format!("{}{}#accounts", viewers::PATH, query(&[("account", words), ("accounts_cursor", next)]))
    };
    html! {
        (search(words))
        @if accounts.items.is_empty() {
            div.empty { p {
                @if words.is_empty() { "There is no service account yet. " code { "POST /v1/users" } " makes one." }
                @else { "No service account matches." }
            } }
        } @else {
            (parts::scrolling("Service accounts", html! { table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Email" } th scope="col" { "Role" } th scope="col" { "Created" } } }
                tbody { @for account in &accounts.items { tr {
                    @let name = account.username.to_string();
                    th scope="row" { a href={ (PATH) (query(&[("username", &name)])) } { (name) } }
                    td { @if let Some(email) = &account.email { (email) } }
                    td { (account.role.word()) }
                    td { (parts::time(account.created_at)) }
                } } }
            } }))
        }
        @if let Some(next) = accounts.next() {
            nav.pages aria-label="Pages of service accounts" { a.button href=(address(next)) rel="next" { "Next page" } }
        }
    }
}

fn search(words: &str) -> Markup {
    html! {
        form.filters role="search" aria-label="Service accounts" action={ (viewers::PATH) "#accounts" } {
            label.wide { span { "Search service accounts" }
                input type="search" name="account" value=(words) placeholder="Part of a name or email address"; }
            button type="submit" { "Show" }
        }
    }
}

async fn find(app: &App, fields: &Fields) -> Result<ServiceAccount> {
    let name: AccountName = fields.text("username").parse().map_err(|_| Reason::AccountNotFound)?;
    app.accounts.find_named(&name).await?.ok_or_else(|| Reason::AccountNotFound.into())
}

pub async fn show(
    State(app): State<App>,
    RawQuery(asked): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(asked.unwrap_or_default().as_bytes());
    let found = async {
        let account = find(&app, &fields).await?;
        let tokens = app.account_tokens.of(&account, app.clock.now()).await?;
        Ok((account, tokens))
    };
    let (account, tokens) = match found.await {
        Ok(found) => found,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let title = account.username.to_string();
    let content = html! {
        p.crumbs { a href=(viewers::PATH) { "Viewers" } " / Service account" }
        h1 { (title) }
        @if fields.text("done") == "end" { (parts::done("The token is ended. The next request with it is refused.")) }
        div.columns {
            section { h2 { "Facts" } dl {
                dt { "Role" } dd { (account.role.word()) }
                dt { "Created" } dd { (parts::time(account.created_at)) }
            } }
            section { h2 { "Attributes" }
                @if account.attributes.is_empty() { p.muted { "None." } } @else { (viewers::values(&account.attributes)) } }
        }
        section { h2 { "Tokens" } (token_list(&caller, &title, &tokens)) }
        section { h2 { "Other accounts" } (search("")) }
    };
    Ok(page(&caller, &title, Section::Viewers, content))
}

fn token_list(caller: &ConsoleCaller, account: &str, tokens: &[AccountToken]) -> Markup {
    html! {
        @if tokens.is_empty() {
            div.empty { p { "It has no token. " code { "POST /v1/users/" (account) "/tokens" } " makes one, and shows it once." } }
        } @else {
            (parts::scrolling("Tokens", html! { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Id" } th scope="col" { "Created" } th scope="col" { "Ends" }
                    th scope="col" { span.hidden { "End it" } }
                } }
                tbody { @for token in tokens { tr {
                    th scope="row" { (token.name) }
                    td { code { (token.id) } }
                    td { (parts::time(token.created_at)) }
                    td { (parts::maybe_time(token.expires_at, "not by itself")) }
                    td { (end_button(caller, account, token)) }
                } } }
            } }))
        }
    }
}

fn end_button(caller: &ConsoleCaller, account: &str, token: &AccountToken) -> Markup {
    parts::confirm(
        "End…",
        html! { p { "End the token " strong { (token.name) } " of " (account) "? Whoever uses it is refused from then on. This cannot be undone." } },
        html! {
            form method="post" action={ (PATH) "/tokens/end" } {
                (parts::form_token(caller))
                input type="hidden" name="username" value=(account);
                input type="hidden" name="id" value=(token.id);
                button.danger type="submit" { "End it" }
            }
        },
    )
}

pub async fn end_token(
    State(app): State<App>,
    SignedForm { caller, fields, .. }: SignedForm<StackAdmin>,
) -> PageResult {
    let ended = async {
        let (account, id) = (find(&app, &fields).await?, fields.text("id"));
        let tokens = app.account_tokens.of(&account, app.clock.now()).await?;
        if !tokens.iter().any(|token| token.id == id) {
            return Err(Reason::AccountNotFound.into());
        }
        app.account_tokens.end(&account, id).await.map(|()| account)
    };
    match ended.await {
        Ok(account) => {
            let name = account.username.to_string();
            let back = query(&[("username", name.as_str()), ("done", "end")]);
            Ok(Redirect::to(&format!("{PATH}{back}")).into_response())
        }
        Err(error) => Err(Refused::of(error, caller)),
    }
}
