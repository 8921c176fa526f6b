//! A part of a list on the wire, as Cube's clients read it.

use serde::Serialize;

use crate::aws::storage::Connection;

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
    /// `after` of the part that follows.
    pub end_cursor: Option<String>,
    pub has_next_page: bool,
    pub has_previous_page: bool,
}

impl<T> Items<T> {
    /// `is_first`: nothing comes before.
    pub fn of<S: Into<T>>(connection: Connection<S>, is_first: bool) -> Self {
        Self {
            items: connection.items.into_iter().map(Into::into).collect(),
            page_info: PageInfo {
                end_cursor: connection.end,
                has_next_page: connection.has_next,
                has_previous_page: !is_first,
            },
        }
    }
}
