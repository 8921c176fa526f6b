//! Creates or replaces a source of files.

use crate::app::retry::{Attempts, retry_on_conflict};
use crate::aws::storage::{SourceReader, SourceWriter};
use vitrine_rules::clock::Clock;
use vitrine_rules::data::source::{Source, SourceInput};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::query::table::MANAGED;

const ATTEMPTS: Attempts = Attempts::without_pauses(8);

crate::capability_set! {
    pub struct SourcePutter {
        reader: SourceReader,
        writer: SourceWriter,
        clock: Clock,
    }
}

pub struct WrittenSource {
    pub source: Source,
    pub created: bool,
}

impl SourcePutter {
    pub async fn put(&self, name: &str, input: &SourceInput) -> Result<WrittenSource> {
        if name == MANAGED {
            return Err(Reason::SourceFixed.into());
        }
        retry_on_conflict(ATTEMPTS, || async {
            let present = self.reader.get(name).await?;
            let source = Source::written(name.to_owned(), input.clone(), present.as_ref(), self.clock.now());
            self.writer.put(&source, present.as_ref()).await?;
            Ok(WrittenSource { source, created: present.is_none() })
        })
        .await
    }
}
