//! A store that keeps what it has read. A file does not change under its tag, so its bytes are read once.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::pinned::reads_only;

/// The part of the memory that one piece may take, so that a large file does not displace all others.
const LARGEST_PART: usize = 8;

/// The pieces of files that the stores of a process have read last.
#[derive(Clone)]
pub struct KeptPieces(Arc<Mutex<Pieces>>);

struct Pieces {
    pieces: BTreeMap<Place, Piece>,
    bytes: usize,
    most: usize,
    /// Grows with each use.
    now: u64,
}

/// The start of a piece in one version of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    store: String,
    location: Path,
    tag: String,
    start: u64,
}

impl Place {
    fn is_same_file(&self, other: &Self) -> bool {
        (&self.store, &self.location, &self.tag) == (&other.store, &other.location, &other.tag)
    }
}

struct Piece {
    bytes: Bytes,
    meta: ObjectMeta,
    used: u64,
}

impl KeptPieces {
    /// A cache of at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Pieces { pieces: BTreeMap::new(), bytes: 0, most, now: 0 })))
    }

    fn lock(&self) -> MutexGuard<'_, Pieces> {
        // Every change is complete before it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes from `place` to `end`, if one piece has them all.
    fn get(&self, place: &Place, end: u64) -> Option<(Bytes, ObjectMeta)> {
        self.lock().get(place, end)
    }

    fn put(&self, place: Place, bytes: Bytes, meta: ObjectMeta) {
        let end = place.start + bytes.len() as u64;
        let mut kept = self.lock();
        // Another query may have read it at the same time.
        if kept.get(&place, end).is_some() || bytes.is_empty() || bytes.len() > kept.most / LARGEST_PART {
            return;
        }
        let within = kept.pieces.range(place.clone()..).take_while(|(other, piece)| {
            other.is_same_file(&place) && other.start + piece.bytes.len() as u64 <= end
        });
        for other in within.map(|(other, _)| other.clone()).collect::<Vec<_>>() {
            kept.remove(&other);
        }
        kept.now += 1;
        kept.bytes += bytes.len();
        let piece = Piece { bytes, meta, used: kept.now };
        kept.pieces.insert(place, piece);
        while kept.bytes > kept.most {
            let oldest = kept.pieces.iter().min_by_key(|(_, piece)| piece.used);
            let Some(oldest) = oldest.map(|(place, _)| place.clone()) else { return };
            kept.remove(&oldest);
        }
    }
}

impl Pieces {
    fn get(&mut self, place: &Place, end: u64) -> Option<(Bytes, ObjectMeta)> {
        self.now += 1;
        let now = self.now;
        // No piece is within another, so of all that start early enough the last one reaches farthest.
        let (found, piece) = self.pieces.range_mut(..=place).next_back()?;
        let start = usize::try_from(place.start.checked_sub(found.start)?).ok()?;
        let end = usize::try_from(end.checked_sub(found.start)?).ok()?;
        if !found.is_same_file(place) || end > piece.bytes.len() || start > end {
            return None;
        }
        piece.used = now;
        Some((piece.bytes.slice(start..end), piece.meta.clone()))
    }

    fn remove(&mut self, place: &Place) {
        if let Some(removed) = self.pieces.remove(place) {
            self.bytes -= removed.bytes.len();
        }
    }
}

impl fmt::Debug for KeptPieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the bytes: they are rows.
        let kept = self.lock();
        f.debug_struct("KeptPieces").field("pieces", &kept.pieces.len()).field("bytes", &kept.bytes).finish()
    }
}

/// The store over `inner` that answers reads of pinned files from the kept pieces.
#[derive(Debug)]
pub struct KeptStore {
    inner: Arc<dyn ObjectStore>,
    kept: KeptPieces,
}

impl KeptStore {
    pub fn new(inner: Arc<dyn ObjectStore>, kept: KeptPieces) -> Self {
        Self { inner, kept }
    }
}

/// The bytes that a request wants of one version of a file. Any other request is not answered from the cache.
fn wanted(options: &GetOptions) -> Option<(&str, Range<u64>)> {
    let GetOptions {
        if_match, if_none_match, if_modified_since, if_unmodified_since, range, version, ..
    } = options;
    let is_plain = if_none_match.is_none()
        && if_modified_since.is_none()
        && if_unmodified_since.is_none()
        && version.is_none()
        && !options.head;
    match (if_match, range) {
        (Some(tag), Some(GetRange::Bounded(range))) if is_plain => Some((tag, range.clone())),
        _ => None,
    }
}

fn answer(bytes: Bytes, range: Range<u64>, meta: ObjectMeta) -> GetResult {
    let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
    GetResult { payload, meta, range, attributes: Attributes::default() }
}

