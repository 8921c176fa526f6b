//! Service accounts and their tokens, under the account's name.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;

use super::cursor::{self, Page};
use super::schema::{SORT, TTL};
use super::table::{Item, Table, key, number, text, text_of, unreadable};
use crate::account::{AccountToken, ServiceAccount, Username};
use crate::capability::{Capability, Grant};
use crate::environment::Environment;
use crate::error::{Error, Reason, Result};
use crate::outage::unavailable;
use crate::random;

const ACCOUNT: &str = "account";
const TOKEN: &str = "token#";
const DOCUMENT: &str = "document";
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
    read(item, "account")
}

fn read<T: serde::de::DeserializeOwned>(item: &Item, what: &'static str) -> Result<T> {
    text_of(item, DOCUMENT)
        .and_then(|document| serde_json::from_str(document).ok())
        .ok_or_else(|| unreadable(what))
}

/// Finds an account, and the token that somebody shows.
#[derive(Debug, Clone)]
pub struct AccountReader(Table);

impl Capability for AccountReader {
    fn grants() -> BTreeSet<Grant> {
        BTreeSet::from([Grant::Table("dynamodb:GetItem")])
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl AccountReader {
    pub async fn find(&self, username: &Username) -> Result<Option<ServiceAccount>> {
        self.get(key_of(username)).await?.as_ref().map(from_item).transpose()
    }

    /// The token under `id`, if `shown` is really it.
    pub async fn authenticate(
        &self,
        username: &Username,
        id: &str,
        shown: &str,
    ) -> Result<Option<AccountToken>> {
        let Some(item) = self.get(token_key(username, id)).await? else { return Ok(None) };
        let stored = text_of(&item, FINGERPRINT).ok_or_else(|| unreadable("account token"))?;
        if !random::equal(stored, &random::fingerprint(shown)) {
            return Ok(None);
        }
        read(&item, "account token").map(Some)
    }

    async fn get(&self, key: Item) -> Result<Option<Item>> {
        let answer = self
            .0
            .client
            .get_item()
            .table_name(&self.0.name)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable("GetItem", &error))?;
        Ok(answer.item)
    }
}

/// Keeps accounts and their tokens.
#[derive(Debug, Clone)]
pub struct AccountWriter(Table);

impl Capability for AccountWriter {
    fn grants() -> BTreeSet<Grant> {
        ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"].map(Grant::Table).into()
    }

    fn connect(environment: &Environment) -> Self {
        Self(Table::of(environment))
    }
}

impl AccountWriter {
    pub async fn create(&self, account: &ServiceAccount) -> Result<()> {
        let item = self.item(key_of(&account.username), account)?;
        self.put(item, "attribute_not_exists(pk)", None).await
    }

    /// Replaces an account that is still the same one.
    pub async fn replace(&self, account: &ServiceAccount) -> Result<()> {
        let item = self.item(key_of(&account.username), account)?;
        self.put(item, "account_id = :id", Some(&account.id)).await
    }

    /// Removes an account. That ends its sessions and tokens; what is left of the tokens is cleared away.
    pub async fn delete(&self, username: &Username) -> Result<()> {
        self.remove(key_of(username)).await?;
        let mut cursor = None;
        loop {
            let page = self.tokens(username, cursor.as_deref()).await?;
            for token in page.items {
                match self.delete_token(username, &token.id).await {
                    Err(error) if error.reason != Reason::AccountNotFound => return Err(error),
                    _ => {}
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    /// Files a token, or [`Reason::Conflict`] if the account has one of that name.
    pub async fn create_token(&self, username: &Username, token: &AccountToken, shown: &str) -> Result<()> {
        let mut item = self.item(token_key(username, &token.id), token)?;
        item.insert(FINGERPRINT.to_owned(), text(random::fingerprint(shown)));
        if let Some(expires) = token.expires_at {
            item.insert(TTL.to_owned(), number(expires.unix()));
        }
        self.put(item, "attribute_not_exists(pk)", None).await
    }

    pub async fn delete_token(&self, username: &Username, id: &str) -> Result<()> {
        self.remove(token_key(username, id)).await
    }

    pub async fn tokens(&self, username: &Username, cursor: Option<&str>) -> Result<Page<AccountToken>> {
        let start = cursor.map(cursor::decode).transpose()?.map(|sort| key(&partition(username), &sort));
        let answer = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pk = :account AND begins_with(sk, :tokens)")
            .expression_attribute_values(":account", text(partition(username)))
            .expression_attribute_values(":tokens", text(TOKEN))
            .limit(cursor::MAX_LIMIT)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| unavailable("Query", &error))?;
        let next = answer.last_evaluated_key().and_then(|key| text_of(key, SORT)).map(cursor::encode);
        let items = answer.items().iter().map(|item| read(item, "account token")).collect::<Result<_>>()?;
        Ok(Page { items, next })
    }

    fn item(&self, mut item: Item, document: &impl serde::Serialize) -> Result<Item> {
        let document = serde_json::to_value(document).map_err(Error::internal)?;
        if let Some(id) = document["id"].as_str() {
            item.insert("account_id".to_owned(), text(id));
        }
        item.insert(DOCUMENT.to_owned(), text(document.to_string()));
        Ok(item)
    }

    async fn put(&self, item: Item, condition: &str, id: Option<&str>) -> Result<()> {
        let mut put = self
            .0
            .client
            .put_item()
            .table_name(&self.0.name)
            .set_item(Some(item))
            .condition_expression(condition);
        if let Some(id) = id {
            put = put.expression_attribute_values(":id", text(id));
        }
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(PutItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Err(Reason::Conflict.into())
            }
            Err(error) => Err(unavailable("PutItem", &error)),
        }
    }

    async fn remove(&self, key: Item) -> Result<()> {
        let sent = self
            .0
            .client
            .delete_item()
            .table_name(&self.0.name)
            .set_key(Some(key))
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(DeleteItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Err(Reason::AccountNotFound.into())
            }
            Err(error) => Err(unavailable("DeleteItem", &error)),
        }
    }
}
