//! Budgets: the bytes that the queries of each tenant have read in a month.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::ReturnValue;

use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, number_of};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::Result;

/// The time that a month's item is kept.
const KEPT_SECONDS: i64 = 100 * 86_400;

const BYTES: &str = "bytes";
const QUERIES: &str = "queries";

#[derive(Debug, Clone)]
pub struct QueryBudgets(DynamoTable);

impl Capability for QueryBudgets {
    fn grants() -> BTreeSet<Grant> {
        let writes = TABLE.items("query-budget#*").allow("dynamodb:UpdateItem");
        [TABLE.allow("dynamodb:GetItem"), writes].into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl QueryBudgets {
    /// The bytes that a tenant has used in the month of `now`.
    pub async fn used(&self, tenant: &str, now: Timestamp) -> Result<u64> {
        let item = self.0.get(item_key(tenant, now)).await?;
        Ok(item.and_then(|item| number_of(&item, BYTES)).unwrap_or(0))
    }

    /// Adds the bytes of one query, and returns the sum.
    pub async fn add(&self, tenant: &str, bytes: u64, now: Timestamp) -> Result<u64> {
        let sent = self
            .0
            .update(item_key(tenant, now))
            .update_expression("SET #ttl = :ttl ADD #bytes :bytes, #queries :one")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_names("#bytes", BYTES)
            .expression_attribute_names("#queries", QUERIES)
            .expression_attribute_values(":ttl", number(now.plus(KEPT_SECONDS).unix()))
            .expression_attribute_values(":bytes", number(bytes))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .or_unavailable("UpdateItem")?;
        Ok(sent.attributes().and_then(|item| number_of(item, BYTES)).unwrap_or(bytes))
    }
}

/// The item of a tenant; the viewers without one share an item.
fn item_key(tenant: &str, now: Timestamp) -> Item {
    key(&format!("query-budget#{tenant}"), &month(now))
}

fn month(now: Timestamp) -> String {
    now.to_string().chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_that_of_utc() {
        assert_eq!(month("2026-11-30T23:59:59Z".parse().unwrap()), "2026-11");
        assert_eq!(month("2026-12-01T00:00:00Z".parse().unwrap()), "2026-12");
    }
}
