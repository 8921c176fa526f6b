//! Creates or changes an external user, with the tenant and the session that the change brings.

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::UserDirectory;
use crate::aws::storage::sessions::SessionItem;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::viewer::upsert_user::{NewIds, UserChange, UserUpsert, plan_upsert};

/// All new users of the stack meet at one counter.
const ATTEMPTS: Attempts = Attempts::with_pauses(80, 160);

crate::capability_set! {
    pub struct UserUpserter {
        directory: UserDirectory,
        clock: Clock,
    }
}

impl UserUpserter {
    /// Applies `change` to a user, who is created if they do not exist.
    pub async fn upsert(&self, change: &UserChange) -> Result<UserUpsert> {
        self.upsert_with_session(change, |_| Ok(None)).await
    }

    /// Applies `change` and stores the session that `session` makes of the result: both, or neither.
    pub(super) async fn upsert_with_session(
        &self,
        change: &UserChange,
        session: impl Fn(&UserUpsert) -> Result<Option<SessionItem>>,
    ) -> Result<UserUpsert> {
        let written = retry_on_conflict(ATTEMPTS, || async {
            // Four parallel queries make a large future.
            let state = Box::pin(self.directory.current_state(change)).await?;
            let ids = NewIds { user_id: random::number()?, tenant_id: random::number()? };
            let now = self.clock.now();
            let upsert = plan_upsert(change, &state, ids, now, false)?;
            match self.directory.commit(&upsert, session(&upsert)?, now).await {
                // An existing user is not refused, but stays ephemeral until a seat is free.
                Err(error) if error.reason == Reason::UserLimit && !upsert.is_new_user() => {
                    let upsert = plan_upsert(change, &state, ids, now, true)?;
                    self.directory.commit(&upsert, session(&upsert)?, now).await.map(|()| upsert)
                }
                done => done.map(|()| upsert),
            }
        });
        written.await.map_err(|error| match error.reason {
            Reason::Conflict => {
                Error::new(Reason::Unavailable).detail("too many writers of one external user or counter")
            }
            _ => error,
        })
    }
}
