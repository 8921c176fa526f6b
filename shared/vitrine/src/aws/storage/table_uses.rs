//! The resources that read a table, by table, and the dashboards that show a question, by question.
//!
//! Those of a table are written together with their resource. Those of a question are written before it and removed after it, because
//! they are too many for one transaction: one that is stale names a dashboard that does not show the question.

use std::collections::BTreeSet;

use super::table::schema::SORT;
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, KeyPattern};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::error::Result;
use vitrine_rules::publishing::locked;
use vitrine_rules::resource::Resource;
use vitrine_rules::resource::ids::{ResourceId, ResourceRef};

pub(super) const TABLE_USES: KeyPattern = TABLE.items("table_uses#*");

fn partition(table: &str) -> String {
    format!("table_uses#{table}")
}

fn key_of(table: &str, user: &ResourceRef) -> Item {
    key(&partition(table), &user.to_string())
}

/// The name under which resources with a locked parameter that sets nothing are. No table has one like it.
const UNWIRED: &str = "#unwired";

/// The names under which a resource is.
pub(super) fn of(resource: &Resource) -> BTreeSet<String> {
    let is_unwired = !locked::unwired(resource).is_empty();
    resource.tables.iter().cloned().chain(is_unwired.then(|| UNWIRED.to_owned())).collect()
}

/// Adds the difference between the tables that a resource reads and those that it read before.
pub(super) fn write_changes<L: PartialEq + Copy>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    resource: &Resource,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Result<()> {
    let user = resource.reference();
    for table in after.difference(before) {
        transaction.put(label, key_of(table, &user), |put| put)?;
    }
    for table in before.difference(after) {
        transaction.delete(label, key_of(table, &user), |delete| delete)?;
    }
    Ok(())
}

/// The name under which a question has its dashboards. No table has one like it.
fn of_question(number: u64) -> String {
    format!("question#{number}")
}

/// Notes that a dashboard shows questions.
pub(super) async fn add_questions(
    table: &DynamoTable,
    dashboard: &Resource,
    questions: &BTreeSet<u64>,
) -> Result<()> {
    let mut transaction = Transaction::on(table);
    let user = dashboard.reference();
    for number in questions {
        transaction.put((), key_of(&of_question(*number), &user), |put| put)?;
    }
    finish(transaction, questions).await
}

/// Forgets that a dashboard shows questions.
pub(super) async fn remove_questions(
    table: &DynamoTable,
    dashboard: &Resource,
    questions: &BTreeSet<u64>,
) -> Result<()> {
    let mut transaction = Transaction::on(table);
    let user = dashboard.reference();
    for number in questions {
        transaction.delete((), key_of(&of_question(*number), &user), |delete| delete)?;
    }
    finish(transaction, questions).await
}

async fn finish(transaction: Transaction<'_, ()>, questions: &BTreeSet<u64>) -> Result<()> {
    if questions.is_empty() { Ok(()) } else { transaction.commit().await?.or_conflict() }
}

fn reference(user: &str) -> Option<ResourceRef> {
    let (kind, id) = user.split_once('#')?;
    let kind = kind.parse().ok()?;
    Some(ResourceRef { kind, id: ResourceId::parse(kind, id).ok()? })
}

/// The resources that read a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// In the order of their ids, the first [`Users::MOST`] at most.
    pub resources: Vec<ResourceRef>,
    /// There are more.
    pub is_cut: bool,
}

impl Users {
    pub const MOST: usize = 1_000;
}

/// Finds the resources that read a table.
#[derive(Debug, Clone)]
pub struct TableUses(DynamoTable);

impl Capability for TableUses {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl TableUses {
    pub async fn of(&self, table: &str) -> Result<Users> {
        self.first(table, Users::MOST).await
    }

    /// The dashboards that may show a question, `most` at most.
    pub async fn of_question(&self, number: u64, most: usize) -> Result<Users> {
        self.first(&of_question(number), most).await
    }

    /// The published resources with a locked parameter that sets nothing, `most` at most. Those that were written by a
    /// version without this list are not in it until they change.
    pub async fn unwired(&self, most: usize) -> Result<Users> {
        self.first(UNWIRED, most).await
    }

    pub async fn some_of(&self, table: &str, most: usize) -> Result<Users> {
        self.first(table, most).await
    }

    async fn first(&self, used: &str, most: usize) -> Result<Users> {
        let query = self.0.partition(&partition(used)).limit(i32::try_from(most + 1).unwrap_or(i32::MAX));
        let (mut users, mut start) = (Users::default(), None);
        loop {
            let answer = query.clone().set_exclusive_start_key(start).send().await.or_unavailable("Query")?;
            for item in answer.items.unwrap_or_default() {
                if users.resources.len() == most {
                    return Ok(Users { is_cut: true, ..users });
                }
                let user = text_of(&item, SORT).and_then(reference);
                users.resources.push(user.ok_or_else(|| unreadable("table use"))?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(users);
            }
        }
    }
}
