//! The shape of every list of the native API.

use serde::Serialize;

use vitrine_rules::paging::Page;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct List<T> {
    pub items: Vec<T>,
    /// `cursor` of the next page; null at the end. A page can be short, even empty, before the end.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn of<S: Into<T>>(page: Page<S>) -> Self {
        let next_cursor = page.next().map(str::to_owned);
        Self { items: page.items.into_iter().map(Into::into).collect(), next_cursor }
    }
}
