//! Objects in one S3 bucket: uploads, the files of tables, cached answers and exports. Each file owns the keys below one
//! prefix; each of its capabilities is one way of using them, with the actions it needs.

mod answer_cache;
mod export_files;
mod export_origin;
mod table_files;
mod transfer;
mod upload_store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use vitrine_rules::clock::Timestamp;
use vitrine_rules::data::signed_request::SignedRequest;
use vitrine_rules::data::version::DataFile;
use vitrine_rules::error::{Error, Result};

pub use answer_cache::AnswerCache;
pub use export_files::{ExportFiles, ExportName};
pub use export_origin::ExportOrigin;
pub use table_files::{TableFileReader, TableFiles};
pub use upload_store::{UploadSigner, UploadedFiles};

use crate::aws::aws_error::AwsResult;
use crate::aws::capability::AwsResource;
use crate::aws::environment::Environment;

pub const BUCKET: AwsResource = AwsResource { logical_id: "Data", variable: "DATA_BUCKET" };

/// For one request with up to a part of a file as its body.
const TRANSFER_ATTEMPT: Duration = Duration::from_secs(60);
const TRANSFER: Duration = Duration::from_secs(200);

/// The client of the bucket and its name.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    client: Client,
    /// The same with time for whole files.
    patient: Client,
    name: Arc<str>,
}

impl Bucket {
    fn of(environment: &Environment) -> Self {
        let client = environment.client(connect);
        let patient = with_timeouts(&client, TRANSFER_ATTEMPT, TRANSFER);
        Self { client, patient, name: environment.name_of(BUCKET).into() }
    }

    /// A write of one object. Needs `s3:PutObject`.
    fn put(&self, key: &str) -> PutObjectFluentBuilder {
        self.patient.put_object().bucket(&*self.name).key(key)
    }

    /// Size and tag of an object; none if it is not there. Needs `s3:GetObject`.
    async fn head(&self, key: &str) -> Result<Option<DataFile>> {
        let head = self.client.head_object().bucket(&*self.name).key(key).send().await;
        let Some(head) = if_there(head, "HeadObject")? else { return Ok(None) };
        let size = head.content_length().and_then(|size| u64::try_from(size).ok());
        let (Some(size), Some(e_tag)) = (size, head.e_tag) else {
            return Err(Error::internal("HeadObject: no size or no tag"));
        };
        Ok(Some(DataFile { key: key.to_owned(), size, e_tag }))
    }

    /// Deletes an object if it is there. Needs `s3:DeleteObject`.
    async fn delete(&self, key: &str) -> Result<()> {
        let delete = self.client.delete_object().bucket(&*self.name).key(key);
        delete.send().await.or_unavailable("DeleteObject").map(drop)
    }
}

fn connect(config: &SdkConfig) -> Client {
    // An endpoint for all services is an emulator's, which has no host name for each bucket.
    let is_emulated = config.endpoint_url().is_some();
    Client::from_conf(Builder::from(config).force_path_style(is_emulated).build())
}

/// The same client, with the same connections, and other patience.
fn with_timeouts(client: &Client, attempt: Duration, operation: Duration) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build();
    Client::from_conf(client.config().to_builder().timeout_config(timeouts).build())
}

/// Makes URLs that let others do one thing with one object. It has a client of its own, because the address that a function reaches
/// the bucket at need not be the one that others do.
#[derive(Clone)]
pub struct Presigner {
    client: Client,
}

impl Presigner {
    /// For the address at which others reach the bucket.
    pub const fn at(client: Client) -> Self {
        Self { client }
    }

    fn of(environment: &Environment) -> Self {
        environment.shared(|| Self { client: environment.client(connect) })
    }
}

impl fmt::Debug for Presigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presigner")
    }
}

fn signed(request: &PresignedRequest, expires_at: Timestamp) -> SignedRequest {
    let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    SignedRequest { url: request.uri().to_owned(), headers: headers.collect(), expires_at }
}

fn valid_for(seconds: u64) -> Result<PresigningConfig> {
    PresigningConfig::expires_in(Duration::from_secs(seconds)).map_err(|_| Error::internal("presigning"))
}

/// A key below this prefix. It is made from names and ids that were checked before; one that would lead elsewhere is a
/// fault of ours.
fn below(prefix: &str, key: String) -> Result<String> {
    let is_plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && !segment.chars().any(|letter| letter.is_control() || letter == '\\')
    };
    let is_below = key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    if is_below && key.split('/').all(is_plain) {
        Ok(key)
    } else {
        Err(Error::internal("not a key of an object"))
    }
}

/// None if the object is not there. S3 answers 403 and not 404 to those who may not list the bucket, and no function may.
fn if_there<T, E>(sent: std::result::Result<T, SdkError<E>>, operation: &'static str) -> Result<Option<T>>
where
    E: ProvideErrorMetadata,
{
    let status = |error: &SdkError<E>| error.raw_response().map(|response| response.status().as_u16());
    match sent {
        Err(error) if matches!(status(&error), Some(403 | 404)) => Ok(None),
        sent => sent.or_unavailable(operation).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;
    use aws_sdk_s3::operation::get_object::GetObjectError;
    use aws_sdk_s3::primitives::SdkBody;
    use vitrine_rules::error::Reason;

    use super::*;

    #[test]
    fn an_object_that_is_not_there_is_no_outage() {
        let sent = |status: u16| {
            let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            let error = GetObjectError::unhandled("any");
            if_there::<(), _>(Err(SdkError::service_error(error, response)), "GetObject")
        };
        assert_eq!(sent(404).unwrap(), None);
        assert_eq!(sent(403).unwrap(), None);
        for status in [400, 412, 416, 429, 500, 503] {
            assert_eq!(sent(status).unwrap_err().reason, Reason::Unavailable, "{status}");
        }
        assert_eq!(if_there::<_, GetObjectError>(Ok(1), "GetObject").unwrap(), Some(1));
    }

    #[test]
    fn a_key_has_plain_segments_only() {
        let key = |name: &str| below("uploads", format!("uploads/orders/{name}"));
        assert_eq!(key("a-1").unwrap(), "uploads/orders/a-1");
        assert!(key("a..b").is_ok());
        for name in ["", ".", "..", "a//b", "../b", "a/../b", "a\\b", "a\nb", "\0"] {
            assert!(key(name).is_err(), "{name:?}");
        }
        for key in ["uploads", "uploads/", "uploads2/a", "tables/uploads/a", "/uploads/a", ""] {
            assert!(below("uploads", key.to_owned()).is_err(), "{key:?}");
        }
    }
}
