//! Ends one session of an external user.

use crate::aws::storage::{SessionEnder, UserSessionLister};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Reason, Result};

crate::capability_set! {
    pub struct UserSessionEnder {
        sessions: UserSessionLister,
        ender: SessionEnder,
        clock: Clock,
    }
}

impl UserSessionEnder {
    /// Revokes a session, exchanged or not. One of another user is not found.
    pub async fn end(&self, user: u64, handle: &str) -> Result<()> {
        self.sessions.find(user, handle).await?.ok_or(Reason::UserSessionNotFound)?;
        self.ender.revoke(handle, self.clock.now()).await
    }
}
