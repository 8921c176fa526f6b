//! Refusal records: the reasons why views were refused, kept for a week.

use std::collections::BTreeSet;

use super::table::document;
use super::table::schema::TTL;
use super::table::{Item, Table, key, number};
use crate::aws::aws_error::AwsResult;
use crate::aws::background::BackgroundTasks;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Clock;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::view::refusal_record::{KEPT_SECONDS, RefusalRecord};

fn item_key(request_id: &str) -> Item {
    key(&format!("decision#{request_id}"), "decision")
}

/// Writes refusal records in the background, after the response.
#[derive(Debug, Clone)]
pub struct RefusalRecordWriter {
    table: Table,
    background: BackgroundTasks,
}

impl Capability for RefusalRecordWriter {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.items("decision#*").allow("dynamodb:PutItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: Table::of(environment), background: environment.process.background.clone() }
    }
}

impl RefusalRecordWriter {
    pub fn keep(&self, decision: RefusalRecord) {
        let table = self.table.clone();
        self.background.run(async move {
            if let Err(error) = write(&table, &decision).await {
                tracing::warn!(detail = error.detail, "a decision was not written down");
            }
        });
    }
}

async fn write(table: &Table, decision: &RefusalRecord) -> Result<()> {
    let mut item = item_key(&decision.request_id);
    document::write(&mut item, decision)?;
    item.insert(TTL.to_owned(), number(decision.decided_at.plus(KEPT_SECONDS).unix()));
    table.put(item).send().await.or_unavailable("PutItem").map(drop)
}

/// Reads refusal records.
#[derive(Debug, Clone)]
pub struct RefusalRecordReader {
    table: Table,
    clock: Clock,
}

impl Capability for RefusalRecordReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: Table::of(environment), clock: environment.clock.clone() }
    }
}

impl RefusalRecordReader {
    pub async fn get(&self, request_id: &str) -> Result<RefusalRecord> {
        let item = self.table.get(item_key(request_id)).await?.ok_or(Reason::DecisionNotFound)?;
        let decision: RefusalRecord = document::read(&item, "decision")?;
        // DynamoDB removes expired items days later.
        if self.clock.now() < decision.decided_at.plus(KEPT_SECONDS) {
            Ok(decision)
        } else {
            Err(Reason::DecisionNotFound.into())
        }
    }
}
