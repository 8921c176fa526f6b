//! Keys: access keys, which call the API, and signing keys.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use vitrine::app::create_access_key::{CreatedAccessKey, NewAccessKey};
use vitrine::app::open_console::ConsoleCaller;
use vitrine::http::caller::{Admin, Need, StackAdmin};
use vitrine::rules::access_key::AccessKey;
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::paging::Paging;
use vitrine::rules::permission::Permission;
use vitrine::rules::resource::ids::Deployment;
use vitrine::rules::viewer::role::Role;

use crate::State as App;
use crate::error_page::with_error;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};
use crate::signing_keys;

const SIZE: i32 = 100;
const DAY_SECONDS: i64 = 86_400;

const PERMISSIONS: [(Permission, &str); 4] = [
    (Permission::ResourcesWrite, "Store, publish and remove resources"),
    (Permission::ResourcesList, "List resources"),
    (Permission::SessionsCreate, "Create sessions for viewers"),
    (Permission::Introspect, "Ask what a token grants"),
];

const ROLES: [(&str, &str); 2] = [("member", "Limited to the permissions below"), ("admin", "Everything")];

const LIVES: [(&str, &str); 4] =
    [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")];

/// The messages beside the lists.
enum Note {
    Nothing,
    Done(&'static str),
    Created(CreatedAccessKey),
    Problem(Error),
}

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<Admin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let note = match fields.text("done") {
        "remove" => Note::Done("The access key is removed. The next request with it is refused."),
        "retire" => Note::Done("The signing key is retired. It no longer verifies tokens."),
        _ => Note::Nothing,
    };
    list(&app, caller, &fields, note).await
}

async fn list(app: &App, caller: ConsoleCaller, fields: &Fields, note: Note) -> PageResult {
    let after = Some(fields.text("cursor")).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    let found = app.keys.list(&caller.key.reach, &Paging::new(Some(SIZE), after)).await;
    let signing = async {
        match StackAdmin::check(&caller.key) {
            Ok(()) => app.signing_keys.list().await.map(Some),
            Err(_) => Ok(None),
        }
    };
    let (found, signing) = match (found, signing.await) {
        (Ok(found), Ok(signing)) => (found, signing),
        (Err(error), _) | (_, Err(error)) => return Err(Refused::of(error, caller)),
    };
    let next = found.next().map(|next| format!("{}/keys{}", crate::PATH, query(&[("cursor", next)])));
    let content = html! {
        h1 { "Keys" }
        @match &note {
            Note::Nothing => {},
            Note::Done(text) => (parts::done(text)),
            Note::Problem(error) => (parts::problem(error)),
            Note::Created(created) => (new_key(created)),
        }
        section {
            h2 { "Access keys" }
            p.small { "Programs call the API with an access key, and people sign in here with one. Only its hash is stored." }
            @if found.items.is_empty() {
                div.empty { p { "There is no access key yet. Create one for each program, with no more permissions than it needs." } }
            } @else { (table(&caller, &found.items)) }
            @if let Some(next) = &next { nav.pages aria-label="Pages" { a.button href=(next) rel="next" { "Next page" } } }
        }
        section {
            h2 { "New access key" }
            (form(app, &caller, fields))
        }
        @if let Some(keys) = signing { (signing_keys::section(&caller, &keys)) }
    };
    let page = page(&caller, "Keys", Section::Keys, content);
    Ok(match note {
        Note::Problem(error) => with_error(page, error),
        Note::Created(_) => (StatusCode::CREATED, page).into_response(),
        Note::Nothing | Note::Done(_) => page,
    })
}

fn new_key(created: &CreatedAccessKey) -> Markup {
    html! {
        div.note.good role="status" id="created" {
            p { "The key " strong { (created.record.name) } " is created. It is shown this once: copy it now." }
            pre tabindex="0" { code id="new-key" { (created.key) } }
        }
    }
}

fn table(caller: &ConsoleCaller, keys: &[AccessKey]) -> Markup {
    parts::scrolling(
        "Access keys",
        html! { table {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "Id" } th scope="col" { "May" } th scope="col" { "Deployments" }
                th scope="col" { "Created" } th scope="col" { "Ends" } th scope="col" { span.hidden { "Remove" } }
            } }
            tbody { @for key in keys { tr {
                th scope="row" { (key.name) @if key.id == caller.key.id { " " span.tag { "yours" } } }
                td { code { (key.id) } }
                td { (may(key)) }
                td { (deployments(key)) }
                td { (parts::time(key.created_at)) }
                td { (parts::maybe_time(key.expires_at, "never")) }
                td { (remove_button(caller, key)) }
            } } }
        } },
    )
}

fn may(key: &AccessKey) -> Markup {
    html! {
        @if key.role == Role::Admin { "everything" }
        @else if key.permissions.is_empty() { span.muted { "nothing" } }
        @else { ul.plain { @for permission in &key.permissions { li { code { (permission.word()) } } } } }
    }
}

