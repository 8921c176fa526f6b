//! Makes a version of a table from an uploaded file.
//!
//! The outcome is noted with the upload. An import holds a lease and extends it while it works, so that one which died
//! can be started again soon, and two never write versions of the same upload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;
use vitrine::app::guard_table_users::TableUsers;
use vitrine::aws::blobs::{TableFiles, UploadedFiles};
use vitrine::aws::storage::{TableReader, UploadReader, UploadWriter, VersionWriter};
use vitrine::rules::clock::Clock;
use vitrine::rules::data::finding::Finding;
use vitrine::rules::data::table::Table;
use vitrine::rules::data::upload::{Upload, UploadState};
use vitrine::rules::data::version::{DataFile, TableVersion};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::random;
use vitrine::rules::row_policy::PolicyRows;
use vitrine_engine::import::error::{ImportError, ImportFailure};
use vitrine_engine::import::{Expected, ImportLimits, Imported};

use crate::file::{ImportFolder, ToConvert};

/// The time after which another import may take the place of one that is silent.
///
/// Shorter than the minute after which Lambda tries a function again that died.
const LEASE_SECONDS: i64 = 45;
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The function has 15 minutes. What is left is for storing the files.
const CONVERSION: Duration = Duration::from_secs(13 * 60);
/// Commits that lose against other changes of the table.
const ATTEMPTS: usize = 5;

vitrine::capability_set! {
    pub struct Importer {
        tables: TableReader,
        uploads: UploadReader,
        leases: UploadWriter,
        versions: VersionWriter,
        uploaded: UploadedFiles,
        files: TableFiles,
        users: TableUsers,
        clock: Clock,
    }
}

/// The reason why an import made no version.
enum Ended {
    /// The upload gets this state.
    In(UploadState),
    /// Another import has the lease, or the table is gone: nothing is noted.
    Lost,
    Outage(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Outage(error)
    }
}

impl Ended {
    fn failed(issues: impl IntoIterator<Item = Issue>) -> Self {
        Self::In(UploadState::Failed { issues: issues.into_iter().map(Finding::from).collect() })
    }

    fn of_upload(message: impl Into<String>) -> Self {
        Self::failed([Issue::new("upload", message.into())])
    }
}

impl Importer {
    /// Imports an upload, unless it is imported already or another import of it runs.
    pub async fn import(&self, table: &str, upload: &str, force: bool) -> Result<()> {
        let now = self.clock.now();
        let Some(table) = self.tables.get(table).await? else { return Ok(()) };
        let Some(upload) = self.uploads.find(&table, upload, now).await? else { return Ok(()) };
        let upload = match self.leases.begin(upload, now.plus(LEASE_SECONDS), now).await {
            Ok(upload) => upload,
            Err(error) if error.reason == Reason::Conflict => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut run = Run { by: self, upload, force, rows: Arc::default() };
        // Those of an import that died.
        self.remove(run.upload.unfinished_files()).await;
        let ended = match Box::pin(run.run(table)).await {
            Ok(version) => {
                tracing::info!(version, "imported");
                if let Err(error) = self.uploaded.delete(&run.upload).await {
                    // The bucket's lifecycle removes it.
                    tracing::warn!(detail = error.detail, "an uploaded file stays for a week");
                }
                return Ok(());
            }
            Err(ended) => ended,
        };
        let state = match ended {
            Ended::Lost => return Ok(()),
            Ended::In(state) => state,
            Ended::Outage(error) => {
                tracing::error!(detail = error.detail, "an import failed");
                let message =
                    "could not be imported, because a part of the stack did not answer: commit it again";
                UploadState::Failed { issues: vec![Issue::new("upload", message).into()] }
            }
        };
        tracing::info!(state = state.word(), "not imported");
        // From here on nothing can commit the files that this import has written.
        let files = run.upload.unfinished_files().to_vec();
        match self.leases.change(run.upload, state).await {
            Err(error) if error.reason == Reason::Conflict => return Ok(()),
            changed => changed?,
        };
        self.remove(&files).await;
        Ok(())
    }

    async fn remove(&self, keys: &[String]) {
        if let Err(error) = self.files.delete_all(keys).await {
            tracing::warn!(detail = error.detail, "a file of no version stays");
        }
    }
}

/// One import with its lease.
struct Run<'a> {
    by: &'a Importer,
    /// As it is stored: every change is conditional on it.
    upload: Upload,
    force: bool,
    rows: Arc<AtomicU64>,
}

