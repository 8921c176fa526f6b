//! The parameters that restrict a query, and those that nobody can set.

use crate::error::Issue;
use crate::query::definition::{QueryDefinition, TagType};
use crate::query::limits::QueryLimits;
use crate::query::scanner::{Piece, TagRef};
use crate::resource::ResourceInput;
use crate::resource::embed_policy::WhoMaySet;

/// Finds the locked parameters that do not restrict a query which reads a table without a row policy.
pub fn unreached(
    query: &QueryDefinition,
    path: &str,
    table: &str,
    input: &ResourceInput,
    limits: &QueryLimits,
) -> Vec<Issue> {
    let pieces = query.pieces(limits).unwrap_or_default();
    let is_locked = |slug: &str| input.embedding_params.get(slug).is_some_and(WhoMaySet::is_locked);
    // A query whose required tag has no value does not run.
    let is_certain = |slug: &str| is_locked(slug) || query.tags.get(slug).is_some_and(|tag| tag.required);
    let locked = input.embedding_params.keys().filter(|slug| is_locked(slug));
    let unreached = locked.filter(|slug| !reaches(&pieces, slug, &is_certain));
    let issue = |slug: &String| {
        let message = format!(
            "reads the table `{table}` without the locked parameter `{slug}`: use the tag where no block that a viewer \
             can switch off contains it, or give the table a row policy"
        );
        Issue::new(format!("{path}.sql"), message)
    };
    unreached.map(issue).collect()
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
pub fn unset(
    query: &QueryDefinition,
    path: &str,
    input: &ResourceInput,
    limits: &QueryLimits,
) -> (Vec<Issue>, Vec<Issue>) {
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
        if tag.value_type().is_none() || tag.default.is_some() || is_set(name) {
            continue;
        }
        let at = format!("{path}.tags.{name}");
        // Without a value a field filter is true, and a unit of time leaves the column as it is.
        let is_raw = !matches!(tag.kind, TagType::Dimension | TagType::TemporalUnit);
        if tag.required {
            let message =
                "is required, but has no default and is set by nobody: enable or lock its parameter";
            issues.push(Issue::new(at, message));
        } else if is_raw && is_bare(name) {
            let message =
                "stands outside of `[[ ]]`, but has no default and is set by nobody: the query cannot run";
            warnings.push(Issue::new(at, message));
        }
    }
    (issues, warnings)
}
