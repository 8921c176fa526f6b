//! Service accounts and their tokens, under the account's name.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;

use super::table::document;
use super::table::range::Range;
use super::table::schema::TTL;
use super::table::{Item, Table, key, number, text, text_of, unreadable};
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use crate::aws::environment::Environment;
use crate::aws::storage::table::TABLE;
use vitrine_rules::clock::Timestamp;
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{MAX_LIMIT, Page, Paging};
use vitrine_rules::random;
use vitrine_rules::viewer::service_account::{AccountToken, ServiceAccount, Username};

const ACCOUNT: &str = "account";
const TOKEN: &str = "token#";
const FINGERPRINT: &str = "fingerprint";

fn partition(username: &Username) -> String {
    format!("account#{}", username.folded())
}

pub(super) fn key_of(username: &Username) -> Item {
    key(&partition(username), ACCOUNT)
}

fn token_key(username: &Username, id: &str) -> Item {
    key(&partition(username), &format!("{TOKEN}{id}"))
}

pub(super) fn from_item(item: &Item) -> Result<ServiceAccount> {
    document::read(item, "account")
}

/// Finds an account, and authenticates its tokens.
#[derive(Debug, Clone)]
pub struct AccountReader(Table);

impl Capability for AccountReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([TABLE.allow("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl AccountReader {
    pub async fn find(&self, username: &Username) -> Result<Option<ServiceAccount>> {
        self.0.get(key_of(username)).await?.as_ref().map(from_item).transpose()
    }

    /// The record of the token under `id`, if `shown` is that token.
    pub async fn authenticate(
        &self,
        username: &Username,
        id: &str,
        shown: &str,
    ) -> Result<Option<AccountToken>> {
        let Some(item) = self.0.get(token_key(username, id)).await? else { return Ok(None) };
        let stored = text_of(&item, FINGERPRINT).ok_or_else(|| unreadable("account token"))?;
        if !random::equal(stored, &random::fingerprint(shown)) {
            return Ok(None);
        }
        document::read(&item, "account token").map(Some)
    }

    /// Returns whether the account has a token with this id.
    pub async fn has_token(&self, username: &Username, id: &str) -> Result<bool> {
        Ok(self.0.get(token_key(username, id)).await?.is_some())
    }
}

/// Creates, changes and removes accounts and their tokens.
#[derive(Debug, Clone)]
pub struct AccountWriter(Table);

impl Capability for AccountWriter {
    fn grants() -> BTreeSet<Grant> {
        let accounts = TABLE.items("account#*");
        [
            accounts.allow("dynamodb:PutItem"),
            accounts.allow("dynamodb:DeleteItem"),
            TABLE.allow("dynamodb:Query"),
        ]
        .into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl AccountWriter {
    /// Stores a new account, or [`Reason::Conflict`] if there is one of that name.
    pub async fn create(&self, account: &ServiceAccount) -> Result<()> {
        let put = self.0.put(account_item(account)?);
        // The SDK sends a request again when its answer is lost: the same account is no conflict.
        let put = put.condition_expression("attribute_not_exists(pk) OR account_id = :id");
        write(put.expression_attribute_values(":id", text(&account.id))).await
    }

    /// Replaces `seen`, or [`Reason::Conflict`] if it was changed since it was read.
    pub async fn replace(&self, account: &ServiceAccount, seen: &ServiceAccount) -> Result<()> {
        let put = self.0.put(account_item(account)?);
        let put = put.condition_expression("account_id = :id AND revision = :seen");
        let put = put.expression_attribute_values(":id", text(&seen.id));
        write(put.expression_attribute_values(":seen", number(seen.revision))).await
    }

    /// Removes an account, its tokens first, so that an interrupted removal can be repeated.
    pub async fn delete(&self, username: &Username) -> Result<()> {
        loop {
            let page = self.tokens(username).await?;
            for token in &page.items {
                self.delete_token(username, &token.id).await?;
            }
            if !page.has_next {
                return self.0.remove(key_of(username)).await;
            }
        }
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
        item.insert("account_id".to_owned(), text(&token.account));
        if let Some(expires) = token.expires_at {
            item.insert(TTL.to_owned(), number(expires.unix()));
        }
        let put = self.0.put(item).condition_expression(
            "attribute_not_exists(pk) OR fingerprint = :same OR account_id <> :account OR #ttl <= :now",
        );
        let put = put.expression_attribute_names("#ttl", TTL);
        let put = put.expression_attribute_values(":same", text(&fingerprint));
        let put = put.expression_attribute_values(":account", text(&token.account));
        write(put.expression_attribute_values(":now", number(now.unix()))).await
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
    item.insert("account_id".to_owned(), text(&account.id));
    item.insert("revision".to_owned(), number(account.revision));
    Ok(item)
}

async fn write(put: PutItemFluentBuilder) -> Result<()> {
    put.send().await.or_refused("PutItem", Reason::Conflict).map(drop)
}
