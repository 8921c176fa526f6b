//! Removes a tenant with its users, groups and attributes.

use std::time::{Duration, Instant};

use crate::aws::storage::external_users::UserListing;
use crate::aws::storage::{ExternalUserLister, ExternalUserRemover, TenantReader, TenantWriter};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::paging::Paging;
use vitrine_rules::viewer::tenant::TenantName;

/// The time after which the caller has to ask again. A function is stopped after ten seconds.
const PATIENCE: Duration = Duration::from_secs(6);

crate::capability_set! {
    pub struct TenantRemover {
        users: ExternalUserLister,
        remover: ExternalUserRemover,
        tenants: TenantReader,
        writer: TenantWriter,
    }
}

impl TenantRemover {
    /// Does nothing if there is no such tenant. [`Reason::Unavailable`] if it has more users than can be removed in
    /// time: those that are removed stay removed.
    pub async fn remove(&self, name: &TenantName) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if self.remove_some_users(name).await? {
                continue;
            }
            let Some(seen) = self.tenants.find(name).await? else { return Ok(()) };
            if seen.users == 0 {
                self.writer.clear(name).await?;
                match self.writer.delete(&seen).await {
                    Err(error) if error.reason == Reason::Conflict => {}
                    done => return done,
                }
            }
            // A user was added, and the list of users does not show them yet.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(Error::new(Reason::Unavailable).detail("a tenant has more users than can be removed at once"))
    }

    /// Removes as many users as one transaction takes. Returns false if there were none.
    async fn remove_some_users(&self, tenant: &TenantName) -> Result<bool> {
        let paging = Paging { limit: ExternalUserRemover::AT_ONCE, after: None };
        let listing = UserListing { tenant: Some(tenant), ..UserListing::default() };
        let some = self.users.list(listing, &paging).await?.items;
        if some.is_empty() {
            return Ok(false);
        }
        match self.remover.remove(&some).await {
            // One of them was changed after the list was read: the next list shows it.
            Err(error) if error.reason == Reason::Conflict => Ok(true),
            done => done.map(|()| true),
        }
    }
}
