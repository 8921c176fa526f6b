//! The checks of content with queries before it is published.
//!
//! The query engine plans the queries and reports what they read and answer. [`review`] holds its reports against the
//! resource: its embed policy, its parameters and its drawing.
//!
//! Published content has no issue. A draft may have some, which are warnings then; only SQL that does not parse is refused
//! in any case.

mod drawing;
mod locked;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::data::work::{QueryReport, QueryToCheck};
use crate::error::{Error, Issue, Result};
use crate::query::limits::QueryLimits;
use crate::resource::ResourceInput;
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
pub fn queries_to_check(content: Option<&Content>) -> Vec<QueryToCheck> {
    let queries = content.map(|content| content.queries(CONTENT)).unwrap_or_default();
    queries.into_iter().map(|(path, query)| QueryToCheck { path, query: query.clone() }).collect()
}

/// Reviews a resource by the engine's reports, of which there must be one for each of its queries.
pub fn review(input: &ResourceInput, reports: Vec<QueryReport>, limits: &QueryLimits) -> Result<Review> {
    let Some(content) = &input.content else { return Ok(Review::default()) };
    let mut by_path: BTreeMap<String, QueryReport> =
        reports.into_iter().map(|report| (report.path.clone(), report)).collect();
    let mut review = Review::default();
    let mut open_tables: BTreeSet<String> = BTreeSet::new();
    let mut unparsed = Vec::new();
    for (path, query) in content.queries(CONTENT) {
        let report = by_path.remove(&path).ok_or_else(|| Error::internal("a query has no report"))?;
        let found = report.issues.into_iter().map(Issue::from);
        if report.unparsable {
            unparsed.extend(found);
        } else {
            review.issues.extend(found);
        }
        review.warnings.extend(report.warnings.into_iter().map(Issue::from));
        let open: Vec<&str> = report
            .tables
            .iter()
            .filter(|table| !table.has_row_policy)
            .map(|table| table.name.as_str())
            .collect();
        if let Some(table) = open.first() {
            review.issues.extend(locked::unreached(query, &path, table, input, limits));
        }
        let (never, hardly) = locked::unset(query, &path, input, limits);
        review.issues.extend(never);
        review.warnings.extend(hardly);
        for name in query.unused_tags(limits) {
            review.warnings.push(Issue::new(format!("{path}.tags.{name}"), "is not used by the SQL"));
        }
        if let Content::Question(question) = content {
            let settings = format!("{CONTENT}.settings");
            review.warnings.extend(drawing::missing_columns(&question.settings, &report.columns, &settings));
        }
        open_tables.extend(open.into_iter().map(str::to_owned));
        review.tables.extend(report.tables.into_iter().map(|table| table.name));
    }
    if let Content::Question(question) = content {
        review.warnings.extend(drawing::degraded(&question.display, &format!("{CONTENT}.display")));
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
