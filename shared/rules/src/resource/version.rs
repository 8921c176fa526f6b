//! Versions of a resource's content.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::resource::Resource;
use crate::resource::content::Content;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionSummary {
    pub version: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    #[serde(flatten)]
    pub summary: VersionSummary,
    pub content: Option<Content>,
}

impl Version {
    /// The current version, which begins with the last change that is known of the resource.
    pub fn current(resource: &Resource) -> Self {
        let summary = VersionSummary { version: resource.version, created_at: resource.updated_at };
        Self { summary, content: resource.content.clone() }
    }
}
