//! Handles: questions whose answer is not ready, for the viewer to ask for again.
//!
//! The item has the whole question, so that each time the viewer asks, everything is decided again. It is stored
//! under the fingerprint of the handle, as sessions are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::table::document;
use super::table::schema::TTL;
use super::table::{DynamoTable, Item, key, number};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::random;

/// The time for which an answer can be asked for.
const LIFE_SECONDS: i64 = 600;

/// A question that waits for its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingQuestion {
    /// The fingerprint of the credential that asked.
    pub credential: String,
    /// The body of the request.
    pub question: Value,
    /// The cache key of the answer.
    pub key: String,
    pub asked_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct QueryHandles {
    table: DynamoTable,
    clock: Clock,
}

impl Capability for QueryHandles {
    fn grants() -> BTreeSet<Grant> {
        [TABLE.allow("dynamodb:GetItem"), TABLE.items("query-handle#*").allow("dynamodb:PutItem")].into()
    }

    fn connect(environment: &Environment) -> Self {
        Self { table: DynamoTable::of(environment), clock: environment.clock.clone() }
    }
}

impl QueryHandles {
    /// Stores a question and returns its handle.
    pub async fn keep(&self, question: &WaitingQuestion) -> Result<String> {
        let handle = random::secret()?;
        let mut item = item_key(&handle);
        document::write(&mut item, question)?;
        item.insert(TTL.to_owned(), number(question.asked_at.plus(LIFE_SECONDS).unix()));
        self.table.put(item).send().await.or_unavailable("PutItem")?;
        Ok(handle)
    }

    /// The question of a handle, for the credential that asked it. For any other credential there is none.
    pub async fn get(&self, handle: &str, credential: &str) -> Result<WaitingQuestion> {
        let item = self.table.get(item_key(handle)).await?.ok_or(Reason::HandleNotFound)?;
        let question: WaitingQuestion = document::read(&item, "question")?;
        let is_kept = self.clock.now() < question.asked_at.plus(LIFE_SECONDS);
        if is_kept && random::equal(&question.credential, credential) {
            Ok(question)
        } else {
            Err(Reason::HandleNotFound.into())
        }
    }
}

fn item_key(handle: &str) -> Item {
    key(&format!("query-handle#{}", random::fingerprint(handle)), "question")
}
