//! Sessions and revocations. Both are stored under a fingerprint: the table never holds a credential.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use futures_util::future::try_join_all;
use serde_json::Value;

use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::schema::{SORT, TTL};
use super::table::transaction::Transaction;
use super::table::{DynamoTable, Item, key, number, number_of, text, text_of, unreadable};
use crate::aws::aws_error::{AwsResult, failure};
use crate::aws::capability::{Capability, Grant, KeyPattern};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::{Clock, Timestamp};
use vitrine_rules::error::{Error, Result};
use vitrine_rules::paging::{Page, Paging};
use vitrine_rules::random;
use vitrine_rules::session::{Session, SessionContext, SessionState};
use vitrine_rules::token::LEEWAY_SECONDS;

const SESSIONS: KeyPattern = TABLE.items("session#*");
const SORT_KEY: &str = "session";
const REDEEMED: &str = "redeemed_at";
const REVOKED: &str = "revoked_at";
const CONTEXT: &str = "context";

pub(super) fn key_of(fingerprint: &str) -> Item {
    key(&format!("session#{fingerprint}"), SORT_KEY)
}

pub(super) fn state_key(fingerprint: &str) -> Item {
    key(&format!("session#{fingerprint}"), "state")
}

pub(super) fn kept_state(item: &Item) -> Result<Value> {
    document::read(item, "session state")
}

pub(super) fn state_of(item: &Item) -> SessionState {
    if item.contains_key(REVOKED) {
        SessionState::Revoked
    } else if item.contains_key(REDEEMED) {
        SessionState::Redeemed
    } else {
        SessionState::Waiting
    }
}

/// The context of a deployment's session; none for a session of one resource.
pub(super) fn context_of(item: &Item) -> Result<Option<SessionContext>> {
    let Some(context) = text_of(item, CONTEXT) else { return Ok(None) };
    serde_json::from_str(context).map(Some).map_err(|_| unreadable("session context"))
}

/// The partition of the list of a user's sessions, the oldest first.
fn list_of(user: u64) -> String {
    format!("session#user#{user}")
}

/// The stored form of a single-use session.
#[derive(Debug, Clone)]
pub struct SessionItem {
    own: Item,
    /// Its line in the list of its user.
    listed: Option<Item>,
}

impl SessionItem {
    pub fn new(fingerprint: &str, session: &Session, context: Option<&SessionContext>) -> Result<Self> {
        let mut item = key_of(fingerprint);
        document::write(&mut item, session)?;
        item.insert("redeem_by".to_owned(), number(session.redeem_by.unix()));
        let end = session.lifetime.end(session.redeem_by).plus(LEEWAY_SECONDS);
        item.insert(TTL.to_owned(), number(end.unix()));
        if let Some(context) = context {
            let context = serde_json::to_string(context).map_err(Error::internal)?;
            item.insert(CONTEXT.to_owned(), text(context));
        }
        let listed = session.grant.user.map(|user| {
            // Of those that began in one second the order does not matter.
            let place = format!("{:012}#{fingerprint}", session.created_at.unix().max(0));
            let mut line = key(&list_of(user), &place);
            line.insert(TTL.to_owned(), number(end.unix()));
            line
        });
        Ok(Self { own: item, listed })
    }

    /// The items to write, all or none.
    pub(super) fn into_items(self) -> impl Iterator<Item = Item> {
        std::iter::once(self.own).chain(self.listed)
    }
}

/// Stores new single-use sessions.
#[derive(Debug, Clone)]
pub struct SessionStarter(DynamoTable);

