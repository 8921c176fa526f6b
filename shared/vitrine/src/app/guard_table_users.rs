//! Protects published queries from changes of the tables that they read.

use crate::aws::storage::TableUses;
use vitrine_rules::data::table::Table;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::resource::ids::ResourceRef;

/// The most columns that a refusal names.
const MOST_NAMED: usize = 20;

crate::capability_set! {
    pub struct TableUsers {
        uses: TableUses,
    }
}

impl TableUsers {
    /// Refuses a change that takes columns away from published queries, unless the caller forces it.
    pub async fn require_not_narrowed(&self, table: &Table, next: &Table, force: bool) -> Result<()> {
        let lost = table.narrowed(next);
        if lost.is_empty() {
            return Ok(());
        }
        let lost: Vec<_> = lost.iter().take(MOST_NAMED).map(|name| format!("{name:?}")).collect();
        self.require_unused(&table.name, force, &format!("may read columns that change: {}", lost.join(", ")))
            .await
    }

    /// Refuses the removal of a table that published queries read, unless the caller forces it.
    pub async fn require_unused_table(&self, table: &Table, force: bool) -> Result<()> {
        self.require_unused(&table.name, force, "reads this table").await
    }

    async fn require_unused(&self, table: &str, force: bool, problem: &str) -> Result<()> {
        if force {
            return Ok(());
        }
        let users = self.uses.of(table).await?.resources;
        if users.is_empty() {
            return Ok(());
        }
        let named =
            |error: Error, user: &ResourceRef| error.issue(format!("{}/{}", user.kind, user.id), problem);
        Err(users.iter().fold(Error::new(Reason::BreaksQueries), named))
    }
}
