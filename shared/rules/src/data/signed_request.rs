//! Requests that whoever has them may send.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// A request that whoever has it may send until it expires.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRequest {
    pub url: String,
    /// Headers that are part of the signature.
    pub headers: BTreeMap<String, String>,
    pub expires_at: Timestamp,
}

/// The URL is a credential.
impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
