//! Input from callers: every problem is reported at once, by field, with messages of our own.

use std::ops::ControlFlow;

use deserr::{
    DeserializeError, Deserr, ErrorKind, IntoValue, MergeWithError, Sequence, ValueKind, ValuePointerRef,
};
use serde_json::Value;

use crate::error::{Error, Issue, Issues, Reason, Result};

/// The problem of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong(pub &'static str);

/// All problems of a document.
#[derive(Debug, Default)]
pub struct Invalid {
    issues: Issues,
    /// The names of the unknown fields of the document itself.
    unknown: Vec<String>,
}

/// Reads a parsed document as a `T`.
pub fn read<T: Deserr<Invalid>>(document: Value) -> Result<T> {
    deserr::deserialize::<T, Value, Invalid>(document)
        .map_err(|invalid| Error::new(Reason::RequestInvalid).issues(invalid.issues))
}

/// Reads a document like [`read`], and then checks the rules across its fields.
pub fn check<T: Deserr<Invalid> + Check>(document: Value) -> Result<T> {
    let read: T = read(document)?;
    let issues = read.problems();
    if issues.is_empty() { Ok(read) } else { Err(Error::new(Reason::RequestInvalid).issues(issues)) }
}

/// Checks a document like [`check`], without its unknown fields, and returns their names. Unknown fields of nested
/// objects stay a problem.
pub fn tolerate<T: Deserr<Invalid> + Check>(mut document: Value) -> Result<(T, Vec<String>)> {
    let unknown = unknown_fields::<T>(&document);
    if let Value::Object(members) = &mut document {
        unknown.iter().for_each(|name| drop(members.remove(name)));
    }
    Ok((check(document)?, unknown))
}

/// The members of a document that a `T` does not have. Their values are not read.
fn unknown_fields<T: Deserr<Invalid>>(document: &Value) -> Vec<String> {
    let Value::Object(members) = document else { return Vec::new() };
    let names = members.keys().map(|name| (name.clone(), Value::Null)).collect();
    let read = deserr::deserialize::<T, Value, Invalid>(Value::Object(names));
    read.err().map(|invalid| invalid.unknown).unwrap_or_default()
}

/// Rules across fields.
pub trait Check {
    fn problems(&self) -> Vec<Issue> {
        Vec::new()
    }
}

/// A list whose length is checked before its items are read. A field is read through it with
/// `from(AtMost<T, 50>) = AtMost::into_vec`.
#[derive(Debug)]
pub struct AtMost<T, const MOST: usize, const LEAST: usize = 0>(Vec<T>);

impl<T, const MOST: usize, const LEAST: usize> AtMost<T, MOST, LEAST> {
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }

    /// The list of an optional field.
    pub fn into_option(list: Option<Self>) -> Option<Vec<T>> {
        list.map(Self::into_vec)
    }
}

impl<T: Deserr<Invalid>, const MOST: usize, const LEAST: usize> Deserr<Invalid> for AtMost<T, MOST, LEAST> {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> std::result::Result<Self, Invalid> {
        if let deserr::Value::Sequence(items) = &value
            && !(LEAST..=MOST).contains(&items.len())
        {
            let message = match LEAST {
                0 => format!("must be at most {MOST} items"),
                least => format!("must be {least} to {MOST} items"),
            };
            return Err(Invalid {
                issues: vec![Issue::new(path_of(location), message)].into(),
                ..Invalid::default()
            });
        }
        Vec::deserialize_from_value(value, location).map(Self)
    }
}

