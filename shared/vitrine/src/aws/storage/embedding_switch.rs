//! The global embedding switch: while it is off nothing is shown. A setting decides its initial value.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use super::table::{DynamoTable, Item, key, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::settings::Settings;

const VALUE: &str = "embedding_enabled";

pub(super) fn item_key() -> Item {
    key("settings", "settings")
}

/// The stored value of the switch; none if it was never set.
pub(super) fn stored(item: Option<&Item>) -> Result<Option<bool>> {
    let value = |item: &Item| {
        item.get(VALUE).and_then(|value| value.as_bool().ok()).copied().ok_or_else(|| unreadable("settings"))
    };
    item.map(value).transpose()
}

/// Reads the switch as it is now. Views use [`super::EvidenceReader`], which caches it.
#[derive(Debug, Clone)]
pub struct EmbeddingSwitchReader {
    table: DynamoTable,
    settings: Arc<Settings>,
}

impl Capability for EmbeddingSwitchReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), settings: Arc::clone(&environment.settings) }
    }
}

impl EmbeddingSwitchReader {
    pub async fn is_on(&self) -> Result<bool> {
        let item = self.table.get(item_key()).await?;
        Ok(stored(item.as_ref())?.unwrap_or(self.settings.embedding_enabled))
    }

    /// Refuses administration of embedding while the switch is off.
    pub async fn require(&self) -> Result<()> {
        if self.is_on().await? { Ok(()) } else { Err(Reason::EmbeddingSwitchedOff.into()) }
    }
}

/// Sets the switch.
#[derive(Debug, Clone)]
pub struct EmbeddingSwitchWriter(DynamoTable);

impl Capability for EmbeddingSwitchWriter {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.items("settings").allow("dynamodb:PutItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl EmbeddingSwitchWriter {
    pub async fn set(&self, on: bool) -> Result<()> {
        let put = self.0.put(item_key()).item(VALUE, AttributeValue::Bool(on));
        put.send().await.or_unavailable("PutItem").map(drop)
    }
}
