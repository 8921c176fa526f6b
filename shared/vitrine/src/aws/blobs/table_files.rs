//! The files of tables. A version's files are written once, before the version is known to anybody, and never changed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use vitrine_rules::data::version::DataFile;
use vitrine_rules::error::Result;

use super::{BUCKET, Bucket, below, transfer, with_timeouts};
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;

/// For the answer to a read to begin.
const READ_ATTEMPT: Duration = Duration::from_secs(4);
const READ: Duration = Duration::from_secs(12);

/// Writes and deletes the files of tables.
#[derive(Debug, Clone)]
pub struct TableFiles {
    bucket: Bucket,
}

impl Capability for TableFiles {
    fn grants() -> BTreeSet<Grant> {
        let writes = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"];
        let mut grants = allow_all(&[BUCKET.items("tables/*")], &writes);
        grants.extend(TableFileReader::grants());
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self { bucket: Bucket::of(environment) }
    }
}

impl TableFiles {
    /// Copies a local file to a key below `tables/`, in parts if it is large. There is no object before all of it is there.
    /// The tag of the result has its quotes, as the precondition of a read does.
    pub async fn put(&self, key: &str, file: &Path) -> Result<DataFile> {
        transfer::put_file(&self.bucket, &below("tables", key.to_owned())?, file).await
    }

    /// The file with this key as it is now; none if it is not there.
    pub async fn head(&self, key: &str) -> Result<Option<DataFile>> {
        self.bucket.head(&below("tables", key.to_owned())?).await
    }

    /// Deletes the file with this key if it is there.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.bucket.delete(&below("tables", key.to_owned())?).await
    }

    pub async fn delete_all(&self, keys: &[String]) -> Result<()> {
        for key in keys {
            self.delete(key).await?;
        }
        Ok(())
    }
}

/// Lets an engine read the files of tables.
#[derive(Debug, Clone)]
pub struct TableFileReader {
    bucket: Bucket,
    client: Client,
}

impl Capability for TableFileReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([BUCKET.items("tables/*").allow("s3:GetObject")])
    }

    fn connect(environment: &Environment) -> Self {
        let bucket = Bucket::of(environment);
        let client = with_timeouts(&bucket.client, READ_ATTEMPT, READ);
        Self { bucket, client }
    }
}

impl TableFileReader {
    /// The client and the bucket for the engine's own store.
    pub fn client(&self) -> (Client, String) {
        (self.client.clone(), self.bucket.name.to_string())
    }
}
