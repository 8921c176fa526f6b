//! Views and refusals by day, and the resources whose queries failed: what the console's first page shows.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::table::schema::{PARTITION, SORT, TTL};
use super::table::{DynamoTable, Item, key, number, number_of, text, text_of};
use crate::aws::aws_error::AwsResult;
use crate::aws::background::BackgroundTasks;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::resource::ids::{ResourceId, ResourceRef};
use vitrine_rules::view::activity::{
    ActivityEvent, DayCount, EVERY_SECONDS, KEPT_SECONDS, PendingDays, shown_days,
};

/// The partitions are beside those of refusal records, and their sort keys are others.
const DAYS: &str = "decision#days";
const BROKEN: &str = "decision#broken";

/// The time that a failed query is remembered: that of the record of its failure.
const BROKEN_SECONDS: i64 = 7 * 86_400;

/// The failures of one process about which it wrote lately.
const MOST_BROKEN: usize = 1_000;

const VIEWS: &str = "views";
const REFUSED: &str = "refused";
const UNAUTHENTICATED: &str = "unauthenticated";

fn key_of_day(day: Timestamp) -> Item {
    key(DAYS, day.to_string().get(..10).unwrap_or_default())
}

/// Counts in the background, after the response.
#[derive(Debug, Clone)]
pub struct ActivityRecorder {
    table: DynamoTable,
    background: BackgroundTasks,
    clock: Clock,
    pending: Arc<Mutex<PendingDays>>,
    broken: Arc<Mutex<HashSet<(ResourceRef, i64)>>>,
}

impl Capability for ActivityRecorder {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.items("decision#*").allow("dynamodb:UpdateItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self {
            table: DynamoTable::of(environment),
            background: environment.process.background.clone(),
            clock: environment.clock.clone(),
            pending: Arc::default(),
            broken: Arc::default(),
        }
    }
}

impl ActivityRecorder {
    pub fn count(&self, event: ActivityEvent) {
        let is_first = {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = pending.is_empty();
            pending.add(event, self.clock.now());
            is_first
        };
        if self.write_due() || !is_first {
            return;
        }
        // The counts after the last request of a busy moment. A frozen process writes them with its next request; if there is
        // none, they are lost.
        let own = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(EVERY_SECONDS.unsigned_abs())).await;
            own.write_due();
        });
    }

    /// Starts to write the counts that are due, and returns whether there are any.
    fn write_due(&self) -> bool {
        let now = self.clock.now();
        let due = self.pending.lock().unwrap_or_else(PoisonError::into_inner).take_due(now);
        let is_due = !due.is_empty();
        for day in due {
            let table = self.table.clone();
            self.background.run(async move {
                if let Err(error) = add(&table, &day).await {
                    tracing::warn!(detail = error.detail, "views were not counted");
                }
            });
        }
        is_due
    }

    /// Notes that a query of this resource failed, at most once an hour for each process.
    pub fn broke(&self, resource: &ResourceRef, reason: Reason, request_id: String) {
        let now = self.clock.now();
        {
            let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
            if broken.len() >= MOST_BROKEN {
                broken.clear();
            }
            if !broken.insert((resource.clone(), now.unix() / 3_600)) {
                return;
            }
        }
        let (table, resource) = (self.table.clone(), resource.clone());
        self.background.run(async move {
            if let Err(error) = note(&table, &resource, reason, request_id, now).await {
                tracing::warn!(detail = error.detail, "a failed query was not noted");
            }
        });
    }
}

