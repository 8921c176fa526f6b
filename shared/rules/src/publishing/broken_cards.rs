//! The cards of published dashboards that a change of their question breaks.

use crate::data::work::QueryReport;
use crate::error::Issue;
use crate::publishing::checked_query::CheckedQuery;
use crate::publishing::{drawing, locked};
use crate::query::limits::QueryLimits;
use crate::resource::Resource;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
use crate::resource::ids::PrimaryId;

/// Finds the cards of a published dashboard that are refused, or drawn without a column, once `question` is stored as it is here.
/// `report` is the engine's about its query, if it was checked. Each issue is under the dashboard.
pub fn broken_cards(
    dashboard: &Resource,
    question: &Resource,
    report: Option<&QueryReport>,
    limits: &QueryLimits,
) -> Vec<Issue> {
    let Some(Content::Dashboard(content)) = &dashboard.content else { return Vec::new() };
    if !dashboard.is_embeddable() {
        return Vec::new();
    }
    let path = format!("{}/{}", dashboard.kind, dashboard.id);
    let questions = CardQuestions::of([question.clone().into()], dashboard.deployment);
    let (queries, _) = CheckedQuery::all(dashboard.content.as_ref(), &questions);
    let number = match question.id {
        PrimaryId::Number(number) => Some(number),
        PrimaryId::Uuid(_) => None,
    };
    let shows = content.cards.iter().filter(|card| card.questions().any(|id| Some(id) == number));
    if number.and_then(|number| questions.get(number)).is_none() {
        let gone =
            |title: &str| Issue::new(path.clone(), format!("the card `{title}` has no answer any more"));
        return shows
            .map(|card| gone(&card.title.clone().unwrap_or_else(|| question.title.clone())))
            .collect();
    }
    let input = dashboard.decided();
    let open = report.and_then(|report| report.tables.iter().find(|table| !table.has_row_policy));
    let mut found = Vec::new();
    for checked in queries.iter().filter(|checked| checked.is_elsewhere()) {
        if let Some(table) = open {
            found.extend(locked::unreached_issues(checked, &table.name, &input, limits));
        }
        found.extend(locked::unset(checked, &input, limits).0);
        found.extend(checked.stray_mappings());
        let columns = report.map(|report| report.columns.as_slice()).unwrap_or_default();
        if let Some(drawing) = checked.drawing.filter(|_| !checked.is_one_of_several) {
            found.extend(drawing::missing_columns(drawing.settings, columns, ""));
        }
        for issue in &mut found {
            if issue.path != path {
                let (subject, message) = (checked.subject(), &issue.message);
                let message = match message {
                    named if named.starts_with(&subject) => named.clone(),
                    about_a_tag if about_a_tag.starts_with("the tag") => {
                        format!("{}: {about_a_tag}", subject.trim_end())
                    }
                    other => format!("{subject}{other}"),
                };
                *issue = Issue::new(path.clone(), message);
            }
        }
    }
    found
}
