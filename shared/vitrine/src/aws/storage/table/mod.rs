//! The table and its items.

pub mod document;
pub mod range;
pub mod schema;
pub mod transaction;

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use self::schema::{PARTITION, SORT};
use crate::aws::admin_key::AdminKey;
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{AwsResource, Capability, KeyPattern};
use crate::aws::environment::Environment;
use vitrine_rules::error::{Error, Reason, Result};

pub const TABLE: AwsResource = AwsResource { logical_id: "Table", variable: "TABLE_NAME" };

/// The counters of resource numbers and of external users.
pub const COUNTERS: KeyPattern = TABLE.items("counter");

/// Every resource, in order.
pub const CATALOG_INDEX: AwsResource = index("Table/index/catalog");
/// Published resources only.
pub const EMBEDDABLE_INDEX: AwsResource = index("Table/index/embeddable");
/// External users, by tenant.
pub const DIRECTORY_INDEX: AwsResource = index("Table/index/directory");

const fn index(logical_id: &'static str) -> AwsResource {
    AwsResource { logical_id, variable: TABLE.variable }
}

pub type Item = HashMap<String, AttributeValue>;

#[derive(Debug, Clone)]
pub struct DynamoTable {
    pub client: Client,
    /// Shared: every request takes copies of what it may touch.
    name: Arc<str>,
    /// Encrypts the cursors of lists. Needs its own grant.
    cursors: AdminKey,
}

impl DynamoTable {
    pub fn of(environment: &Environment) -> Self {
        Self {
            client: environment.client(Client::new),
            name: environment.name_of(TABLE).into(),
            cursors: AdminKey::connect(environment),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl DynamoTable {
    /// A read of one item as it is now. Needs `dynamodb:GetItem`.
    pub async fn get(&self, key: Item) -> Result<Option<Item>> {
        let get = self.client.get_item().table_name(self.name()).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.or_unavailable("GetItem")?.item)
    }

    /// The items under several keys, as they are now, or a failure: never a part of them. Needs `dynamodb:BatchGetItem`.
    pub async fn get_batch(&self, keys: Vec<Item>) -> Result<Vec<Item>> {
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(Error::internal)?;
        let sent = self.client.batch_get_item().request_items(self.name(), request).send().await;
        let answer = sent.or_unavailable("BatchGetItem")?;
        let refuse = |cause| Err(Error::new(Reason::Unavailable).detail(cause));
        if answer.unprocessed_keys().is_some_and(|keys| !keys.is_empty()) {
            return refuse("BatchGetItem: throttled in part");
        }
        match answer.responses.and_then(|mut tables| tables.remove(self.name())) {
            Some(items) => Ok(items),
            // An answer without the table does not say that the items are absent.
            None => refuse("BatchGetItem: an answer without the table"),
        }
    }

    /// A write of a whole item. Needs `dynamodb:PutItem`.
    pub fn put(&self, item: Item) -> PutItemFluentBuilder {
        self.client.put_item().table_name(self.name()).set_item(Some(item))
    }

    /// A change of one item. Needs `dynamodb:UpdateItem`.
    pub fn update(&self, key: Item) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(self.name()).set_key(Some(key))
    }

    /// A removal of one item. Needs `dynamodb:DeleteItem`.
    pub fn delete(&self, key: Item) -> DeleteItemFluentBuilder {
        self.client.delete_item().table_name(self.name()).set_key(Some(key))
    }

    /// A query of the table, or of an index that the caller names. Needs `dynamodb:Query`.
    pub fn query(&self) -> QueryFluentBuilder {
        self.client.query().table_name(self.name())
    }

    /// A query for the items of one partition, as they are now. Needs `dynamodb:Query`.
    pub fn partition(&self, partition: &str) -> QueryFluentBuilder {
        self.query()
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", text(partition))
            .consistent_read(true)
    }

    /// All items of a partition that is known to stay small. Needs `dynamodb:Query`.
    pub async fn all(&self, partition: &str) -> Result<Vec<Item>> {
        let (query, mut items, mut start) = (self.partition(partition), Vec::new(), None);
        loop {
            let answer = query.clone().set_exclusive_start_key(start).send().await.or_unavailable("Query")?;
            items.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Removes one item if it is there, so that a removal can be sent again. Needs `dynamodb:DeleteItem`.
    pub async fn remove(&self, key: Item) -> Result<()> {
        self.delete(key).send().await.or_unavailable("DeleteItem").map(drop)
    }
}

pub fn key(partition: &str, sort: &str) -> Item {
    HashMap::from([(PARTITION.to_owned(), text(partition)), (SORT.to_owned(), text(sort))])
}

pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

pub fn number_of(item: &Item, name: &str) -> Option<u64> {
    item.get(name).and_then(|value| value.as_n().ok()?.parse().ok())
}

/// The error for a stored item that cannot be read.
pub fn unreadable(item: &'static str) -> Error {
    Error::internal(format_args!("unreadable item: {item}"))
}