fn deployments(key: &AccessKey) -> String {
    match key.reach.filter() {
        None => "all".to_owned(),
        Some(listed) => listed.map(|one| one.to_string()).collect::<Vec<_>>().join(", "),
    }
}

fn remove_button(caller: &ConsoleCaller, key: &AccessKey) -> Markup {
    html! {
        @if caller.key.require_control(key).is_ok() {
            (parts::confirm("Remove…", html! {
                p { "Remove the access key " strong { (key.name) } "? The next request with it is refused, and its console sessions end. This cannot be undone." }
            }, html! {
                form method="post" action={ (crate::PATH) "/keys/" (key.id) "/remove" } {
                    (parts::form_token(caller))
                    button.danger type="submit" { "Remove " (key.name) }
                }
            }))
        }
    }
}

fn form(app: &App, caller: &ConsoleCaller, fields: &Fields) -> Markup {
    let role = if fields.text("role") == "admin" { "admin" } else { "member" };
    html! {
        form.stack method="post" action={ (crate::PATH) "/keys" } {
            (parts::form_token(caller))
            label { span { "Name" } input name="name" required maxlength="255" value=(fields.text("name")) placeholder="The program or the person that uses it"; }
            fieldset { legend { "May do" }
                @for (word, label) in ROLES {
                    label.choice { input type="radio" name="role" value=(word) checked[role == word]; (label) }
                }
            }
            fieldset { legend { "Permissions" }
                @for (permission, label) in PERMISSIONS {
                    label.choice {
                        input type="checkbox" name="permission" value=(permission.word()) checked[fields.all("permission").any(|word| word == permission.word())];
                        span { (label) " " code { (permission.word()) } }
                    }
                }
            }
            @if app.settings.deployments.len() > 1 {
                fieldset { legend { "Limited to deployments" }
                    @for deployment in caller.key.reach.reachable(&app.settings) {
                        label.choice {
                            input type="checkbox" name="deployment" value=(deployment) checked[fields.all("deployment").any(|word| word == deployment.to_string())];
                            "Deployment " (deployment)
                        }
                    }
                    p.small { "None chosen means all." }
                }
            }
            label { span { "Ends" } select name="days" {
                @for (word, label) in LIVES { option value=(word) selected[fields.text("days") == word] { (label) } }
            } }
            div.actions { button.primary type="submit" { "Create the key" } }
        }
    }
}

/// A new key as the form describes it.
fn wanted(app: &App, fields: &Fields) -> Result<NewAccessKey> {
    let permission = |word: &str| {
        let known = PERMISSIONS.iter().find(|(permission, _)| permission.word() == word);
        known.map(|known| known.0).ok_or_else(|| Error::invalid("permissions", "is not known"))
    };
    let deployment = |word: &str| {
        let number = word.parse().ok().and_then(|number| Deployment::new(number).ok());
        number.ok_or_else(|| Error::invalid("deployments", "must be deployments of this stack"))
    };
    let days = match fields.text("days") {
        "" => None,
        text => {
            let days = text.parse::<i64>().ok().filter(|days| (1..=3_650).contains(days));
            Some(days.ok_or_else(|| Error::invalid("days", "must be 1 to 3650 days"))?)
        }
    };
    let role = match fields.text("role") {
        "admin" => Role::Admin,
        "member" => Role::Member,
        _ => return Err(Error::invalid("role", "must be one of: member, admin")),
    };
    let new = NewAccessKey {
        name: fields.text("name").to_owned(),
        role,
        permissions: fields.all("permission").map(permission).collect::<Result<_>>()?,
        deployments: fields.all("deployment").map(deployment).collect::<Result<_>>()?,
        expires_at: days.map(|days| app.clock.now().plus(days * DAY_SECONDS)),
    };
    let problems: Vec<Issue> = NewAccessKey::problems(&new.name, &new.permissions, &new.deployments);
    if problems.is_empty() { Ok(new) } else { Err(Error::new(Reason::RequestInvalid).issues(problems)) }
}

pub async fn create(
    State(app): State<App>,
    SignedForm { caller, fields, .. }: SignedForm<Admin>,
) -> PageResult {
    let created = async { app.key_creator.create(&caller.key, wanted(&app, &fields)?).await };
    match created.await {
        Ok(created) => list(&app, caller, &Fields::default(), Note::Created(created)).await,
        Err(error) => list(&app, caller, &fields, Note::Problem(error)).await,
    }
}

pub async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    SignedForm { caller, .. }: SignedForm<Admin>,
) -> PageResult {
    match app.key_remover.remove(&caller.key, &id).await {
        Ok(()) => Ok(back("remove")),
        Err(error) => Err(Refused::of(error, caller)),
    }
}

/// The list of keys, with a sentence about what was done.
pub fn back(done: &str) -> Response {
    Redirect::to(&format!("{}/keys{}", crate::PATH, query(&[("done", done)]))).into_response()
}
