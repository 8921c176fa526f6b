//! The parameters that restrict a query, and those that nobody can set.

use crate::error::Issue;
use crate::publishing::checked_query::CheckedQuery;
use crate::query::definition::{QueryDefinition, TagType};
use crate::query::limits::QueryLimits;
use crate::query::mapping::Mapping;
use crate::query::scanner::{Piece, TagRef};
use crate::resource::content::Content;
use crate::resource::dashboard::CardBody;
use crate::resource::embed_policy::WhoMaySet;
use crate::resource::{Resource, ResourceInput};

/// Finds the locked parameters that do not restrict a query.
pub fn unreached<'a>(
    query: &QueryDefinition,
    mapping: Mapping<'a>,
    locked: &[&'a str],
    limits: &QueryLimits,
) -> Vec<&'a str> {
    if locked.is_empty() {
        return Vec::new();
    }
    let pieces = query.pieces(limits).unwrap_or_default();
    let locked_tags: Vec<&str> = locked.iter().filter_map(|slug| mapping.tag(slug)).collect();
    // A query whose required tag has no value does not run.
    let is_certain =
        |tag: &str| locked_tags.contains(&tag) || query.tags.get(tag).is_some_and(|tag| tag.required);
    let is_reached = |slug: &str| mapping.tag(slug).is_some_and(|tag| reaches(&pieces, tag, &is_certain));
    locked.iter().copied().filter(|slug| !is_reached(slug)).collect()
}

/// The locked parameters that set nothing in a published resource with queries: no tag, no text. A card without a mapping
/// gives its question every parameter, and the question's tags are not known here.
pub fn unwired(resource: &Resource) -> Vec<&str> {
    let Some(content) = resource.content.as_ref().filter(|content| content.has_queries()) else {
        return Vec::new();
    };
    if !resource.enable_embedding || resource.archived {
        return Vec::new();
    }
    let queries = content.queries("");
    let cards = match content {
        Content::Dashboard(dashboard) => dashboard.cards.as_slice(),
        _ => &[],
    };
    let is_set = |slug: &str| {
        let by_query = queries.iter().any(|placed| {
            placed.query.tags.iter().any(|(tag, _)| placed.mapping.setters(tag).contains(&slug))
        });
        let by_card = cards.iter().any(|card| match &card.body {
            CardBody::Query(_) => false,
            CardBody::Question(_) => card.parameters.is_none() || card.mapping().tag(slug).is_some(),
            CardBody::Text(text) | CardBody::Heading(text) => {
                card.parameters.as_ref().is_some_and(|tags| tags.contains_key(slug)) || text.contains(slug)
            }
            CardBody::Link(url) => url.contains(slug),
        });
        by_query || by_card
    };
    let locked = resource.embedding_params.iter().filter(|(_, visibility)| visibility.is_locked());
    locked.map(|(slug, _)| slug.as_str()).filter(|slug| !is_set(slug)).collect()
}

/// The issues of a query that reads a table without a row policy and is not restricted by a locked parameter.
pub(super) fn unreached_issues(
    checked: &CheckedQuery,
    table: &str,
    input: &ResourceInput,
    limits: &QueryLimits,
) -> Vec<Issue> {
    let locked = input.embedding_params.iter().filter(|(_, visibility)| visibility.is_locked());
    let locked: Vec<&str> = locked.map(|(slug, _)| slug.as_str()).collect();
    let issue = |slug: &str| {
        let message = format!(
            "{}reads the table `{table}` without the locked parameter `{slug}`: use the tag where no block that a viewer \
             can switch off contains it, or give the table a row policy",
            checked.subject()
        );
        checked.issue("sql", message)
    };
    unreached(checked.query, checked.mapping, &locked, limits).into_iter().map(issue).collect()
}

/// Returns whether a tag is always in the SQL: no block around it can be dropped for want of another value.
fn reaches(pieces: &[Piece], slug: &str, is_certain: &dyn Fn(&str) -> bool) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Text(_) => false,
        Piece::Tag(tag) => matches!(tag, TagRef::Name(name) if name == slug),
        Piece::Optional(inner) => stays(inner, is_certain) && reaches(inner, slug, is_certain),
    })
}

fn stays(block: &[Piece], is_certain: &dyn Fn(&str) -> bool) -> bool {
    block.iter().all(|piece| match piece {
        Piece::Tag(TagRef::Name(name)) => is_certain(name),
        _ => true,
    })
}

/// Finds the tags that the query needs a value for and that nobody can give one: those that are required, and those that
/// stand outside of blocks.
pub(super) fn unset(
    checked: &CheckedQuery,
    input: &ResourceInput,
    limits: &QueryLimits,
) -> (Vec<Issue>, Vec<Issue>) {
    let query = checked.query;
    let parameters = input.all_parameters();
    let has_default =
        |slug: &str| parameters.iter().any(|parameter| parameter.slug == slug && parameter.default.is_some());
    let is_set = |slug: &str| match input.embedding_params.get(slug) {
        Some(WhoMaySet::Enabled | WhoMaySet::Locked | WhoMaySet::Attribute(_)) => true,
        Some(WhoMaySet::Disabled) | None => has_default(slug),
    };
    let pieces = query.pieces(limits).unwrap_or_default();
    let is_bare = |slug: &str| {
        pieces.iter().any(|piece| matches!(piece, Piece::Tag(TagRef::Name(name)) if name == slug))
    };
    let (mut issues, mut warnings) = (Vec::new(), Vec::new());
    for (name, tag) in query.tags.iter() {
        if tag.value_type().is_none()
            || tag.default.is_some()
            || checked.mapping.setters(name).into_iter().any(is_set)
        {
            continue;
        }
        // Without a value a field filter is true, and a unit of time leaves the column as it is.
        let is_raw = match tag.kind {
            TagType::Dimension => false,
            TagType::TemporalUnit => tag.dimension.is_none(),
            _ => true,
        };
        if tag.required {
            let message =
                "is required, but has no default and is set by nobody: enable or lock its parameter";
            issues.push(checked.tag_issue(name, message));
        } else if is_raw && is_bare(name) {
            let message =
                "stands outside of `[[ ]]`, but has no default and is set by nobody: the query cannot run";
            warnings.push(checked.tag_issue(name, message));
        }
    }
    (issues, warnings)
}
