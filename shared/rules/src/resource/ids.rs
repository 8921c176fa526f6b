//! Identifiers of resources.
//!
//! A dashboard or a question has a positive number, a 21-character entity id and a 12-character public
//! id; a dive has a UUID and a public id. All of them name the same resource.

use std::fmt;
use std::str::FromStr;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Reason, Result};
use crate::json::input::{Invalid, Wrong};
use crate::random;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Kind {
    Dashboard,
    Question,
    Dive,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Dashboard, Self::Question, Self::Dive];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Question => "question",
            Self::Dive => "dive",
        }
    }

    /// Returns whether a token can name a version of the content.
    pub const fn has_named_versions(self) -> bool {
        match self {
            Self::Dashboard | Self::Question => false,
            Self::Dive => true,
        }
    }

    /// Returns whether the primary id is a number and not a UUID.
    pub const fn has_number(self) -> bool {
        match self {
            Self::Dashboard | Self::Question => true,
            Self::Dive => false,
        }
    }

    /// Returns whether its resources have an entity id.
    pub const fn has_entity_id(self) -> bool {
        match self {
            Self::Dashboard | Self::Question => true,
            Self::Dive => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Kind {
    type Err = Wrong;

    fn from_str(word: &str) -> std::result::Result<Self, Wrong> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or(Wrong("must be one of: dashboard, question, dive"))
    }
}

/// The id that a resource is stored and sorted by. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PrimaryId {
    Number(u64),
    Uuid(String),
}

impl fmt::Display for PrimaryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Uuid(uuid) => f.write_str(uuid),
        }
    }
}

/// Any id that names a resource. The four forms are distinct.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResourceId {
    Number(u64),
    Uuid(String),
    Entity(String),
    Public(String),
}

impl ResourceId {
    /// The largest number that JavaScript represents exactly.
    pub const MAX_NUMBER: u64 = (1 << 53) - 1;

    /// Parses an id from a path.
    pub fn parse(kind: Kind, text: &str) -> Result<Self> {
        let id = if text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse()
                .ok()
                .filter(|number| !text.starts_with('0') && (1..=Self::MAX_NUMBER).contains(number))
                .map(Self::Number)
        } else if is_public_id(text) {
            Some(Self::Public(text.to_owned()))
        } else if is_entity_id(text) {
            Some(Self::Entity(text.to_owned()))
        } else {
            parse_uuid(text).map(Self::Uuid)
        };
        id.filter(|id| id.fits(kind)).ok_or(Reason::IdInvalid.into())
    }

    /// Parses an id from a token, in which a number is a JSON number and never a string.
    pub fn from_claim(kind: Kind, claim: &Value) -> Result<Self> {
        let id = match claim {
            Value::Number(number) => {
                number.as_u64().filter(|number| (1..=Self::MAX_NUMBER).contains(number)).map(Self::Number)
            }
            Value::String(text) => Self::parse(kind, text).ok().filter(|id| !matches!(id, Self::Number(_))),
            _ => None,
        };
        id.filter(|id| id.fits(kind)).ok_or(Reason::ResourceIdInvalid.into())
    }

    const fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::Public(_) => true,
            Self::Uuid(_) => !kind.has_number(),
            Self::Number(_) => kind.has_number(),
            Self::Entity(_) => kind.has_entity_id(),
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Uuid(id) | Self::Entity(id) | Self::Public(id) => f.write_str(id),
        }
    }
}

impl From<PrimaryId> for ResourceId {
    fn from(id: PrimaryId) -> Self {
        match id {
            PrimaryId::Number(number) => Self::Number(number),
            PrimaryId::Uuid(uuid) => Self::Uuid(uuid),
        }
    }
}

/// A reference to one resource by any of its ids: `{"dashboard": 1}` in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceRef {
    pub kind: Kind,
    pub id: ResourceId,
}

impl ResourceRef {
    pub fn new(kind: Kind, id: impl Into<ResourceId>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.kind, self.id)
    }
}

/// Returns whether `text` has the form of a public id: 12 letters and digits, starting with a letter.
pub fn is_public_id(text: &str) -> bool {
    text.len() == 12
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.as_bytes()[0].is_ascii_alphabetic()
}