impl Run<'_> {
    /// Returns the number of the new version.
    async fn run(&mut self, table: Table) -> std::result::Result<u64, Ended> {
        let scratch = ImportFolder::new()?;
        let (by, upload, path) = (self.by, self.upload.clone(), scratch.upload());
        if self.alive(by.uploaded.get(&upload, &path)).await??.is_none() {
            return Err(Ended::of_upload("has no file yet: send it to the URL of the upload first"));
        }
        if !self.alive(scratch.is_as_announced(&upload)).await?? {
            return Err(Ended::of_upload("has a file of another size or SHA-256 than was announced"));
        }
        let imported = self.convert(&scratch, &table).await?;
        self.commit(table, imported).await
    }

    /// Waits for `work`, and extends the lease meanwhile.
    async fn alive<T>(&mut self, work: impl Future<Output = T>) -> std::result::Result<T, Ended> {
        let mut work = Box::pin(work);
        loop {
            if let Ok(done) = timeout(HEARTBEAT, &mut work).await {
                return Ok(done);
            }
            let until = self.by.clock.now().plus(LEASE_SECONDS);
            let rows = self.rows.load(Ordering::Relaxed);
            match self.by.leases.progress(self.upload.clone(), rows, until).await {
                Ok(upload) => self.upload = upload,
                Err(error) if error.reason == Reason::Conflict => return Err(Ended::Lost),
                // The lease outlives several of these.
                Err(error) => tracing::warn!(detail = error.detail, "the progress of an import is not noted"),
            }
        }
    }

    async fn convert(
        &mut self,
        scratch: &ImportFolder,
        table: &Table,
    ) -> std::result::Result<Imported, Ended> {
        let deadline = Some(Instant::now() + CONVERSION);
        let mut columns = expected(table);
        loop {
            self.rows.store(0, Ordering::Relaxed);
            let file = ToConvert {
                format: self.upload.format,
                columns: columns.clone(),
                sort_by: policy_columns(table),
                limits: ImportLimits { deadline, ..ImportLimits::default() },
                progress: Arc::clone(&self.rows),
            };
            let error = match self.alive(scratch.convert(file)).await?? {
                Ok(imported) => return Ok(imported),
                Err(error) => error,
            };
            match without_misfit(&columns, &error) {
                // A forced version may give a column another type.
                Some(rest) if self.force => columns = rest,
                _ => return Err(ended(&error)),
            }
        }
    }

    async fn commit(&mut self, mut table: Table, imported: Imported) -> std::result::Result<u64, Ended> {
        let by = self.by;
        for _ in 0..ATTEMPTS {
            let version = TableVersion {
                number: table.newest_version + 1,
                rows: imported.rows,
                columns: imported.columns.clone(),
                files: vec![],
                upload: self.upload.id.clone(),
                created_at: by.clock.now(),
            };
            self.require_fit(&table, &version).await?;
            let files = self.store(&version, &imported).await?;
            let version = TableVersion { files, ..version };
            match self.write(&table, &version).await {
                Ok(()) => return Ok(version.number),
                Err(error) => table = self.after(error, &version).await?,
            }
        }
        Err(Ended::of_upload(
            "could not be imported, because the table was changed all the time: commit it again",
        ))
    }

    /// Refuses a version under which policies or published queries would no longer work.
    async fn require_fit(&self, table: &Table, version: &TableVersion) -> std::result::Result<(), Ended> {
        let next = table.clone().at_version(version.clone(), version.created_at);
        let problems = next.policy_problems();
        if !problems.is_empty() {
            return Err(Ended::failed(problems));
        }
        match self.by.users.require_not_narrowed(table, &next, self.force).await {
            Err(error) if error.reason == Reason::BreaksQueries => {
                let issues = error.issues.iter().cloned().map(Finding::from).collect();
                Err(Ended::In(UploadState::Refused { issues }))
            }
            checked => Ok(checked?),
        }
    }

    /// Copies the files of a version to their place. No other import has their names.
    async fn store(
        &mut self,
        version: &TableVersion,
        imported: &Imported,
    ) -> std::result::Result<Vec<DataFile>, Ended> {
        let (by, run) = (self.by, random::short_id()?);
        let prefix = TableVersion::prefix(&self.upload.table, version.number);
        let keys: Vec<_> =
            (0..imported.files.len()).map(|index| format!("{prefix}{run}-{index:05}.parquet")).collect();
        let until = by.clock.now().plus(LEASE_SECONDS);
        self.upload = match by.leases.will_write(self.upload.clone(), keys.clone(), until).await {
            Err(error) if error.reason == Reason::Conflict => return Err(Ended::Lost),
            noted => noted?,
        };
        let mut stored = vec![];
        for (key, file) in keys.iter().zip(&imported.files) {
            match self.alive(by.files.put(key, &file.path)).await.and_then(|put| Ok(put?)) {
                Ok(file) => stored.push(file),
                Err(ended) => {
                    by.remove(&keys).await;
                    return Err(ended);
                }
            }
        }
        Ok(stored)
    }

    async fn write(&self, table: &Table, version: &TableVersion) -> Result<()> {
        let next = table.clone().at_version(version.clone(), version.created_at);
        let state =
            UploadState::Done { version: version.number, rows: version.rows, columns: next.plain_columns() };
        let done = Upload { rows_read: version.rows, ..self.upload.clone() }.in_state(state);
        self.by.versions.commit(&next, table, &done, &self.upload).await
    }

    /// The table for the next attempt, after one that failed with `error`.
    async fn after(&mut self, error: Error, version: &TableVersion) -> std::result::Result<Table, Ended> {
        let by = self.by;
        let now = by.clock.now();
        let written: Vec<_> = version.files.iter().map(|file| file.key.clone()).collect();
        // Files of a version that may be written after all are not removed before its upload has another state.
        let table = by.tables.get(&self.upload.table).await?;
        let table = table.filter(|table| table.id == self.upload.table_id);
        let upload = match &table {
            Some(table) => by.uploads.find(table, &self.upload.id, now).await?,
            None => None,
        };
        if table
            .as_ref()
            .and_then(|table| table.current.as_ref())
            .is_some_and(|current| current.files == version.files)
        {
            // The answer to the commit was lost, not the commit.
            return Err(Ended::Lost);
        }
        if upload.as_ref().is_some_and(|upload| matches!(upload.state, UploadState::Done { .. })) {
            return Err(Ended::Lost);
        }
        let is_ours = upload.is_some_and(|upload| upload.state == self.upload.state);
        match error.reason {
            Reason::Conflict => by.remove(&written).await,
            Reason::RequestInvalid => {
                by.remove(&written).await;
                return Err(Ended::failed(error.issues.iter().cloned()));
            }
            _ => return Err(Ended::Outage(error)),
        }
        table.filter(|_| is_ours).ok_or(Ended::Lost)
    }
}

