//! Answers as files: streamed to this machine, and from there into the reply, or to S3 with a link for a minute.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use vitrine::app::limit_queries::Asker;
use vitrine::aws::blobs::ExportName;
use vitrine::aws::scratch::ScratchFile;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::random;
use vitrine_engine::encode::{self, ExportFormat, FileOptions, FileSink, FileStream, WriteError, Written};
use vitrine_engine::query::EngineQuery;

use crate::State;
use crate::engine::{Engined, for_viewer};
use crate::plan::Plan;

/// The largest file in a reply. Lambda takes replies of 6 MB, in which a text has its quotation marks escaped, and another file
/// is written as base64.
const fn reply_bytes(format: ExportFormat) -> u64 {
    match format {
        ExportFormat::Csv | ExportFormat::Json => 3_000_000,
        ExportFormat::Xlsx => 4_300_000,
    }
}

impl State {
    /// The file of a query's answer, named after `title`.
    pub async fn answer_file(
        &self,
        plan: &Plan,
        asker: &Asker,
        format: ExportFormat,
        title: &str,
    ) -> Result<Response> {
        let local = |error: std::io::Error| Error::internal(format_args!("a local file: {}", error.kind()));
        let place = self.scratch.file().map_err(local)?;
        let sink = Sink(File::create(place.path()).await.map_err(local)?);
        let written = self.limited(plan, asker, |query| self.write_file(query, format, sink)).await?;
        let written = written.map_err(|error| for_viewer(&error))?.map_err(local)?;
        self.send(&place, written, format, title).await
    }

    async fn write_file(
        &self,
        query: EngineQuery,
        format: ExportFormat,
        mut sink: Sink,
    ) -> Engined<std::io::Result<Written>> {
        let rows = self.engine.engine.run(&query).await?;
        match encode::write(FileStream::new(format, rows, FileOptions::default()), &mut sink).await {
            Ok(written) => Ok(Ok(written)),
            Err(WriteError::Query(error)) => Err(error),
            Err(WriteError::Sink(error)) => Ok(Err(error)),
        }
    }

    async fn send(
        &self,
        place: &ScratchFile,
        written: Written,
        format: ExportFormat,
        title: &str,
    ) -> Result<Response> {
        let disposition = disposition(title, format);
        if written.bytes <= reply_bytes(format) {
            let bytes = tokio::fs::read(place.path()).await.map_err(Error::internal)?;
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
                (header::CONTENT_DISPOSITION, value(&disposition)?),
            ];
            return Ok((headers, Body::from(bytes)).into_response());
        }
        let id = random::secret()?;
        self.exports.put_file(&id, place.path()).await?;
        let name = ExportName { content_type: format.content_type(), disposition: &disposition };
        let link = self.exports.link(&id, name).await?;
        Ok((StatusCode::SEE_OTHER, [(header::LOCATION, value(&link.url)?)]).into_response())
    }
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::internal("a header of a file"))
}

struct Sink(File);

impl FileSink for Sink {
    type Error = std::io::Error;

    async fn write(&mut self, piece: Bytes) -> std::io::Result<()> {
        self.0.write_all(&piece).await
    }

    async fn complete(&mut self) -> std::io::Result<()> {
        self.0.flush().await
    }

    /// The file goes with its value.
    async fn abort(&mut self) {}
}

/// `Content-Disposition` with the title in both forms of RFC 6266.
fn disposition(title: &str, format: ExportFormat) -> String {
    let extension = format.extension();
    let is_for_names = |letter: &char| !letter.is_control() && !"\\/:*?\"<>|".contains(*letter);
    let name: String = title.trim().chars().filter(is_for_names).take(100).collect();
    let name = name.trim_matches(['.', ' ']);
    let name = if name.is_empty() { "answer" } else { name };
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '_' })
        .collect();
    let plain = plain.replace('%', "_");
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{plain}.{extension}\"; filename*=UTF-8''{encoded}.{extension}")
}