/// The most bytes of a name: it is part of a sort key, of which DynamoDB takes 1,024 bytes.
const MAX_NAME_BYTES: usize = 1_000;

/// Returns whether `text` can be a name in a path: 1 to 255 characters, without slashes, control characters or
/// spaces at the ends.
pub fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES
        && (1..=255).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(|letter| letter.is_control() || letter == '/')
}

/// Returns whether `text` has the form of an entity id.
pub fn is_entity_id(text: &str) -> bool {
    text.len() == 21 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Parses the hyphenated form only, in upper or lower case.
fn parse_uuid(text: &str) -> Option<String> {
    (text.len() == 36).then(|| uuid::Uuid::try_parse(text).ok()).flatten().map(|uuid| uuid.to_string())
}

pub fn new_uuid() -> Result<String> {
    Ok(uuid::Builder::from_random_bytes(random::bytes()?).into_uuid().to_string())
}

/// The number of a deployment: a part of the stack's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Deserr)]
#[serde(transparent)]
#[deserr(error = Invalid, try_from(u32) = Self::new -> Wrong)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 4294967295_u32))]
pub struct Deployment(u32);

impl Deployment {
    pub const FIRST: Self = Self(1);

    pub fn new(number: u32) -> std::result::Result<Self, Wrong> {
        if number == 0 { Err(Wrong("must be greater than zero")) } else { Ok(Self(number)) }
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::invalid("", wrong.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_in_paths() {
        let uuid = "0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77";
        let cases = [
            (Kind::Dashboard, "1", Some(ResourceId::Number(1))),
            (Kind::Question, "9007199254740991", Some(ResourceId::Number(ResourceId::MAX_NUMBER))),
            (
                Kind::Dashboard,
                "V1StGXR8_Z5jdHi6B-myT",
                Some(ResourceId::Entity("V1StGXR8_Z5jdHi6B-myT".into())),
            ),
            (
                Kind::Dashboard,
                "123456789012345678901",
                Some(ResourceId::Entity("123456789012345678901".into())),
            ),
            (Kind::Dive, "aB3dE6gH9jK2", Some(ResourceId::Public("aB3dE6gH9jK2".into()))),
            (Kind::Dive, uuid, Some(ResourceId::Uuid(uuid.into()))),
            (Kind::Dive, "0191E7A0-5D2B-7C3F-9B1A-2F5D8C1E4A77", Some(ResourceId::Uuid(uuid.into()))),
            (Kind::Dashboard, "0", None),
            (Kind::Dashboard, "01", None),
            (Kind::Dashboard, "-1", None),
            (Kind::Dashboard, "9007199254740992", None),
            (Kind::Dashboard, "", None),
            (Kind::Dashboard, "1e3", None),
            (Kind::Dashboard, uuid, None),
            (Kind::Dive, "1", None),
            (Kind::Dive, "0191e7a05d2b7c3f9b1a2f5d8c1e4a77", None),
            (Kind::Dashboard, "V1StGXR8_Z5jdHi6B-my!", None),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(ResourceId::parse(kind, text).ok(), expected, "{kind} {text}");
        }
    }

    #[test]
    fn ids_in_tokens() {
        let cases = [
            (Kind::Dashboard, json!(1), true),
            (Kind::Dashboard, json!("V1StGXR8_Z5jdHi6B-myT"), true),
            (Kind::Dive, json!("0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77"), true),
            (Kind::Dashboard, json!("8"), false),
            (Kind::Dashboard, json!(0), false),
            (Kind::Dashboard, json!(-1), false),
            (Kind::Dashboard, json!(1.5), false),
            (Kind::Dashboard, json!({"id": 1}), false),
            (Kind::Dashboard, json!([1]), false),
            (Kind::Dashboard, json!("aB3dE6gH9jK2"), true),
            (Kind::Dive, json!(1), false),
        ];
        for (kind, claim, accepted) in cases {
            assert_eq!(ResourceId::from_claim(kind, &claim).is_ok(), accepted, "{kind} {claim}");
        }
    }
}
