//! The first page: what there is, and what needs attention.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use maud::{Markup, html};
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::{Admin, ListResources, Need, StackAdmin, WriteResources};
use vitrine::rules::paging::Page;
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::{Deployment, Kind};

use crate::State as App;
use crate::activity;
use crate::fields::Fields;
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, SignedHome, safe_next};
use crate::sign_in;

/// The resources in each list of this page.
const SHOWN: usize = 5;

/// The deployments of which this page has counts.
const DEPLOYMENTS: usize = 50;

pub async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    signed: Result<SignedHome, Refused>,
) -> PageResult {
    let (caller, days) = match signed {
        Ok(SignedHome { caller, days }) => (caller, days),
        Err(Refused::SignIn { .. }) => {
            let fields = Fields::parse(query.unwrap_or_default().as_bytes());
            return Ok(sign_in::form(&app, &headers, safe_next(fields.text("next")), None)?);
        }
        Err(refused) => return Err(refused),
    };
    let key = &caller.key;
    let found = match ListResources::check(key) {
        Ok(()) => {
            let listing = Listing { kind: None, embeddable: None, archived: None, reach: &key.reach };
            Some(app.finder.glance(&listing).await?)
        }
        Err(_) => None,
    };
    let content = html! {
        h1 { "Home" }
        @match &found {
            Some(found) if found.items.is_empty() && !found.has_next => (empty(WriteResources::check(key).is_ok())),
            Some(found) => (overview(found, &of_deployments(found, key.reach.reachable(&app.settings)))),
            None => p { "Your access key cannot list resources. The menu has what it can do." },
        }
        @if StackAdmin::check(key).is_ok() {
            section {
                h2 { "What needs attention" }
                @if let Some(line) = activity::peak_line(&days) { ul.rows { li { span { (line) } } } }
                div data-load={ (crate::PATH) "/attention" } data-part="attention" {
                    p { a href={ (crate::PATH) "/attention" } { "Look for what needs attention" } }
                }
            }
            (activity::section(&days))
        }
        @if Admin::check(key).is_ok() {
            section {
                h2 { "Look into" }
                ul.links {
                    @if StackAdmin::check(key).is_ok() {
                        li { a href={ (crate::PATH) "/refusals" } { "Why a view was refused" } " – by the reference that the page shows to the viewer." }
                    }
                    li { a href={ (crate::PATH) "/keys" } { "Keys" } " – who can call the API, and which keys sign tokens." }
                }
            }
        }
    };
    Ok(page(&caller, "Home", Section::Home, content))
}

fn empty(may_write: bool) -> Markup {
    html! {
        div.empty {
            h2 { "Nothing here yet" }
            @if may_write {
                p { "Make a first question, dashboard, dive or page. You can then publish it and copy the code that embeds it." }
                (parts::new_resource())
            }
            p { "Or store one with the API:" }
            pre { code {
                "curl -X PUT \"$VITRINE/v1/resources/dashboard/1\" \\\n"
                "  -H \"Authorization: Bearer $VITRINE_KEY\" \\\n"
                "  -H \"Content-Type: application/json\" \\\n"
                "  -d '{\"title\": \"Hello\", \"content\": {\"type\": \"html\", \"html\": \"<h1>Hello</h1>\"}}'"
            } }
        }
    }
}

/// The numbers of published resources and of all in each deployment, by kind. Archived ones are in neither.
type Counts = BTreeMap<Deployment, BTreeMap<Kind, (usize, usize)>>;

fn of_deployments(found: &Page<ResourceSummary>, reached: impl Iterator<Item = Deployment>) -> Counts {
    let mut counts: Counts = reached.map(|deployment| (deployment, BTreeMap::new())).collect();
    for one in found.items.iter().filter(|one| !one.archived) {
        let (published, all) = counts.entry(one.deployment).or_default().entry(one.kind).or_default();
        *published += usize::from(one.enable_embedding);
        *all += 1;
    }
    counts
}

fn deployments(counts: &Counts) -> Markup {
    parts::scrolling(
        "Published resources by deployment",
        html! { table {
            thead { tr {
                th scope="col" { "Deployment" }
                @for kind in Kind::ALL { th scope="col" { (parts::kind_name(kind)) "s" } }
            } }
            tbody { @for (deployment, kinds) in counts.iter().take(DEPLOYMENTS) { tr {
                th.short scope="row" { (deployment) }
                @for kind in Kind::ALL {
                    @let (published, all) = kinds.get(&kind).copied().unwrap_or_default();
                    td { (published) " " span.muted { "of " (all) } }
                }
            } } }
        } },
    )
}

fn overview(found: &Page<ResourceSummary>, counts: &Counts) -> Markup {
    let list = format!("{}/resources", crate::PATH);
    let mut recent: Vec<_> = found.items.iter().filter(|one| !one.archived).collect();
    recent.sort_by_key(|one| std::cmp::Reverse(one.updated_at));
    let drafts: Vec<_> = recent.iter().filter(|one| !one.enable_embedding).take(SHOWN).collect();
    html! {
        ul.counts {
            @for kind in Kind::ALL {
                @let all: Vec<_> = found.items.iter().filter(|one| one.kind == kind && !one.archived).collect();
                @let published = all.iter().filter(|one| one.enable_embedding).count();
                li { a href={ (list) "?kind=" (kind) } {
                    span.number { (published) }
                    span { (parts::kind_name(kind)) "s published" }
                    span.muted { "of " (all.len()) }
                } }
            }
        }
        @if counts.len() > 1 {
            section {
                h2 { "Published, by deployment" }
                (deployments(counts))
                @if counts.len() > DEPLOYMENTS { p.small { "The first " (DEPLOYMENTS) " of " (counts.len()) " deployments." } }
            }
        }
        @if found.has_next { p.small { "Counted among the first " (found.items.len()) " resources." } }
        div.columns {
            section {
                h2 { "Not published" }
                @if drafts.is_empty() { p.muted { "Everything is published." } }
                @else { (links(drafts.into_iter().copied())) }
            }
            section {
                h2 { "Changed last" }
                (links(recent.iter().take(SHOWN).copied()))
            }
        }
    }
}

fn links<'a>(resources: impl Iterator<Item = &'a ResourceSummary>) -> Markup {
    html! {
        ul.rows {
            @for one in resources {
                li {
                    a href=(parts::path_of(one)) { (one.title) }
                    span.muted { (parts::kind_name(one.kind)) " · " (parts::time(one.updated_at)) }
                }
            }
        }
    }
}
