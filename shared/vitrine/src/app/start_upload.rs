//! Starts the upload of a file that may become a version of a table.

use crate::aws::engine_worker::EngineWorker;
use crate::aws::storage::{TableReader, UploadWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::data::signed_request::SignedRequest;
use vitrine_rules::data::upload::{Upload, UploadInput, UploadState};
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;

crate::capability_set! {
    pub struct UploadStarter {
        tables: TableReader,
        uploads: UploadWriter,
        worker: EngineWorker,
        clock: Clock,
    }
}

pub struct StartedUpload {
    pub upload: Upload,
    /// The request that takes the file, and no other file.
    pub request: SignedRequest,
}

impl UploadStarter {
    pub async fn start(&self, table: &str, input: UploadInput) -> Result<StartedUpload> {
        let table = self.tables.get(table).await?.ok_or(Reason::TableNotFound)?;
        if table.location.is_some() {
            return Err(Error::invalid("", "others write the files of this table, so it takes no uploads"));
        }
        let now = self.clock.now();
        let upload = Upload {
            id: random::short_id()?,
            table: table.name,
            table_id: table.id,
            format: input.format,
            size: input.size,
            sha256: input.sha256.to_ascii_lowercase(),
            state: UploadState::Waiting,
            rows_read: 0,
            created_at: now,
            expires_at: now.plus(Upload::DAYS * 86_400),
        };
        let request = self.worker.sign_upload(upload.clone()).await?;
        self.uploads.create(&upload).await?;
        Ok(StartedUpload { upload, request })
    }

    /// The request that takes the file of an upload that has not been imported.
    pub async fn sign(&self, upload: &Upload) -> Result<SignedRequest> {
        match upload.state {
            UploadState::Waiting | UploadState::Failed { .. } => {
                self.worker.sign_upload(upload.clone()).await
            }
            _ => Err(Reason::UploadNotFound.into()),
        }
    }
}
