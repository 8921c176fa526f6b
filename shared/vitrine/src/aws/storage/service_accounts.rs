//! Service accounts and their tokens, under the account's name.
//!
//! The index `directory` lists the accounts by name. Those that were stored by a release without this list are in it once they change.

use std::collections::BTreeSet;

use super::table::document;
use super::table::range::{Range, grants_with_cursors};
use super::table::schema::{DIRECTORY, POSITION, TTL};
use super::table::transaction::{Outcome, Transaction};
use super::table::{DynamoTable, Item, key, number, text, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant, allow_all};
use crate::aws::environment::Environment;
use crate::aws::storage::table::{DIRECTORY_INDEX, TABLE};
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{MAX_LIMIT, Page, Paging};
use vitrine_rules::random;
use vitrine_rules::viewer::email::Email;
use vitrine_rules::viewer::service_account::{AccountName, AccountToken, ServiceAccount, Username};

const ACCOUNT: &str = "account";
const TOKEN: &str = "token#";
const FINGERPRINT: &str = "fingerprint";
const ACCOUNT_ID: &str = "account_id";
const USERNAME: &str = "username";
/// The partition of the index that lists the accounts. Those of users have another beginning.
const ACCOUNTS: &str = "accounts";
/// The text that a search looks into.
const SEARCH: &str = "search";

fn partition(username: &Username) -> String {
    format!("account#{}", username.folded())
}

pub(super) fn key_of(username: &Username) -> Item {
    key(&partition(username), ACCOUNT)
}

/// The item that makes an address belong to one account. Its conditions make that safe: no index can.
fn email_key(email: &Email) -> Item {
    key(&format!("account-email#{}", email.folded()), ACCOUNT)
}

fn token_key(username: &Username, id: &str) -> Item {
    key(&partition(username), &format!("{TOKEN}{id}"))
}

pub(super) fn from_item(item: &Item) -> Result<ServiceAccount> {
    document::read(item, "account")
}

/// Finds an account, and authenticates its tokens.
#[derive(Debug, Clone)]
pub struct AccountReader(DynamoTable);

impl Capability for AccountReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl AccountReader {
    pub async fn find(&self, username: &Username) -> Result<Option<ServiceAccount>> {
        self.0.get(key_of(username)).await?.as_ref().map(from_item).transpose()
    }

