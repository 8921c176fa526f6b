//! A resource: what it is, its parameters and versions; publish, unpublish, archive and restore.

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use vitrine::app::check_queries::Mode;
use vitrine::app::open_console::ConsoleCaller;
use vitrine::app::request_context;
use vitrine::http::caller::WriteResources;
use vitrine::rules::error::{Error, Issues, Reason, Result};
use vitrine::rules::paging::Paging;
use vitrine::rules::resource::content::Content;
use vitrine::rules::resource::dashboard::CardBody;
use vitrine::rules::resource::embed_policy::WhoMaySet;
use vitrine::rules::resource::ids::{ResourceId, ResourceRef};
use vitrine::rules::resource::version::VersionSummary;
use vitrine::rules::resource::{Resource, ResourceInput};

use crate::State as App;
use crate::error_page::with_error;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed, SignedForm};

/// The versions that are listed.
const VERSIONS: i32 = 50;

/// The most cards of a dashboard that are listed.
const MAX_CARDS: usize = 50;

/// The most characters of markup or SQL that are shown.
const MAX_SHOWN: usize = 4_000;

/// The resource that a path names.
pub fn named((kind, id): &(String, String)) -> Result<ResourceRef> {
    let kind = kind.parse().map_err(|_| Reason::ResourceNotFound)?;
    let id = ResourceId::parse(kind, id).map_err(|_| Reason::ResourceNotFound)?;
    let reference = ResourceRef { kind, id };
    request_context::resource(&reference);
    Ok(reference)
}

/// The path of a resource's page.
pub fn path_of(resource: &Resource) -> String {
    parts::path_of(&resource.summary())
}

pub async fn show(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<WriteResources>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    match load(&app, &caller, &path).await {
        Ok(loaded) => Ok(view(&app, &caller, &loaded, &said(fields.text("done")))),
        Err(error) => Err(Refused::of(error, caller)),
    }
}

struct Loaded {
    resource: Resource,
    versions: Vec<VersionSummary>,
}

async fn load(app: &App, caller: &ConsoleCaller, path: &(String, String)) -> Result<Loaded> {
    let resource = app.publisher.get(&caller.key, &named(path)?).await?;
    let versions = app.versions.list(&resource, &Paging::new(Some(VERSIONS), None)).await?.items;
    Ok(Loaded { resource, versions })
}

/// The sentence about what was done, by the word in the address of the page.
fn said(word: &str) -> Markup {
    let text = match word {
        "publish" => "Published. It can be embedded now.",
        "unpublish" => "Unpublished. Embeds that are open end shortly.",
        "archive" => "Archived. It is no longer shown anywhere.",
        "restore" => "Restored, as it was before.",
        "version" => "The earlier content is the newest version now.",
        "save" => "Saved.",
        "create" => "Stored. Publish it, or embed it.",
        _ => return html! {},
    };
    parts::done(text)
}

/// The change that a button makes to a resource.
fn changed(action: &str, input: ResourceInput) -> Option<ResourceInput> {
    Some(match action {
        "publish" => ResourceInput { enable_embedding: true, ..input },
        "unpublish" => ResourceInput { enable_embedding: false, ..input },
        "archive" => ResourceInput { archived: true, ..input },
        "restore" => ResourceInput { archived: false, ..input },
        _ => return None,
    })
}

/// The page of a resource with what is wrong above it.
pub async fn with_problem(
    app: &App,
    caller: ConsoleCaller,
    path: &(String, String),
    error: Error,
) -> PageResult {
    match load(app, &caller, path).await {
        Ok(loaded) if !error.is_outage() => {
            Ok(with_error(view(app, &caller, &loaded, &parts::problem(&error)), error))
        }
        _ => Err(Refused::of(error, caller)),
    }
}

pub async fn change(
    State(app): State<App>,
    Path(path): Path<(String, String)>,
    SignedForm { caller, fields, .. }: SignedForm<WriteResources>,
) -> PageResult {
    match act(&app, &caller, &path, &fields).await {
        Ok((resource, warnings)) if warnings.is_empty() => {
            let done = query(&[("done", fields.text("action"))]);
            Ok(Redirect::to(&format!("{}{done}", path_of(&resource))).into_response())
        }
        Ok((_, warnings)) => with_findings(&app, &caller, &path, fields.text("action"), &warnings).await,
        Err(error) => with_problem(&app, caller, &path, error).await,
    }
}

