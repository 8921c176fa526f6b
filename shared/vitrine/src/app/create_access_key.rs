//! Creates an access key that may do no more than its creator's, and ends no later.

use std::sync::Arc;

use crate::aws::storage::AccessKeyWriter;
use vitrine_rules::access_key::{self, AccessKey};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Issue, Result};
use vitrine_rules::permission::Permission;
use vitrine_rules::reach::Reach;
use vitrine_rules::resource::ids::Deployment;
use vitrine_rules::settings::Settings;
use vitrine_rules::viewer::role::Role;

crate::capability_set! {
    pub struct AccessKeyCreator {
        keys: AccessKeyWriter,
        settings: Arc<Settings>,
        clock: Clock,
    }
}

#[derive(Debug)]
pub struct NewAccessKey {
    pub name: String,
    pub role: Role,
    pub permissions: Vec<Permission>,
    /// None named means all.
    pub deployments: Vec<Deployment>,
    pub expires_at: Option<Timestamp>,
}

impl NewAccessKey {
    /// Everything that is wrong with these parts of a new key.
    pub fn problems(name: &str, permissions: &[Permission], deployments: &[Deployment]) -> Vec<Issue> {
        let mut issues = Vec::new();
        if name.trim().is_empty() || name.chars().count() > 255 {
            issues.push(Issue::new("name", "must be 1 to 255 characters"));
        }
        for (field, length) in [("permissions", permissions.len()), ("deployments", deployments.len())] {
            if length > Reach::MAX_DEPLOYMENTS {
                issues.push(Issue::new(field, "must be at most 100 items"));
            }
        }
        issues
    }
}

/// A created key. The key itself is stored as a fingerprint only, and cannot be read again.
pub struct CreatedAccessKey {
    pub key: String,
    pub record: AccessKey,
}

impl AccessKeyCreator {
    pub async fn create(&self, creator: &AccessKey, new: NewAccessKey) -> Result<CreatedAccessKey> {
        let now = self.clock.now();
        if new.expires_at.is_some_and(|expires| expires <= now) {
            return Err(Error::invalid("expires_at", "must be in the future"));
        }
        let (id, key) = access_key::new_key()?;
        let record = AccessKey {
            id,
            name: new.name,
            role: new.role,
            permissions: new.permissions.into_iter().collect(),
            reach: Reach::of(new.deployments),
            created_at: now,
            expires_at: creator.end_within(new.expires_at)?,
        };
        // First, so that a scoped key does not learn which deployments there are.
        creator.require_control(&record)?;
        if !record.reach.is_within(&self.settings) {
            return Err(Error::invalid("deployments", "must be deployments of this stack"));
        }
        self.keys.create(&record, &key).await?;
        Ok(CreatedAccessKey { key, record })
    }
}
