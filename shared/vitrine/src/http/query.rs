//! Query strings of our own routes: known names only, each once.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use deserr::Deserr;
use serde_json::{Map, Value};

use super::problem::{HttpError, HttpResult};
use crate::aws::storage::Paging;
use crate::aws::storage::table::cursor::{DEFAULT_LIMIT, MAX_LIMIT};
use vitrine_rules::error::Error;
use vitrine_rules::json::input::{self, Invalid, Wrong};

#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: Deserr<Invalid>> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> HttpResult<Self> {
        let mut values = Map::new();
        for (name, value) in pairs(parts.uri.query().unwrap_or_default()) {
            if values.insert(name.clone(), Value::String(value)).is_some() {
                return Err(Error::invalid(name, "is given twice").into());
            }
        }
        Ok(Self(input::read(Value::Object(values))?))
    }
}

/// What a query string says, in its order.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// Which part of a list.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct PageQuery {
    /// 1 to 1000; 100 if not said.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    pub limit: Option<i32>,
    /// `next_cursor` of the page before.
    #[deserr(default)]
    pub cursor: Option<String>,
}

/// Which part of a list, as Cube's clients ask for it.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct ConnectionQuery {
    /// 1 to 1000; 100 if not said.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    pub first: Option<i32>,
    /// `pageInfo.endCursor` of the part before.
    #[deserr(default)]
    pub after: Option<String>,
}

/// The same, of what can be searched.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
pub struct SearchQuery {
    /// Part of a name, in whatever case.
    #[deserr(default)]
    pub search: Option<String>,
    /// 1 to 1000; 100 if not said.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    pub first: Option<i32>,
    /// `pageInfo.endCursor` of the part before.
    #[deserr(default)]
    pub after: Option<String>,
}

impl SearchQuery {
    /// What is searched for, if anything.
    pub fn sought(&self) -> Option<&str> {
        self.search.as_deref().map(str::trim).filter(|search| !search.is_empty())
    }
}

/// A part of a list, by length and place.
pub fn paging(first: Option<i32>, after: Option<String>) -> Paging {
    let first = first.unwrap_or(DEFAULT_LIMIT);
    Paging {
        first: usize::try_from(first).unwrap_or_default(),
        after: after.filter(|after| !after.is_empty()),
    }
}

/// For a field of a query that is `true` or `false`.
pub fn parse_switch(text: String) -> std::result::Result<Option<bool>, Wrong> {
    match text.as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(Wrong("must be true or false")),
    }
}

/// For a field of a query that says how long a page may be.
pub fn parse_limit(text: String) -> std::result::Result<Option<i32>, Wrong> {
    match text.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(Some(limit)),
        _ => Err(Wrong("must be a number from 1 to 1000")),
    }
}
