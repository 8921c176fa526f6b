//! Wrong passwords, counted per name.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, number_of};
use crate::aws::aws_error::failure;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::sign_in_attempts::{SLOTS, Slot, Slots, WINDOW_SECONDS, bucket};

/// Each round that fails means that another attempt took a slot, so there are no more than slots in a window.
const MAX_ROUNDS: usize = 2 * SLOTS;

/// The outcome of counting a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    Within,
    /// The limit is reached.
    Beyond {
        wait_seconds: i64,
    },
}

#[derive(Debug, Clone)]
pub struct SignInAttempts(DynamoTable);

impl Capability for SignInAttempts {
    fn grants() -> BTreeSet<Grant> {
        [TABLE.allow("dynamodb:GetItem"), TABLE.items("sign-in#*").allow("dynamodb:UpdateItem")].into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SignInAttempts {
    /// Counts a wrong password for a name. Each write takes a slot that the item shows as free, on the condition that it
    /// still is; if another attempt was faster, the next free slot is tried, until there is none. A refused attempt
    /// writes nothing.
    pub async fn count(&self, name: &str, now: Timestamp) -> Result<Counted> {
        let key = key(&format!("sign-in#{}", bucket(name)), "attempts");
        let mut slots = self.0.get(key.clone()).await?.as_ref().map(slots_of).unwrap_or_default();
        for _ in 0..MAX_ROUNDS {
            let index = match slots.next(now) {
                Slot::Free(index) => index,
                Slot::Full { wait_seconds } => return Ok(Counted::Beyond { wait_seconds }),
            };
            let sent = self
                .0
                .update(key.clone())
                .update_expression("SET #slot = :now, #ttl = :end")
                .condition_expression("attribute_not_exists(#slot) OR #slot <= :past")
                .expression_attribute_names("#slot", slot_name(index))
                .expression_attribute_names("#ttl", TTL)
                .expression_attribute_values(":now", number(now.unix()))
                .expression_attribute_values(":end", number(now.plus(WINDOW_SECONDS).unix()))
                .expression_attribute_values(":past", number(now.plus(-WINDOW_SECONDS).unix()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let Err(error) = sent else { return Ok(Counted::Within) };
            slots = match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    refused.item().map(slots_of).unwrap_or_default()
                }
                _ => return Err(failure("UpdateItem", &error)),
            };
        }
        Err(Reason::Conflict.into())
    }
}

fn slot_name(index: usize) -> String {
    format!("slot{index}")
}

fn slots_of(item: &Item) -> Slots {
    let mut slots = Slots::default();
    for index in 0..SLOTS {
        let taken = number_of(item, &slot_name(index)).and_then(|at| i64::try_from(at).ok());
        slots.0[index] = taken.map(Timestamp::from_unix);
    }
    slots
}