/// The page of a resource after a change whose queries have findings.
pub async fn with_findings(
    app: &App,
    caller: &ConsoleCaller,
    path: &(String, String),
    action: &str,
    warnings: &Issues,
) -> PageResult {
    let loaded = load(app, caller, path).await?;
    let note = html! { (said(action)) (found(warnings)) };
    Ok(view(app, caller, &loaded, &note))
}

async fn act(
    app: &App,
    caller: &ConsoleCaller,
    path: &(String, String),
    fields: &Fields,
) -> Result<(Resource, Issues)> {
    let action = fields.text("action");
    let revision = fields.number("revision").ok_or_else(|| Error::invalid("revision", "is required"))?;
    if changed(action, ResourceInput::default()).is_none() {
        return Err(Error::invalid("action", "is not known"));
    }
    let apply = |input: ResourceInput| changed(action, input.clone()).unwrap_or(input);
    let written = app.publisher.change_at(&caller.key, &named(path)?, revision, apply, Mode::Write).await?;
    Ok((written.resource, written.warnings.unwrap_or_default()))
}

/// Findings about queries that did not prevent the change.
pub fn found(warnings: &Issues) -> Markup {
    html! {
        @if !warnings.is_empty() {
            div.note.warn role="status" { p { "The queries have findings:" } (parts::issues(warnings.iter())) }
        }
    }
}

fn view(app: &App, caller: &ConsoleCaller, loaded: &Loaded, note: &Markup) -> Response {
    let Loaded { resource, versions } = loaded;
    let content = html! {
        p.crumbs { a href={ (crate::PATH) "/resources" } { "Resources" } " / " (parts::kind_name(resource.kind)) }
        h1 { (resource.title) " " (parts::state(resource.enable_embedding, resource.archived)) }
        (note)
        @if let Some(description) = &resource.description { p.lead { (description) } }
        (actions(app, caller, resource))
        div.columns {
            section { h2 { "Facts" } (facts(resource)) }
            section { h2 { "Content" } (content_of(resource.content.as_ref())) }
        }
        section { h2 { "Parameters" } (parameters(resource)) }
        section { h2 { "Versions" } (version_list(resource, versions)) }
    };
    page(caller, &resource.title, Section::Resources, content)
}

fn actions(app: &App, caller: &ConsoleCaller, resource: &Resource) -> Markup {
    let seconds = app.settings.resource_cache_seconds;
    let form = |action: &'static str, class: &'static str, label: &'static str| {
        html! {
            form method="post" action=(path_of(resource)) {
                (parts::form_token(caller))
                input type="hidden" name="revision" value=(resource.revision);
                button class=(class) type="submit" name="action" value=(action) { (label) }
            }
        }
    };
    html! {
        div.actions {
            a.button.primary href={ (path_of(resource)) "/embed" } { "Embed this" }
            a.button href={ (path_of(resource)) "/edit" } { "Edit" }
            @if resource.archived {
                (parts::confirm_safe("Restore…", html! {
                    p { strong { (resource.title) } " will be in lists again"
                        @if resource.enable_embedding { ", and shown wherever it is embedded" } "." }
                }, form("restore", "primary", "Restore it")))
            }
            @else {
                @if resource.enable_embedding {
                    (parts::confirm("Unpublish…", html! {
                        p { strong { (resource.title) } " will be refused wherever it is embedded, within " (seconds) " seconds. You can publish it again." }
                    }, form("unpublish", "danger", "Unpublish it")))
                } @else { (form("publish", "", "Publish")) }
                (parts::confirm("Archive…", html! {
                    p { strong { (resource.title) } " will be hidden from lists and refused wherever it is embedded, within " (seconds) " seconds. You can restore it." }
                }, form("archive", "danger", "Archive it")))
            }
        }
    }
}

fn facts(resource: &Resource) -> Markup {
    html! {
        dl {
            dt { "Id" } dd { code { (resource.id) } }
            @if let Some(entity) = &resource.entity_id { dt { "Entity id" } dd { code { (entity) } } }
            dt { "Public id" } dd { code { (resource.public_id) } }
            dt { "Deployment" } dd { (resource.deployment) }
            dt { "Version" } dd { (resource.version) }
            dt { "Created" } dd { (parts::time(resource.created_at)) }
            dt { "Changed" } dd { (parts::time(resource.updated_at)) }
            dt { "Published" } dd { (parts::maybe_time(resource.published_at, "not now")) }
            dt { "Pages that may frame it" }
            dd {
                @if resource.allowed_origins.is_empty() { span.muted { "those of the setting " code { "AllowedOrigins" } } }
                @else { ul.plain { @for origin in &resource.allowed_origins { li { code { (origin.as_str()) } } } } }
            }
            dt { "Downloads" } dd { @if resource.allow_downloads { "allowed" } @else { "not allowed" } }
            @if !resource.tables.is_empty() {
                dt { "Tables" } dd { ul.plain { @for table in &resource.tables { li { code { (table) } } } } }
            }
        }
    }
}

