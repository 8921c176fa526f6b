//! Refusal records: the reasons why views were refused, and the counts of those that are not recorded. Both are kept
//! for a week.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::table::document;
use super::table::range::Range;
use super::table::schema::{SORT, TTL};
use super::table::{DynamoTable, Item, key, number, number_of, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::background::BackgroundTasks;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::view::refusal_count::{self, PendingCounts, RefusalCount};
use vitrine_rules::view::refusal_record::{KEPT_SECONDS, RefusalRecord};

/// The partition of the counts; one item for each minute. No request id has a `#`.
const COUNTS: &str = "decision#counts#";

/// Longer than any request ID.
const MAX_ID_BYTES: usize = 128;

fn item_key(request_id: &str) -> Item {
    key(&format!("decision#{request_id}"), "decision")
}

/// Writes refusal records and counts in the background, after the response.
#[derive(Debug, Clone)]
pub struct RefusalRecordWriter {
    table: DynamoTable,
    background: BackgroundTasks,
    clock: Clock,
    pending: Arc<Mutex<PendingCounts>>,
}

impl Capability for RefusalRecordWriter {
    fn grants() -> BTreeSet<Grant> {
        allow_all(&[TABLE.items("decision#*")], &["dynamodb:PutItem", "dynamodb:UpdateItem"])
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            table: DynamoTable::of(environment),
            background: environment.process.background.clone(),
            clock: environment.clock.clone(),
            pending: Arc::default(),
        }
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

    /// Counts a refusal without an authentic token.
    pub fn count(&self, reason: Reason) {
        let now = self.clock.now();
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).add(reason, now);
        self.write_counts();
    }

    /// Writes the counts that are due, which is at most once a minute. Counts that no later request of this process
    /// writes are lost.
    pub fn write_counts(&self) {
        let now = self.clock.now();
        let due = self.pending.lock().unwrap_or_else(PoisonError::into_inner).take_due(now);
        for count in due {
            let table = self.table.clone();
            self.background.run(async move {
                if let Err(error) = add(&table, &count).await {
                    tracing::warn!(detail = error.detail, "refusals were not counted");
                }
            });
        }
    }
}

/// Adds to the counts that other processes have written for the same minute.
async fn add(table: &DynamoTable, count: &RefusalCount) -> Result<()> {
    let mut update = table
        .update(key(COUNTS, &count.minute.to_string()))
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":ttl", number(count.minute.plus(refusal_count::KEPT_SECONDS).unix()));
    let mut added = Vec::new();
    for (index, (reason, times)) in count.reasons.iter().enumerate() {
        added.push(format!("#reason{index} :times{index}"));
        update = update
            .expression_attribute_names(format!("#reason{index}"), *reason)
            .expression_attribute_values(format!(":times{index}"), number(times));
    }
    let change = format!("SET #ttl = :ttl ADD {}", added.join(", "));
    update.update_expression(change).send().await.or_unavailable("UpdateItem").map(drop)
}

fn count_of(item: &Item) -> Result<RefusalCount> {
    let minute = text_of(item, SORT).and_then(|minute| minute.parse().ok());
    let times = |reason: &Reason| Some((reason.word(), number_of(item, reason.word())?));
    Ok(RefusalCount {
        minute: minute.ok_or_else(|| unreadable("refusal count"))?,
        reasons: Reason::ALL.iter().filter_map(times).collect(),
    })
}

async fn write(table: &DynamoTable, decision: &RefusalRecord) -> Result<()> {
    let mut item = item_key(&decision.request_id);
    document::write(&mut item, decision)?;
    item.insert(TTL.to_owned(), number(decision.decided_at.plus(KEPT_SECONDS).unix()));
    table.put(item).send().await.or_unavailable("PutItem").map(drop)
}

/// Reads refusal records.
#[derive(Debug, Clone)]
pub struct RefusalRecordReader {
    table: DynamoTable,
    clock: Clock,
}

impl Capability for RefusalRecordReader {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:GetItem", "dynamodb:Query"].map(|action| TABLE.allow(action)).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), clock: environment.clock.clone() }
    }
}

impl RefusalRecordReader {
    pub async fn get(&self, request_id: &str) -> Result<RefusalRecord> {
        if request_id.len() > MAX_ID_BYTES {
            return Err(Reason::DecisionNotFound.into());
        }
        let item = self.table.get(item_key(request_id)).await?.ok_or(Reason::DecisionNotFound)?;
        let decision: RefusalRecord = document::read(&item, "decision")?;
        // DynamoDB removes expired items days later.
        if self.clock.now() < decision.decided_at.plus(KEPT_SECONDS) {
            Ok(decision)
        } else {
            Err(Reason::DecisionNotFound.into())
        }
    }

    /// The counts of refusals without an authentic token, the latest minute first.
    pub async fn counts(&self, paging: &Paging) -> Result<Page<RefusalCount>> {
        let now = self.clock.now();
        let is_kept = |minute: Timestamp| now < minute.plus(refusal_count::KEPT_SECONDS);
        let range = Range::of(&self.table, COUNTS).descending();
        range
            .page(paging, |item| count_of(&item).map(|count| Some(count).filter(|one| is_kept(one.minute))))
            .await
    }
}
