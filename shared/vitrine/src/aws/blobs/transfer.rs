//! Copies between local files and objects, with a bounded amount of memory.

use std::ops::Range;
use std::path::Path;

use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use vitrine_rules::data::version::DataFile;
use vitrine_rules::error::{Error, Reason, Result};

use super::Bucket;
use crate::aws::aws_error::AwsResult;

/// S3 takes parts of 5 MiB and more, and at most 10,000 of them.
const PUT_PART: u64 = 16 * 1024 * 1024;
const MAX_PARTS: u64 = 10_000;
const PUTS_AT_ONCE: usize = 3;

const GET_PART: u64 = 8 * 1024 * 1024;
const GETS_AT_ONCE: usize = 4;

/// The SDK tries a request again, but not a body that ends early.
const BODY_ATTEMPTS: u32 = 3;

fn local(error: &std::io::Error) -> Error {
    Error::internal(format_args!("a local file: {}", error.kind()))
}

/// Copies a local file into the bucket. The object appears when all of it is there. Needs `s3:PutObject` and
/// `s3:AbortMultipartUpload`.
pub async fn put_file(bucket: &Bucket, key: &str, file: &Path) -> Result<DataFile> {
    let size = fs::metadata(file).await.map_err(|error| local(&error))?.len();
    let e_tag = if size <= PUT_PART {
        let put = bucket.put(key).body(section(file, 0..size).await?);
        Box::pin(put.send()).await.or_unavailable("PutObject")?.e_tag
    } else {
        put_in_parts(bucket, key, file, size).await?
    };
    let e_tag = e_tag.ok_or_else(|| Error::internal("PutObject: no tag"))?;
    Ok(DataFile { key: key.to_owned(), size, e_tag })
}

async fn section(file: &Path, range: Range<u64>) -> Result<ByteStream> {
    let length = Length::Exact(range.end - range.start);
    let read = ByteStream::read_from().path(file).offset(range.start).length(length).build().await;
    read.map_err(|_| Error::internal("a local file cannot be read"))
}

/// The ranges of parts of this size.
fn parts(size: u64, part: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(part)).map(move |number| number * part..size.min((number + 1) * part))
}

async fn put_in_parts(bucket: &Bucket, key: &str, file: &Path, size: u64) -> Result<Option<String>> {
    if size > PUT_PART * MAX_PARTS {
        return Err(Error::internal("a file is too large for S3"));
    }
    let create = bucket
        .patient
        .create_multipart_upload()
        .bucket(&*bucket.name)
        .key(key)
        .checksum_algorithm(ChecksumAlgorithm::Crc32);
    let created = Box::pin(create.send()).await.or_unavailable("CreateMultipartUpload")?;
    let upload = created.upload_id.ok_or_else(|| Error::internal("CreateMultipartUpload: no id"))?;
    let put = Box::pin(put_parts(bucket, key, &upload, file, size)).await;
    if put.is_err() {
        let abort = bucket.patient.abort_multipart_upload().bucket(&*bucket.name).key(key).upload_id(&upload);
        if let Err(error) = Box::pin(abort.send()).await.or_unavailable("AbortMultipartUpload") {
            // The bucket's lifecycle removes the parts.
            tracing::warn!(detail = error.detail, "parts of a file stay until tomorrow");
        }
    }
    put
}

async fn put_parts(
    bucket: &Bucket,
    key: &str,
    upload: &str,
    file: &Path,
    size: u64,
) -> Result<Option<String>> {
    let put_part = async |(number, range): (i32, Range<u64>)| -> Result<CompletedPart> {
        let put = bucket
            .patient
            .upload_part()
            .bucket(&*bucket.name)
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(section(file, range).await?);
        let done = Box::pin(put.send()).await.or_unavailable("UploadPart")?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(done.e_tag)
            .set_checksum_crc32(done.checksum_crc32)
            .build())
    };
    let done = stream::iter((1..).zip(parts(size, PUT_PART)))
        .map(put_part)
        .buffered(PUTS_AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let complete = bucket
        .patient
        .complete_multipart_upload()
        .bucket(&*bucket.name)
        .key(key)
        .upload_id(upload)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(done)).build());
    Ok(Box::pin(complete.send()).await.or_unavailable("CompleteMultipartUpload")?.e_tag)
}

/// Copies an object to a local file; none if there is no object. After a failure there is no file. Needs `s3:GetObject`.
pub async fn get_file(bucket: &Bucket, key: &str, file: &Path) -> Result<Option<DataFile>> {
    let Some(found) = bucket.head(key).await? else { return Ok(None) };
    match Box::pin(get_parts(bucket, &found, file)).await {
        Ok(()) => Ok(Some(found)),
        Err(error) => {
            // Absent if it could not be created.
            let _ = fs::remove_file(file).await;
            Err(error)
        }
    }
}

async fn get_parts(bucket: &Bucket, object: &DataFile, file: &Path) -> Result<()> {
    let mut file = File::create(file).await.map_err(|error| local(&error))?;
    let mut read = stream::iter(parts(object.size, GET_PART))
        .map(|range| get_part(bucket, object, range))
        .buffered(GETS_AT_ONCE);
    while let Some(bytes) = read.try_next().await? {
        file.write_all(&bytes).await.map_err(|error| local(&error))?;
    }
    file.flush().await.map_err(|error| local(&error))
}

/// One range of the object as it was when the copy began: the tag is a precondition.
async fn get_part(bucket: &Bucket, object: &DataFile, range: Range<u64>) -> Result<Bytes> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let get = bucket
            .patient
            .get_object()
            .bucket(&*bucket.name)
            .key(&object.key)
            .if_match(&object.e_tag)
            .range(format!("bytes={}-{}", range.start, range.end - 1));
        let got = Box::pin(get.send()).await.or_unavailable("GetObject")?;
        let read = got.body.collect().await.map(|body| body.into_bytes());
        match read {
            Ok(bytes) if bytes.len() as u64 == range.end - range.start => return Ok(bytes),
            // A server that ignores ranges would be read as if the file began elsewhere.
            _ if attempts == BODY_ATTEMPTS => {
                return Err(Error::new(Reason::Unavailable).detail("GetObject: not the range asked for"));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_file_once() {
        let lengths = |size| parts(size, 10).map(|range| range.end - range.start).collect::<Vec<_>>();
        assert_eq!(lengths(0), [0; 0]);
        assert_eq!(lengths(9), [9]);
        assert_eq!(lengths(10), [10]);
        assert_eq!(lengths(21), [10, 10, 1]);
        assert_eq!(parts(21, 10).last(), Some(20..21));
    }
}
