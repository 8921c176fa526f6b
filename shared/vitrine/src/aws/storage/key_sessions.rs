//! Sessions that stand for an access key, stored under a fingerprint of their id.

use std::collections::BTreeSet;

use super::table::document::{self, DOCUMENT};
use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number, text};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::Result;
use vitrine_rules::key_session::KeySession;
use vitrine_rules::random;

fn key_of(id: &str) -> Item {
    key(&format!("key-session#{}", random::fingerprint(id)), "key-session")
}

/// Finds sessions.
#[derive(Debug, Clone)]
pub struct KeySessionReader(DynamoTable);

impl Capability for KeySessionReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl KeySessionReader {
    /// The session with this id, unless it was ended.
    pub async fn find(&self, id: &str) -> Result<Option<KeySession>> {
        let item = self.0.get(key_of(id)).await?.filter(|item| item.contains_key(DOCUMENT));
        item.map(|item| document::read(&item, "key session")).transpose()
    }
}

/// Starts and ends sessions.
#[derive(Debug, Clone)]
pub struct KeySessionWriter(DynamoTable);

impl Capability for KeySessionWriter {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.items("key-session#*").allow("dynamodb:UpdateItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl KeySessionWriter {
    pub async fn start(&self, id: &str, session: &KeySession) -> Result<()> {
        let mut item = Item::new();
        document::write(&mut item, session)?;
        let sent = self
            .0
            .update(key_of(id))
            .update_expression("SET #document = :document, #ttl = :ttl")
            .expression_attribute_names("#document", DOCUMENT)
            .expression_attribute_names("#ttl", TTL)
            .set_expression_attribute_values(item.remove(DOCUMENT).map(|document| {
                Item::from([
                    (":document".to_owned(), document),
                    (":ttl".to_owned(), number(session.expires_at.unix())),
                ])
            }))
            .send()
            .await;
        sent.or_unavailable("UpdateItem").map(drop)
    }

    /// Ends a session, and returns whether there was one. Its item stays until it expires, without its content, so that
    /// a repeated write ends it as well.
    pub async fn end(&self, id: &str, now: Timestamp) -> Result<bool> {
        let attempt = random::short_id()?;
        let sent = self
            .0
            .update(key_of(id))
            .update_expression("SET ended_at = :now, ended_in = :attempt REMOVE #document")
            .condition_expression("attribute_exists(#document) OR ended_in = :attempt")
            .expression_attribute_names("#document", DOCUMENT)
            .expression_attribute_values(":now", number(now.unix()))
            .expression_attribute_values(":attempt", text(attempt))
            .send()
            .await;
        Ok(sent.if_condition_held("UpdateItem")?.is_some())
    }
}
