//! The problems of a request, by field. Their number and their size are bounded, so that an error is never longer
//! than an answer may be, whatever was sent.

use std::borrow::Cow;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::text;

/// Names of fields can come from the caller.
const MAX_FIELD_CHARACTERS: usize = 100;

/// A problem of one field of a request.
// In here the message is a predicate of the field, such as `is required`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Issue {
    /// The path of the field, for example `parameters[0].slug`, cut at 200 characters; empty for the body as a whole.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub path: String,
    /// Names the field too, because many clients show only the messages: `username is required`.
    pub message: String,
}

/// Written with the field's name in the message. The path can change on the way out, so it is composed only here.
impl Serialize for Issue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut issue = serializer.serialize_struct("Issue", 2)?;
        issue.serialize_field("path", &self.path)?;
        issue.serialize_field("message", &self.told())?;
        issue.end()
    }
}

impl Issue {
    const MAX_PATH: usize = 200;

    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: text::cut(path.into(), Self::MAX_PATH), message: message.into() }
    }

    /// The message with the last names of the path before it.
    fn told(&self) -> Cow<'_, str> {
        if self.path.is_empty() {
            return Cow::Borrowed(&self.message);
        }
        let last_names = self.path.rmatch_indices('.').nth(1).map_or(0, |(dot, _)| dot + 1);
        let field = &self.path[last_names..];
        let too_long = field.chars().count().saturating_sub(MAX_FIELD_CHARACTERS);
        if too_long == 0 {
            return Cow::Owned(format!("{field} {}", self.message));
        }
        let start: String = field.chars().take(MAX_FIELD_CHARACTERS).collect();
        Cow::Owned(format!("{start}... {}", self.message))
    }
}

/// The first problems of a request, and the number of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issues {
    kept: Vec<Issue>,
    omitted: usize,
}

impl Issues {
    /// The most problems that an error names.
    pub const KEPT: usize = 50;

    /// Adds a problem, or counts it once there are enough: `issue` is not called then.
    pub fn add(&mut self, issue: impl FnOnce() -> Issue) {
        if self.kept.len() < Self::KEPT {
            self.kept.push(issue());
        } else {
            self.omitted += 1;
        }
    }

    /// Adds the problems of another part of the request.
    pub fn append(&mut self, other: Self) {
        self.extend(other.kept);
        self.omitted += other.omitted;
    }

    /// The number of problems beyond those that are named, if there are any.
    pub fn omitted(&self) -> Option<usize> {
        Some(self.omitted).filter(|omitted| *omitted > 0)
    }

    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Issue> {
        self.kept.iter()
    }

    pub fn as_slice(&self) -> &[Issue] {
        &self.kept
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Issue> {
        self.kept.iter_mut()
    }
}

impl Extend<Issue> for Issues {
    fn extend<T: IntoIterator<Item = Issue>>(&mut self, issues: T) {
        for issue in issues {
            self.add(|| issue);
        }
    }
}

impl From<Vec<Issue>> for Issues {
    fn from(issues: Vec<Issue>) -> Self {
        let mut all = Self::default();
        all.extend(issues);
        all
    }
}

/// Only the named problems: the number of the others is a member of its own.
impl Serialize for Issues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.kept.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(count: usize) -> Issues {
        (0..count).map(|index| Issue::new(format!("[{index}]"), "is wrong")).collect::<Vec<_>>().into()
    }

    #[test]
    fn the_first_problems_are_named_and_the_others_counted() {
        for (count, kept, omitted) in [(0, 0, None), (49, 49, None), (50, 50, None), (51, 50, Some(1))] {
            let issues = issues(count);
            assert_eq!((issues.as_slice().len(), issues.omitted()), (kept, omitted), "{count}");
        }
        let mut both = issues(30);
        both.append(issues(60_000));
        assert_eq!((both.as_slice().len(), both.omitted()), (50, Some(59_980)));
        assert_eq!(both.as_slice()[30].path, "[0]");
    }

    #[test]
    fn a_problem_that_is_only_counted_is_not_made() {
        let mut full = issues(Issues::KEPT);
        full.add(|| panic!("made"));
        assert_eq!(full.omitted(), Some(1));
    }

    #[test]
    fn a_path_is_cut_at_200_characters() {
        assert_eq!(Issue::new("ä".repeat(200), "").path, "ä".repeat(200));
        assert_eq!(Issue::new("ä".repeat(201), "").path, format!("{}…", "ä".repeat(199)));
    }

    #[test]
    fn the_message_of_an_issue_names_its_field() {
        let long = "x".repeat(5_000);
        let cut = format!("attributes.{}... is wrong", "x".repeat(100 - "attributes.".len()));
        for (path, told) in [
            ("", "is wrong"),
            ("username", "username is wrong"),
            ("users[3]", "users[3] is wrong"),
            ("content.html", "content.html is wrong"),
            ("parameters[0].slug", "parameters[0].slug is wrong"),
            ("viewer.attributes.city", "attributes.city is wrong"),
            ("users[3].userProfile.picture", "userProfile.picture is wrong"),
            (".", ". is wrong"),
            ("..", ". is wrong"),
            (&format!("attributes.{long}"), &cut),
            (&"é".repeat(101), &format!("{}... is wrong", "é".repeat(100))),
        ] {
            let written = serde_json::to_value(Issue::new(path, "is wrong")).unwrap();
            assert_eq!(written["message"], told);
            assert_eq!(written["path"], text::cut((*path).to_owned(), Issue::MAX_PATH));
        }
    }
}
