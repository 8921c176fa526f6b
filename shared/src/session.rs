//! Sessions: credentials that we make for a browser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::identifiers::{Kind, PrimaryId};
use crate::viewer::Viewer;

/// How long a single-use session waits to be exchanged.
pub const REDEEM_WITHIN_SECONDS: i64 = 300;

/// A single-use session, as it is stored. Its id is kept as a fingerprint only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub kind: Kind,
    pub id: PrimaryId,
    pub params: Map<String, Value>,
    pub viewer: Viewer,
    pub created_at: Timestamp,
    pub redeem_by: Timestamp,
    /// When the token that it is exchanged for expires.
    pub expires_at: Timestamp,
}

/// What is on file under a token's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    Absent,
    Waiting,
    Redeemed,
    Revoked,
}
