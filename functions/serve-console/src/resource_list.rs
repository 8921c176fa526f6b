//! The list of resources: search, filters, order and pages.

use axum::extract::{RawQuery, State};
use maud::{Markup, html};
use vitrine::app::find_resources::{MAX_FOUND, Order};
use vitrine::aws::storage::resources::Listing;
use vitrine::http::caller::{ListResources, Need, WriteResources};
use vitrine::rules::paging::Paging;
use vitrine::rules::resource::ResourceSummary;
use vitrine::rules::resource::ids::Kind;

use crate::State as App;
use crate::fields::{Fields, query};
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed};

const SIZE: usize = 50;

const STATES: [(&str, &str); 4] =
    [("", "All states"), ("published", "Published"), ("draft", "Draft"), ("archived", "Archived")];

const ORDERS: [(&str, &str, Option<Order>); 4] = [
    ("", "By kind and id", None),
    ("title", "By title", Some(Order::Title)),
    ("updated", "Changed last", Some(Order::Updated)),
    ("created", "Newest", Some(Order::Created)),
];

/// The filter in the address of the page.
struct Asked<'a> {
    words: &'a str,
    kind: &'a str,
    state: &'a str,
    order: &'a str,
}

impl<'a> Asked<'a> {
    fn of(fields: &'a Fields) -> Self {
        let [words, kind, state, order] = ["q", "kind", "state", "order"].map(|name| fields.text(name));
        Self { words, kind, state, order }
    }

    /// The path of this list at another place.
    fn at(&self, name: &str, place: &str) -> String {
        let Self { words, kind, state, order } = *self;
        let pairs = [("q", words), ("kind", kind), ("state", state), ("order", order), (name, place)];
        format!("{}/resources{}", crate::PATH, query(&pairs))
    }

    const fn is_filtered(&self) -> bool {
        !self.words.is_empty() || !self.kind.is_empty() || !self.state.is_empty()
    }
}

/// The resources of one page and the way to the others.
struct Shown {
    items: Vec<ResourceSummary>,
    summary: String,
    previous: Option<String>,
    next: Option<String>,
}

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<ListResources>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let asked = Asked::of(&fields);
    let shown = match find(&app, &caller.key.reach, &asked, &fields).await {
        Ok(shown) => shown,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let content = html! {
        h1 { "Resources" }
        @if WriteResources::check(&caller.key).is_ok() { (parts::new_resource()) }
        (filters(&asked))
        @if shown.items.is_empty() { (empty(&asked, shown.next.is_some())) }
        @else {
            p.small role="status" { (shown.summary) }
            (table(&shown.items))
        }
        @if shown.previous.is_some() || shown.next.is_some() {
            nav.pages aria-label="Pages" {
                @if let Some(previous) = &shown.previous { a.button href=(previous) { "Back" } }
                @if let Some(next) = &shown.next { a.button href=(next) rel="next" { "Next page" } }
            }
        }
    };
    Ok(page(&caller, "Resources", Section::Resources, content))
}

async fn find(
    app: &App,
    reach: &vitrine::rules::reach::Reach,
    asked: &Asked<'_>,
    fields: &Fields,
) -> vitrine::rules::error::Result<Shown> {
    let (embeddable, archived) = match asked.state {
        "published" => (Some(true), None),
        "draft" => (Some(false), Some(false)),
        "archived" => (None, Some(true)),
        _ => (None, None),
    };
    let listing = Listing { kind: asked.kind.parse().ok(), embeddable, archived, reach };
    let order = ORDERS.iter().find(|(word, ..)| *word == asked.order).and_then(|order| order.2);
    let Some(order) = order else {
        let after = Some(fields.text("cursor")).filter(|cursor| !cursor.is_empty()).map(str::to_owned);
        let is_first = after.is_none();
        let limit = i32::try_from(SIZE).ok();
        let paging = Paging::new(limit, after);
        let is_search = !asked.words.is_empty();
        let page = match is_search {
            true => app.finder.search(&listing, asked.words, &paging).await?,
            false => app.finder.page(&listing, &paging).await?,
        };
        let count = page.items.len();
        return Ok(Shown {
            summary: match (is_first, page.has_next) {
                (true, false) if is_search => format!("{count} found"),
                (true, true) if is_search => format!("The first {count} found"),
                (true, false) => format!("{count} in all"),
                (true, true) => format!("The first {count}"),
                (false, _) => format!("{count} more"),
            },
            previous: (!is_first).then(|| asked.at("cursor", "")),
            next: page.next().map(|next| asked.at("cursor", next)),
            items: page.items,
        });
    };
    let number: usize = fields.number("page").unwrap_or(1).max(1);
    let found = app.finder.sorted(&listing, asked.words, order, number - 1, SIZE).await?;
    let cut =
        if found.is_cut { " of those that were looked through; narrow the search to see others" } else { "" };
    Ok(Shown {
        summary: format!("{} found{cut}", found.total),
        previous: (number > 1).then(|| asked.at("page", &(number - 1).to_string())),
        next: (number.saturating_mul(SIZE) < found.total.min(MAX_FOUND))
            .then(|| asked.at("page", &(number + 1).to_string())),
        items: found.items,
    })
}

fn filters(asked: &Asked<'_>) -> Markup {
    let kinds = Kind::ALL.map(|kind| (kind.word(), parts::kind_name(kind)));
    html! {
        form.filters role="search" action={ (crate::PATH) "/resources" } {
            label.wide { span { "Search" } input type="search" name="q" value=(asked.words) placeholder="Title, description or id"; }
            label { span { "Kind" } select name="kind" {
                option value="" { "All kinds" }
                @for (word, name) in kinds { option value=(word) selected[asked.kind == word] { (name) } }
            } }
            label { span { "State" } select name="state" {
                @for (word, name) in STATES { option value=(word) selected[asked.state == word] { (name) } }
            } }
            label { span { "Order" } select name="order" {
                @for (word, name, _) in ORDERS { option value=(word) selected[asked.order == word] { (name) } }
            } }
            button type="submit" { "Show" }
        }
    }
}

fn empty(asked: &Asked<'_>, has_next: bool) -> Markup {
    html! {
        div.empty {
            @if has_next { h2 { "Nothing on this page" } p { "The next one may have more." } }
            @else if asked.is_filtered() {
                h2 { "Nothing found" }
                p { "No resource that your key reaches matches." }
                p { a.button href={ (crate::PATH) "/resources" } { "Show all" } }
            } @else {
                h2 { "No resources yet" }
                p { "Make one with the buttons above, or store one with " code { "PUT /v1/resources/{kind}/{id}" } "." }
            }
        }
    }
}

fn table(items: &[ResourceSummary]) -> Markup {
    parts::scrolling(
        "Resources",
        html! {
            table {
                thead { tr { th scope="col" { "Title" } th scope="col" { "Kind" } th scope="col" { "Id" } th scope="col" { "State" } th scope="col" { "Deployment" } th scope="col" { "Changed" } } }
                tbody {
                    @for one in items {
                        tr {
                            th scope="row" { a href=(parts::path_of(one)) { (one.title) } }
                            td { (parts::kind_name(one.kind)) }
                            td { code { (one.id) } }
                            td { (parts::state(one.enable_embedding, one.archived)) }
                            td { (one.deployment) }
                            td { (parts::time(one.updated_at)) }
                        }
                    }
                }
            }
        },
    )
}
