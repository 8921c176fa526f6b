//! The footers of files, kept between queries.
//!
//! A file never changes under its tag, so its footer and page index are read once. They hold figures about all
//! rows, hidden ones as well. Only the reader of the files sees them, to skip what no permitted row is in: the
//! barrier above it reports no figures, and no plan is made with them.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::parquet::file::metadata::ParquetMetaData;

use crate::store::version::FileVersion;

/// Memory for footers by default.
pub const FOOTER_BYTES: usize = 64 << 20;

/// The cache of all queries of an engine.
#[derive(Clone)]
pub struct Footers(Arc<Mutex<Kept>>);

struct Kept {
    footers: HashMap<FileVersion, Footer>,
    bytes: usize,
    most: usize,
    /// Grows with each use.
    now: u64,
    reading: HashMap<FileVersion, Arc<tokio::sync::Mutex<()>>>,
}

struct Footer {
    metadata: Arc<ParquetMetaData>,
    bytes: usize,
    used: u64,
}

impl Footers {
    /// A cache of at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            footers: HashMap::new(),
            bytes: 0,
            most,
            now: 0,
            reading: HashMap::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every change is complete before it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, file: &FileVersion) -> Option<Arc<ParquetMetaData>> {
        let mut kept = self.lock();
        kept.now += 1;
        let now = kept.now;
        let footer = kept.footers.get_mut(file)?;
        footer.used = now;
        Some(footer.metadata.clone())
    }

    /// The footer of `file`, read once even if several queries ask for it at the same time.
    pub async fn get_or_read<E>(
        &self,
        file: FileVersion,
        read: impl Future<Output = Result<Arc<ParquetMetaData>, E>>,
    ) -> Result<Arc<ParquetMetaData>, E> {
        if let Some(known) = self.get(&file) {
            return Ok(known);
        }
        let turn = {
            let mut kept = self.lock();
            // Reads that nobody waits for any more.
            kept.reading.retain(|_, turn| Arc::strong_count(turn) > 1);
            kept.reading.entry(file.clone()).or_default().clone()
        };
        let _turn = turn.lock().await;
        if let Some(known) = self.get(&file) {
            return Ok(known);
        }
        let metadata = read.await?;
        self.put(file, metadata.clone());
        Ok(metadata)
    }

    pub fn put(&self, file: FileVersion, metadata: Arc<ParquetMetaData>) {
        let bytes = metadata.memory_size() + file.bytes();
        let mut kept = self.lock();
        if bytes > kept.most {
            return;
        }
        kept.now += 1;
        let footer = Footer { metadata, bytes, used: kept.now };
        kept.bytes += bytes;
        if let Some(replaced) = kept.footers.insert(file, footer) {
            kept.bytes -= replaced.bytes;
        }
        while kept.bytes > kept.most {
            let oldest = kept.footers.iter().min_by_key(|(_, footer)| footer.used);
            let Some(oldest) = oldest.map(|(file, _)| file.clone()) else { return };
            if let Some(removed) = kept.footers.remove(&oldest) {
                kept.bytes -= removed.bytes;
            }
        }
    }
}

impl Default for Footers {
    fn default() -> Self {
        Self::new(FOOTER_BYTES)
    }
}

impl fmt::Debug for Footers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the footers: they contain values.
        let kept = self.lock();
        f.debug_struct("Footers").field("files", &kept.footers.len()).field("bytes", &kept.bytes).finish()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::parquet::file::metadata::{FileMetaData, ParquetMetaDataBuilder};
    use datafusion::parquet::schema::types::{SchemaDescriptor, Type};

    use super::*;

    fn metadata() -> Arc<ParquetMetaData> {
        let root = Type::group_type_builder("schema").build().unwrap();
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
        let file = FileMetaData::new(1, 0, None, None, schema, None);
        Arc::new(ParquetMetaDataBuilder::new(file).build())
    }

    fn file(location: &str) -> FileVersion {
        let (store, location, tag) = ("s3://a".to_owned(), location.to_owned(), "\"1\"".to_owned());
        FileVersion { store, location, tag, size: 10 }
    }

    #[test]
    fn only_the_same_version_of_the_same_file_is_found() {
        let footers = Footers::default();
        let known = file("a");
        footers.put(known.clone(), metadata());
        assert!(footers.get(&known).is_some());
        for other in [
            FileVersion { store: "s3://b".into(), ..known.clone() },
            FileVersion { location: "b".into(), ..known.clone() },
            FileVersion { tag: "\"2\"".into(), ..known.clone() },
            FileVersion { size: 11, ..known },
        ] {
            assert!(footers.get(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn the_least_recently_used_footer_goes_first() {
        let one = metadata().memory_size() + file("a").bytes();
        let footers = Footers::new(2 * one);
        for name in ["a", "b"] {
            footers.put(file(name), metadata());
        }
        footers.put(file("b"), metadata());
        assert!(footers.get(&file("a")).is_some());
        footers.put(file("c"), metadata());
        assert!(footers.get(&file("b")).is_none());
        assert!(footers.get(&file("a")).is_some() && footers.get(&file("c")).is_some());
        assert_eq!(footers.lock().bytes, 2 * one);
        let none = Footers::new(one - 1);
        none.put(file("a"), metadata());
        assert!(none.get(&file("a")).is_none());
        assert_eq!(none.lock().bytes, 0);
    }
}
