//! The count of ephemeral users, by which they are bounded.
//!
//! They expire without a write of ours, so a plain counter would never go down. One item has the number of those
//! that expire on each day, and their sum. The days that are over are taken out before the next user is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, number, number_of};
use crate::aws::aws_error::AwsResult;
use crate::aws::environment::Environment;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::settings::Settings;
use vitrine_rules::viewer::external_user::{ExternalUser, day_of};

const USERS: &str = "user_count";
/// The day before which no day is counted any more.
const SWEPT: &str = "swept";
const DAY: &str = "day_";

fn counter_key() -> Item {
    key("counter", "ephemeral_user")
}

fn attribute(day: u64) -> String {
    format!("{DAY}{day}")
}

/// Changes of the count. Needs `dynamodb:GetItem` and `dynamodb:UpdateItem`.
#[derive(Clone)]
pub(super) struct EphemeralCount {
    table: DynamoTable,
    settings: Arc<Settings>,
}

/// A planned change of the count: the users that each day has more or less.
#[derive(Debug, Default)]
pub(super) struct CountChange {
    by_day: BTreeMap<u64, i32>,
    today: u64,
}

struct Counted {
    is_stored: bool,
    users: u64,
    swept: u64,
    days: BTreeMap<u64, u64>,
}

impl EphemeralCount {
    pub(super) fn of(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), settings: Arc::clone(&environment.settings) }
    }

    /// Plans the change of the count when the users `before` become `after`.
    ///
    /// [`Reason::UserLimit`] if there would be too many, [`Reason::Conflict`] if the count has to be read again.
    pub(super) async fn plan(
        &self,
        before: &[ExternalUser],
        after: Option<&ExternalUser>,
        now: Timestamp,
    ) -> Result<CountChange> {
        let mut by_day: BTreeMap<u64, i32> = BTreeMap::new();
        for day in before.iter().filter_map(|user| user.ephemeral_day) {
            *by_day.entry(day).or_default() -= 1;
        }
        if let Some(day) = after.and_then(|user| user.ephemeral_day) {
            *by_day.entry(day).or_default() += 1;
        }
        by_day.retain(|_, by| *by != 0);
        let today = day_of(now);
        if by_day.is_empty() {
            return Ok(CountChange { by_day, today });
        }
        let counted = self.read().await?;
        if counted.swept < today {
            self.sweep(&counted, today).await?;
            return Err(Reason::Conflict.into());
        }
        // A day that is over was taken out with all of its users.
        by_day.retain(|day, by| *by > 0 || counted.days.contains_key(day));
        let change = CountChange { by_day, today };
        if change.sum() > 0 && counted.users >= self.settings.max_ephemeral_users {
            return Err(Error::new(Reason::UserLimit).message("The limit of ephemeral users is reached."));
        }
        Ok(change)
    }

    /// Adds a planned change to a transaction, which fails if the count has changed too much since.
    pub(super) fn write<L: PartialEq>(
        &self,
        transaction: &mut Transaction<'_, L>,
        label: L,
        change: &CountChange,
    ) -> Result<()> {
        if change.by_day.is_empty() {
            return Ok(());
        }
        let sum = change.sum();
        transaction.update(label, counter_key(), |mut update| {
            let (mut additions, mut conditions) = (Vec::new(), Vec::new());
            if sum != 0 {
                additions.push(format!("{USERS} :sum"));
                update = update.expression_attribute_values(":sum", number(sum));
            }
            if sum > 0 {
                conditions.push(format!("{SWEPT} >= :today AND {USERS} < :limit"));
                update = update
                    .expression_attribute_values(":today", number(change.today))
                    .expression_attribute_values(":limit", number(self.settings.max_ephemeral_users));
            }
            for (day, by) in &change.by_day {
                let name = attribute(*day);
                if *by < 0 {
                    conditions.push(format!("attribute_exists({name})"));
                }
                additions.push(format!("{name} :{name}"));
                update = update.expression_attribute_values(format!(":{name}"), number(by));
            }
            update
                .update_expression(format!("ADD {}", additions.join(", ")))
                .set_condition_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
        })
    }

    async fn read(&self) -> Result<Counted> {
        let item = self.table.get(counter_key()).await?;
        let is_stored = item.is_some();
        let item = item.unwrap_or_default();
        let day = |name: &str| name.strip_prefix(DAY)?.parse().ok();
        let days = item.keys().filter_map(|name| Some((day(name)?, number_of(&item, name)?)));
        Ok(Counted {
            is_stored,
            users: number_of(&item, USERS).unwrap_or_default(),
            swept: number_of(&item, SWEPT).unwrap_or_default(),
            days: days.collect(),
        })
    }

    /// Takes the days that are over out of the count, unless another writer is faster.
    async fn sweep(&self, counted: &Counted, today: u64) -> Result<()> {
        let update = self.table.update(counter_key()).expression_attribute_values(":today", number(today));
        if !counted.is_stored {
            let sent = update
                .update_expression(format!("SET {USERS} = :none, {SWEPT} = :today"))
                .condition_expression("attribute_not_exists(pk)")
                .expression_attribute_values(":none", number(0))
                .send()
                .await;
            return sent.if_condition_held("UpdateItem").map(drop);
        }
        let over: Vec<_> =
            counted.days.range(..today).map(|(day, users)| (attribute(*day), *users)).collect();
        let gone: u64 = over.iter().map(|(_, users)| users).sum();
        let mut update = update
            .expression_attribute_values(":gone", number(gone))
            .expression_attribute_values(":swept", number(counted.swept));
        let mut conditions = vec![format!("{SWEPT} = :swept")];
        let mut change = format!("SET {USERS} = {USERS} - :gone, {SWEPT} = :today");
        for (at, (name, users)) in over.iter().enumerate() {
            change.push_str(if at == 0 { " REMOVE " } else { ", " });
            change.push_str(name);
            conditions.push(format!("{name} = :{name}"));
            update = update.expression_attribute_values(format!(":{name}"), number(users));
        }
        let sent =
            update.update_expression(change).condition_expression(conditions.join(" AND ")).send().await;
        sent.if_condition_held("UpdateItem").map(drop)
    }
}

impl CountChange {
    fn sum(&self) -> i32 {
        self.by_day.values().sum()
    }
}
