//! Removes a table with its versions and their files.

use std::time::{Duration, Instant};

use crate::app::guard_table_users::TableUsers;
use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::engine_worker::EngineWorker;
use crate::aws::storage::data_tables::{Remains, TableHolder};
use crate::aws::storage::{TableReader, TableVersionReader, TableWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Error, Reason, Result};

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

/// The time after which the caller has to ask again.
const PATIENCE: Duration = Duration::from_secs(8);

crate::capability_set! {
    pub struct TableRemover {
        tables: TableReader,
        writer: TableWriter,
        users: TableUsers,
        sweeper: TableSweeper,
        clock: Clock,
    }
}

impl TableRemover {
    /// Removes a table. The name is free at once; a removal that was interrupted after that can be repeated.
    pub async fn remove(&self, name: &str, force: bool) -> Result<()> {
        let remains = retry_on_conflict(ATTEMPTS, || async {
            let table = match self.tables.holder(name).await? {
                TableHolder::Table(table) => table,
                TableHolder::Deleted(remains) if !remains.is_swept => return Ok(remains),
                TableHolder::Deleted(_) | TableHolder::Nothing => return Err(Reason::TableNotFound.into()),
            };
            self.users.require_unused_table(&table, force).await?;
            self.writer.delete(&table, self.clock.now()).await
        })
        .await?;
        self.sweeper.sweep(name, &remains).await
    }
}

crate::capability_set! {
    /// Removes what a removed table has left.
    pub struct TableSweeper {
        versions: TableVersionReader,
        writer: TableWriter,
        worker: EngineWorker,
        clock: Clock,
    }
}

impl TableSweeper {
    /// Removes the versions of a removed table and their files. [`Reason::Unavailable`] if there are more than can be
    /// removed in time: those that are removed stay removed.
    pub async fn sweep(&self, name: &str, remains: &Remains) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let some = self.versions.some_versions(name, remains.id).await?;
            if some.is_empty() {
                return self.writer.set_swept(name, remains, self.clock.now()).await;
            }
            for version in some {
                let keys = version.files.into_iter().map(|file| file.key).collect();
                self.worker.delete_files(keys).await?;
                self.writer.remove_version(name, remains.id, version.number).await?;
                if started.elapsed() >= PATIENCE {
                    break;
                }
            }
        }
        Err(Error::new(Reason::Unavailable).detail("a table has more versions than can be removed at once"))
    }
}
