//! A store that knows its files beforehand, and reads each of them only while it is unchanged.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::version::FileVersion;

/// The store over `inner` that shows the named files and no others.
///
/// Listing asks nobody: the version of the table names its files. Every read carries the file's `ETag` as a
/// precondition, so a file that was replaced is an error and never half of the answer.
///
/// Requests are made on the runtime of `io`: it outlives the query, and so do the connections, and no work on
/// rows keeps them waiting.
///
/// A small file is read once, as a whole, because a request takes longer than its bytes.
#[derive(Debug)]
pub struct PinnedStore {
    inner: Arc<dyn ObjectStore>,
    objects: Arc<BTreeMap<Path, ObjectMeta>>,
    io: Handle,
    small: Mutex<SmallFiles>,
}

/// The largest file that is read as a whole.
const SMALL: u64 = 1 << 20;
/// Memory for small files, of each table of a query.
const HELD: u64 = 16 << 20;

/// The small files that were read last.
#[derive(Default)]
struct SmallFiles {
    bodies: BTreeMap<Path, Arc<OnceCell<Bytes>>>,
    order: VecDeque<(Path, u64)>,
    bytes: u64,
}

impl fmt::Debug for SmallFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: they are rows.
        f.debug_struct("SmallFiles").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl SmallFiles {
    /// The place of a file's bytes. Two readers of one file share it, and so the request.
    fn body(&mut self, location: &Path, size: u64) -> Arc<OnceCell<Bytes>> {
        if let Some(body) = self.bodies.get(location) {
            return body.clone();
        }
        self.bytes += size;
        while self.bytes > HELD
            && let Some((oldest, size)) = self.order.pop_front()
        {
            self.bodies.remove(&oldest);
            self.bytes -= size;
        }
        self.order.push_back((location.clone(), size));
        self.bodies.entry(location.clone()).or_default().clone()
    }
}

impl PinnedStore {
    pub fn new(inner: Arc<dyn ObjectStore>, objects: &[ObjectMeta], io: Handle) -> Self {
        let objects = objects.iter().map(|object| (object.location.clone(), object.clone())).collect();
        Self { inner, objects: Arc::new(objects), io, small: Mutex::default() }
    }

    /// The version of a file, for what is kept of it between queries.
    pub fn version(&self, location: &Path) -> Option<FileVersion> {
        FileVersion::new(&self.inner.to_string(), self.objects.get(location)?)
    }

    /// The whole of a small file, or `None` for a large one.
    async fn whole(&self, location: &Path) -> Result<Option<Bytes>> {
        let size = self.pinned(location)?.size;
        if size > SMALL || size == 0 {
            return Ok(None);
        }
        // Every change is complete before it can panic.
        let body = self.small.lock().unwrap_or_else(PoisonError::into_inner).body(location, size);
        let read = || {
            let options = GetOptions { range: Some((0..size).into()), ..GetOptions::default() };
            self.request(location, options, GetResult::bytes)
        };
        body.get_or_try_init(read).await.cloned().map(Some)
    }

    fn pinned(&self, location: &Path) -> Result<&ObjectMeta> {
        self.objects.get(location).ok_or_else(|| Error::NotFound {
            path: location.to_string(),
            source: "not a file of this version".into(),
        })
    }

    /// One request. `read` takes from its answer what the caller needs.
    async fn request<T, F>(
        &self,
        location: &Path,
        mut options: GetOptions,
        read: impl FnOnce(GetResult) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let ObjectMeta { location, size, e_tag, .. } = self.pinned(location)?.clone();
        options.if_match = e_tag;
        let inner = self.inner.clone();
        let request = async move {
            let result = inner.get_opts(&location, options).await?;
            // A store without tags at least tells the size.
            if result.meta.size != size {
                return Err(Error::Precondition {
                    path: location.to_string(),
                    source: "the file has another size".into(),
                });
            }
            read(result).await
        };
        // Dropped with the query, and so aborted with it.
        let mut requests = JoinSet::new();
        requests.spawn_on(request, &self.io);
        match requests.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(Error::JoinError { source: error }),
            None => reads_only("request"),
        }
    }
}

impl fmt::Display for PinnedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinnedStore")
    }
}

/// The answer of all writers.
pub(super) fn reads_only<T>(operation: &str) -> Result<T> {
    Err(Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "a store for reading".to_owned(),
    })
}

#[async_trait]
impl ObjectStore for PinnedStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.request(location, options, |result| async { Ok(result) }).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if let Some(whole) = self.whole(location).await? {
            let slice = |range: &Range<u64>| {
                let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
                match (start, end) {
                    (Ok(start), Ok(end)) if start <= end && end <= whole.len() => Ok(whole.slice(start..end)),
                    // A footer that names bytes beyond the file is damaged.
                    _ => Err(Error::Generic { store: "pinned", source: "bytes beyond the file".into() }),
                }
            };
            return ranges.iter().map(slice).collect();
        }
        let fetch = |range: Range<u64>| {
            let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
            self.request(location, options, GetResult::bytes)
        };
        object_store::coalesce_ranges(ranges, fetch, object_store::OBJECT_STORE_COALESCE_DEFAULT).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let below = |object: &&ObjectMeta| prefix.is_none_or(|prefix| object.location.prefix_matches(prefix));
        let found: Vec<_> = self.objects.values().filter(below).cloned().map(Ok).collect();
        stream::iter(found).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let root = Path::default();
        let prefix = prefix.unwrap_or(&root);
        let mut objects = vec![];
        let mut folders = std::collections::BTreeSet::new();
        for object in self.objects.values() {
            let Some(mut rest) = object.location.prefix_match(prefix) else { continue };
            match (rest.next(), rest.next()) {
                (Some(_), None) => objects.push(object.clone()),
                (Some(folder), Some(_)) => {
                    folders.insert(prefix.clone().join(folder));
                }
                _ => {}
            }
        }
        Ok(ListResult { common_prefixes: folders.into_iter().collect(), objects })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        reads_only("put")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        reads_only("put_multipart")
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { reads_only("delete") }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        reads_only("copy")
    }
}
