//! Failed sign-ins to the console, counted per address and key.

use std::collections::BTreeSet;

use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, number_of};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::random;
use vitrine_rules::sign_in_lock::{Attempt, Failures, attempt};

/// Each round that fails means that another attempt of the same address was counted.
const MAX_ROUNDS: usize = 8;

#[derive(Debug, Clone)]
pub struct SignInLocks(DynamoTable);

impl Capability for SignInLocks {
    fn grants() -> BTreeSet<Grant> {
        let mut grants =
            allow_all(&[TABLE.items("console-sign-in#*")], &["dynamodb:UpdateItem", "dynamodb:DeleteItem"]);
        grants.insert(TABLE.allow("dynamodb:GetItem"));
        grants
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

fn key_of(address: &str, key_id: &str) -> Item {
    key(&format!("console-sign-in#{}", random::fingerprint(&format!("{address} {key_id}"))), "failures")
}

impl SignInLocks {
    /// Counts an attempt as a failure, if one may be made now. The write depends on the count that was read, so that
    /// attempts that run at once are counted one by one.
    pub async fn take(&self, address: &str, key_id: &str, now: Timestamp) -> Result<Attempt> {
        let key = key_of(address, key_id);
        for _ in 0..MAX_ROUNDS {
            let before = self.0.get(key.clone()).await?.as_ref().and_then(failures_of);
            let next = match attempt(before, now) {
                Attempt::Open(next) => next,
                locked @ Attempt::Locked { .. } => return Ok(locked),
            };
            let update = self
                .0
                .update(key.clone())
                .update_expression("SET failures = :next, last_at = :now, #ttl = :end")
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":next", number(next.count))
                .expression_attribute_values(":now", number(now.unix()))
                .expression_attribute_values(":end", number(next.forgotten_at().unix()));
            let update = match before {
                None => update.condition_expression("attribute_not_exists(failures)"),
                Some(before) => update
                    .condition_expression("failures = :seen AND last_at = :last")
                    .expression_attribute_values(":seen", number(before.count))
                    .expression_attribute_values(":last", number(before.last.unix())),
            };
            if update.send().await.if_condition_held("UpdateItem")?.is_some() {
                return Ok(Attempt::Open(next));
            }
        }
        Err(Reason::Conflict.into())
    }

    /// Forgets the failures, after a right key.
    pub async fn clear(&self, address: &str, key_id: &str) -> Result<()> {
        self.0.remove(key_of(address, key_id)).await
    }
}

fn failures_of(item: &Item) -> Option<Failures> {
    let last = i64::try_from(number_of(item, "last_at")?).ok()?;
    Some(Failures {
        count: u32::try_from(number_of(item, "failures")?).ok()?,
        last: Timestamp::from_unix(last),
    })
}