    pub async fn find_named(&self, name: &AccountName) -> Result<Option<ServiceAccount>> {
        match name {
            AccountName::Username(username) => self.find(username).await,
            AccountName::Email(email) => self.find_by_email(email).await,
        }
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<ServiceAccount>> {
        let Some(owned) = self.0.get(email_key(email)).await? else { return Ok(None) };
        let username = text_of(&owned, USERNAME).and_then(|name| name.parse().ok());
        let account = self.find(&username.ok_or_else(|| unreadable("account email"))?).await?;
        // The account may have changed between the two reads.
        let has_it =
            |account: &ServiceAccount| account.email.as_ref().map(Email::folded) == Some(email.folded());
        Ok(account.filter(has_it))
    }

    /// The record of the token under `id`, if this is its fingerprint.
    pub async fn authenticate(
        &self,
        username: &Username,
        id: &str,
        fingerprint: &str,
    ) -> Result<Option<AccountToken>> {
        let Some(item) = self.0.get(token_key(username, id)).await? else { return Ok(None) };
        let stored = text_of(&item, FINGERPRINT).ok_or_else(|| unreadable("account token"))?;
        if !random::equal(stored, fingerprint) {
            return Ok(None);
        }
        document::read(&item, "account token").map(Some)
    }

    /// Returns whether the account has a token with this id.
    pub async fn has_token(&self, username: &Username, id: &str) -> Result<bool> {
        Ok(self.0.get(token_key(username, id)).await?.is_some())
    }
}

/// Lists accounts.
#[derive(Debug, Clone)]
pub struct AccountLister(DynamoTable);

impl Capability for AccountLister {
    fn grants() -> BTreeSet<Grant> {
        grants_with_cursors([DIRECTORY_INDEX.allow("dynamodb:Query")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl AccountLister {
    /// The accounts in the order of their names. `search` is part of a name or of an email address, in whatever case.
    pub async fn list(&self, search: Option<&str>, paging: &Paging) -> Result<Page<ServiceAccount>> {
        let range = Range::of_index(&self.0, DIRECTORY, ACCOUNTS).with(|query| match search {
            None => query,
            Some(search) => query
                .filter_expression("contains(#search, :search)")
                .expression_attribute_names("#search", SEARCH)
                .expression_attribute_values(":search", text(search.to_lowercase())),
        });
        range.page(paging, |item| from_item(&item).map(Some)).await
    }
}

/// Lists and ends the tokens of accounts, and can neither create one nor change an account.
#[derive(Debug, Clone)]
pub struct AccountTokens(AccountWriter);

impl Capability for AccountTokens {
    fn grants() -> BTreeSet<Grant> {
        let remove = TABLE.items("account#*").allow("dynamodb:DeleteItem");
        grants_with_cursors([TABLE.allow("dynamodb:Query"), remove])
    }

    fn connect(environment: &Environment) -> Self {
        Self(AccountWriter::connect(environment))
    }
}

impl AccountTokens {
    /// The tokens of this account that have not expired, a thousand at most. Those of an earlier account of its name are
    /// none.
    pub async fn of(&self, account: &ServiceAccount, now: Timestamp) -> Result<Vec<AccountToken>> {
        let page = self.0.tokens(&account.username).await?;
        let mine = |token: &AccountToken| token.account == account.id && !token.is_expired(now);
        Ok(page.items.into_iter().filter(mine).collect())
    }

    pub async fn end(&self, account: &ServiceAccount, id: &str) -> Result<()> {
        self.0.delete_token(&account.username, id).await
    }
}

/// Creates, changes and removes accounts and their tokens.
#[derive(Debug, Clone)]
pub struct AccountWriter(DynamoTable);

impl Capability for AccountWriter {
    fn grants() -> BTreeSet<Grant> {
        let items = [TABLE.items("account#*"), TABLE.items("account-email#*")];
        let mut grants = allow_all(&items, &["dynamodb:PutItem", "dynamodb:DeleteItem"]);
        grants.insert(TABLE.allow("dynamodb:Query"));
        grants_with_cursors(grants)
    }

    fn connect(environment: &Environment) -> Self {
        Self(DynamoTable::of(environment))
    }
}

impl AccountWriter {
    /// Stores a new account, or [`Reason::NameTaken`] or [`Reason::EmailTaken`].
    pub async fn create(&self, account: &ServiceAccount) -> Result<()> {
        let mut transaction = Transaction::on(&self.0);
        // The SDK sends a request again when its answer is lost: the same account is no conflict.
        transaction.put(Write::Account, account_item(account)?, |put| {
            put.condition_expression(NOT_OF_ANOTHER).expression_attribute_values(":id", text(&account.id))
        })?;
        own_email(&mut transaction, account)?;
        let outcome = transaction.commit().await?;
        if outcome.failed(&Write::Account) { Err(Reason::NameTaken.into()) } else { written(outcome) }
    }

    /// Replaces `seen`, or [`Reason::Conflict`] if it was changed since it was read, or [`Reason::EmailTaken`].
    pub async fn replace(&self, account: &ServiceAccount, seen: &ServiceAccount) -> Result<()> {
        let mut transaction = Transaction::on(&self.0);
        transaction.put(Write::Account, account_item(account)?, |put| {
            put.condition_expression("account_id = :id AND revision = :seen")
                .expression_attribute_values(":id", text(&seen.id))
                .expression_attribute_values(":seen", number(seen.revision))
        })?;
        if account.email.as_ref().map(Email::folded) != seen.email.as_ref().map(Email::folded) {
            own_email(&mut transaction, account)?;
            disown_email(&mut transaction, seen)?;
        }
        written(transaction.commit().await?)
    }

    /// Removes an account, its tokens first, so that an interrupted removal can be repeated. [`Reason::Conflict`] if
    /// it was changed since it was read, because its email address may be another by now.
    pub async fn delete(&self, seen: &ServiceAccount) -> Result<()> {
        loop {
            let page = self.tokens(&seen.username).await?;
            for token in &page.items {
                self.delete_token(&seen.username, &token.id).await?;
            }
            if !page.has_next {
                break;
            }
        }
        let mut transaction = Transaction::on(&self.0);
        transaction.delete(Write::Account, key_of(&seen.username), |delete| {
            delete
                .condition_expression("attribute_not_exists(pk) OR (account_id = :id AND revision = :seen)")
                .expression_attribute_values(":id", text(&seen.id))
                .expression_attribute_values(":seen", number(seen.revision))
        })?;
        disown_email(&mut transaction, seen)?;
        transaction.commit().await?.or_conflict()
    }

    /// Stores a token, or [`Reason::Conflict`] if the account has one of that name. A token that has expired, or
    /// that belonged to an earlier account of this name, is replaced.
    pub async fn create_token(
        &self,
        username: &Username,
        token: &AccountToken,
        shown: &str,
        now: Timestamp,
    ) -> Result<()> {
        let fingerprint = random::fingerprint(shown);
        let mut item = token_key(username, &token.id);
        document::write(&mut item, token)?;
        item.insert(FINGERPRINT.to_owned(), text(&fingerprint));
        item.insert(ACCOUNT_ID.to_owned(), text(&token.account));
        if let Some(expires) = token.expires_at {
            item.insert(TTL.to_owned(), number(expires.unix()));
        }
        let put = self.0.put(item).condition_expression(
            "attribute_not_exists(pk) OR fingerprint = :same OR account_id <> :account OR #ttl <= :now",
        );
        let put = put.expression_attribute_names("#ttl", TTL);
        let put = put.expression_attribute_values(":same", text(&fingerprint));
        let put = put.expression_attribute_values(":account", text(&token.account));
        let put = put.expression_attribute_values(":now", number(now.unix()));
        put.send().await.or_refused("PutItem", Reason::Conflict).map(drop)
    }

    pub async fn delete_token(&self, username: &Username, id: &str) -> Result<()> {
        self.0.remove(token_key(username, id)).await
    }

    /// The first page of an account's tokens, as long as a page can be.
    pub async fn tokens(&self, username: &Username) -> Result<Page<AccountToken>> {
        let partition = partition(username);
        let range = Range::of(&self.0, &partition).starting_with(TOKEN);
        let paging = Paging::new(Some(MAX_LIMIT), None);
        range.page(&paging, |item| document::read(&item, "account token").map(Some)).await
    }
}

fn account_item(account: &ServiceAccount) -> Result<Item> {
    let mut item = key_of(&account.username);
    document::write(&mut item, account)?;
    item.insert(ACCOUNT_ID.to_owned(), text(&account.id));
    item.insert("revision".to_owned(), number(account.revision));
    let name = account.username.folded();
    let email = account.email.as_ref().map(Email::folded).unwrap_or_default();
    item.insert(DIRECTORY.to_owned(), text(ACCOUNTS));
    item.insert(SEARCH.to_owned(), text(format!("{name}\n{email}")));
    item.insert(POSITION.to_owned(), text(name));
    Ok(item)
}

/// A write of a transaction, by what it writes.
#[derive(Debug, PartialEq, Eq)]
enum Write {
    Account,
    Email,
    FormerEmail,
}

const NOT_OF_ANOTHER: &str = "attribute_not_exists(pk) OR account_id = :id";

fn own_email(transaction: &mut Transaction<Write>, account: &ServiceAccount) -> Result<()> {
    let Some(email) = &account.email else { return Ok(()) };
    let mut item = email_key(email);
    item.insert(USERNAME.to_owned(), text(account.username.to_string()));
    item.insert(ACCOUNT_ID.to_owned(), text(&account.id));
    transaction.put(Write::Email, item, |put| {
        put.condition_expression(NOT_OF_ANOTHER).expression_attribute_values(":id", text(&account.id))
    })
}

fn disown_email(transaction: &mut Transaction<Write>, account: &ServiceAccount) -> Result<()> {
    let Some(email) = &account.email else { return Ok(()) };
    transaction.delete(Write::FormerEmail, email_key(email), |delete| {
        delete.condition_expression(NOT_OF_ANOTHER).expression_attribute_values(":id", text(&account.id))
    })
}

/// The result of a transaction: an address that is taken is final, and everything else is worth another attempt.
fn written(outcome: Outcome<Write>) -> Result<()> {
    let is_current = !outcome.failed(&Write::Account);
    if is_current && outcome.failed(&Write::Email) {
        Err(Reason::EmailTaken.into())
    } else {
        outcome.or_conflict()
    }
}
