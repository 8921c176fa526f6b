//! `/v1/users`: service accounts and their tokens, in MotherDuck's API. Unknown fields are ignored on the way in. The list of all accounts is
//! an extension.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use serde_json::Value;
use vitrine::app::change_account::{AccountChange, AccountChanger};
use vitrine::app::create_account::AccountCreator;
use vitrine::app::remove_account::AccountRemover;
use vitrine::aws::storage::{AccountLister, AccountReader, AccountWriter};
use vitrine::http::caller::StackAdmin;
use vitrine::http::{Allowed, HttpResult, List, Query, TolerantJson};
use vitrine::rules::clock::{Clock, Timestamp};
use vitrine::rules::error::{Error, Issue, Reason, Result};
use vitrine::rules::json::input::{Check, Invalid, Patch, Wrong};
use vitrine::rules::paging::{Paging, parse_limit};
use vitrine::rules::random;
use vitrine::rules::resource::parameter::is_value;
use vitrine::rules::viewer::email::Email;
use vitrine::rules::viewer::role::Role;
use vitrine::rules::viewer::service_account::{self, AccountToken, ServiceAccount, TokenType, Username};

const MAX_ATTRIBUTES_BYTES: usize = 16 * 1024;
const TTL_SECONDS: std::ops::RangeInclusive<i64> = 300..=31_536_000;

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountInput {
    /// 3 to 255 letters, digits and underscores, starting with a letter.
    #[deserr(try_from(String) = parse_username -> Wrong)]
    username: Username,
    /// An extension of MotherDuck's API; the default is member.
    #[deserr(default)]
    role: Option<Role>,
    /// An extension of MotherDuck's API: attributes of the viewer in every view of this account.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, vitrine::rules::resource::parameter::AnyValue>>))]
    attributes: Option<BTreeMap<String, Value>>,
    /// An extension of MotherDuck's API: at most 320 bytes, of no other account in upper or lower case.
    #[deserr(default)]
    email: Option<Email>,
}

fn parse_username(text: String) -> std::result::Result<Username, Wrong> {
    text.parse()
}

impl Check for AccountInput {
    fn problems(&self) -> Vec<Issue> {
        attribute_problems(self.attributes.as_ref())
    }
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountPatch {
    #[deserr(default)]
    role: Option<Role>,
    /// Replaces all attributes.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, vitrine::rules::resource::parameter::AnyValue>>))]
    attributes: Option<BTreeMap<String, Value>>,
    /// Null removes the address.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Email>))]
    email: Patch<Email>,
}

impl Check for AccountPatch {
    fn problems(&self) -> Vec<Issue> {
        attribute_problems(self.attributes.as_ref())
    }
}

fn attribute_problems(attributes: Option<&BTreeMap<String, Value>>) -> Vec<Issue> {
    let Some(attributes) = attributes else { return Vec::new() };
    let mut issues: Vec<_> = attributes
        .iter()
        .filter(|(_, value)| !is_value(value))
        .map(|(name, _)| Issue::new(format!("attributes.{name}"), "must be a single value or a list of them"))
        .collect();
    if serde_json::to_string(attributes).map_or(0, |text| text.len()) > MAX_ATTRIBUTES_BYTES {
        issues.push(Issue::new("attributes", "must be at most 16 KiB together"));
    }
    issues
}

#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenInput {
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 255))]
    name: String,
    /// Seconds, 300 to 31536000; if omitted, the token does not expire.
    #[deserr(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 300, maximum = 31536000))]
    ttl: Option<i64>,
    #[deserr(default, try_from(Option<String>) = parse_token_type -> Wrong)]
    token_type: Option<TokenType>,
}

fn parse_token_type(word: Option<String>) -> std::result::Result<Option<TokenType>, Wrong> {
    match word.as_deref() {
        None => Ok(None),
        Some("read_write") => Ok(Some(TokenType::ReadWrite)),
        Some("read_scaling") => Ok(Some(TokenType::ReadScaling)),
        Some(_) => Err(Wrong("must be one of: read_write, read_scaling")),
    }
}

