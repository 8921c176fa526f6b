//! Files that others write: listed with their tags, and read only as they were listed.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::path::Path as FolderPath;
use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use vitrine::aws::blobs::TableFileReader;
use vitrine::aws::capability::{Capability, Grant};
use vitrine::aws::environment::Environment;
use vitrine::aws::storage::SourceReader;
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::data::source::bucket_and_prefix;
use vitrine::rules::data::table::Table;
use vitrine::rules::error::{Error, Reason, Result};
use vitrine::rules::random;
use vitrine_engine::error::EngineError;
use vitrine_engine::store::folder;
use vitrine_engine::store::s3::S3Store;
use vitrine_engine::table::Files;

/// More files of one table are not read.
const MAX_FILES: usize = 10_000;

/// The files of one table at one moment.
#[derive(Debug)]
pub struct FileListing {
    pub store: Arc<dyn ObjectStore>,
    objects: Vec<ObjectMeta>,
    prefix: Path,
    /// Of the names, sizes and tags: the version of the table.
    pub digest: String,
}

impl FileListing {
    /// The files as they were listed, read through `store`.
    pub fn files(&self, store: Arc<dyn ObjectStore>) -> Files {
        Files { store, objects: self.objects.clone(), prefix: self.prefix.clone() }
    }
}

/// A listing and the time when it was made.
type KeptListing = (Timestamp, Arc<FileListing>);

/// Lists files, and keeps a listing for `ResourceCacheSeconds`.
#[derive(Clone)]
pub struct Listings {
    sources: SourceReader,
    files: TableFileReader,
    clock: Clock,
    seconds: i64,
    kept: Arc<Mutex<HashMap<String, KeptListing>>>,
}

impl Capability for Listings {
    fn grants() -> BTreeSet<Grant> {
        SourceReader::grants().into_iter().chain(TableFileReader::grants()).collect()
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            sources: SourceReader::connect(environment),
            files: TableFileReader::connect(environment),
            clock: environment.clock.clone(),
            seconds: environment.settings.resource_cache_seconds,
            kept: Arc::default(),
        }
    }
}

impl Listings {
    pub async fn of(&self, table: &Table) -> Result<Arc<FileListing>> {
        let now = self.clock.now();
        // A table that names other files is another one here.
        let key = format!("{} {} {}", table.id, table.source, table.location.as_deref().unwrap_or_default());
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((listed_at, listing)) = kept
            && (0..self.seconds).contains(&now.since(listed_at))
        {
            return Ok(listing);
        }
        let listing = Arc::new(self.list(table).await?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (listed_at, _)| (0..self.seconds).contains(&now.since(*listed_at)));
        kept.insert(key, (now, Arc::clone(&listing)));
        Ok(listing)
    }

    /// Forgets what was listed: a file may have been replaced since.
    pub fn forget(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn list(&self, table: &Table) -> Result<FileListing> {
        let unavailable = |detail: &'static str| Error::new(Reason::EngineUnavailable).detail(detail);
        let of_engine = |_: EngineError| unavailable("the files of a table cannot be listed");
        let source = self.sources.get(&table.source).await?;
        let location = source.and_then(|source| source.location);
        let location = location.ok_or_else(|| unavailable("the source of a table has no files of others"))?;
        let below = table.location.as_deref().unwrap_or_default().trim_matches('/');
        let (store, prefix): (Arc<dyn ObjectStore>, String) = match bucket_and_prefix(&location) {
            Some((bucket, prefix)) => {
                let (client, _) = self.files.client();
                let joined = [prefix, below].into_iter().filter(|part| !part.is_empty());
                (Arc::new(S3Store::new(client, bucket)), joined.collect::<Vec<_>>().join("/"))
            }
            None => (folder::open(FolderPath::new(&location)).map_err(of_engine)?, below.to_owned()),
        };
        let prefix = Path::parse(prefix).map_err(|_| unavailable("the location of a table is no path"))?;
        let objects = folder::list(store.as_ref(), &prefix).await.map_err(of_engine)?;
        if objects.len() > MAX_FILES {
            return Err(unavailable("a table has too many files"));
        }
        let mut form = String::new();
        for object in &objects {
            let tag = object.e_tag.as_deref().unwrap_or_default();
            // Writing to a text cannot fail.
            let _ = writeln!(form, "{:?} {} {tag:?}", object.location.as_ref(), object.size);
        }
        Ok(FileListing { store, objects, prefix, digest: random::fingerprint(&form) })
    }
}
