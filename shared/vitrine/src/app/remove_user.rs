//! Removes an external user and frees their seat.

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{ExternalUserReader, ExternalUserRemover};
use vitrine_rules::error::{Reason, Result};

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct UserRemover {
        reader: ExternalUserReader,
        remover: ExternalUserRemover,
    }
}

impl UserRemover {
    pub async fn remove(&self, id: u64) -> Result<()> {
        retry_on_conflict(ATTEMPTS, || async {
            let user = self.reader.find_by_id(id).await?.ok_or(Reason::UserNotFound)?;
            self.remover.remove(std::slice::from_ref(&user)).await
        })
        .await
    }
}