impl Check for TokenInput {
    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        if self.name.is_empty() || self.name.chars().count() > 255 {
            issues.push(Issue::new("name", "must be 1 to 255 characters"));
        }
        if self.ttl.is_some_and(|ttl| !TTL_SECONDS.contains(&ttl)) {
            issues.push(Issue::new("ttl", "must be 300 to 31536000 seconds"));
        }
        issues
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    username: Username,
    role: Role,
    attributes: BTreeMap<String, Value>,
    email: Option<Email>,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_ts: Timestamp,
}

impl From<ServiceAccount> for Account {
    fn from(account: ServiceAccount) -> Self {
        Self {
            username: account.username,
            role: account.role,
            attributes: account.attributes,
            email: account.email,
            created_ts: account.created_at,
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    id: String,
    name: String,
    token_type: TokenType,
    read_only: bool,
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    created_ts: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    expire_at: Option<Timestamp>,
}

impl From<AccountToken> for Token {
    fn from(token: AccountToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            read_only: token.token_type == TokenType::ReadScaling,
            token_type: token.token_type,
            created_ts: token.created_at,
            expire_at: token.expires_at,
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenCreated {
    /// The token itself, shown only in this response.
    token: String,
    #[serde(flatten)]
    record: Token,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenList {
    tokens: Vec<Token>,
}

/// Create a service account.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/users", tag = "service accounts",
    description = "Admin of the whole stack only. 409 if the name or the email address is taken; both are case-insensitive.",
    request_body = AccountInput, responses((status = 200, body = Account), (status = 409))
))]
pub async fn create(
    _: Allowed<StackAdmin>,
    State(accounts): State<AccountCreator>,
    State(clock): State<Clock>,
    TolerantJson(input): TolerantJson<AccountInput>,
) -> HttpResult<axum::Json<Account>> {
    let account = ServiceAccount {
        id: random::short_id()?,
        username: input.username,
        role: input.role.unwrap_or(Role::Member),
        attributes: input.attributes.unwrap_or_default(),
        email: input.email,
        created_at: clock.now(),
        revision: 1,
    };
    accounts.create(&account).await?;
    Ok(axum::Json(account.into()))
}

/// Accounts of a list.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct AccountQuery {
    /// Part of a name or of an email address, in upper or lower case.
    #[deserr(default)]
    search: Option<String>,
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    limit: Option<i32>,
    /// `next_cursor` of the previous page.
    #[deserr(default)]
    cursor: Option<String>,
}

/// List the service accounts.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/users", tag = "service accounts", params(AccountQuery),
    description = "Admin of the whole stack only. In the order of the names; a change is in the list within a few seconds. Accounts of release 0.1 are in it once they change, be it by an empty `PATCH`.",
    responses((status = 200, body = List<Account>))
))]
pub async fn list(
    _: Allowed<StackAdmin>,
    State(lister): State<AccountLister>,
    Query(query): Query<AccountQuery>,
) -> HttpResult<axum::Json<List<Account>>> {
    let search = query.search.as_deref().filter(|search| !search.is_empty());
    let page = lister.list(search, &Paging::new(query.limit, query.cursor)).await?;
    Ok(axum::Json(List::of(page)))
}

/// Read a service account.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/users/{username}", tag = "service accounts", params(("username" = vitrine::rules::viewer::service_account::Username, Path,)),
    description = "Admin of the whole stack only.",
    responses((status = 200, body = Account))
))]
pub async fn get(
    _: Allowed<StackAdmin>,
    State(reader): State<AccountReader>,
    Path(username): Path<String>,
) -> HttpResult<axum::Json<Account>> {
    Ok(find(&reader, &username).await.map(|account| axum::Json(account.into()))?)
}

/// Change a service account's role, attributes or email address.
#[cfg_attr(feature = "openapi", utoipa::path(
    patch, path = "/v1/users/{username}", tag = "service accounts", params(("username" = vitrine::rules::viewer::service_account::Username, Path,)),
    description = "Admin of the whole stack only. Takes effect in its views within `ResourceCacheSeconds`.",
    request_body = AccountPatch, responses((status = 200, body = Account), (status = 409))
))]
pub async fn update(
    _: Allowed<StackAdmin>,
    State(changer): State<AccountChanger>,
    Path(username): Path<String>,
    TolerantJson(input): TolerantJson<AccountPatch>,
) -> HttpResult<axum::Json<Account>> {
    let change = AccountChange { role: input.role, attributes: input.attributes, email: input.email };
    Ok(axum::Json(changer.change(&parse_account_name(&username)?, &change).await?.into()))
}

