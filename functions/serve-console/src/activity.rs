//! The chart of views and refusals on the first page.

use maud::{Markup, html};
use vitrine::rules::clock::Timestamp;
use vitrine::rules::view::activity::{DayCount, EVERY_SECONDS, peak};

use crate::parts;

/// The height of the chart and the width of a day, in its own units.
const HEIGHT: u64 = 100;
const DAY: usize = 40;
const BAR: usize = 15;

pub fn section(days: &[DayCount]) -> Markup {
    let (views, refused) = (sum(days, |day| day.views), sum(days, DayCount::all_refused));
    html! {
        section {
            h2 { "Views and refusals" }
            p { strong { (views) } " views and " strong { (refused) } " refused requests in the last " (days.len()) " days." }
            (chart(days, views, refused))
            details.code {
                summary { "The numbers" }
                (parts::scrolling("Views and refusals by day", table(days)))
                p.small {
                    "Days are those of UTC. A view is counted when it is opened and when its parameters change; previews are not counted. "
                    "A refusal is counted whatever was asked for, with a token that was authentic or without. "
                    "Counts appear within " (EVERY_SECONDS) " seconds; a few are lost when a busy function ends at once. They are kept for 35 days, the reasons of refusals for seven."
                }
            }
        }
    }
}

/// A peak of refusals, as a line of what needs attention.
pub fn peak_line(days: &[DayCount]) -> Option<Markup> {
    let found = peak(days)?;
    Some(html! {
        a href={ (crate::PATH) "/refusals" } { (found.all_refused()) " requests were refused on " (day_of(found.day)) }
        " – far more than on the days before."
    })
}

fn sum(days: &[DayCount], of: impl Fn(&DayCount) -> u64) -> u64 {
    days.iter().map(of).fold(0, u64::saturating_add)
}

fn chart(days: &[DayCount], views: u64, refused: u64) -> Markup {
    let most = days.iter().map(|day| day.views.max(day.all_refused())).max().unwrap_or(0);
    let label = format!(
        "Views and refusals of each of the last {} days: {views} views, {refused} refusals, at most {most} in a day",
        days.len()
    );
    let ends = [days.first(), days.last()].map(|day| day.map(|day| day_of(day.day)).unwrap_or_default());
    html! {
        @if most == 0 { p.muted { "No view was opened yet. Publish a resource, and embed it with the code on its page." } }
        @else {
            figure.activity {
                span.small { (most) }
                svg viewBox={ "0 0 " (days.len() * DAY) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                    @for (index, day) in days.iter().enumerate() {
                        (bar("views", index * DAY + 4, day.views, most, day))
                        (bar("refused", index * DAY + 4 + BAR + 2, day.all_refused(), most, day))
                    }
                }
                figcaption.small {
                    span { (ends[0]) }
                    span.key { span.views { "Views" } span.refused { "Refused" } }
                    span { (ends[1]) }
                }
            }
        }
    }
}

fn bar(class: &str, x: usize, count: u64, most: u64, day: &DayCount) -> Markup {
    let share = u128::from(count) * u128::from(HEIGHT) / u128::from(most.max(1));
    // One of many is still seen.
    let height = if count == 0 { 0 } else { u64::try_from(share).unwrap_or(HEIGHT).clamp(2, HEIGHT) };
    html! {
        @if height > 0 {
            rect.(class) x=(x) y=(HEIGHT - height) width=(BAR) height=(height) { title { (day_of(day.day)) ": " (count) " " (class) } }
        }
    }
}

fn table(days: &[DayCount]) -> Markup {
    html! { table {
        thead { tr {
            th scope="col" { "Day" } th.number scope="col" { "Views" } th.number scope="col" { "Refused" }
            th.number scope="col" { "Refused without an authentic token" }
        } }
        tbody { @for day in days.iter().rev() { tr {
            th scope="row" { (day_of(day.day)) } td.number { (day.views) } td.number { (day.refused) } td.number { (day.unauthenticated) }
        } } }
    } }
}

fn day_of(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}
