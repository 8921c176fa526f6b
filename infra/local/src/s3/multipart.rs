//! Objects that arrive in parts: a folder of parts until they are joined.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use s3s::dto::{CompletedPart, ETag};
use s3s::{S3Result, s3_error};
use tokio::fs::{self, File, OpenOptions};
use tokio::io;
use vitrine::rules::random;

use super::folder::tag;
use super::objects::{Incoming, Objects, Received, failed};
use crate::private_files;

/// The file with the path of the object.
const TARGET: &str = "target";

const MAX_PARTS: i32 = 10_000;
/// For each part but the last.
const MIN_BYTES: u64 = 5 * 1024 * 1024;

fn part_file(upload: &Path, number: i32) -> PathBuf {
    upload.join(format!("part-{number}"))
}

impl Objects {
    /// Begins an upload to this path and returns its id.
    pub(super) async fn begin(&self, path: &Path) -> S3Result<String> {
        let id = random::short_id().map_err(|_| s3_error!(InternalError))?;
        let folder = self.folder.incoming(&id);
        private_files::create_folders(&folder).map_err(failed)?;
        private_files::write(&folder.join(TARGET), path.as_os_str().as_encoded_bytes()).map_err(failed)?;
        Ok(id)
    }

    /// The folder of an upload to this path.
    pub(super) async fn upload(&self, id: &str, path: &Path) -> S3Result<PathBuf> {
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(s3_error!(NoSuchUpload));
        }
        let folder = self.folder.incoming(id);
        match fs::read(folder.join(TARGET)).await {
            Ok(target) if target == path.as_os_str().as_encoded_bytes() => Ok(folder),
            _ => Err(s3_error!(NoSuchUpload)),
        }
    }

    /// Keeps a part, in place of an earlier one of the same number.
    pub(super) async fn put_part(&self, upload: &Path, number: i32, part: &Received) -> S3Result<ETag> {
        if !(1..=MAX_PARTS).contains(&number) {
            return Err(s3_error!(InvalidArgument));
        }
        self.place(&part.file.0, &part_file(upload, number), false).await
    }

    /// Joins the named parts.
    pub(super) async fn join(&self, upload: &Path, parts: &[CompletedPart]) -> S3Result<Incoming> {
        if parts.is_empty() {
            return Err(s3_error!(MalformedXML));
        }
        let joined = self.incoming()?;
        let mut file = OpenOptions::from(private_files::to_write()).open(&joined.0).await.map_err(failed)?;
        let mut before = 0;
        for (index, part) in parts.iter().enumerate() {
            let number = part.part_number.unwrap_or_default();
            if number <= before {
                return Err(s3_error!(InvalidPartOrder));
            }
            before = number;
            let mut source = match File::open(part_file(upload, number)).await {
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(s3_error!(InvalidPart)),
                opened => opened.map_err(failed)?,
            };
            let metadata = source.metadata().await.map_err(failed)?;
            let e_tag = ETag::Strong(tag(&metadata));
            if part.e_tag.as_ref().is_none_or(|named| !e_tag.strong_cmp(named)) {
                return Err(s3_error!(InvalidPart));
            }
            if index + 1 < parts.len() && metadata.len() < MIN_BYTES {
                return Err(s3_error!(EntityTooSmall));
            }
            io::copy(&mut source, &mut file).await.map_err(failed)?;
        }
        io::AsyncWriteExt::flush(&mut file).await.map_err(failed)?;
        Ok(joined)
    }
}
