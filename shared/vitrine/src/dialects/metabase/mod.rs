//! Metabase: the words and shapes of its API.

pub mod catalog;
pub mod columns;
pub mod dataset_query;
pub mod template_tag;
pub mod viewing;

use std::collections::BTreeMap;

use vitrine_rules::error::{Error, Reason};

/// Header in which its clients send a session or an access key.
pub const SESSION_HEADER: &str = "x-metabase-session";

/// The release whose API these routes follow. Clients compare it with the releases that they know.
pub const VERSION_TAG: &str = "v0.57.0";

/// The name of the server for its clients.
pub const SITE_NAME: &str = "Vitrine";

/// The member `errors` in the refusal of a sign-in, which its clients show. No other refusal has one.
pub fn sign_in_errors(error: &Error) -> BTreeMap<String, String> {
    let named = |field: &str, text: &str| BTreeMap::from([(field.to_owned(), text.to_owned())]);
    match error.reason {
        Reason::PasswordWrong => named("password", "did not match stored password"),
        Reason::SignInLocked => named("username", &error.message),
        _ => BTreeMap::new(),
    }
}
