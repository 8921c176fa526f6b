//! Answers of queries that other processes have computed.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::time::timeout;
use vitrine_rules::error::{Error, Reason, Result};

use super::{BUCKET, Bucket, below, if_there};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;

/// Reading an answer must not take longer than computing it.
const PATIENCE: Duration = Duration::from_secs(3);

/// An object that is larger was not written here.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Reads and writes cached answers. A failure is no reason to refuse a query.
#[derive(Debug, Clone)]
pub struct AnswerCache {
    bucket: Bucket,
}

impl Capability for AnswerCache {
    fn grants() -> BTreeSet<Grant> {
        allow_all(&[BUCKET.items("cache/*")], &["s3:GetObject", "s3:PutObject"])
    }

    fn connect(environment: &Environment) -> Self {
        Self { bucket: Bucket::of(environment) }
    }
}

impl AnswerCache {
    /// The bytes under a key; none if there are none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let key = below("cache", format!("cache/{key}"))?;
        match timeout(PATIENCE, Box::pin(self.read(&key))).await {
            Ok(read) => read,
            Err(_) => Err(Error::new(Reason::Unavailable).detail("GetObject: slow")),
        }
    }

    async fn read(&self, key: &str) -> Result<Option<Bytes>> {
        let get = self.bucket.client.get_object().bucket(&*self.bucket.name).key(key);
        let Some(found) = if_there(get.send().await, "GetObject")? else { return Ok(None) };
        let cut_off = || Error::new(Reason::Unavailable).detail("GetObject: the body ended early");
        let size = found.content_length().and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|size| *size <= MAX_BYTES);
        let size = size.ok_or_else(|| Error::internal("a cached answer has no size, or is too large"))?;
        let bytes = found.body.collect().await.map_err(|_| cut_off())?.into_bytes();
        if bytes.len() == size { Ok(Some(bytes)) } else { Err(cut_off()) }
    }

    /// Stores the bytes under a key. More than can be read again are not stored.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let key = below("cache", format!("cache/{key}"))?;
        if bytes.len() > MAX_BYTES {
            return Ok(());
        }
        Box::pin(self.bucket.put(&key).body(ByteStream::from(bytes)).send())
            .await
            .or_unavailable("PutObject")
            .map(drop)
    }
}
