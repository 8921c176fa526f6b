//! Sources: the places of the files of tables.

use deserr::Deserr;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Issue;
use crate::json::input::{Check, Invalid};
use crate::query::table::MANAGED;

/// The fields of a source that its owner sets. Its location is never told to viewers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceInput {
    pub kind: SourceKind,
    /// `s3://bucket/prefix`; on a laptop also a folder.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::forms::Location))]
    pub location: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr)]
#[serde(rename_all = "lowercase")]
#[deserr(error = Invalid, rename_all = lowercase)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SourceKind {
    /// Files in S3, or in a folder of a laptop.
    Files,
}

/// A stored source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    pub name: String,
    pub kind: SourceKind,
    /// Absent for the stack's own source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Timestamp,
}

impl Source {
    /// The source of the tables that the stack itself stores. It is in no item.
    pub fn managed() -> Self {
        let start = Timestamp::from_unix(0);
        let (name, kind) = (MANAGED.to_owned(), SourceKind::Files);
        Self { name, kind, location: None, created_at: start, updated_at: start }
    }

    /// The source with this input, in place of `present`.
    pub fn written(name: String, input: SourceInput, present: Option<&Self>, now: Timestamp) -> Self {
        let created_at = present.map_or(now, |present| present.created_at);
        Self { name, kind: input.kind, location: Some(input.location), created_at, updated_at: now }
    }
}

impl Check for SourceInput {
    fn problems(&self) -> Vec<Issue> {
        if is_location(&self.location) {
            Vec::new()
        } else {
            let message = "must be s3://bucket/prefix, or a folder where the stack runs on a laptop";
            vec![Issue::new("location", message)]
        }
    }
}

/// The bucket and the prefix of a location in S3; the prefix has no slash at its ends.
pub fn bucket_and_prefix(location: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = location.strip_prefix("s3://")?.split_once('/').unwrap_or((&location[5..], ""));
    let is_bucket = (3..=63).contains(&bucket.len())
        && bucket
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
    is_bucket.then(|| (bucket, prefix.trim_matches('/')))
}

fn is_location(location: &str) -> bool {
    let is_sound = (1..=1_024).contains(&location.len())
        && !location.chars().any(char::is_control)
        && !location.split('/').any(|part| part == "." || part == "..");
    is_sound && (bucket_and_prefix(location).is_some() || location.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::input;
    use serde_json::json;

    #[test]
    fn locations_are_prefixes_in_s3_or_absolute_folders() {
        for (location, is_good) in [
            ("s3://lake/sales/2024/", true),
            ("s3://lake", true),
            ("/srv/data", true),
            ("data", false),
            ("s3://", false),
            ("s3://La ke/x", false),
            ("s3://lake/../other", false),
            ("/srv/../etc", false),
            ("https://example.com/x", false),
            ("", false),
        ] {
            let read = input::check::<SourceInput>(json!({"kind": "files", "location": location}));
            assert_eq!(read.is_ok(), is_good, "{location}");
        }
        assert_eq!(bucket_and_prefix("s3://lake/sales/2024/"), Some(("lake", "sales/2024")));
        assert_eq!(bucket_and_prefix("s3://lake"), Some(("lake", "")));
        assert_eq!(bucket_and_prefix("/srv/data"), None);
        assert!(input::check::<SourceInput>(json!({"kind": "athena", "location": "s3://lake"})).is_err());
    }
}