/// Delete a service account.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/users/{username}", tag = "service accounts", params(("username" = vitrine::rules::viewer::service_account::Username, Path,)),
    description = "Admin of the whole stack only. Ends its tokens at once and its embed sessions within `ResourceCacheSeconds`.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete(
    _: Allowed<StackAdmin>,
    State(remover): State<AccountRemover>,
    Path(username): Path<String>,
) -> HttpResult<StatusCode> {
    remover.remove(&parse_account_name(&username)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Create a token for a service account.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/v1/users/{username}/tokens", tag = "service accounts", params(("username" = vitrine::rules::viewer::service_account::Username, Path,)),
    description = "Admin of the whole stack only. 409 if the account has a token of this name. The token ends no later than your own key.",
    request_body = TokenInput, responses((status = 200, body = TokenCreated), (status = 409))
))]
pub async fn create_token(
    caller: Allowed<StackAdmin>,
    State(reader): State<AccountReader>,
    State(writer): State<AccountWriter>,
    State(clock): State<Clock>,
    Path(username): Path<String>,
    TolerantJson(input): TolerantJson<TokenInput>,
) -> HttpResult<axum::Json<TokenCreated>> {
    let account = find(&reader, &username).await?;
    let now = clock.now();
    let record = AccountToken {
        id: AccountToken::id_of(&input.name),
        name: input.name,
        token_type: input.token_type.unwrap_or(TokenType::ReadWrite),
        account: account.id,
        created_at: now,
        expires_at: caller.key.end_within(input.ttl.map(|ttl| now.plus(ttl)))?,
    };
    let token = service_account::new_token(&account.username, &record.id)?;
    writer.create_token(&account.username, &record, &token, now).await.map_err(name_taken)?;
    Ok(axum::Json(TokenCreated { token, record: record.into() }))
}

/// List a service account's tokens.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/v1/users/{username}/tokens", tag = "service accounts", params(("username" = vitrine::rules::viewer::service_account::Username, Path,)),
    description = "Admin of the whole stack only. Never shows a token.",
    responses((status = 200, body = TokenList))
))]
pub async fn list_tokens(
    _: Allowed<StackAdmin>,
    State(reader): State<AccountReader>,
    State(writer): State<AccountWriter>,
    State(clock): State<Clock>,
    Path(username): Path<String>,
) -> HttpResult<axum::Json<TokenList>> {
    let account = find(&reader, &username).await?;
    // MotherDuck has no pages here; a thousand tokens of one account are enough for anybody.
    let page = writer.tokens(&account.username).await?;
    let now = clock.now();
    let mine = page.items.into_iter().filter(|token| token.account == account.id && !token.is_expired(now));
    Ok(axum::Json(TokenList { tokens: mine.map(Token::from).collect() }))
}

/// Delete a token of a service account.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/v1/users/{username}/tokens/{id}", tag = "service accounts",
    params(("username" = vitrine::rules::viewer::service_account::Username, Path,), ("id" = vitrine::rules::forms::AccountTokenId, Path,)),
    description = "Admin of the whole stack only. The next request with it is refused.",
    responses((status = 204, description = "Removed"), (status = 409))
))]
pub async fn delete_token(
    _: Allowed<StackAdmin>,
    State(reader): State<AccountReader>,
    State(writer): State<AccountWriter>,
    Path((username, id)): Path<(String, String)>,
) -> HttpResult<StatusCode> {
    let username = parse_account_name(&username)?;
    if !AccountToken::is_id(&id) || !reader.has_token(&username, &id).await? {
        return Err(Reason::AccountNotFound.into());
    }
    writer.delete_token(&username, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(reader: &AccountReader, username: &str) -> Result<ServiceAccount> {
    reader.find(&parse_account_name(username)?).await?.ok_or(Reason::AccountNotFound.into())
}

/// An invalid name is 404, like an unknown one.
fn parse_account_name(username: &str) -> Result<Username> {
    username.parse().map_err(|_| Reason::AccountNotFound.into())
}

fn name_taken(error: Error) -> Error {
    if error.reason == Reason::Conflict { Reason::NameTaken.into() } else { error }
}
