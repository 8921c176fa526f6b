//! A file of an answer, made while it is read.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;

use bytes::Bytes;

use super::{Encoder, ExportFormat, FileOptions};
use crate::answer::RowStream;
use crate::error::{EngineError, QueryFailure};

/// The least bytes of a piece, except the last one.
const PIECE: usize = 256 << 10;

/// The figures of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    pub rows: usize,
    pub bytes: u64,
    /// Rows are missing: by the limits of the query, or because the format has no room for more.
    pub truncated: bool,
    /// Cells that were longer than the format permits, and so were cut.
    pub cut_cells: u64,
}

/// The bytes of a file, piece by piece.
///
/// Dropping it cancels the query. The file is complete when `next` has answered `None`, and in no other case:
/// after an error each further call answers the same error.
pub struct FileStream {
    rows: RowStream,
    state: State,
    written: Written,
}

enum State {
    New(Box<dyn Encoder>),
    Rows(Box<dyn Encoder>),
    Complete,
    Failed(EngineError),
}

impl FileStream {
    pub fn new(format: ExportFormat, rows: RowStream, options: FileOptions) -> Self {
        let encoder = format.encoder(rows.columns(), options);
        Self { rows, state: State::New(encoder), written: Written::default() }
    }

    /// The next piece; `None` when the file is complete.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        // A caller that gives up in the middle must not find the file complete.
        let given_up = EngineError::new(QueryFailure::Failed, "The file was given up.");
        let (encoder, is_first) = match std::mem::replace(&mut self.state, State::Failed(given_up)) {
            State::New(encoder) => (encoder, true),
            State::Rows(encoder) => (encoder, false),
            State::Complete => {
                self.state = State::Complete;
                return Ok(None);
            }
            State::Failed(error) => {
                self.state = State::Failed(error.clone());
                return Err(error);
            }
        };
        match self.piece(encoder, is_first).await {
            Ok((piece, state)) => {
                self.written.bytes += piece.len() as u64;
                self.state = state;
                Ok(if piece.is_empty() { None } else { Some(piece.into()) })
            }
            Err(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// The figures, final when `next` has answered `None`.
    pub fn written(&self) -> Written {
        self.written
    }

    async fn piece(
        &mut self,
        mut encoder: Box<dyn Encoder>,
        is_first: bool,
    ) -> Result<(Vec<u8>, State), EngineError> {
        let mut out = Vec::new();
        if is_first {
            encoder.begin(&mut out)?;
        }
        while out.len() < PIECE {
            let Some(batch) = self.rows.next().await? else {
                self.written.truncated = self.rows.is_truncated();
                return self.end(encoder, out);
            };
            let wanted = batch.num_rows();
            // Formatting takes milliseconds a batch, and compressing more: other requests run meanwhile.
            let encode = move || {
                let rows = encoder.write(&batch, &mut out)?;
                Ok::<_, EngineError>((encoder, out, rows))
            };
            let encoded = tokio::task::spawn_blocking(encode).await.map_err(EngineError::of_task)??;
            let rows;
            (encoder, out, rows) = encoded;
            self.written.rows += rows;
            if rows < wanted {
                self.written.truncated = true;
                return self.end(encoder, out);
            }
        }
        Ok((out, State::Rows(encoder)))
    }

    fn end(
        &mut self,
        mut encoder: Box<dyn Encoder>,
        mut out: Vec<u8>,
    ) -> Result<(Vec<u8>, State), EngineError> {
        encoder.finish(&mut out)?;
        self.written.cut_cells = encoder.cut_cells();
        Ok((out, State::Complete))
    }
}

impl fmt::Debug for FileStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream").field("written", &self.written).finish_non_exhaustive()
    }
}

/// The place of a file. What is dropped without `complete` must leave no file that looks complete.
pub trait FileSink: Send {
    type Error: Send;

    fn write(&mut self, piece: Bytes) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Makes the file visible. All of its bytes are written.
    fn complete(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Removes what was written.
    fn abort(&mut self) -> impl Future<Output = ()> + Send;
}

/// A file in memory, for small ones.
impl FileSink for Vec<u8> {
    type Error = Infallible;

    async fn write(&mut self, piece: Bytes) -> Result<(), Infallible> {
        self.extend_from_slice(&piece);
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn abort(&mut self) {
        self.clear();
    }
}

/// A file that was not written.
#[derive(Debug)]
pub enum WriteError<E> {
    /// The query failed.
    Query(EngineError),
    /// The place of the file did not take it.
    Sink(E),
}

/// Writes the whole file. On an error the sink has removed what it had.
pub async fn write<S: FileSink>(mut file: FileStream, sink: &mut S) -> Result<Written, WriteError<S::Error>> {
    let written = write_all(&mut file, sink).await;
    if written.is_err() {
        sink.abort().await;
    }
    written.map(|()| file.written())
}

async fn write_all<S: FileSink>(file: &mut FileStream, sink: &mut S) -> Result<(), WriteError<S::Error>> {
    while let Some(piece) = file.next().await.map_err(WriteError::Query)? {
        sink.write(piece).await.map_err(WriteError::Sink)?;
    }
    sink.complete().await.map_err(WriteError::Sink)
}
