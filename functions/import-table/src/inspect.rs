//! A look at Parquet files that others write.

use std::path::Path as FolderPath;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use vitrine::aws::blobs::TableFileReader;
use vitrine::aws::storage::SourceReader;
use vitrine::rules::data::finding::Finding;
use vitrine::rules::data::source::bucket_and_prefix;
use vitrine::rules::data::work::WorkDone;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine_engine::import::error::ImportFailure;
use vitrine_engine::import::inspect::inspect;
use vitrine_engine::store::folder;
use vitrine_engine::store::s3::S3Store;

vitrine::capability_set! {
    pub struct Inspector {
        sources: SourceReader,
        files: TableFileReader,
    }
}

impl Inspector {
    /// The columns of the files below `location` of a source.
    pub async fn inspect(&self, source: &str, location: &str) -> Result<WorkDone> {
        let refused = |path: &str, message: String| {
            Ok(WorkDone::Inspect {
                columns: vec![],
                issues: vec![Finding { path: path.to_owned(), message }],
            })
        };
        let Some(source) = self.sources.get(source).await? else {
            return refused("source", "is no source".to_owned());
        };
        let Some(place) = &source.location else {
            return refused("source", "has no files that others write".to_owned());
        };
        let below = location.trim_matches('/');
        let (store, prefix): (Arc<dyn ObjectStore>, String) = match bucket_and_prefix(place) {
            Some((bucket, prefix)) => {
                let (client, _) = self.files.client();
                let parts = [prefix, below].into_iter().filter(|part| !part.is_empty());
                (Arc::new(S3Store::new(client, bucket)), parts.collect::<Vec<_>>().join("/"))
            }
            None => match folder::open(FolderPath::new(place)) {
                Ok(store) => (store, below.to_owned()),
                Err(_) => return refused("source", "has a location that cannot be read".to_owned()),
            },
        };
        let Ok(prefix) = Path::parse(prefix) else {
            return refused("location", "is no path of files".to_owned());
        };
        match inspect(store.as_ref(), &prefix).await {
            Ok(found) => {
                let issue = |message| Finding { path: "location".to_owned(), message };
                let issues = found.issues.into_iter().map(issue).collect();
                Ok(WorkDone::Inspect { columns: found.columns, issues })
            }
            Err(error) if error.failure() == ImportFailure::Unavailable => {
                let detail = format_args!("the files of a source cannot be read: {}", error.owner_text());
                Err(Error::new(Reason::Unavailable).detail(detail))
            }
            Err(error) => refused("location", format!("cannot be a table: {}", error.owner_text())),
        }
    }
}
