//! Makes a version of a table from an uploaded file.
//!
//! The function with the engine does the work, because a file of a gigabyte takes longer than a caller waits. It notes the
//! outcome with the upload, where this use case looks for it.

use std::time::{Duration, Instant};

use crate::aws::engine_worker::EngineWorker;
use crate::aws::storage::{TableReader, UploadReader, UploadWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::data::finding::Finding;
use vitrine_rules::data::upload::{Upload, UploadState};
use vitrine_rules::error::{Error, Issue, Reason, Result};
use vitrine_rules::query::column::Column;

/// The time in which a small file is imported, and the caller gets the version at once.
const PATIENCE: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

crate::capability_set! {
    pub struct VersionCommitter {
        tables: TableReader,
        uploads: UploadReader,
        writer: UploadWriter,
        worker: EngineWorker,
        clock: Clock,
    }
}

/// The outcome of a commit so far.
#[derive(Debug, PartialEq)]
pub enum Committed {
    Version {
        version: u64,
        rows: u64,
        columns: Vec<Column>,
    },
    /// The import takes longer than the caller waits.
    Running(Box<Upload>),
}

/// The part of this caller in the import.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    /// Another caller started it, maybe without force.
    Joined,
    Started,
}

impl VersionCommitter {
    /// Commits an upload. [`Reason::ImportFailed`] if the file cannot become a version, [`Reason::BreaksQueries`] if the
    /// version would break published queries and the caller does not force it. An upload that failed is tried again.
    pub async fn commit(&self, table: &str, upload: &str, force: bool) -> Result<Committed> {
        let table = self.tables.get(table).await?.ok_or(Reason::TableNotFound)?;
        let started = Instant::now();
        let (mut part, mut pause) = (Part::None, FIRST_PAUSE);
        loop {
            let now = self.clock.now();
            let upload = self.uploads.find(&table, upload, now).await?.ok_or(Reason::UploadNotFound)?;
            let may_start = upload.may_start(now);
            match &upload.state {
                UploadState::Done { version, rows, columns } => {
                    let (version, rows, columns) = (*version, *rows, columns.clone());
                    return Ok(Committed::Version { version, rows, columns });
                }
                _ if part == Part::None && may_start => {
                    self.worker.import(table.name.clone(), upload.id.clone(), force).await?;
                    part = Part::Started;
                }
                UploadState::Failed { .. } if part == Part::None => self.reopen(upload).await?,
                UploadState::Refused { .. } if part == Part::None || (part == Part::Joined && force) => {
                    self.reopen(upload).await?;
                    part = Part::None;
                    continue;
                }
                UploadState::Failed { issues } => return Err(refused(Reason::ImportFailed, issues)),
                UploadState::Refused { issues } => return Err(refused(Reason::BreaksQueries, issues)),
                UploadState::Waiting | UploadState::Importing { .. } => {
                    if part == Part::None {
                        part = Part::Joined;
                    }
                    if started.elapsed() >= PATIENCE {
                        return Ok(Committed::Running(Box::new(upload)));
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Lets an upload wait again. If another caller was faster, its state is read again.
    async fn reopen(&self, upload: Upload) -> Result<()> {
        match self.writer.change(upload, UploadState::Waiting).await {
            Err(error) if error.reason == Reason::Conflict => Ok(()),
            changed => changed.map(drop),
        }
    }
}

fn refused(reason: Reason, issues: &[Finding]) -> Error {
    Error::new(reason).issues(issues.iter().cloned().map(Issue::from).collect::<Vec<_>>())
}
