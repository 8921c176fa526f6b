//! An object store over the AWS SDK, for reading.
//!
//! The store that comes with `object_store` brings a second TLS and HTTP stack.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use chrono::Utc;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::pinned::reads_only;

const STORE: &str = "S3";

/// One bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
}

impl S3Store {
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    async fn head(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let head = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(location.as_ref())
            .set_if_match(options.if_match)
            .set_version_id(options.version)
            .send()
            .await
            .map_err(|error| failed(location, error))?;
        let size = size(head.content_length());
        let meta = meta(location.clone(), size, head.e_tag().map(str::to_owned), head.last_modified());
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::empty().boxed()),
            range: 0..meta.size,
            meta,
            attributes: Attributes::default(),
        })
    }

    /// One page of a listing.
    async fn page(
        &self,
        prefix: Option<String>,
        delimiter: Option<&str>,
        token: Option<String>,
    ) -> Result<(ListResult, Option<String>)> {
        let page = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .set_prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned))
            .set_continuation_token(token)
            .send()
            .await
            .map_err(|error| failed(&Path::default(), error))?;
        let objects = page.contents().iter().filter_map(|object| {
            // A marker of an empty folder is no file.
            let key = object.key().filter(|key| !key.ends_with('/'))?;
            let size = size(object.size());
            let tag = object.e_tag().map(str::to_owned);
            Some(Path::parse(key).map(|path| meta(path, size, tag, object.last_modified())))
        });
        let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix()).map(Path::parse);
        let found = ListResult {
            objects: objects.collect::<Result<_, _>>()?,
            common_prefixes: folders.collect::<Result<_, _>>()?,
        };
        Ok((found, page.next_continuation_token().map(str::to_owned)))
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)
    }
}

fn size(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0)
}

fn meta(location: Path, size: u64, e_tag: Option<String>, modified: Option<&DateTime>) -> ObjectMeta {
    let modified =
        modified.and_then(|at| chrono::DateTime::<Utc>::from_timestamp(at.secs(), at.subsec_nanos()));
    ObjectMeta { location, size, e_tag, last_modified: modified.unwrap_or_default(), version: None }
}

/// The prefix of a folder, so that `orders` does not find `orders2`.
fn folder(prefix: Option<&Path>) -> Option<String> {
    prefix.filter(|prefix| !prefix.as_ref().is_empty()).map(|prefix| format!("{prefix}/"))
}

fn failed<E>(location: &Path, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let path = location.to_string();
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.code().map(str::to_owned);
    let source = format!("{}", DisplayErrorContext(error)).into();
    match (status, code.as_deref()) {
        (Some(412), _) => Error::Precondition { path, source },
        (_, Some("NoSuchKey" | "NotFound")) | (Some(404), _) => Error::NotFound { path, source },
        (Some(403), _) => Error::PermissionDenied { path, source },
        _ => Error::Generic { store: STORE, source },
    }
}

/// The value of the header `Range`.
fn range_header(range: &GetRange) -> String {
    match range {
        GetRange::Bounded(range) => format!("bytes={}-{}", range.start, range.end.saturating_sub(1)),
        GetRange::Offset(offset) => format!("bytes={offset}-"),
        GetRange::Suffix(length) => format!("bytes=-{length}"),
    }
}

/// The range and the size of the whole object in `Content-Range`: `bytes 0-9/100`.
fn content_range(header: &str) -> Option<(Range<u64>, u64)> {
    let (range, size) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    Some((start.parse().ok()?..end.parse::<u64>().ok()?.checked_add(1)?, size.parse().ok()?))
}

fn chunks(body: ByteStream, expected: u64) -> BoxStream<'static, Result<bytes::Bytes>> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Generic { store: STORE, source };
    stream::try_unfold((body, expected), move |(mut body, left)| async move {
        match body.try_next().await.map_err(|error| failed(error.into()))? {
            Some(chunk) => {
                let left = left
                    .checked_sub(chunk.len() as u64)
                    .ok_or_else(|| failed("more bytes than asked for".into()))?;
                Ok(Some((chunk, (body, left))))
            }
            None if left > 0 => Err(failed("the body ended early".into())),
            None => Ok(None),
        }
    })
    .boxed()
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            return self.head(location, options).await;
        }
        if matches!(&options.range, Some(GetRange::Bounded(range)) if range.is_empty()) {
            let mut result = self.head(location, GetOptions { range: None, ..options }).await?;
            result.range = 0..0;
            return Ok(result);
        }
        let is_range = options.range.is_some();
        let object = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(location.as_ref())
            .set_range(options.range.as_ref().map(range_header))
            .set_if_match(options.if_match)
            .set_if_none_match(options.if_none_match)
            .set_version_id(options.version)
            .send()
            .await
            .map_err(|error| failed(location, error))?;
        let length = size(object.content_length());
        let (range, whole) = match object.content_range().and_then(content_range) {
            Some(found) => found,
            // A server that ignores ranges would be read as if the file began elsewhere.
            None if is_range => {
                return Err(Error::Generic { store: STORE, source: "the range was ignored".into() });
            }
            None => (0..length, length),
        };
        let meta = meta(location.clone(), whole, object.e_tag().map(str::to_owned), object.last_modified());
        let expected = range.end - range.start;
        Ok(GetResult {
            payload: GetResultPayload::Stream(chunks(object.body, expected)),
            meta,
            range,
            attributes: Attributes::default(),
        })
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), folder(prefix));
        stream::try_unfold(Some(None), move |token: Option<Option<String>>| {
            let (store, prefix) = (store.clone(), prefix.clone());
            async move {
                let Some(token) = token else { return Ok::<_, Error>(None) };
                let (found, next) = store.page(prefix, None, token).await?;
                let objects = stream::iter(found.objects.into_iter().map(Ok::<_, Error>));
                Ok(Some((objects, next.map(Some))))
            }
        })
        .try_flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut all = ListResult { common_prefixes: vec![], objects: vec![] };
        let mut token = None;
        loop {
            let (found, next) = self.page(folder(prefix), Some("/"), token).await?;
            all.common_prefixes.extend(found.common_prefixes);
            all.objects.extend(found.objects);
            token = next;
            if token.is_none() {
                return Ok(all);
            }
        }
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
    use super::*;

    #[test]
    fn ranges_are_written_and_read_as_http_has_them() {
        assert_eq!(range_header(&GetRange::Bounded(5..10)), "bytes=5-9");
        assert_eq!(range_header(&GetRange::Offset(7)), "bytes=7-");
        assert_eq!(range_header(&GetRange::Suffix(8)), "bytes=-8");
        assert_eq!(content_range("bytes 5-9/100"), Some((5..10, 100)));
        for header in
            ["", "bytes */100", "bytes 5-9", "items 5-9/100", "bytes 5-x/1", "bytes 0-18446744073709551615/1"]
        {
            assert_eq!(content_range(header), None, "{header}");
        }
    }

    #[test]
    fn a_prefix_names_a_folder() {
        assert_eq!(folder(Some(&Path::from("orders"))).as_deref(), Some("orders/"));
        assert_eq!(folder(Some(&Path::default())), None);
        assert_eq!(folder(None), None);
    }
}