/// Adds to the counts that other processes have written for the same day.
async fn add(table: &DynamoTable, day: &DayCount) -> Result<()> {
    let sent = table
        .update(key_of_day(day.day))
        .update_expression(
            "SET #ttl = :ttl ADD #views :views, #refused :refused, #unauthenticated :unauthenticated",
        )
        .expression_attribute_names("#ttl", TTL)
        // Some of these are reserved words.
        .expression_attribute_names("#views", VIEWS)
        .expression_attribute_names("#refused", REFUSED)
        .expression_attribute_names("#unauthenticated", UNAUTHENTICATED)
        .expression_attribute_values(":ttl", number(day.day.plus(KEPT_SECONDS).unix()))
        .expression_attribute_values(":views", number(day.views))
        .expression_attribute_values(":refused", number(day.refused))
        .expression_attribute_values(":unauthenticated", number(day.unauthenticated))
        .send()
        .await;
    sent.or_unavailable("UpdateItem").map(drop)
}

const REASON: &str = "reason";
const REQUEST: &str = "request_id";
const AT: &str = "at";

async fn note(
    table: &DynamoTable,
    resource: &ResourceRef,
    reason: Reason,
    request_id: String,
    now: Timestamp,
) -> Result<()> {
    let sent = table
        .update(key(BROKEN, &resource.to_string()))
        .update_expression("SET #ttl = :ttl, #reason = :reason, #request = :request, #at = :at")
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_names("#reason", REASON)
        .expression_attribute_names("#request", REQUEST)
        .expression_attribute_names("#at", AT)
        .expression_attribute_values(":ttl", number(now.plus(BROKEN_SECONDS).unix()))
        .expression_attribute_values(":reason", text(reason.word()))
        .expression_attribute_values(":request", text(request_id))
        .expression_attribute_values(":at", number(now.unix()))
        .send()
        .await;
    sent.or_unavailable("UpdateItem").map(drop)
}

/// The keys of the days that are shown.
pub(super) fn keys_of_shown(now: Timestamp) -> Vec<Item> {
    shown_days(now).map(key_of_day).collect()
}

/// The days that are shown, from those of `items` that are days. A day without an item has no counts.
pub(super) fn days_of(items: &[Item], now: Timestamp) -> Vec<DayCount> {
    let count = |day: Timestamp| {
        let wanted = key_of_day(day);
        let is_it =
            |item: &&Item| [PARTITION, SORT].iter().all(|name| text_of(item, name) == text_of(&wanted, name));
        let Some(item) = items.iter().find(is_it) else { return DayCount::none(day) };
        let number = |name| number_of(item, name).unwrap_or(0);
        DayCount {
            day,
            views: number(VIEWS),
            refused: number(REFUSED),
            unauthenticated: number(UNAUTHENTICATED),
        }
    };
    shown_days(now).map(count).collect()
}

/// A resource of which a query failed.
#[derive(Debug, Clone)]
pub struct BrokenQuery {
    pub resource: ResourceRef,
    /// The word of the reason.
    pub reason: String,
    /// The request whose record has the details.
    pub request_id: String,
    pub at: Timestamp,
}

/// Reads the resources whose queries failed.
#[derive(Debug, Clone)]
pub struct BrokenQueryReader {
    table: DynamoTable,
    clock: Clock,
}

impl Capability for BrokenQueryReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), clock: environment.clock.clone() }
    }
}

impl BrokenQueryReader {
    /// Some of them, `most` at most.
    pub async fn some(&self, most: i32) -> Result<Vec<BrokenQuery>> {
        let answer = self.table.partition(BROKEN).limit(most).send().await.or_unavailable("Query")?;
        let now = self.clock.now();
        let read = |item: &Item| {
            let (kind, id) = text_of(item, SORT)?.split_once('#')?;
            let kind = kind.parse().ok()?;
            let at = Timestamp::from_unix(number_of(item, AT)?.try_into().ok()?);
            Some(BrokenQuery {
                resource: ResourceRef { kind, id: ResourceId::parse(kind, id).ok()? },
                reason: text_of(item, REASON)?.to_owned(),
                request_id: text_of(item, REQUEST)?.to_owned(),
                at,
            })
        };
        let found = answer.items.unwrap_or_default();
        // DynamoDB removes expired items days later.
        Ok(found.iter().filter_map(read).filter(|one| now.since(one.at) < BROKEN_SECONDS).collect())
    }
}
