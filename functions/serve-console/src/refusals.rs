//! "Why was this refused?": the record of a refused view by its reference, and the refusals of the last day.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use maud::{Markup, html};
use vitrine::http::caller::StackAdmin;
use vitrine::rules::error::{Reason, Result};
use vitrine::rules::paging::{MAX_LIMIT, Paging};
use vitrine::rules::view::refusal_record::{RecordKind, RefusalRecord};

use crate::State as App;
use crate::error_page::with_error;
use crate::fields::Fields;
use crate::layout::{Section, page};
use crate::parts;
use crate::request::{PageResult, Refused, Signed};

const DAY_SECONDS: i64 = 86_400;

pub async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    Signed { caller, .. }: Signed<StackAdmin>,
) -> PageResult {
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let id = fields.text("request_id");
    let (record, problem) = match id {
        "" => (None, None),
        id => match app.refusals.get(id).await {
            Ok(record) => (Some(record), None),
            Err(error) if error.reason == Reason::DecisionNotFound => (None, Some(error)),
            Err(error) => return Err(Refused::of(error, caller)),
        },
    };
    let counts = match counts(&app).await {
        Ok(counts) => counts,
        Err(error) => return Err(Refused::of(error, caller)),
    };
    let content = html! {
        h1 { "Why was this refused?" }
        form.filters role="search" action={ (crate::PATH) "/refusals" } {
            label.wide { span { "Request id" } input name="request_id" value=(id) required maxlength="128" placeholder="The reference that the page shows to the viewer" spellcheck="false"; }
            button.primary type="submit" { "Look it up" }
        }
        @if problem.is_some() { (not_found(id)) }
        @if let Some(record) = &record { (explained(record)) }
        section id="token" hidden {
            h2 { "Read a token" }
            p.small { "It is decoded in this browser, and not sent." }
            label { span { "Embed token" } textarea rows="3" spellcheck="false" autocomplete="off" {} }
            div role="status" {}
        }
        section { h2 { "Refused without an authentic token, in the last day" } (refused(&counts)) }
    };
    let page = page(&caller, "Why was this refused?", Section::Refusals, content);
    Ok(match problem {
        Some(error) => with_error(page, error),
        None => page,
    })
}

fn not_found(id: &str) -> Markup {
    html! {
        div.note.bad role="alert" {
            p { "There is no record of the request " code { (id) } "." }
            p { "Records are kept for seven days, and only of requests with an authentic token. The others are counted below, and the reason is in the log and in the answer itself." }
        }
    }
}

fn explained(record: &RefusalRecord) -> Markup {
    html! {
        section.record {
            h2 {
                @match record.kind { RecordKind::Refused => "Refused: ", RecordKind::Ignored => "Opened, but: " }
                code { (record.reason) }
            }
            dl {
                dt { "The rule" } dd { (parts::with_names(&record.rule)) }
                dt { "Expected" } dd { (parts::with_names(&record.expected)) }
                dt { "Found" } dd { (parts::with_names(&record.actual)) }
                @if let Some(seconds) = record.clock_difference_seconds {
                    dt { "Clocks" } dd { "The token’s time is " (seconds.unsigned_abs()) " seconds " @if seconds < 0 { "ahead of" } @else { "behind" } " the stack’s clock." }
                }
                dt { "What to do" } dd { strong { (parts::with_names(&record.fix)) } }
                @if !record.names.is_empty() { dt { "Names" } dd { ul.plain { @for name in &record.names { li { code { (name) } } } } } }
                @if let Some(resource) = &record.resource { dt { "Resource" } dd { a href={ (crate::PATH) "/resources/" (resource) } { code { (resource) } } } }
                @if let Some(key) = &record.signing_key { dt { "Signing key" } dd { code { (key) } } }
                dt { "When" } dd { (parts::time(record.decided_at)) }
                dt { "Status" } dd { (record.status) }
            }
        }
    }
}

/// The refusals of the last day by reason, the most frequent first.
async fn counts(app: &App) -> Result<Vec<(&'static str, u64)>> {
    let since = app.clock.now().plus(-DAY_SECONDS);
    let mut by_reason: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut paging = Paging::new(Some(MAX_LIMIT), None);
    // A day has 1440 minutes, and the latest come first.
    for _ in 0..2 {
        let page = app.refusals.counts(&paging).await?;
        for count in page.items.iter().filter(|count| count.minute >= since) {
            for (reason, times) in &count.reasons {
                *by_reason.entry(reason).or_default() += times;
            }
        }
        let Some(next) = page.next().map(str::to_owned) else { break };
        paging.after = Some(next);
    }
    let mut counts: Vec<_> = by_reason.into_iter().collect();
    counts.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    Ok(counts)
}

fn refused(counts: &[(&'static str, u64)]) -> Markup {
    let message =
        |word: &str| Reason::ALL.iter().find(|reason| reason.word() == word).map(|reason| reason.message());
    html! {
        @if counts.is_empty() { p.muted { "None." } }
        @else {
            (parts::scrolling("Refusals by reason", html! { table {
                thead { tr { th scope="col" { "Reason" } th scope="col" { "Meaning" } th.number scope="col" { "Times" } } }
                tbody { @for (reason, times) in counts { tr {
                    th scope="row" { code { (reason) } } td { (message(reason).unwrap_or_default()) } td.number { (times) }
                } } }
            } }))
        }
    }
}
