//! Creates a service account, whose name and email address no other account has.

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::AccountWriter;
use vitrine_rules::error::Result;
use vitrine_rules::viewer::service_account::ServiceAccount;

const ATTEMPTS: Attempts = Attempts::with_pauses(16, 100);

crate::capability_set! {
    pub struct AccountCreator {
        writer: AccountWriter,
    }
}

impl AccountCreator {
    pub async fn create(&self, account: &ServiceAccount) -> Result<()> {
        retry_on_conflict(ATTEMPTS, || self.writer.create(account)).await
    }
}
