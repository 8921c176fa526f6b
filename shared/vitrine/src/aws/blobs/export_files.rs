//! Files that are too large for an answer of Lambda. The viewer gets a link to them for a minute.

use std::collections::BTreeSet;
use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use vitrine_rules::clock::Clock;
use vitrine_rules::data::signed_request::SignedRequest;
use vitrine_rules::error::{Error, Result};

use super::{BUCKET, Bucket, Presigner, below, transfer, valid_for};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;

const VALID_SECONDS: u32 = 60;

fn key(id: &str) -> Result<String> {
    below("exports", format!("exports/{id}"))
}

/// Stores exports and makes links to them.
#[derive(Debug, Clone)]
pub struct ExportFiles {
    bucket: Bucket,
    presigner: Presigner,
    clock: Clock,
}

/// The headers with which an export is downloaded.
#[derive(Debug, Clone, Copy)]
pub struct ExportName<'a> {
    pub content_type: &'a str,
    /// The whole value of `Content-Disposition`.
    pub disposition: &'a str,
}

impl Capability for ExportFiles {
    fn grants() -> BTreeSet<Grant> {
        let actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"];
        allow_all(&[BUCKET.items("exports/*")], &actions)
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            bucket: Bucket::of(environment),
            presigner: Presigner::of(environment),
            clock: environment.clock.clone(),
        }
    }
}

impl ExportFiles {
    /// Stores a local file, in parts if it is large.
    pub async fn put_file(&self, id: &str, file: &Path) -> Result<()> {
        transfer::put_file(&self.bucket, &key(id)?, file).await.map(drop)
    }

    pub async fn put(&self, id: &str, bytes: Bytes) -> Result<()> {
        let put = self.bucket.put(&key(id)?).body(ByteStream::from(bytes));
        Box::pin(put.send()).await.or_unavailable("PutObject").map(drop)
    }

    /// A link that lives 60 seconds. Opening it needs no header.
    pub async fn link(&self, id: &str, name: ExportName<'_>) -> Result<SignedRequest> {
        let expires_at = self.clock.now().plus(VALID_SECONDS.into());
        let get = self
            .presigner
            .client
            .get_object()
            .bucket(&*self.bucket.name)
            .key(key(id)?)
            .response_content_type(name.content_type)
            .response_content_disposition(name.disposition);
        let signed = Box::pin(get.presigned(valid_for(VALID_SECONDS.into())?)).await;
        let signed = super::signed(&signed.or_unavailable("GetObject")?, expires_at);
        match signed.headers.is_empty() {
            true => Ok(signed),
            // A browser that follows a redirect could not send it.
            false => Err(Error::internal("a link with a header")),
        }
    }
}
