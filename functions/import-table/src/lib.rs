//! The work that needs the query engine or the bucket and is no viewer's query: imports of uploaded files, a look at files
//! of others, and checks of queries that are about to be published. Other functions invoke this one.

mod check;
mod file;
mod import;
mod inspect;

use vitrine::aws::blobs::{TableFiles, UploadSigner};
use vitrine::rules::data::work::{Work, WorkDone};
use vitrine::rules::error::Result;

pub use check::Checker;
pub use file::clear_scratch;
pub use import::Importer;
pub use inspect::Inspector;

vitrine::function_state! {
    pub struct State {
        importer: Importer,
        inspector: Inspector,
        checker: Checker,
        uploads: UploadSigner,
        files: TableFiles,
    }
}

/// Does a piece of work. An error is an outage: what is wrong with a file or a query is part of the answer.
pub async fn take(state: &State, work: Work) -> Result<WorkDone> {
    let done = match work {
        Work::Import { table, upload, force } => {
            Box::pin(state.importer.import(&table, &upload, force)).await.map(|()| WorkDone::Import)
        }
        Work::Inspect { source, location } => Box::pin(state.inspector.inspect(&source, &location)).await,
        Work::Check { queries } => {
            Box::pin(state.checker.check(queries)).await.map(|reports| WorkDone::Check { reports })
        }
        Work::SignUpload { upload } => {
            let signed = Box::pin(state.uploads.presign(&upload)).await;
            signed.map(|request| WorkDone::SignUpload { request })
        }
        Work::DeleteFiles { keys } => {
            Box::pin(state.files.delete_all(&keys)).await.map(|()| WorkDone::DeleteFiles)
        }
    };
    if let Err(error) = &done {
        tracing::error!(detail = error.detail, "work failed");
    }
    done
}
