//! Files that owners upload: written by them through a URL, read by the import.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use vitrine_rules::clock::Clock;
use vitrine_rules::data::signed_request::SignedRequest;
use vitrine_rules::data::upload::Upload;
use vitrine_rules::data::version::DataFile;
use vitrine_rules::error::{Error, Result};

use super::{BUCKET, Bucket, Presigner, below, transfer, valid_for};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;

/// The time to begin an upload in; one that has begun may take longer.
const VALID_SECONDS: u32 = 3_600;

fn key(upload: &Upload) -> Result<String> {
    below("uploads", upload.key())
}

/// Signs the requests in which owners upload files.
#[derive(Debug, Clone)]
pub struct UploadSigner {
    bucket: Bucket,
    presigner: Presigner,
    clock: Clock,
}

impl Capability for UploadSigner {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([BUCKET.items("uploads/*").allow("s3:PutObject")])
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            bucket: Bucket::of(environment),
            presigner: Presigner::of(environment),
            clock: environment.clock.clone(),
        }
    }
}

impl UploadSigner {
    /// A `PUT` of exactly the one file with the size and the SHA-256 of this upload.
    pub async fn presign(&self, upload: &Upload) -> Result<SignedRequest> {
        let checksum = BASE64_STANDARD.encode(digest(&upload.sha256)?);
        let size = i64::try_from(upload.size).map_err(|_| Error::internal("the size of an upload"))?;
        let expires_at = self.clock.now().plus(VALID_SECONDS.into());
        let put = self
            .presigner
            .client
            .put_object()
            .bucket(&*self.bucket.name)
            .key(key(upload)?)
            .content_length(size)
            .checksum_sha256(checksum);
        let signed = Box::pin(put.presigned(valid_for(VALID_SECONDS.into())?)).await;
        Ok(super::signed(&signed.or_unavailable("PutObject")?, expires_at))
    }
}

/// Reads uploaded files, and deletes them when they are imported.
#[derive(Debug, Clone)]
pub struct UploadedFiles {
    bucket: Bucket,
}

impl Capability for UploadedFiles {
    fn grants() -> BTreeSet<Grant> {
        allow_all(&[BUCKET.items("uploads/*")], &["s3:DeleteObject", "s3:GetObject"])
    }

    fn connect(environment: &Environment) -> Self {
        Self { bucket: Bucket::of(environment) }
    }
}

impl UploadedFiles {
    /// Copies an uploaded file to a local one; none if it has not been uploaded.
    pub async fn get(&self, upload: &Upload, file: &Path) -> Result<Option<DataFile>> {
        transfer::get_file(&self.bucket, &key(upload)?, file).await
    }

    pub async fn delete(&self, upload: &Upload) -> Result<()> {
        self.bucket.delete(&key(upload)?).await
    }
}

/// The bytes of a SHA-256 in hex.
fn digest(hex: &str) -> Result<[u8; 32]> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    bytes
        .collect::<Option<Vec<u8>>>()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Error::internal("not a SHA-256"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_64_digits() {
        let hex = vitrine_rules::random::fingerprint("a");
        assert_eq!(vitrine_rules::random::fingerprint("a"), hex);
        assert_eq!(digest(&hex).unwrap()[..2], [0xca, 0x97]);
        assert_eq!(digest(&hex.to_uppercase()).unwrap(), digest(&hex).unwrap());
        for wrong in ["", "ca", &hex[1..], &format!("{hex}00"), &format!("x{}", &hex[1..]), &"é".repeat(32)]
        {
            assert!(digest(wrong).is_err(), "{wrong}");
        }
    }
}
