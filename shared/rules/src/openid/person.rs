//! The person whom a provider vouches for.

use serde_json::{Map, Value};

use crate::error::{Error, Reason, Result};
use crate::text;

/// The most characters of a name that is shown.
const MAX_NAME: usize = 100;

/// The most characters of a subject, and of a group's name.
const MAX_CHARACTERS: usize = 255;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider's own id of the person.
    pub subject: String,
    /// The name and the email address, to show.
    pub name: String,
    pub groups: Vec<String>,
}

impl Person {
    /// Reads the claims of a token that was verified.
    pub fn of(claims: &Map<String, Value>, group_claim: &str) -> Result<Self> {
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| {
            !subject.is_empty() && subject.len() <= MAX_CHARACTERS && !subject.chars().any(char::is_control)
        });
        let subject =
            subject.ok_or_else(|| Error::new(Reason::SignInInvalid).detail("the ID token's sub"))?;
        Ok(Self {
            subject: subject.to_owned(),
            name: shown_name(claims, subject),
            groups: groups(claims, group_claim)?,
        })
    }

    /// The id under which changes of the person are logged.
    pub fn id(subject: &str) -> String {
        format!("person:{subject}")
    }
}

fn shown_name(claims: &Map<String, Value>, subject: &str) -> String {
    let claim = |name: &str| {
        let found = claims.get(name).and_then(Value::as_str).map(readable);
        found.filter(|found| !found.is_empty())
    };
    // An address that was never confirmed may be somebody else's.
    let email = claim("email").filter(|_| claims.get("email_verified") != Some(&Value::Bool(false)));
    let name = claim("name").or_else(|| claim("preferred_username"));
    match (name, email) {
        (Some(name), Some(email)) if name != email => format!("{name} ({email})"),
        (Some(shown), _) | (None, Some(shown)) => shown,
        (None, None) => readable(subject),
    }
}

/// A text on one line, without characters that change how others are shown.
fn readable(shown: &str) -> String {
    let is_plain = |letter: &char| {
        !letter.is_control()
            && !matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text::cut(shown.chars().filter(is_plain).collect::<String>().trim().to_owned(), MAX_NAME)
}

/// The groups in a claim: a list of texts, or a single one. The claim is a member, or a path of members with dots.
fn groups(claims: &Map<String, Value>, claim: &str) -> Result<Vec<String>> {
    let refuse = |reason, message: &'static str| Err(Error::new(reason).message(message));
    if claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return refuse(Reason::GroupsMissing, "The provider does not confirm your email address.");
    }
    match claims.get(claim).or_else(|| nested(claims, claim)) {
        Some(Value::String(only)) => Ok(vec![only.clone()]),
        Some(Value::Array(listed)) => {
            Ok(listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        // With too many groups for a token, a provider sends an address to ask instead.
        _ if claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some())
            || claims.get("hasgroups").is_some() =>
        {
            refuse(
                Reason::GroupsMissing,
                "You are in more groups than the provider sends. Ask an admin of the provider to send only the groups of this application.",
            )
        }
        _ => refuse(
            Reason::GroupsMissing,
            "The provider sent no groups. Ask an admin of the provider to add the groups claim to the ID token of this application.",
        ),
    }
}

fn nested<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}
