//! Query strings of native routes: known names only, each at most once.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use deserr::Deserr;
use serde_json::{Map, Value};

use super::problem::{HttpError, HttpResult};
use vitrine_rules::error::Error;
use vitrine_rules::json::input::{self, Invalid, Wrong};
use vitrine_rules::paging::{Paging, parse_limit};

#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: Deserr<Invalid>> FromRequestParts<S> for Query<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> HttpResult<Self> {
        let mut values = Map::new();
        for (name, value) in pairs(parts.uri.query().unwrap_or_default()) {
            if values.insert(name.clone(), Value::String(value)).is_some() {
                let subject = if name.is_empty() { "the empty name " } else { "" };
                return Err(Error::invalid(name, format!("{subject}is given twice")).into());
            }
        }
        Ok(Self(input::read(Value::Object(values))?))
    }
}

/// The fields of a query string, in its order.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// The page of a list that is asked for.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct PageQuery {
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    limit: Option<i32>,
    /// `next_cursor` of the previous page.
    #[deserr(default)]
    cursor: Option<String>,
}

impl PageQuery {
    pub fn paging(self) -> Paging {
        Paging::new(self.limit, self.cursor)
    }
}

/// Parses a field of a query string that is `true` or `false`.
pub fn parse_switch(text: String) -> std::result::Result<Option<bool>, Wrong> {
    match text.as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(Wrong("must be true or false")),
    }
}