pub fn content_of(content: Option<&Content>) -> Markup {
    match content {
        None => html! { p.muted { "It has no content yet. Edit it, or store some with the API." } },
        Some(Content::Html { html: source, queries }) => html! {
            p { "HTML of " (source.len()) " bytes"
                @if !queries.is_empty() { ", with queries of its own" } "." }
            (shown(source))
        },
        Some(Content::React(dive)) => html! {
            p { "A component of React of " (dive.source.len()) " bytes"
                @if !dive.queries.is_empty() { ", with queries of its own" } "." }
            (shown(&dive.source))
        },
        Some(Content::Url { url }) => html! { p { "The page " code { (url) } "." } },
        Some(Content::Question(question)) => html! {
            p { "A query, drawn as " code { (question.display) } "." }
            (shown(&question.query.sql))
        },
        Some(Content::Dashboard(dashboard)) => {
            let questions =
                dashboard.cards.iter().filter(|card| matches!(card.body, CardBody::Question { .. }));
            html! {
                p { (dashboard.cards.len()) " cards, " (questions.count()) " of them stored questions." }
                ul.rows { @for card in dashboard.cards.iter().take(MAX_CARDS) { li {
                    (card_of(&card.body, card.title.as_deref()))
                    span.muted { "row " (card.row) ", column " (card.col) ", " (card.width) " × " (card.height) }
                } } }
                @if dashboard.cards.len() > MAX_CARDS { p.small { "The first " (MAX_CARDS) "." } }
            }
        }
    }
}

fn card_of(body: &CardBody, title: Option<&str>) -> Markup {
    html! { span {
        @match body {
            CardBody::Question(number) => a href={ (crate::PATH) "/resources/question/" (number) } { "Question " (number) },
            CardBody::Query(_) => "A query",
            CardBody::Text(text) => { "Text: " (beginning(text)) },
            CardBody::Heading(text) => { "Heading: " (beginning(text)) },
            CardBody::Link(text) => { "Link: " (beginning(text)) },
        }
        @if let Some(title) = title { ", “" (title) "”" }
    } }
}

/// The first words of a text.
fn beginning(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { cut + "…" } else { cut }
}

fn shown(source: &str) -> Markup {
    let cut: String = source.chars().take(MAX_SHOWN).collect();
    let is_cut = cut.len() < source.len();
    html! {
        pre.source tabindex="0" role="region" aria-label="Source" { code { (cut) @if is_cut { "…" } } }
    }
}

fn parameters(resource: &Resource) -> Markup {
    html! {
        @if resource.parameters.is_empty() { p.muted { "It has none: every viewer sees the same." } }
        @else {
            (parts::scrolling("Parameters", html! { table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Slug" } th scope="col" { "Type" } th scope="col" { "Who sets it" } } }
                tbody { @for parameter in &resource.parameters { tr {
                    th scope="row" { (parameter.name) }
                    td { code { (parameter.slug) } }
                    td { (type_name(parameter)) }
                    td { (who(resource.embedding_params.get(&parameter.slug))) }
                } } }
            } }))
        }
    }
}

fn type_name(parameter: &vitrine::rules::resource::parameter::Parameter) -> String {
    serde_json::to_value(parameter.kind)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn who(policy: Option<&WhoMaySet>) -> Markup {
    html! {
        @match policy {
            None | Some(WhoMaySet::Disabled) => "nobody (disabled)",
            Some(WhoMaySet::Enabled) => "the viewer (editable)",
            Some(WhoMaySet::Locked) => "your backend (locked)",
            Some(WhoMaySet::Attribute(name)) => { "the viewer’s attribute " code { (name) } },
        }
    }
}

fn version_list(resource: &Resource, versions: &[VersionSummary]) -> Markup {
    html! {
        ol.rows reversed {
            @for version in versions { li {
                a href={ (path_of(resource)) "/versions/" (version.version) } { "Version " (version.version) }
                span.muted { (parts::time(version.created_at)) @if version.version == resource.version { " · now" } }
            } }
        }
        @if versions.len() >= VERSIONS.unsigned_abs() as usize { p.small { "The last " (VERSIONS) "." } }
    }
}
