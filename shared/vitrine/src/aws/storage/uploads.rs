//! Uploads, under the name of their table.
//!
//! Imports of one upload exclude each other by a lease: each change of a running import is conditional on the lease
//! that it holds, so that one which was given up cannot write over the next.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::builders::PutBuilder;

use super::table::document;
use super::table::schema::{SORT, TTL};
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, number, text, text_of};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, KeyPattern};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::data::table::Table as DataTable;
use vitrine_rules::data::upload::{Upload, UploadState};
use vitrine_rules::error::{Reason, Result};

/// The items of uploads, which the writer of tables changes too.
pub(super) const ITEMS: KeyPattern = TABLE.items("table_uploads#*");
const STATE: &str = "state";
const LEASE: &str = "lease";

fn key_of(table: &str, id: &str) -> Item {
    key(&format!("table_uploads#{table}"), id)
}

fn to_item(upload: &Upload) -> Result<Item> {
    let mut item = key_of(&upload.table, &upload.id);
    document::write(&mut item, upload)?;
    item.insert(STATE.to_owned(), text(upload.state.word()));
    item.insert(LEASE.to_owned(), number(lease(&upload.state)));
    item.insert(TTL.to_owned(), number(upload.expires_at.unix()));
    Ok(item)
}

/// The end of the lease, which names it; zero if no import runs.
fn lease(state: &UploadState) -> i64 {
    match state {
        UploadState::Importing { until, .. } => until.unix(),
        _ => 0,
    }
}

/// The last upload of each table that did not become a version. No table has a name like it.
const FAILED: &str = "table_uploads##failed";

const UPLOAD: &str = "upload";

/// The note that an upload failed, which lives as long as the upload.
fn failure(upload: &Upload) -> Item {
    let mut item = key(FAILED, &upload.table);
    item.insert(UPLOAD.to_owned(), text(upload.id.as_str()));
    item.insert(TTL.to_owned(), number(upload.expires_at.unix()));
    item
}

/// Adds a change to a transaction, with the condition that the upload is still in the state `seen`.
pub(super) fn change<L: PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    upload: &Upload,
    seen: &Upload,
) -> Result<()> {
    transaction.put(label, to_item(upload)?, |put: PutBuilder| {
        put.condition_expression(AS_SEEN)
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":state", text(seen.state.word()))
            .expression_attribute_values(":lease", number(lease(&seen.state)))
    })
}

const AS_SEEN: &str = "#state = :state AND lease = :lease";

/// Finds uploads that failed.
#[derive(Debug, Clone)]
pub struct FailedUploadReader(DynamoTable);

/// Reads uploads.
#[derive(Debug, Clone)]
pub struct UploadReader(DynamoTable);

impl Capability for UploadReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl Capability for FailedUploadReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl FailedUploadReader {
    /// The tables with the id of their last upload that failed, `most` at most. The upload may have succeeded since.
    pub async fn some(&self, most: i32) -> Result<Vec<(String, String)>> {
        let answer = self.0.partition(FAILED).limit(most).send().await.or_unavailable("Query")?;
        let read = |item: &Item| Some((text_of(item, SORT)?.to_owned(), text_of(item, UPLOAD)?.to_owned()));
        Ok(answer.items.unwrap_or_default().iter().filter_map(read).collect())
    }
}

impl UploadReader {
    /// An upload of this table, unless it has expired. One of an earlier table with the same name is none.
    pub async fn find(&self, table: &DataTable, id: &str, now: Timestamp) -> Result<Option<Upload>> {
        // A longer key is refused by DynamoDB as an invalid request.
        if !(1..=MAX_ID).contains(&id.len()) {
            return Ok(None);
        }
        let Some(item) = self.0.get(key_of(&table.name, id)).await? else { return Ok(None) };
        let upload: Upload = document::read(&item, "upload")?;
        Ok(Some(upload).filter(|upload| upload.table_id == table.id && upload.expires_at > now))
    }
}

const MAX_ID: usize = 64;

/// Creates uploads, and notes how their imports go.
#[derive(Debug, Clone)]
pub struct UploadWriter(DynamoTable);

impl Capability for UploadWriter {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([ITEMS.allow("dynamodb:PutItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl UploadWriter {
    pub async fn create(&self, upload: &Upload) -> Result<()> {
        let mut transaction = Transaction::on(&self.0);
        transaction.put((), to_item(upload)?, |put| put.condition_expression("attribute_not_exists(pk)"))?;
        transaction.commit().await?.or_conflict()
    }

    /// Takes the lease for an import until `until`, or [`Reason::Conflict`] if another runs or none may start. The files
    /// of an import that died stay noted.
    pub async fn begin(&self, upload: Upload, until: Timestamp, now: Timestamp) -> Result<Upload> {
        if !upload.may_start(now) {
            return Err(Reason::Conflict.into());
        }
        let state = UploadState::Importing { until, files: upload.unfinished_files().to_vec() };
        self.replace(Upload { rows_read: 0, state, ..upload.clone() }, &upload).await
    }

    /// Notes the rows that the import has read, and extends its lease. [`Reason::Conflict`] if another has it by now.
    pub async fn progress(&self, upload: Upload, rows_read: u64, until: Timestamp) -> Result<Upload> {
        let files = upload.unfinished_files().to_vec();
        let state = UploadState::Importing { until, files };
        self.replace(Upload { rows_read, state, ..upload.clone() }, &upload).await
    }

    /// Notes the files that the import is about to write, in place of those noted before.
    pub async fn will_write(&self, upload: Upload, files: Vec<String>, until: Timestamp) -> Result<Upload> {
        let state = UploadState::Importing { until, files };
        self.replace(Upload { state, ..upload.clone() }, &upload).await
    }

    /// Moves an upload to another state, such as that of a failed import, or back to waiting.
    /// [`Reason::Conflict`] if it is no longer in the state in which it was read.
    pub async fn change(&self, upload: Upload, state: UploadState) -> Result<Upload> {
        self.replace(upload.clone().in_state(state), &upload).await
    }

    async fn replace(&self, upload: Upload, seen: &Upload) -> Result<Upload> {
        let mut transaction = Transaction::on(&self.0);
        change(&mut transaction, (), &upload, seen)?;
        if upload.state.has_failed() {
            transaction.put((), failure(&upload), |put| put)?;
        }
        transaction.commit().await?.or_conflict().map(|()| upload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::storage::table::number_of;
    use vitrine_rules::data::upload::FileFormat;

    #[test]
    fn the_state_and_the_lease_are_beside_the_document() {
        let at = Timestamp::from_unix;
        let upload = Upload {
            id: "u1".to_owned(),
            table: "orders".to_owned(),
            table_id: 7,
            format: FileFormat::Csv,
            size: 3,
            sha256: "0".repeat(64),
            state: UploadState::Waiting,
            rows_read: 0,
            created_at: at(10),
            expires_at: at(20),
        };
        let importing = UploadState::Importing { until: at(15), files: vec!["tables/orders/1/a".to_owned()] };
        for (state, lease) in [(UploadState::Waiting, 0), (importing, 15)] {
            let upload = upload.clone().in_state(state);
            let item = to_item(&upload).unwrap();
            assert_eq!(text_of(&item, "pk"), Some("table_uploads#orders"));
            assert_eq!(text_of(&item, STATE), Some(upload.state.word()));
            assert_eq!((number_of(&item, LEASE), number_of(&item, TTL)), (Some(lease), Some(20)));
            assert_eq!(document::read::<Upload>(&item, "upload").unwrap(), upload);
        }
    }
}
