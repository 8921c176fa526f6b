//! Lists as Cube's clients page through them.

use deserr::Deserr;
use serde::Serialize;

use vitrine_rules::json::input::{Invalid, Wrong};
use vitrine_rules::paging::{Page, Paging, parse_limit};

/// The page of a list that is asked for.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct ConnectionQuery {
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    first: Option<i32>,
    /// `pageInfo.endCursor` of the previous page.
    #[deserr(default)]
    after: Option<String>,
}

impl ConnectionQuery {
    pub fn paging(&self) -> Paging {
        paging(self.first, self.after.as_ref())
    }
}

/// The page of a list that can be searched.
#[derive(Debug, Deserr)]
#[deserr(error = Invalid, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct SearchQuery {
    /// Part of a name, in upper or lower case.
    #[deserr(default)]
    search: Option<String>,
    /// 1 to 1000; 100 by default.
    #[deserr(default, try_from(String) = parse_limit -> Wrong)]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    first: Option<i32>,
    /// `pageInfo.endCursor` of the previous page.
    #[deserr(default)]
    after: Option<String>,
}

impl SearchQuery {
    pub fn paging(&self) -> Paging {
        paging(self.first, self.after.as_ref())
    }

    /// The text that is searched for, if any.
    pub fn text(&self) -> Option<&str> {
        self.search.as_deref().map(str::trim).filter(|search| !search.is_empty())
    }
}

/// An empty cursor asks for the first page.
pub fn paging(first: Option<i32>, after: Option<&String>) -> Paging {
    Paging::new(first, after.filter(|after| !after.is_empty()).cloned())
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Items<T> {
    pub items: Vec<T>,
    #[serde(rename = "pageInfo")]
    pub page_info: PageInfo,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageInfo {
    /// `after` of the next page.
    pub end_cursor: Option<String>,
    pub has_next_page: bool,
    pub has_previous_page: bool,
}

impl<T> Items<T> {
    /// The page that was found for `paging`.
    pub fn of<S: Into<T>>(page: Page<S>, paging: &Paging) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            page_info: PageInfo {
                end_cursor: page.end,
                has_next_page: page.has_next,
                has_previous_page: paging.after.is_some(),
            },
        }
    }
}
