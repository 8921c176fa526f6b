//! Sessions: credentials that the stack creates for a browser.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Timestamp;
use crate::resource::ids::{Deployment, Kind, PrimaryId};
use crate::viewer::Viewer;
use crate::viewer::external_user::Profile;
use crate::viewer::tenant::TenantName;

/// The time within which a single-use session must be exchanged.
pub const REDEEM_WITHIN_SECONDS: i64 = 300;

/// The lifetime of a deployment's session after its exchange.
pub const DEPLOYMENT_SECONDS: i64 = 86_400;

/// A stored single-use session: the contents of its future token. Its id is stored as a fingerprint only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The contents of the token.
    #[serde(rename = "vouches")]
    pub grant: SessionGrant,
    pub created_at: Timestamp,
    pub redeem_by: Timestamp,
    pub lifetime: Lifetime,
}

/// The expiry of a session's token.
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

/// The things that a session's token will grant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionGrant {
    /// None: everything that is published in the deployment.
    pub resource: Option<(Kind, PrimaryId)>,
    pub params: Map<String, Value>,
    pub viewer: Viewer,
    /// The id of the viewer, for a service account.
    pub account: Option<String>,
    /// The id of the viewer, for an external user.
    pub user: Option<u64>,
    pub tenant: Option<TenantName>,
    pub deployment: Option<Deployment>,
}

/// The facts about a deployment's session that stay on the server. The token only refers to them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionContext {
    pub deployment: Deployment,
    /// The public id of the only dashboard that it opens.
    pub dashboard: Option<String>,
    pub viewer: Viewer,
    /// The id of the viewer, for an external user.
    pub user: Option<u64>,
    /// The profile that was stated for this session, over that of the stored user.
    #[serde(default)]
    pub profile: Profile,
    /// The name and id of the user's tenant.
    pub tenant: Option<(TenantName, u64)>,
    pub creator_mode: bool,
    /// Facts about the viewer for the owner's own services.
    pub security_context: Option<Map<String, Value>>,
    /// Settings of the page.
    pub settings: Map<String, Value>,
    pub theme: Option<Map<String, Value>>,
}

impl SessionContext {
    /// The maximum of [`Self::size`].
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Set if the settings keep the viewer from having files.
    pub fn forbids_export(&self) -> bool {
        self.settings.get("allowExport") == Some(&Value::Bool(false))
    }

    /// The size of the caller's part, in bytes of JSON.
    pub fn size(&self) -> usize {
        let sized = (&self.viewer.attributes, &self.viewer.groups, &self.security_context, &self.settings);
        serde_json::to_string(&sized).map_or(usize::MAX, |text| text.len())
    }
}

/// The stored state of a session or of a revoked token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    Absent,
    Waiting,
    Redeemed,
    Revoked,
}
