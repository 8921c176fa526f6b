//! Creates or replaces the declaration of a table.

use crate::app::guard_table_users::TableUsers;
use crate::app::remove_table::TableSweeper;
use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::engine_worker::EngineWorker;
use crate::aws::storage::data_tables::{Remains, TableHolder};
use crate::aws::storage::{SourceReader, TableReader, TableWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::data::table::Table;
use vitrine_rules::error::{Error, Issue, Reason, Result};
use vitrine_rules::query::column::Column;
use vitrine_rules::query::table::{MANAGED, TableInput};

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct TablePutter {
        tables: TableReader,
        writer: TableWriter,
        sources: SourceReader,
        users: TableUsers,
        sweeper: TableSweeper,
        worker: EngineWorker,
        clock: Clock,
    }
}

pub struct WrittenTable {
    pub table: Table,
    pub created: bool,
}

impl TablePutter {
    pub async fn put(&self, name: &str, input: TableInput, force: bool) -> Result<WrittenTable> {
        self.check_place(&input).await?;
        let inspected = self.inspect(&input).await?;
        retry_on_conflict(ATTEMPTS, || async {
            let (input, inspected) = (input.clone(), inspected.as_deref());
            match self.tables.holder(name).await? {
                TableHolder::Table(present) => {
                    let table = self.write_over(&present, input, inspected, force).await?;
                    Ok(WrittenTable { table, created: false })
                }
                TableHolder::Deleted(remains) => {
                    if !remains.is_swept {
                        self.sweeper.sweep(name, &remains).await?;
                    }
                    let table = self.write_new(name, input, inspected, Some(&remains)).await?;
                    Ok(WrittenTable { table, created: true })
                }
                TableHolder::Nothing => {
                    let table = self.write_new(name, input, inspected, None).await?;
                    Ok(WrittenTable { table, created: true })
                }
            }
        })
        .await
    }

    /// Creates a table, and replaces none.
    pub async fn create(&self, name: &str, input: TableInput) -> Result<Table> {
        self.check_place(&input).await?;
        let inspected = self.inspect(&input).await?;
        retry_on_conflict(ATTEMPTS, || async {
            let remains = match self.tables.holder(name).await? {
                TableHolder::Table(_) => return Err(Reason::NameTaken.into()),
                TableHolder::Deleted(remains) => Some(remains),
                TableHolder::Nothing => None,
            };
            if let Some(remains) = remains.as_ref().filter(|remains| !remains.is_swept) {
                self.sweeper.sweep(name, remains).await?;
            }
            self.write_new(name, input.clone(), inspected.as_deref(), remains.as_ref()).await
        })
        .await
    }

    /// Replaces a table that is still at this revision.
    pub async fn replace_at(
        &self,
        name: &str,
        revision: u64,
        input: TableInput,
        force: bool,
    ) -> Result<Table> {
        self.check_place(&input).await?;
        let inspected = self.inspect(&input).await?;
        let present = self.tables.get(name).await?.ok_or(Reason::TableNotFound)?;
        if present.revision != revision {
            return Err(Reason::Conflict.into());
        }
        self.write_over(&present, input, inspected.as_deref(), force).await
    }

    /// Files that others write have a place in a source of theirs. Those of the stack's own source have none to name.
    async fn check_place(&self, input: &TableInput) -> Result<()> {
        let source = input.source.as_deref().unwrap_or(MANAGED);
        if self.sources.get(source).await?.is_none() {
            return Err(Error::invalid("source", "is not a source of this stack"));
        }
        match &input.location {
            Some(_) if source == MANAGED => Err(Error::invalid(
                "location",
                "must be absent, because this source has the stack's own files",
            )),
            None if source != MANAGED => {
                Err(Error::invalid("location", "is required for files that others write"))
            }
            _ => Ok(()),
        }
    }

    /// The columns of files that others write, unless the owner declares them.
    async fn inspect(&self, input: &TableInput) -> Result<Option<Vec<Column>>> {
        let (Some(location), None) = (&input.location, &input.columns) else { return Ok(None) };
        let source = input.source.clone().unwrap_or_else(|| MANAGED.to_owned());
        let (columns, issues) = self.worker.inspect(source, location.clone()).await?;
        if issues.is_empty() {
            Ok(Some(columns))
        } else {
            Err(refused(issues.into_iter().map(Issue::from).collect()))
        }
    }

    /// Checks everything before the counter of numbers moves, so that a refused creation writes nothing.
    async fn write_new(
        &self,
        name: &str,
        mut input: TableInput,
        inspected: Option<&[Column]>,
        remains: Option<&Remains>,
    ) -> Result<Table> {
        if let Some(inspected) = inspected {
            input.columns = Some(inspected.to_vec());
        }
        let create = |id| {
            let table = Table::create(name.to_owned(), id, input.clone(), self.clock.now());
            match remains {
                Some(remains) => table.after(remains.newest_version, remains.revision),
                None => table,
            }
        };
        self.check(&create(Table::MAX_ID))?;
        let table = create(self.writer.next_id().await?);
        self.writer.create(&table, remains).await.map(|()| table)
    }

    async fn write_over(
        &self,
        present: &Table,
        mut input: TableInput,
        inspected: Option<&[Column]>,
        force: bool,
    ) -> Result<Table> {
        if present.current.is_some() && input.location.is_some() {
            return Err(Error::invalid(
                "location",
                "must be absent, because the table has versions of its own",
            ));
        }
        if let Some(columns) = &input.columns {
            let problems = present.column_problems(columns);
            if !problems.is_empty() {
                return Err(refused(problems));
            }
        }
        if let Some(inspected) = inspected {
            input.columns = Some(present.described(inspected));
        }
        let table = present.clone().replaced(input, self.clock.now());
        self.check(&table)?;
        self.users.require_not_narrowed(present, &table, force).await?;
        self.writer.replace(&table, present).await.map(|()| table)
    }

    fn check(&self, table: &Table) -> Result<()> {
        let problems = table.policy_problems();
        if !problems.is_empty() {
            return Err(refused(problems));
        }
        self.writer.check(table)
    }
}

fn refused(issues: Vec<Issue>) -> Error {
    Error::new(Reason::RequestInvalid).issues(issues)
}
