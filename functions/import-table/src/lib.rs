//! The work that needs the query engine and is no viewer's query: imports of uploaded files, a look at files of others,
//! and checks of queries that are about to be published. Other functions invoke this one.

mod check;
mod file;
mod import;
mod inspect;

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
    };
    if let Err(error) = &done {
        tracing::error!(detail = error.detail, "work failed");
    }
    done
}
