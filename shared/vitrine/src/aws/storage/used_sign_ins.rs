//! Sign-ins through a provider that were answered. Each is answered once.

use std::collections::BTreeSet;

use super::table::schema::TTL;
use super::table::{DynamoTable, key, number};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};

#[derive(Debug, Clone)]
pub struct UsedSignIns(DynamoTable);

impl Capability for UsedSignIns {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.items("console-sign-in#*").allow("dynamodb:UpdateItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl UsedSignIns {
    /// Marks a sign-in as answered, and refuses one that already is. The mark lasts longer than the sign-in could be used.
    pub async fn take(&self, name: &str, ends_at: Timestamp) -> Result<()> {
        let sent = self
            .0
            .update(key(&format!("console-sign-in#{name}"), "used"))
            .update_expression("SET #ttl = :end")
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":end", number(ends_at.plus(3_600).unix()))
            .send()
            .await;
        match sent.if_condition_held("UpdateItem")? {
            Some(_) => Ok(()),
            None => Err(Reason::SignInExpired.into()),
        }
    }
}
