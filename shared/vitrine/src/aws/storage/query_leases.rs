//! Leases of running queries: of all processes, one runs a query whose answer nobody has yet.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, number_of, text, text_of};
use crate::aws::aws_error::{AwsResult, failure};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::random;

/// The time for which a failure can be read by those who wait for the answer.
const FAILURE_SECONDS: i64 = 600;

/// The most by which the clocks of two processes differ.
const CLOCKS_APART_SECONDS: i64 = 10;

#[derive(Debug, Clone)]
pub struct QueryLeases(DynamoTable);

/// The right to run a query.
#[derive(Debug)]
pub struct QueryLease {
    key: String,
    owner: String,
    before: Before,
}

/// The lease before this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// There was none for minutes, or its query failed.
    Nothing,
    Ended(Timestamp),
    /// Its process may have died after it stored the answer.
    Unknown,
}

impl QueryLease {
    /// Returns whether an answer that was not there at this time may be there by now.
    pub fn may_be_answered_since(&self, time: Timestamp) -> bool {
        match self.before {
            Before::Nothing => false,
            Before::Ended(ended) => ended.plus(CLOCKS_APART_SECONDS) >= time,
            Before::Unknown => true,
        }
    }
}

/// The state of a query that another process runs, or ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// Nobody runs it: it has ended, or never began.
    Free,
    Running,
    Failed {
        reason: Reason,
        at: Timestamp,
    },
}

#[derive(Debug)]
pub enum Taken {
    Lease(QueryLease),
    /// It runs, or failed such a short time ago that it is not tried again.
    Held(LeaseState),
}

impl Capability for QueryLeases {
    fn grants() -> BTreeSet<Grant> {
        [TABLE.items("query-lease#*").allow("dynamodb:PutItem"), TABLE.allow("dynamodb:GetItem")].into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl QueryLeases {
    /// Takes the lease of the query with the cache key `query` until `end`.
    pub async fn take(&self, query: &str, now: Timestamp, end: Timestamp) -> Result<Taken> {
        let owner = random::short_id()?;
        let mut item = item_key(query);
        item.insert("owner".to_owned(), text(&owner));
        item.insert("end".to_owned(), number(end.unix()));
        item.insert(TTL.to_owned(), number(end.plus(FAILURE_SECONDS).unix()));
        let sent = self
            .0
            .put(item)
            .condition_expression("attribute_not_exists(#end) OR #end <= :now")
            .expression_attribute_names("#end", "end")
            .expression_attribute_values(":now", number(now.unix()))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match sent {
            Ok(output) => {
                let before = before(output.attributes());
                return Ok(Taken::Lease(QueryLease { key: query.to_owned(), owner, before }));
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                let state = refused.item().map_or(LeaseState::Running, |item| state_of(item, now));
                Ok(Taken::Held(state))
            }
            _ => Err(failure("PutItem", &error)),
        }
    }

    pub async fn state(&self, query: &str, now: Timestamp) -> Result<LeaseState> {
        let item = self.0.get(item_key(query)).await?;
        Ok(item.map_or(LeaseState::Free, |item| state_of(&item, now)))
    }

    /// Ends a lease whose query was answered, or is left to others. Who takes the next one learns when.
    pub async fn end(&self, lease: QueryLease, now: Timestamp) -> Result<()> {
        let mut item = item_key(&lease.key);
        item.insert("owner".to_owned(), text(&lease.owner));
        item.insert("end".to_owned(), number(0));
        item.insert("ended".to_owned(), number(now.unix()));
        item.insert(TTL.to_owned(), number(now.plus(FAILURE_SECONDS).unix()));
        self.replace(item, lease).await
    }

    /// Ends a lease with the reason why there is no answer. Those who wait can read it; others may try again
    /// after `retried`.
    pub async fn fail(
        &self,
        lease: QueryLease,
        reason: Reason,
        now: Timestamp,
        retried: Timestamp,
    ) -> Result<()> {
        let mut item = item_key(&lease.key);
        item.insert("owner".to_owned(), text(&lease.owner));
        item.insert("end".to_owned(), number(retried.unix()));
        item.insert("reason".to_owned(), text(reason.word()));
        item.insert("failed".to_owned(), number(now.unix()));
        item.insert(TTL.to_owned(), number(retried.plus(FAILURE_SECONDS).unix()));
        self.replace(item, lease).await
    }

    /// Replaces the item of a lease, unless it is another's by now.
    async fn replace(&self, item: Item, lease: QueryLease) -> Result<()> {
        let sent = self
            .0
            .put(item)
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", text(lease.owner))
            .send()
            .await;
        sent.if_condition_held("PutItem").map(drop)
    }
}

fn item_key(query: &str) -> Item {
    key(&format!("query-lease#{query}"), "lease")
}

fn moment(item: &Item, name: &str) -> Option<Timestamp> {
    let seconds = number_of(item, name).and_then(|seconds| i64::try_from(seconds).ok());
    seconds.map(Timestamp::from_unix)
}

/// The lease before, from the item that a new one replaced.
fn before(item: Option<&Item>) -> Before {
    let Some(item) = item.filter(|item| !item.is_empty() && !item.contains_key("reason")) else {
        return Before::Nothing;
    };
    moment(item, "ended").map_or(Before::Unknown, Before::Ended)
}

fn state_of(item: &Item, now: Timestamp) -> LeaseState {
    let reason = text_of(item, "reason")
        .and_then(|word| Reason::ALL.iter().find(|reason| reason.word() == word).copied());
    match (reason, moment(item, "end")) {
        (Some(reason), _) => LeaseState::Failed { reason, at: moment(item, "failed").unwrap_or(now) },
        (None, Some(end)) if end > now => LeaseState::Running,
        _ => LeaseState::Free,
    }
}
