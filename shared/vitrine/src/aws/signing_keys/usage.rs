//! When each signing key first and last verified a token: what tells whether it can be retired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::aws::aws_error::AwsResult;
use crate::aws::background::BackgroundTasks;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use crate::aws::storage::table::{DynamoTable, Item, key, number, number_of};
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::Result;

/// A use is written down at most this often, for each key.
const EVERY_SECONDS: i64 = 60;

const FIRST: &str = "first_used";
const LAST: &str = "last_used";

fn item_key(kid: &str) -> Item {
    key(&format!("signing-key#{kid}"), "use")
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct KeyUsage {
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Writes uses down, after the answer.
#[derive(Debug, Clone)]
pub struct KeyUsageRecorder {
    table: DynamoTable,
    clock: Clock,
    background: BackgroundTasks,
    /// The last write of this process for each key, so that no read is needed.
    written: Arc<Mutex<BTreeMap<String, Timestamp>>>,
}

impl Capability for KeyUsageRecorder {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.items("signing-key#*").allow("dynamodb:UpdateItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            table: DynamoTable::of(environment),
            clock: environment.clock.clone(),
            background: environment.process.background.clone(),
            written: Arc::default(),
        }
    }
}

impl KeyUsageRecorder {
    /// The key has verified a token now.
    pub fn used(&self, kid: &str) {
        let now = self.clock.now();
        if self.is_due(kid, now) {
            let (table, kid) = (self.table.clone(), kid.to_owned());
            self.background.run(async move {
                if let Err(error) = write(&table, &kid, now).await {
                    tracing::warn!(detail = error.detail, "the use of a signing key was not written down");
                }
            });
        }
    }

    fn is_due(&self, kid: &str, now: Timestamp) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(kid).is_some_and(|last| (0..EVERY_SECONDS).contains(&now.since(*last))) {
            return false;
        }
        written.insert(kid.to_owned(), now);
        true
    }
}

/// Nothing is written where another process has been here within the minute.
async fn write(table: &DynamoTable, kid: &str, now: Timestamp) -> Result<()> {
    let answer = table
        .update(item_key(kid))
        .update_expression(format!("SET {FIRST} = if_not_exists({FIRST}, :now), {LAST} = :now"))
        .condition_expression(format!("attribute_not_exists({LAST}) OR {LAST} <= :before"))
        .expression_attribute_values(":now", number(now.unix()))
        .expression_attribute_values(":before", number(now.unix() - EVERY_SECONDS))
        .send()
        .await;
    answer.if_condition_held("UpdateItem").map(drop)
}

/// Reads them.
#[derive(Debug, Clone)]
pub struct KeyUsageReader(DynamoTable);

impl Capability for KeyUsageReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl KeyUsageReader {
    pub async fn of(&self, kid: &str) -> Result<KeyUsage> {
        let item = self.0.get(item_key(kid)).await?.unwrap_or_default();
        let time = |name| Some(Timestamp::from_unix(i64::try_from(number_of(&item, name)?).ok()?));
        Ok(KeyUsage { first: time(FIRST), last: time(LAST) })
    }
}