impl Capability for SessionStarter {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([SESSIONS.allow("dynamodb:PutItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SessionStarter {
    pub async fn start(&self, session: SessionItem) -> Result<()> {
        match session.listed {
            None => self.0.put(session.own).send().await.or_unavailable("PutItem").map(drop),
            Some(_) => {
                let mut transaction = Transaction::on(&self.0);
                for item in session.into_items() {
                    transaction.put((), item, |put| put)?;
                }
                transaction.commit().await?.or_conflict()
            }
        }
    }

    /// Stores the initial state of a session's content, which is too large for a token.
    pub async fn keep_state(&self, fingerprint: &str, state: &Value, expires: Timestamp) -> Result<()> {
        let mut item = state_key(fingerprint);
        document::write(&mut item, state)?;
        item.insert(TTL.to_owned(), number(expires.plus(LEEWAY_SECONDS).unix()));
        self.0.put(item).send().await.or_unavailable("PutItem").map(drop)
    }
}

/// The outcome of an attempt to exchange a session.
#[derive(Debug)]
pub enum Exchange {
    First(Box<Session>),
    /// It was exchanged before: somebody else may have a copy of it.
    Again {
        first: Timestamp,
    },
    /// It is unknown, expired or revoked.
    Refused,
}

/// Reads stored sessions.
#[derive(Debug, Clone)]
pub struct SessionReader(DynamoTable);

impl Capability for SessionReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SessionReader {
    /// The stored session under a fingerprint, if there is one. The record of a revoked token is none.
    pub async fn find(&self, fingerprint: &str) -> Result<Option<Session>> {
        let item = self.0.get(key_of(fingerprint)).await?;
        let session = item.filter(|item| item.contains_key(document::DOCUMENT));
        session.map(|item| document::read(&item, "session")).transpose()
    }
}

/// A session of an external user, as lists show it.
#[derive(Debug, Clone)]
pub struct UserSession {
    /// The fingerprint of the session.
    pub handle: String,
    pub session: Session,
    pub state: SessionState,
    /// The end of the time in which it can be exchanged, or of the token that it was exchanged for.
    pub ends_at: Timestamp,
}

impl UserSession {
    fn read(handle: &str, item: &Item) -> Result<Self> {
        let session: Session = document::read(item, "session")?;
        let redeemed = number_of(item, REDEEMED).and_then(|at| i64::try_from(at).ok());
        let ends_at = match redeemed {
            Some(at) => session.lifetime.end(Timestamp::from_unix(at)),
            None => session.redeem_by,
        };
        Ok(Self { handle: handle.to_owned(), session, state: state_of(item), ends_at })
    }
}

/// Lists the sessions of external users.
#[derive(Debug, Clone)]
pub struct UserSessionLister {
    table: DynamoTable,
    reader: SessionReader,
    clock: Clock,
}

impl Capability for UserSessionLister {
    fn grants() -> BTreeSet<Grant> {
        let mut grants = grants_with_cursors([TABLE.allow("dynamodb:Query")]);
        grants.extend(SessionReader::grants());
        grants
    }

    fn connect(environment: &Environment) -> Self {
        let (table, reader) = (DynamoTable::of(environment), SessionReader::connect(environment));
        Self { table, reader, clock: environment.clock.clone() }
    }
}

impl UserSessionLister {
    /// The most sessions of a page.
    pub const MOST: i32 = 100;

    /// The sessions of a user that are not over, the newest first. Those of users of a version without this list are not in
    /// it.
    pub async fn of(&self, user: u64, paging: &Paging) -> Result<Page<UserSession>> {
        let partition = list_of(user);
        let handle =
            |item: Item| Ok(text_of(&item, SORT).and_then(|place| Some(place.split_once('#')?.1.to_owned())));
        let paging = Paging { limit: paging.limit.min(Self::MOST.unsigned_abs() as usize), ..paging.clone() };
        let page = Range::of(&self.table, &partition).descending().page(&paging, handle).await?;
        let found = try_join_all(page.items.iter().map(|handle| self.find(user, handle))).await?;
        Ok(Page { items: found.into_iter().flatten().collect(), end: page.end, has_next: page.has_next })
    }

    /// A session of this user that is not over.
    pub async fn find(&self, user: u64, handle: &str) -> Result<Option<UserSession>> {
        if !random::is_fingerprint(handle) {
            return Ok(None);
        }
        let item = self.reader.0.get(key_of(handle)).await?;
        let item = item.filter(|item| item.contains_key(document::DOCUMENT));
        let found = item.map(|item| UserSession::read(handle, &item)).transpose()?;
        let now = self.clock.now();
        Ok(found.filter(|one| {
            one.session.grant.user == Some(user) && one.state != SessionState::Revoked && now < one.ends_at
        }))
    }
}

/// Exchanges and revokes sessions.
#[derive(Debug, Clone)]
pub struct SessionEnder(DynamoTable);

impl Capability for SessionEnder {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([SESSIONS.allow("dynamodb:UpdateItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl SessionEnder {
    /// Exchanges a session by one conditional write, so that only one of any number of attempts succeeds.
    /// The SDK may send the write again if its answer is lost: it recognises itself by a random mark.
    pub async fn redeem(&self, fingerprint: &str, now: Timestamp) -> Result<Exchange> {
        let attempt = random::short_id()?;
        let sent = self
            .0
            .update(key_of(fingerprint))
            .update_expression("SET redeemed_at = :now, redeemed_in = :attempt")
            .condition_expression(
                "redeem_by >= :now AND attribute_not_exists(revoked_at) \
                 AND (attribute_not_exists(redeemed_at) OR redeemed_in = :attempt)",
            )
            .expression_attribute_values(":attempt", text(attempt))
            .expression_attribute_values(":now", number(now.unix()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                let item = answer.attributes.ok_or_else(|| unreadable("session"))?;
                document::read(&item, "session").map(|session| Exchange::First(Box::new(session)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let spent = refused.item().and_then(|item| number_of(item, REDEEMED));
                    Ok(spent.map_or(Exchange::Refused, |at| {
                        let at = i64::try_from(at).unwrap_or(i64::MAX);
                        Exchange::Again { first: Timestamp::from_unix(at) }
                    }))
                }
                _ => Err(failure("UpdateItem", &error)),
            },
        }
    }

    /// Revokes a stored session, exchanged or not. Does nothing if there is none.
    pub async fn revoke(&self, fingerprint: &str, now: Timestamp) -> Result<()> {
        let sent = self
            .0
            .update(key_of(fingerprint))
            .update_expression("SET revoked_at = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":now", number(now.unix()))
            .send()
            .await;
        sent.if_condition_held("UpdateItem").map(drop)
    }

    /// Revokes a token that no session is stored for, until it would have expired.
    pub async fn revoke_token(&self, fingerprint: &str, until: Timestamp, now: Timestamp) -> Result<()> {
        let sent = self
            .0
            .update(key_of(fingerprint))
            .update_expression("SET revoked_at = :now, #ttl = :until")
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":now", number(now.unix()))
            .expression_attribute_values(":until", number(until.plus(LEEWAY_SECONDS).unix()))
            .send()
            .await;
        sent.or_unavailable("UpdateItem").map(drop)
    }
}
