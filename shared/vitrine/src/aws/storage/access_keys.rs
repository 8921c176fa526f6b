//! Access keys: found by the id within the key, stored as a fingerprint.

use std::collections::BTreeSet;

use super::table::range::{Range, grants_with_cursors};
use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, text, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Error, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::random;
use vitrine_rules::reach::Reach;

const PARTITION_KEY: &str = "access_keys";
const FINGERPRINT: &str = "fingerprint";

fn from_item(item: Item) -> Result<AccessKey> {
    serde_dynamo::from_item(item).map_err(|_| unreadable("access key"))
}

/// The key of an access key's item.
pub(super) fn key_of(id: &str) -> Item {
    key(PARTITION_KEY, id)
}

/// The record in an item, if this is the fingerprint of its key.
pub(super) fn authentic(item: Item, fingerprint: &str) -> Result<Option<AccessKey>> {
    let stored = text_of(&item, FINGERPRINT).ok_or_else(|| unreadable("access key"))?;
    if random::equal(stored, fingerprint) { from_item(item).map(Some) } else { Ok(None) }
}

/// Finds the record of an access key.
#[derive(Debug, Clone)]
pub struct AccessKeyReader(DynamoTable);

impl Capability for AccessKeyReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl AccessKeyReader {
    /// The record under `id`, if this is the fingerprint of its key.
    pub async fn authenticate(&self, id: &str, fingerprint: &str) -> Result<Option<AccessKey>> {
        match self.item(id).await? {
            Some(item) => authentic(item, fingerprint),
            None => Ok(None),
        }
    }

    pub async fn find(&self, id: &str) -> Result<Option<AccessKey>> {
        self.item(id).await?.map(from_item).transpose()
    }

    async fn item(&self, id: &str) -> Result<Option<Item>> {
        self.0.get(key_of(id)).await
    }
}

/// Creates, lists and removes keys.
#[derive(Debug, Clone)]
pub struct AccessKeyWriter(DynamoTable);

impl Capability for AccessKeyWriter {
    fn grants() -> BTreeSet<Grant> {
        let keys = TABLE.items(PARTITION_KEY);
        grants_with_cursors([
            keys.allow("dynamodb:PutItem"),
            keys.allow("dynamodb:DeleteItem"),
            TABLE.allow("dynamodb:Query"),
        ])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl AccessKeyWriter {
    pub async fn create(&self, record: &AccessKey, shown: &str) -> Result<()> {
        let mut item: Item = serde_dynamo::to_item(record).map_err(Error::internal)?;
        item.extend(key(PARTITION_KEY, &record.id));
        item.insert(FINGERPRINT.to_owned(), text(random::fingerprint(shown)));
        if let Some(expires) = record.expires_at {
            item.insert(TTL.to_owned(), number(expires.unix()));
        }
        self.0.put(item).send().await.or_unavailable("PutItem").map(drop)
    }

    pub async fn delete(&self, id: &str) -> Result<()> {
        self.0.remove(key(PARTITION_KEY, id)).await
    }

    /// The keys that reach no further than `reach`.
    pub async fn list(&self, reach: &Reach, paging: &Paging) -> Result<Page<AccessKey>> {
        let read = |item| from_item(item).map(|key| Some(key).filter(|key| reach.includes(&key.reach)));
        Range::of(&self.0, PARTITION_KEY).page(paging, read).await
    }
}
