//! Sessions: credentials that we make for a browser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::resource::ids::{Deployment, Kind, PrimaryId};
use crate::viewer::Viewer;
use crate::viewer::tenant::TenantName;

/// How long a single-use session waits to be exchanged.
pub const REDEEM_WITHIN_SECONDS: i64 = 300;

/// How long a session of a deployment lives once it is exchanged.
pub const DEPLOYMENT_SECONDS: i64 = 86_400;

/// A single-use session, as it is stored: what the token out of it will say. Its id is kept as a
/// fingerprint only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub vouches: SessionGrant,
    pub created_at: Timestamp,
    pub redeem_by: Timestamp,
    pub lifetime: Lifetime,
}

/// When the token out of a session expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    Until(Timestamp),
    /// Seconds from the exchange.
    For(i64),
}

impl Lifetime {
    pub fn end(self, exchanged: Timestamp) -> Timestamp {
        match self {
            Self::Until(end) => end,
            Self::For(seconds) => exchanged.plus(seconds),
        }
    }
}

/// What a credential of ours vouches for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionGrant {
    /// None: whatever is published in the deployment.
    pub resource: Option<(Kind, PrimaryId)>,
    pub params: Map<String, Value>,
    pub viewer: Viewer,
    /// The service account that the viewer is.
    pub account: Option<String>,
    /// The external user that the viewer is.
    pub user: Option<u64>,
    pub tenant: Option<TenantName>,
    pub deployment: Option<Deployment>,
}

/// What is known of a session of a deployment and stays on our side. The token only refers to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    pub deployment: Deployment,
    /// The one dashboard that it opens, by its public id.
    pub dashboard: Option<String>,
    pub viewer: Viewer,
    /// The external user that the viewer is.
    pub user: Option<u64>,
    /// The user's tenant, and which one of that name.
    pub tenant: Option<(TenantName, u64)>,
    pub creator_mode: bool,
    /// What the owner's own services are to know of the viewer.
    pub security_context: Option<Map<String, Value>>,
    /// What the page is to show of itself.
    pub settings: Map<String, Value>,
    pub theme: Option<Map<String, Value>>,
}

impl Context {
    /// How much of it there may be.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// What the caller's part of it takes.
    pub fn size(&self) -> usize {
        let sized = (&self.viewer.attributes, &self.viewer.groups, &self.security_context, &self.settings);
        serde_json::to_string(&sized).map_or(usize::MAX, |text| text.len())
    }
}

/// What is on file under a token's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    Absent,
    Waiting,
    Redeemed,
    Revoked,
}
