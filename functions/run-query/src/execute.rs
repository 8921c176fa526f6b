//! The execution of a planned query, within the limits of its asker.

use std::future::Future;

use vitrine::app::limit_queries::Asker;
use vitrine::rules::error::Result;
use vitrine::rules::query::answer::{Answer, AnswerColumn, AnswerFacts};
use vitrine_engine::RecordBatch;
use vitrine_engine::answer::{ColumnInfo, RowStream};
use vitrine_engine::encode::Encoder;
use vitrine_engine::encode::json::{JsonRows, RowForm};
use vitrine_engine::error::QueryFailure;
use vitrine_engine::query::EngineQuery;
use vitrine_engine::store::counted::BytesRead;

use crate::State;
use crate::engine::{Engined, for_viewer};
use crate::plan::Plan;

/// The most bytes of rows in a reply. Lambda takes replies of 6 MB, in which each quotation mark takes two bytes.
const REPLY_BYTES: usize = 3_700_000;

/// Rows that are written before their bytes are looked at.
const CHUNK_ROWS: usize = 256;

impl State {
    /// Runs a query to its whole answer.
    pub async fn execute(&self, plan: &Plan, asker: &Asker) -> Result<Answer> {
        let answered = self.limited(plan, asker, |query| self.run(query)).await?;
        answered.map_err(|error| for_viewer(&error))
    }

    pub async fn run(&self, query: EngineQuery) -> Engined<Answer> {
        let rows = self.engine.engine.run(&query).await?;
        let (columns, rows, truncated) = collect(rows).await?;
        let columns = columns.into_iter().map(column).collect();
        Ok(Answer { facts: AnswerFacts { columns, truncated, as_of: self.clock.now() }, rows })
    }

    /// Does work with a query for the engine, if its asker is admitted. The outer error is the refusal of the asker.
    pub async fn limited<T, F>(
        &self,
        plan: &Plan,
        asker: &Asker,
        work: impl FnOnce(EngineQuery) -> F,
    ) -> Result<Engined<T>>
    where
        F: Future<Output = Engined<T>>,
    {
        let read = BytesRead::default();
        let query = match plan.engine_query(self, &read) {
            Ok(query) => query,
            Err(error) => return Ok(Err(error)),
        };
        let admission = self.limiter.admit(asker).await?;
        let done = work(query).await;
        self.limiter.leave(admission, read.get());
        if done.as_ref().is_err_and(|error| error.failure() == QueryFailure::Unavailable) {
            self.engine.listings.forget();
        }
        Ok(done)
    }
}

pub fn column(column: ColumnInfo) -> AnswerColumn {
    AnswerColumn { name: column.name, kind: column.kind, display_name: column.display_name }
}

/// Reads a stream to its end, or until the reply is full.
pub async fn collect(mut stream: RowStream) -> Engined<(Vec<ColumnInfo>, Vec<u8>, bool)> {
    let columns = stream.columns().to_vec();
    let mut writer = JsonRows::new(&columns, RowForm::List);
    let (mut rows, mut is_full) = (Vec::new(), false);
    writer.begin(&mut rows)?;
    let empty = rows.len();
    'batches: while let Some(batch) = stream.next().await? {
        for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
            let before = rows.len();
            let chunk = batch.slice(start, CHUNK_ROWS.min(batch.num_rows() - start));
            writer.write(&chunk, &mut rows)?;
            if rows.len() > REPLY_BYTES {
                rows.truncate(before);
                if before == empty {
                    writer = JsonRows::new(&columns, RowForm::List);
                    write_rows(&mut writer, &chunk, &mut rows)?;
                }
                is_full = true;
                break 'batches;
            }
        }
    }
    writer.finish(&mut rows)?;
    Ok((columns, rows, is_full || stream.is_truncated()))
}

/// Writes as many rows as the reply has room for.
fn write_rows(writer: &mut JsonRows, chunk: &RecordBatch, rows: &mut Vec<u8>) -> Engined<()> {
    for row in 0..chunk.num_rows() {
        let before = rows.len();
        writer.write(&chunk.slice(row, 1), rows)?;
        if rows.len() > REPLY_BYTES {
            rows.truncate(before);
            break;
        }
    }
    Ok(())
}
