//! Removes a service account, its tokens and its claim to an email address.

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{AccountReader, AccountWriter};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::viewer::service_account::Username;

const ATTEMPTS: Attempts = Attempts::without_pauses(16);

crate::capability_set! {
    pub struct AccountRemover {
        reader: AccountReader,
        writer: AccountWriter,
    }
}

impl AccountRemover {
    pub async fn remove(&self, username: &Username) -> Result<()> {
        retry_on_conflict(ATTEMPTS, || async {
            let account = self.reader.find(username).await?.ok_or(Reason::AccountNotFound)?;
            self.writer.delete(&account).await
        })
        .await
    }
}
