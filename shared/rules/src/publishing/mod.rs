//! The checks of content with queries before it is published.
//!
//! The query engine plans the queries and reports what they read and answer. [`review`] holds its reports against the
//! resource: its embed policy, its parameters and its drawing.
//!
//! Published content has no issue. A draft may have some, which are warnings then; only SQL that does not parse is refused
//! in any case.

mod broken_cards;
#[cfg(test)]
mod card_tests;
mod checked_query;
mod drawing;
pub mod locked;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use broken_cards::broken_cards;

use crate::data::work::{QueryReport, QueryToCheck};
use crate::error::{Error, Issue, Result};
use crate::publishing::checked_query::{CheckedQuery, Drawing};
use crate::query::limits::QueryLimits;
use crate::resource::ResourceInput;
use crate::resource::card_questions::CardQuestions;
use crate::resource::content::Content;
use crate::resource::embed_policy::WhoMaySet;

/// The most tables that the queries of one resource read: each is written with the resource, in one transaction.
pub const MAX_TABLES: usize = 40;

/// The place of the content in requests.
const CONTENT: &str = "content";

/// The findings about a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// Reasons to refuse it.
    pub issues: Vec<Issue>,
    pub warnings: Vec<Issue>,
    /// The tables that its queries read.
    pub tables: BTreeSet<String>,
}

/// The queries that the engine has to plan; none if the content has none.
pub fn queries_to_check(content: Option<&Content>, questions: &CardQuestions) -> Vec<QueryToCheck> {
    let (queries, _) = CheckedQuery::all(content, questions);
    let to_check = |checked: CheckedQuery| QueryToCheck { path: checked.path, query: checked.query.clone() };
    queries.into_iter().filter(|checked| checked.path == checked.report).map(to_check).collect()
}

/// Reviews a resource by the engine's reports, of which there must be one for each of its queries.
pub fn review(
    input: &ResourceInput,
    questions: &CardQuestions,
    reports: Vec<QueryReport>,
    limits: &QueryLimits,
) -> Result<Review> {
    let by_path: BTreeMap<String, QueryReport> =
        reports.into_iter().map(|report| (report.path.clone(), report)).collect();
    let (queries, missing) = CheckedQuery::all(input.content.as_ref(), questions);
    let mut review = Review { issues: missing, ..Review::default() };
    let mut open_tables: BTreeSet<String> = BTreeSet::new();
    let mut unparsed = Vec::new();
    for checked in &queries {
        let report =
            by_path.get(&checked.report).cloned().ok_or_else(|| Error::internal("a query has no report"))?;
        let found = report.issues.into_iter().map(Issue::from).map(|issue| checked.found(issue));
        // SQL of a question is its own owner's to put right.
        if report.unparsable && !checked.is_elsewhere() {
            unparsed.extend(found);
        } else {
            review.issues.extend(found);
        }
        review
            .warnings
            .extend(report.warnings.into_iter().map(Issue::from).map(|issue| checked.found(issue)));
        let open: Vec<&str> = report
            .tables
            .iter()
            .filter(|table| !table.has_row_policy)
            .map(|table| table.name.as_str())
            .collect();
        if let Some(table) = open.first() {
            review.issues.extend(locked::unreached_issues(checked, table, input, limits));
        }
        let (never, hardly) = locked::unset(checked, input, limits);
        review.issues.extend(never);
        review.warnings.extend(hardly);
        review.warnings.extend(checked.stray_mappings());
        if !checked.is_elsewhere() {
            let unused = checked.query.unused_tags(limits);
            review
                .warnings
                .extend(unused.iter().map(|name| checked.tag_issue(name, "is not used by the SQL")));
        }
        if let Some(Drawing { settings, .. }) = checked.drawing.filter(|_| !checked.is_one_of_several) {
            let path = format!("{}.settings", checked.drawn_at());
            review.warnings.extend(drawing::missing_columns(settings, &report.columns, &path));
        }
        open_tables.extend(open.into_iter().map(str::to_owned));
        review.tables.extend(report.tables.into_iter().map(|table| table.name));
    }
    for checked in &queries {
        if let Some(Drawing { display: Some(display), .. }) = checked.drawing {
            review.warnings.extend(drawing::degraded(display, &format!("{}.display", checked.drawn_at())));
        }
    }
    let is_embeddable = input.enable_embedding && !input.archived;
    if is_embeddable && !input.embedding_params.values().any(WhoMaySet::is_locked) {
        review.warnings.extend(open_to_all(&open_tables));
    }
    if !is_embeddable {
        review.warnings.splice(0..0, review.issues.drain(..));
    }
    review.issues.splice(0..0, unparsed);
    if review.tables.len() > MAX_TABLES {
        review.issues.push(Issue::new(CONTENT, format!("must read at most {MAX_TABLES} tables")));
    }
    Ok(review)
}

fn open_to_all(tables: &BTreeSet<String>) -> Option<Issue> {
    let names: Vec<String> = tables.iter().take(5).map(|name| format!("`{name}`")).collect();
    let more = if tables.len() > names.len() { " and others" } else { "" };
    let message = || {
        format!(
            "locks no parameter, and {}{more} have no row policy: every viewer can see all of their rows",
            names.join(", ")
        )
    };
    (!tables.is_empty()).then(|| Issue::new("embedding_params", message()))
}
