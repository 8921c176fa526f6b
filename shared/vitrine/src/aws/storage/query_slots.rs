//! Slots of running queries: how many may run at once, for one viewer and for the whole stack.
//!
//! A slot is taken by a conditional write and has an end, so that a function that dies gives it back.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, number_of, text};
use crate::aws::aws_error::{AwsResult, failure};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;

/// Attempts to take one slot while others are faster; there are more of them where there are more slots.
const MIN_ROUNDS: usize = 10;

#[derive(Debug, Clone)]
pub struct QuerySlots(DynamoTable);

/// A slot until it is given back, or until its end.
#[derive(Debug)]
pub struct QuerySlot {
    scope: String,
    index: usize,
    owner: String,
}

impl Capability for QuerySlots {
    fn grants() -> BTreeSet<Grant> {
        [TABLE.items("query-slots#*").allow("dynamodb:UpdateItem")].into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl QuerySlots {
    /// The scope of the whole stack.
    pub const STACK: &str = "stack";

    /// Takes one of `count` slots of `scope` until `end`. Refuses if each is taken.
    pub async fn take(&self, scope: &str, count: usize, now: Timestamp, end: Timestamp) -> Result<QuerySlot> {
        let owner = random::short_id()?;
        // Writers that begin at the same slot would be in each other's way.
        let count = count.max(1);
        let mut index = usize::try_from(random::number()? % count as u64).unwrap_or(0);
        for _ in 0..MIN_ROUNDS.max(count) {
            let sent = self
                .0
                .update(item_key(scope))
                .update_expression("SET #end = :end, #owner = :owner, #ttl = :ttl")
                .condition_expression("attribute_not_exists(#end) OR #end <= :now")
                .expression_attribute_names("#end", end_of(index))
                .expression_attribute_names("#owner", owner_of(index))
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":end", number(end.unix()))
                .expression_attribute_values(":owner", text(&owner))
                .expression_attribute_values(":now", number(now.unix()))
                .expression_attribute_values(":ttl", number(end.plus(3_600).unix()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let Err(error) = sent else { return Ok(QuerySlot { scope: scope.to_owned(), index, owner }) };
            let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = error.as_service_error()
            else {
                return Err(failure("UpdateItem", &error));
            };
            let taken = refused.item().cloned().unwrap_or_default();
            // Writers that met at one slot part again: each goes on from a place of its own.
            let start = usize::try_from(random::number()? % count as u64).unwrap_or(0);
            let free =
                (0..count).map(|step| (start + step) % count).find(|index| is_free(&taken, *index, now));
            index = free.ok_or_else(|| full(&taken, count, now))?;
        }
        Err(Error::new(Reason::QueriesAtOnce).retry_after(1))
    }

    /// Gives a slot back. One that has ended may be another's by now, and stays.
    pub async fn give_back(&self, slot: QuerySlot) -> Result<()> {
        let sent = self
            .0
            .update(item_key(&slot.scope))
            .update_expression("REMOVE #end, #owner")
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#end", end_of(slot.index))
            .expression_attribute_names("#owner", owner_of(slot.index))
            .expression_attribute_values(":owner", text(slot.owner))
            .send()
            .await;
        sent.if_condition_held("UpdateItem").map(drop)
    }
}

fn item_key(scope: &str) -> Item {
    key(&format!("query-slots#{scope}"), "slots")
}

fn end_of(index: usize) -> String {
    format!("end{index}")
}

fn owner_of(index: usize) -> String {
    format!("owner{index}")
}

fn end(item: &Item, index: usize) -> Option<i64> {
    number_of(item, &end_of(index)).and_then(|end| i64::try_from(end).ok())
}

fn is_free(item: &Item, index: usize, now: Timestamp) -> bool {
    end(item, index).is_none_or(|end| end <= now.unix())
}

fn full(item: &Item, count: usize, now: Timestamp) -> Error {
    let first = (0..count).filter_map(|index| end(item, index)).min();
    // Most queries end long before their slot.
    let wait = first.map_or(1, |end| (end - now.unix()).clamp(1, 5));
    Error::new(Reason::QueriesAtOnce).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_without_an_end_and_after_it() {
        let now = Timestamp::from_unix(100);
        let item = Item::from([(end_of(0), number(101)), (end_of(1), number(100))]);
        assert_eq!([0, 1, 2].map(|index| is_free(&item, index, now)), [false, true, true]);
        assert_eq!(full(&item, 1, now).retry_after_seconds, Some(1));
        assert_eq!(full(&Item::from([(end_of(0), number(125))]), 1, now).retry_after_seconds, Some(5));
    }
}
