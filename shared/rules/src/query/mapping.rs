//! The parameters that set the tags of a query.

use std::collections::BTreeMap;

/// The parameters that set the tags of a query: those of the tags' names, or those that a dashboard's card names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping<'a>(Option<&'a BTreeMap<String, String>>);

impl<'a> Mapping<'a> {
    /// Each parameter sets the tag of its name.
    pub const SAME_NAMES: Self = Self(None);

    /// Tags by the slugs of parameters. Without them each parameter sets the tag of its name.
    pub const fn of(tags: Option<&'a BTreeMap<String, String>>) -> Self {
        Self(tags)
    }

    /// The tag that a parameter sets.
    pub fn tag(self, slug: &'a str) -> Option<&'a str> {
        match self.0 {
            None => Some(slug),
            Some(tags) => tags.get(slug).map(String::as_str),
        }
    }

    /// The parameters that set a tag.
    pub fn setters(self, tag: &'a str) -> Vec<&'a str> {
        match self.0 {
            None => vec![tag],
            Some(tags) => tags.iter().filter(|(_, set)| *set == tag).map(|(slug, _)| slug.as_str()).collect(),
        }
    }

    /// The tags that are named.
    pub fn named_tags(self) -> impl Iterator<Item = &'a str> {
        self.0.into_iter().flat_map(|tags| tags.values().map(String::as_str))
    }
}