impl fmt::Display for KeptStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for KeptStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let Some((tag, range)) = wanted(&options) else {
            return self.inner.get_opts(location, options).await;
        };
        let (store, tag) = (self.inner.to_string(), tag.to_owned());
        let place = Place { store, location: location.clone(), tag, start: range.start };
        if let Some((bytes, meta)) = self.kept.get(&place, range.end) {
            return Ok(answer(bytes, range, meta));
        }
        let result = self.inner.get_opts(location, options).await?;
        let (meta, found) = (result.meta.clone(), result.range.clone());
        let bytes = result.bytes().await?;
        // An answer of another range or tag is not a piece of this version.
        if found == range && meta.e_tag.as_ref() == Some(&place.tag) {
            self.kept.put(place, bytes.clone(), meta.clone());
        }
        Ok(answer(bytes, found, meta))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
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

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use object_store::{ObjectStoreExt, PutPayload};

    use super::*;
    use crate::store::counted::{BytesRead, CountedStore};

    fn place(tag: &str, start: u64) -> Place {
        Place { store: "s3://a".to_owned(), location: "a".into(), tag: tag.to_owned(), start }
    }

    fn meta() -> ObjectMeta {
        let last_modified = chrono::DateTime::UNIX_EPOCH;
        ObjectMeta { location: "a".into(), last_modified, size: 100, e_tag: None, version: None }
    }

    fn found(kept: &KeptPieces, place: &Place, end: u64) -> Option<Vec<u8>> {
        kept.get(place, end).map(|(bytes, _)| bytes.to_vec())
    }

    #[test]
    fn a_part_of_a_piece_is_found_and_nothing_beyond_it() {
        let kept = KeptPieces::new(1_000);
        kept.put(place("1", 10), Bytes::from_static(b"abcdef"), meta());
        for (start, end, expected) in [
            (10, 16, Some("abcdef")),
            (12, 14, Some("cd")),
            (16, 16, Some("")),
            (9, 12, None),
            (12, 17, None),
            (17, 17, None),
        ] {
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(found(&kept, &place("1", start), end), expected, "{start}..{end}");
        }
        for other in [
            place("2", 10),
            Place { store: "s3://b".to_owned(), ..place("1", 10) },
            Place { location: "b".into(), ..place("1", 10) },
        ] {
            assert_eq!(found(&kept, &other, 16), None, "{other:?}");
        }
    }

    #[test]
    fn a_piece_takes_the_place_of_those_within_it() {
        let kept = KeptPieces::new(1_000);
        for (start, text) in [(10, "bc"), (14, "fg"), (9, "abcde"), (10, "bcdef")] {
            kept.put(place("1", start), Bytes::from_static(text.as_bytes()), meta());
        }
        kept.put(place("2", 10), Bytes::from_static(b"xy"), meta());
        assert_eq!(found(&kept, &place("1", 9), 14).unwrap(), b"abcde");
        assert_eq!(found(&kept, &place("1", 11), 15).unwrap(), b"cdef");
        assert_eq!(found(&kept, &place("1", 14), 16).unwrap(), b"fg");
        assert_eq!(found(&kept, &place("2", 10), 12).unwrap(), b"xy");
        assert_eq!(kept.lock().bytes, 5 + 5 + 2 + 2);
    }

    #[test]
    fn the_piece_that_was_used_last_stays() {
        let kept = KeptPieces::new(16);
        for start in 0..8 {
            kept.put(place("1", start * 2), Bytes::from_static(b"ab"), meta());
        }
        assert!(found(&kept, &place("1", 0), 2).is_some());
        kept.put(place("1", 16), Bytes::from_static(b"ab"), meta());
        assert!(found(&kept, &place("1", 2), 4).is_none());
        assert!(found(&kept, &place("1", 0), 2).is_some() && found(&kept, &place("1", 16), 18).is_some());
        // One that is too large displaces nothing.
        kept.put(place("1", 40), Bytes::from_static(b"abc"), meta());
        assert!(found(&kept, &place("1", 40), 43).is_none());
        assert_eq!(kept.lock().bytes, 16);
    }

    /// Reads a range of `a` of the version with this tag.
    async fn read(store: &dyn ObjectStore, tag: &str, range: Range<u64>) -> Result<Bytes> {
        let (if_match, range) = (Some(tag.to_owned()), Some(range.into()));
        store
            .get_opts(&"a".into(), GetOptions { if_match, range, ..GetOptions::default() })
            .await?
            .bytes()
            .await
    }

    #[tokio::test]
    async fn a_version_is_read_once_and_another_one_is_not_taken_for_it() {
        let memory = Arc::new(InMemory::new());
        let asked = BytesRead::default();
        let counted = Arc::new(CountedStore::new(memory.clone(), asked.clone()));
        let store = KeptStore::new(counted, KeptPieces::new(1_000));
        let first = memory.put(&"a".into(), PutPayload::from("first")).await.unwrap().e_tag.unwrap();
        assert_eq!(read(&store, &first, 0..4).await.unwrap(), "firs");
        let second = memory.put(&"a".into(), PutPayload::from("other")).await.unwrap().e_tag.unwrap();
        // The old version as far as it was read, and never a mix of two.
        assert_eq!(read(&store, &first, 1..3).await.unwrap(), "ir");
        assert!(read(&store, &first, 0..5).await.is_err());
        assert_eq!(read(&store, &second, 0..5).await.unwrap(), "other");
        assert_eq!(asked.get(), 4 + 5);
        // Without a tag nothing tells versions apart.
        for _ in 0..2 {
            let options = GetOptions { range: Some((0..5).into()), ..GetOptions::default() };
            store.get_opts(&"a".into(), options).await.unwrap();
        }
        assert_eq!(asked.get(), 4 + 5 + 5 + 5);
    }
}
