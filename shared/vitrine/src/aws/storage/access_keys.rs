//! Access keys: found by the id within the key, stored as a fingerprint.

use std::collections::BTreeSet;

use super::table::cursor::{self, Page};
use super::table::schema::{SORT, TTL};
use super::table::{Item, Table, key, number, text, text_of, unreadable};
use crate::aws::aws_error::{AwsResult, unavailable};
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use vitrine_rules::access_key::AccessKey;
use vitrine_rules::error::{Error, Reason, Result};
use vitrine_rules::random;
use vitrine_rules::resource::ids::is_public_id;

const PARTITION_KEY: &str = "access_keys";
const FINGERPRINT: &str = "fingerprint";

fn from_item(item: Item) -> Result<AccessKey> {
    serde_dynamo::from_item(item).map_err(|_| unreadable("access key"))
}

/// Finds the record of an access key.
#[derive(Debug, Clone)]
pub struct AccessKeyReader(Table);

impl Capability for AccessKeyReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Table("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl AccessKeyReader {
    /// The record under `id`, if `shown` is its key.
    pub async fn authenticate(&self, id: &str, shown: &str) -> Result<Option<AccessKey>> {
        let Some(item) = self.item(id).await? else { return Ok(None) };
        let stored = text_of(&item, FINGERPRINT).ok_or_else(|| unreadable("access key"))?;
        if random::equal(stored, &random::fingerprint(shown)) { from_item(item).map(Some) } else { Ok(None) }
    }

    pub async fn find(&self, id: &str) -> Result<Option<AccessKey>> {
        self.item(id).await?.map(from_item).transpose()
    }

    async fn item(&self, id: &str) -> Result<Option<Item>> {
        self.0.get(key(PARTITION_KEY, id)).await
    }
}

/// Creates, lists and removes keys.
#[derive(Debug, Clone)]
pub struct AccessKeyWriter(Table);

impl Capability for AccessKeyWriter {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"].map(Grant::Table).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
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

    pub async fn list(&self, limit: Option<i32>, cursor: Option<&str>) -> Result<Page<AccessKey>> {
        let answer = self
            .0
            .client
            .query()
            .table_name(self.0.name())
            .key_condition_expression("pk = :keys")
            .expression_attribute_values(":keys", text(PARTITION_KEY))
            .limit(limit.unwrap_or(cursor::DEFAULT_LIMIT))
            .set_exclusive_start_key(cursor.map(start_key).transpose()?)
            .send()
            .await
            .map_err(|error| unavailable("Query", &error))?;
        let next = answer.last_evaluated_key().and_then(|key| text_of(key, SORT)).map(cursor::encode);
        let items = answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_>>()?;
        Ok(Page { items, next })
    }
}

fn start_key(cursor: &str) -> Result<Item> {
    let id = cursor::decode(cursor)?;
    if is_public_id(&id) { Ok(key(PARTITION_KEY, &id)) } else { Err(Reason::CursorInvalid.into()) }
}
