//! Transactions: several writes of which all are done or none.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{DeleteBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};

use super::{DynamoTable, Item};
use crate::aws::aws_error::failure;
use vitrine_rules::error::{Error, Reason, Result};

/// The most writes that DynamoDB takes in one transaction.
const MAX_WRITES: usize = 100;

/// A transaction under construction. Each write has a label, by which the outcome tells whose condition failed.
pub struct Transaction<'a, L> {
    table: &'a DynamoTable,
    labels: Vec<L>,
    writes: Vec<TransactWriteItem>,
}

impl<'a, L: PartialEq> Transaction<'a, L> {
    pub const fn on(table: &'a DynamoTable) -> Self {
        Self { table, labels: Vec::new(), writes: Vec::new() }
    }

    /// Adds a write of a whole item, with the condition that `finish` gives it.
    pub fn put(&mut self, label: L, item: Item, finish: impl FnOnce(PutBuilder) -> PutBuilder) -> Result<()> {
        let put = finish(Put::builder().table_name(self.table.name()).set_item(Some(item)));
        let put = put.build().map_err(Error::internal)?;
        self.add(label, TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Adds a change of one item, with the expressions that `finish` gives it.
    pub fn update(
        &mut self,
        label: L,
        key: Item,
        finish: impl FnOnce(UpdateBuilder) -> UpdateBuilder,
    ) -> Result<()> {
        let update = finish(Update::builder().table_name(self.table.name()).set_key(Some(key)));
        let update = update.build().map_err(Error::internal)?;
        self.add(label, TransactWriteItem::builder().update(update).build());
        Ok(())
    }

    /// Adds a removal of one item, with the condition that `finish` gives it.
    pub fn delete(
        &mut self,
        label: L,
        key: Item,
        finish: impl FnOnce(DeleteBuilder) -> DeleteBuilder,
    ) -> Result<()> {
        let delete = finish(Delete::builder().table_name(self.table.name()).set_key(Some(key)));
        let delete = delete.build().map_err(Error::internal)?;
        self.add(label, TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    fn add(&mut self, label: L, write: TransactWriteItem) {
        self.labels.push(label);
        self.writes.push(write);
    }

    pub const fn is_too_large(&self) -> bool {
        self.writes.len() > MAX_WRITES
    }

    /// Sends the transaction. Needs the action of each of its writes, such as `dynamodb:PutItem`.
    pub async fn commit(self) -> Result<Outcome<L>> {
        let client = &self.table.client;
        let sent = client.transact_write_items().set_transact_items(Some(self.writes)).send().await;
        let Err(error) = sent else { return Ok(Outcome::Committed) };
        match error.as_service_error() {
            // A second try of the SDK arrived while the first was still running.
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                Ok(Outcome::Refused { failed: Vec::new() })
            }
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code());
                let codes: Vec<_> = codes.map(Option::unwrap_or_default).collect();
                if codes.contains(&"ValidationError") {
                    return Err(Error::internal("TransactWriteItems: ValidationError"));
                }
                let is_conflict = codes.contains(&"TransactionConflict");
                let failed = self.labels.into_iter().zip(codes);
                let failed = failed.filter(|(_, code)| *code == "ConditionalCheckFailed");
                let failed: Vec<_> = failed.map(|(label, _)| label).collect();
                if failed.is_empty() && !is_conflict {
                    // Throttling, or a cause that this code does not know.
                    return Err(failure("TransactWriteItems", &error));
                }
                Ok(Outcome::Refused { failed })
            }
            _ => Err(failure("TransactWriteItems", &error)),
        }
    }
}

/// The outcome of a transaction that DynamoDB answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<L> {
    Committed,
    /// Nothing was written: the conditions with these labels failed. None if another transaction was writing the
    /// same items.
    Refused {
        failed: Vec<L>,
    },
}

impl<L: PartialEq> Outcome<L> {
    /// Returns whether the condition of a write with this label failed.
    pub fn failed(&self, label: &L) -> bool {
        matches!(self, Self::Refused { failed } if failed.contains(label))
    }

    /// Any refusal as a conflict with another writer.
    pub fn or_conflict(self) -> Result<()> {
        match self {
            Self::Committed => Ok(()),
            Self::Refused { .. } => Err(Reason::Conflict.into()),
        }
    }
}
