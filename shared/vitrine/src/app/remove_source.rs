//! Removes a source that no table has its files in.

use crate::aws::storage::{SourceWriter, TableVersionReader};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::query::table::MANAGED;

crate::capability_set! {
    pub struct SourceRemover {
        writer: SourceWriter,
        tables: TableVersionReader,
    }
}

impl SourceRemover {
    pub async fn remove(&self, name: &str) -> Result<()> {
        if name == MANAGED {
            return Err(Reason::SourceFixed.into());
        }
        // A table that is created meanwhile has a source that is gone: its queries are refused.
        let users = self.tables.names_with_source(name).await?;
        if !users.is_empty() {
            let in_use = Error::new(Reason::SourceInUse);
            let named =
                |error: Error, table: &String| error.issue(table.as_str(), "has its files in this source");
            return Err(users.iter().fold(in_use, named));
        }
        self.writer.delete(name).await
    }
}