/// The columns that a file must have: those that the owner declared for the first version. Later ones may have others, but
/// those that the table has keep their types.
fn expected(table: &Table) -> Expected {
    let columns = table.plain_columns();
    match &table.current {
        None if columns.is_empty() => Expected::Any,
        None => Expected::Exactly(columns),
        Some(_) => Expected::Known(columns),
    }
}

/// The known columns but the one whose type did not fit.
fn without_misfit(columns: &Expected, error: &ImportError) -> Option<Expected> {
    let (Expected::Known(known), Some(misfit)) = (columns, error.column()) else { return None };
    let rest: Vec<_> = known.iter().filter(|column| column.name != misfit).cloned().collect();
    (rest.len() < known.len()).then_some(Expected::Known(rest))
}

fn policy_columns(table: &Table) -> Vec<String> {
    let mut columns: Vec<String> = vec![];
    for policy in &table.row_policies {
        let PolicyRows::Rules(rules) = &policy.rows else { continue };
        for rule in rules {
            if !columns.contains(&rule.column) {
                columns.push(rule.column.clone());
            }
        }
    }
    columns
}

fn ended(error: &ImportError) -> Ended {
    match error.failure() {
        ImportFailure::File | ImportFailure::TooLarge => {
            Ended::of_upload(format!("cannot be imported: {}", error.owner_text()))
        }
        ImportFailure::Unavailable => Ended::Outage(Error::internal("the import of a file failed")),
    }
}
