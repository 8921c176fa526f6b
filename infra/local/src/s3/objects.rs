//! The operations on objects that the functions and the usual tools call.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderMap;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use s3s::checksum::ChecksumHasher;
use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use vitrine::rules::random;

use super::folder::{ObjectFolder, is_absent, tag};
use crate::private_files;

const CHUNK: u64 = 64 * 1024;
const PAGE: i32 = 1_000;

#[derive(Debug, Clone)]
pub struct Objects {
    pub(super) folder: Arc<ObjectFolder>,
}

/// A body that has arrived whole and as its sender said.
#[derive(Debug)]
pub(super) struct Received {
    pub file: Incoming,
    pub checksum: Checksum,
}

/// A file that is removed unless it becomes something else.
#[derive(Debug)]
pub(super) struct Incoming(pub PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Objects {
    pub fn new(folder: Arc<ObjectFolder>) -> Self {
        Self { folder }
    }

    pub(super) fn path(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        if !self.folder.has(bucket) {
            return Err(s3_error!(NoSuchBucket));
        }
        self.folder.path_of(key).ok_or_else(|| s3_error!(InvalidArgument, "not a key of the local bucket"))
    }

    pub(super) fn incoming(&self) -> S3Result<Incoming> {
        let id = random::short_id().map_err(|_| s3_error!(InternalError))?;
        Ok(Incoming(self.folder.incoming(&id)))
    }

    /// Receives a body. Its length and the checksums that its sender announced must be right.
    pub(super) async fn receive(
        &self,
        body: Option<StreamingBlob>,
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Received> {
        let (incoming, mut hasher, mut size) = (self.incoming()?, announced(headers), 0_u64);
        let mut file =
            OpenOptions::from(private_files::to_write()).open(&incoming.0).await.map_err(failed)?;
        if let Some(mut body) = body {
            while let Some(chunk) = body.next().await {
                let chunk =
                    chunk.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
                hasher.update(&chunk);
                size += chunk.len() as u64;
                file.write_all(&chunk).await.map_err(failed)?;
            }
        }
        file.flush().await.map_err(failed)?;
        let length = headers.get("x-amz-decoded-content-length").or_else(|| headers.get("content-length"));
        if length.is_some_and(|length| length.as_bytes() != size.to_string().as_bytes()) {
            return Err(s3_error!(IncompleteBody));
        }
        let checksum = hasher.finalize();
        let trailers = trailers.and_then(|trailers| trailers.take()).unwrap_or_default();
        for (name, computed) in named(&checksum) {
            let told = headers.get(name).or_else(|| trailers.get(name)).map(|told| told.as_bytes());
            if told != computed.as_deref().map(str::as_bytes) {
                return Err(s3_error!(BadDigest));
            }
        }
        Ok(Received { file: incoming, checksum })
    }

    /// Opens an object if the conditions hold.
    async fn open(
        &self,
        path: &Path,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result<(File, std::fs::Metadata, ETag)> {
        let file = File::open(path).await.map_err(absent)?;
        let metadata = file.metadata().await.map_err(failed)?;
        if !metadata.is_file() {
            return Err(s3_error!(NoSuchKey));
        }
        let e_tag = ETag::Strong(tag(&metadata));
        let is = |condition: &ETagCondition| match condition {
            ETagCondition::Any => true,
            ETagCondition::ETag(wanted) => e_tag.strong_cmp(wanted),
        };
        if if_match.is_some_and(|wanted| !is(wanted)) {
            return Err(s3_error!(PreconditionFailed));
        }
        if if_none_match.is_some_and(is) {
            return Err(s3_error!(NotModified));
        }
        Ok((file, metadata, e_tag))
    }

    /// Makes a received file an object, and returns its tag.
    pub(super) async fn place(&self, file: &Path, path: &Path, only_new: bool) -> S3Result<ETag> {
        let (folder, file, path) = (self.folder.clone(), file.to_owned(), path.to_owned());
        let placed = tokio::task::spawn_blocking(move || {
            let metadata = || std::fs::metadata(&path).map(|metadata| ETag::Strong(tag(&metadata)));
            folder.place(&file, &path, only_new).and_then(|()| metadata())
        });
        match placed.await.map_err(|_| s3_error!(InternalError))? {
            Err(error) if only_new && error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(s3_error!(PreconditionFailed))
            }
            placed => placed.map_err(failed),
        }
    }
}

/// A hasher for the checksums that come with a body or after it.
fn announced(headers: &HeaderMap) -> ChecksumHasher {
    let trailer = headers.get("x-amz-trailer").and_then(|names| names.to_str().ok()).unwrap_or_default();
    let is = |name: &str| headers.contains_key(name) || trailer.split(',').any(|one| one.trim() == name);
    ChecksumHasher {
        crc32: is("x-amz-checksum-crc32").then(Default::default),
        crc32c: is("x-amz-checksum-crc32c").then(Default::default),
        sha1: is("x-amz-checksum-sha1").then(Default::default),
        sha256: is("x-amz-checksum-sha256").then(Default::default),
        crc64nvme: is("x-amz-checksum-crc64nvme").then(Default::default),
    }
}

fn named(checksum: &Checksum) -> [(&'static str, &Option<String>); 5] {
    [
        ("x-amz-checksum-crc32", &checksum.checksum_crc32),
        ("x-amz-checksum-crc32c", &checksum.checksum_crc32c),
        ("x-amz-checksum-sha1", &checksum.checksum_sha1),
        ("x-amz-checksum-sha256", &checksum.checksum_sha256),
        ("x-amz-checksum-crc64nvme", &checksum.checksum_crc64nvme),
    ]
}

pub(super) fn failed(error: std::io::Error) -> S3Error {
    S3Error::with_source(S3ErrorCode::InternalError, error.into())
}

fn absent(error: std::io::Error) -> S3Error {
    if is_absent(&error) { s3_error!(NoSuchKey) } else { failed(error) }
}

fn length(bytes: u64) -> S3Result<i64> {
    i64::try_from(bytes).map_err(|_| s3_error!(InternalError))
}

fn modified(metadata: &std::fs::Metadata) -> Option<Timestamp> {
    metadata.modified().ok().map(Timestamp::from)
}

/// The next `size` bytes of a file.
fn stream_of(file: File, size: u64) -> StreamingBlob {
    let chunks = stream::try_unfold((file, size), async |(mut file, left)| {
        let mut chunk = vec![0; usize::try_from(left.min(CHUNK)).unwrap_or_default()];
        if chunk.is_empty() {
            return Ok::<_, std::io::Error>(None);
        }
        file.read_exact(&mut chunk).await?;
        let left = left - chunk.len() as u64;
        Ok(Some((Bytes::from(chunk), (file, left))))
    });
    StreamingBlob::wrap(chunks)
}

#[async_trait]
impl S3 for Objects {
    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let path = self.path(&input.bucket, &input.key)?;
        let (mut file, metadata, e_tag) =
            self.open(&path, input.if_match.as_ref(), input.if_none_match.as_ref()).await?;
        let size = metadata.len();
        let range = input.range.map(|range| range.check(size)).transpose()?;
        let content_range =
            range.as_ref().map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1));
        let range = range.unwrap_or(0..size);
        file.seek(SeekFrom::Start(range.start)).await.map_err(failed)?;
        Ok(S3Response::new(GetObjectOutput {
            body: Some(stream_of(file, range.end - range.start)),
            content_length: Some(length(range.end - range.start)?),
            content_range,
            e_tag: Some(e_tag),
            last_modified: modified(&metadata),
            accept_ranges: Some("bytes".to_owned()),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let path = self.path(&input.bucket, &input.key)?;
        let (_, metadata, e_tag) =
            self.open(&path, input.if_match.as_ref(), input.if_none_match.as_ref()).await?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(metadata.len())?),
            e_tag: Some(e_tag),
            last_modified: modified(&metadata),
            accept_ranges: Some("bytes".to_owned()),
            ..HeadObjectOutput::default()
        }))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let path = self.path(&input.bucket, &input.key)?;
        let received = self.receive(input.body, &request.headers, request.trailing_headers).await?;
        let e_tag = match input.if_match {
            Some(_) => return Err(s3_error!(NotImplemented)),
            None => self.place(&received.file.0, &path, input.if_none_match.is_some()).await?,
        };
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(e_tag),
            checksum_crc32: received.checksum.checksum_crc32,
            checksum_crc32c: received.checksum.checksum_crc32c,
            checksum_crc64nvme: received.checksum.checksum_crc64nvme,
            checksum_sha1: received.checksum.checksum_sha1,
            checksum_sha256: received.checksum.checksum_sha256,
            ..PutObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let path = self.path(&request.input.bucket, &request.input.key)?;
        self.folder.remove(&path).map_err(failed)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        if !self.folder.has(&input.bucket) {
            return Err(s3_error!(NoSuchBucket));
        }
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let most = usize::try_from(input.max_keys.unwrap_or(PAGE).clamp(1, PAGE)).unwrap_or(1);
        // The token is the last key or common prefix of the page before.
        let after = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let (mut contents, mut folders, mut last) = (Vec::new(), Vec::new(), None);
        let mut is_truncated = false;
        for (key, metadata) in self.folder.list(&prefix).map_err(failed)? {
            let rest = &key[prefix.len()..];
            let cut = delimiter.as_ref().and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            let entry = cut.map_or(key.as_str(), |cut| &key[..prefix.len() + cut]).to_owned();
            if entry <= after || last.as_ref() == Some(&entry) {
                continue;
            }
            if contents.len() + folders.len() == most {
                is_truncated = true;
                break;
            }
            last = Some(entry.clone());
            match cut {
                Some(_) => folders.push(CommonPrefix { prefix: Some(entry) }),
                None => contents.push(Object {
                    e_tag: Some(ETag::Strong(tag(&metadata))),
                    last_modified: modified(&metadata),
                    size: Some(length(metadata.len())?),
                    key: Some(key),
                    ..Object::default()
                }),
            }
        }
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: i32::try_from(contents.len() + folders.len()).ok(),
            next_continuation_token: last.filter(|_| is_truncated),
            is_truncated: Some(is_truncated),
            contents: Some(contents),
            common_prefixes: Some(folders),
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            ..ListObjectsV2Output::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let upload = self.begin(&self.path(&input.bucket, &input.key)?).await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let path = self.path(&input.bucket, &input.key)?;
        let upload = self.upload(&input.upload_id, &path).await?;
        let received = self.receive(input.body, &request.headers, request.trailing_headers).await?;
        let e_tag = self.put_part(&upload, input.part_number, &received).await?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(e_tag),
            checksum_crc32: received.checksum.checksum_crc32,
            ..UploadPartOutput::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let path = self.path(&input.bucket, &input.key)?;
        let upload = self.upload(&input.upload_id, &path).await?;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let joined = self.join(&upload, &parts).await?;
        let e_tag = self.place(&joined.0, &path, input.if_none_match.is_some()).await?;
        fs::remove_dir_all(&upload).await.map_err(failed)?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(e_tag),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let upload = self.upload(&input.upload_id, &self.path(&input.bucket, &input.key)?).await?;
        fs::remove_dir_all(upload).await.map_err(failed)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
