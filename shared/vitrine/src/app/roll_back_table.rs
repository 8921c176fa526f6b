//! Makes an earlier version of a table the current one.

use crate::app::guard_table_users::TableUsers;
use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{TableReader, TableVersionReader, TableWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::data::table::Table;
use vitrine_rules::error::{Error, Reason, Result};

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct TableRollback {
        tables: TableReader,
        versions: TableVersionReader,
        writer: TableWriter,
        users: TableUsers,
        clock: Clock,
    }
}

impl TableRollback {
    /// Makes a version current, whether it is older or newer. The current one stays as it is.
    pub async fn roll_back(&self, name: &str, number: u64, force: bool) -> Result<Table> {
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.tables.get(name).await?.ok_or(Reason::TableNotFound)?;
            if present.current.as_ref().is_some_and(|current| current.number == number) {
                return Ok(present);
            }
            let version = self.versions.find(&present, number).await?.ok_or(Reason::VersionNotFound)?;
            let table = present.clone().at_version(version, self.clock.now());
            let problems = table.policy_problems();
            if !problems.is_empty() {
                return Err(Error::new(Reason::RequestInvalid).issues(problems));
            }
            self.users.require_not_narrowed(&present, &table, force).await?;
            self.writer.replace(&table, &present).await.map(|()| table)
        })
        .await
    }
}