/// A field of a partial update, in which null and absence differ.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Patch<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Patch<T> {
    /// Applies the patch to a field that can be empty.
    pub fn over(self, present: Option<T>) -> Option<T> {
        match self {
            Self::Keep => present,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T: Deserr<Invalid>> Deserr<Invalid> for Patch<T> {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> std::result::Result<Self, Invalid> {
        match value {
            deserr::Value::Null => Ok(Self::Clear),
            value => T::deserialize_from_value(value, location).map(Self::Set),
        }
    }
}

impl DeserializeError for Invalid {
    fn error<V: IntoValue>(
        earlier: Option<Self>,
        kind: ErrorKind<V>,
        location: ValuePointerRef,
    ) -> ControlFlow<Self, Self> {
        let mut invalid = earlier.unwrap_or_default();
        if let (ErrorKind::UnknownKey { key, .. }, ValuePointerRef::Origin) = (&kind, location) {
            invalid.unknown.push((*key).to_owned());
        }
        let path = || path_of(location);
        invalid.issues.add(|| match kind {
            ErrorKind::IncorrectValueKind { accepted, .. } => {
                let subject = if path().is_empty() { "the document " } else { "" };
                Issue::new(path(), format!("{subject}must be {}", kinds(accepted)))
            }
            ErrorKind::MissingField { field } => Issue::new(join(&path(), field), "is required"),
            ErrorKind::UnknownKey { key, .. } => {
                let subject = if key.is_empty() { "the empty name " } else { "" };
                Issue::new(join(&path(), key), format!("{subject}is not a known field"))
            }
            ErrorKind::UnknownValue { accepted, .. } => {
                Issue::new(path(), format!("must be one of: {}", accepted.join(", ")))
            }
            ErrorKind::BadSequenceLen { expected, .. } => {
                Issue::new(path(), format!("must have {expected} items"))
            }
            ErrorKind::Unexpected { .. } => Issue::new(path(), "is out of range"),
        });
        ControlFlow::Continue(invalid)
    }
}

impl MergeWithError<Self> for Invalid {
    fn merge(earlier: Option<Self>, other: Self, _: ValuePointerRef) -> ControlFlow<Self, Self> {
        let mut invalid = earlier.unwrap_or_default();
        invalid.issues.append(other.issues);
        invalid.unknown.extend(other.unknown);
        ControlFlow::Continue(invalid)
    }
}

impl MergeWithError<Wrong> for Invalid {
    fn merge(earlier: Option<Self>, wrong: Wrong, location: ValuePointerRef) -> ControlFlow<Self, Self> {
        let mut invalid = earlier.unwrap_or_default();
        invalid.issues.add(|| Issue::new(path_of(location), wrong.0));
        ControlFlow::Continue(invalid)
    }
}

fn path_of(location: ValuePointerRef) -> String {
    match location {
        ValuePointerRef::Origin => String::new(),
        ValuePointerRef::Key { key, prev } => join(&path_of(*prev), key),
        ValuePointerRef::Index { index, prev } => format!("{}[{index}]", path_of(*prev)),
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn kinds(accepted: &[ValueKind]) -> String {
    let mut words: Vec<_> = accepted
        .iter()
        .map(|kind| match kind {
            ValueKind::Null => "null",
            ValueKind::Boolean => "true or false",
            ValueKind::Integer => "a whole number",
            ValueKind::NegativeInteger => "a whole number",
            ValueKind::Float => "a number",
            ValueKind::String => "a text",
            ValueKind::Sequence => "a list",
            ValueKind::Map => "an object",
        })
        .collect();
    words.dedup();
    words.join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserr)]
    #[deserr(error = Invalid, deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        a: u8,
    }

    #[derive(Debug, Deserr)]
    #[deserr(error = Invalid, deny_unknown_fields)]
    struct Outer {
        name: String,
        #[deserr(default)]
        inner: Option<Inner>,
    }

    impl Check for Outer {}

    #[test]
    fn only_unknown_fields_of_the_document_itself_are_tolerated() {
        let document = json!({"name": "n", "inner": {"a": 1}, "new": {"name": 1}, "newer": null});
        let (read, unknown) = tolerate::<Outer>(document).unwrap();
        assert_eq!((read.name.as_str(), read.inner.is_some()), ("n", true));
        assert_eq!(unknown, ["new", "newer"]);

        let (_, unknown) = tolerate::<Outer>(json!({"name": "n"})).unwrap();
        assert!(unknown.is_empty());

        for (document, path) in [
            (json!({"name": "n", "inner": {"a": 1, "b": 2}}), "inner.b"),
            (json!({"new": 1}), "name"),
            (json!({"name": 1, "new": 1}), "name"),
            (json!(["name"]), ""),
        ] {
            let error = tolerate::<Outer>(document.clone()).unwrap_err();
            let paths: Vec<_> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
            assert_eq!(paths, [path], "{document}");
            assert!(check::<Outer>(document).is_err());
        }
    }

    #[derive(Debug, Deserr)]
    #[deserr(error = Invalid, deny_unknown_fields)]
    struct Lists {
        #[deserr(default, from(AtMost<u8, 3>) = AtMost::into_vec)]
        few: Vec<u8>,
        #[deserr(default, from(Option<AtMost<u8, 3>>) = AtMost::into_option)]
        maybe: Option<Vec<u8>>,
    }

    fn refused(document: Value) -> Issues {
        read::<Lists>(document).unwrap_err().issues
    }

    #[test]
    fn a_list_that_is_too_long_is_one_problem_whatever_its_items_are() {
        let read: Lists = read(json!({"few": [1, 2, 3], "maybe": [1]})).unwrap();
        assert_eq!((read.few, read.maybe), (vec![1, 2, 3], Some(vec![1])));
        let least: AtMost<u8, 3, 1> = super::read(json!([1])).unwrap();
        assert_eq!(least.into_vec(), [1]);
        for wrong in [json!([]), json!([1, 2, 3, 4])] {
            let issues = super::read::<AtMost<u8, 3, 1>>(wrong).unwrap_err().issues;
            assert_eq!(issues.as_slice(), [Issue::new("", "must be 1 to 3 items")]);
        }
        let read: Lists = super::read(json!({})).unwrap();
        assert_eq!((read.few, read.maybe), (Vec::new(), None));
        for field in ["few", "maybe"] {
            let issues = refused(json!({ field: vec![json!("no"); 60_000] }));
            assert_eq!(issues.as_slice(), [Issue::new(field, "must be at most 3 items")]);
            assert_eq!(issues.omitted(), None);
            assert_eq!(refused(json!({ field: [1, "no"] })).as_slice()[0].path, format!("{field}[1]"));
            assert_eq!(refused(json!({ field: "no" })).as_slice()[0].path, field);
        }
    }

    #[test]
    fn unknown_fields_are_named_up_to_a_number_and_in_short() {
        let many: serde_json::Map<_, _> = (0..20_000).map(|index| (format!("f{index}"), json!(1))).collect();
        let issues = refused(Value::Object(many));
        assert_eq!((issues.as_slice().len(), issues.omitted()), (50, Some(19_950)));
        let issues = refused(json!({ "x".repeat(100_000): 1 }));
        assert_eq!(issues.as_slice()[0].path.chars().count(), 200);
    }
}
