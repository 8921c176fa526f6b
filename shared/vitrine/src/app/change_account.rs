//! Changes the role, the attributes or the email address of a service account.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{AccountReader, AccountWriter};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::json::input::Patch;
use vitrine_rules::viewer::email::Email;
use vitrine_rules::viewer::role::Role;
use vitrine_rules::viewer::service_account::{ServiceAccount, Username};

const ATTEMPTS: Attempts = Attempts::without_pauses(16);

crate::capability_set! {
    pub struct AccountChanger {
        reader: AccountReader,
        writer: AccountWriter,
    }
}

/// A change of an account. Fields that are left out stay as they are.
#[derive(Debug, Default)]
pub struct AccountChange {
    pub role: Option<Role>,
    /// Replaced as a whole.
    pub attributes: Option<BTreeMap<String, Value>>,
    pub email: Patch<Email>,
}

impl AccountChanger {
    pub async fn change(&self, username: &Username, change: &AccountChange) -> Result<ServiceAccount> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.reader.find(username).await?.ok_or(Reason::AccountNotFound)?;
            let account = ServiceAccount {
                role: change.role.unwrap_or(present.role),
                attributes: change.attributes.clone().unwrap_or_else(|| present.attributes.clone()),
                email: change.email.clone().over(present.email.clone()),
                revision: present.revision + 1,
                ..present.clone()
            };
            self.writer.replace(&account, &present).await.map(|()| account)
        })
        .await
    }
}
