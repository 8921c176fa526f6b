//! Lists that clients expect whole, within what the response of a function can hold.
//!
//! Long descriptions are left out before items are. Items that do not fit are on the next page, which a `Link` names.

use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use vitrine::aws::storage::ResourceLister;
use vitrine::aws::storage::resources::Listing;
use vitrine::http::query::pairs;
use vitrine::rules::error::{Error, Result};
use vitrine::rules::paging::{MAX_LIMIT, Paging, parse_limit};
use vitrine::rules::resource::ResourceSummary;

/// The largest body, of the 6 MB that Lambda takes. The body is a text in a JSON document there, so it is counted as it
/// is written in one.
const MAX_BYTES: usize = 5_000_000;

/// The maximum length of a list that is not asked for in pages.
pub const MAX_ITEMS: usize = 10_000;

/// The number of pages of the table that one request reads.
pub const MAX_PAGES: usize = 40;

/// A description beyond this is long.
const LONG_BYTES: usize = 200;

/// A text that can be left out. One that is missing is null; one that was left out is not there.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Description(Option<Option<String>>);

impl Description {
    pub const fn of(text: Option<String>) -> Self {
        Self(Some(text))
    }

    pub const fn is_left_out(&self) -> bool {
        self.0.is_none()
    }

    fn is_long(&self) -> bool {
        self.0.as_ref().and_then(Option::as_ref).is_some_and(|text| text.len() > LONG_BYTES)
    }
}

/// An item of a list.
pub trait ListItem: Serialize + From<ResourceSummary> {
    fn description(&mut self) -> &mut Description;
}

/// The part of a list that fits into one response.
#[derive(Debug)]
pub struct WholeList<T> {
    pub items: Vec<T>,
    bytes: usize,
    /// Long descriptions are left out.
    is_short: bool,
}

impl<T: ListItem> WholeList<T> {
    pub const fn new() -> Self {
        Self { items: Vec::new(), bytes: 0, is_short: false }
    }

    /// Adds items if all of them fit, and returns whether they do.
    pub fn add(&mut self, mut items: Vec<T>) -> Result<bool> {
        if self.is_short {
            items.iter_mut().for_each(shorten);
        }
        let mut bytes = bytes_of(&items)?;
        if self.bytes + bytes > MAX_BYTES && !self.is_short {
            self.is_short = true;
            self.items.iter_mut().chain(&mut items).for_each(shorten);
            (self.bytes, bytes) = (bytes_of(&self.items)?, bytes_of(&items)?);
        }
        let fits = self.bytes + bytes <= MAX_BYTES && self.items.len() + items.len() <= MAX_ITEMS;
        if fits {
            self.bytes += bytes;
            self.items.append(&mut items);
        }
        Ok(fits)
    }
}

fn shorten(item: &mut impl ListItem) {
    let description = item.description();
    if description.is_long() {
        *description = Description(None);
    }
}

fn bytes_of(items: &[impl Serialize]) -> Result<usize> {
    items.iter().try_fold(0, |bytes, item| {
        let text = serde_json::to_string(item).map_err(Error::internal)?;
        let escaped = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        // The comma.
        Ok(bytes + text.len() + escaped + 1)
    })
}

/// The page that a request names, for clients that page.
#[derive(Debug, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct AskedPage {
    /// 1 to 1000. Without it, the list is not paged.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    limit: Option<i32>,
    /// From the `Link` of the previous page.
    cursor: Option<String>,
}

impl AskedPage {
    /// Reads the page from a query. Other names, which real clients send, have no effect.
    fn read(query: &str) -> Result<Self> {
        let mut asked = Self::default();
        for (name, value) in pairs(query) {
            match name.as_str() {
                "limit" => {
                    asked.limit = parse_limit(value).map_err(|wrong| Error::invalid("limit", wrong.0))?;
                }
                "cursor" => asked.cursor = Some(value),
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// Returns a list without items. The page that the query names is checked all the same.
pub fn empty<T>(query: &str) -> Result<(HeaderMap, axum::Json<Vec<T>>)> {
    AskedPage::read(query)?;
    Ok((HeaderMap::new(), axum::Json(Vec::new())))
}

/// Reads the list, or the page of it that the query names. `path` is where the list is found, with its filter.
pub async fn read<T: ListItem>(
    resources: &ResourceLister,
    listing: &Listing<'_>,
    path: &str,
    query: &str,
) -> Result<(HeaderMap, axum::Json<Vec<T>>)> {
    let asked = AskedPage::read(query)?;
    let pages = if asked.limit.is_some() || asked.cursor.is_some() { 1 } else { MAX_PAGES };
    let limit = asked.limit.unwrap_or(MAX_LIMIT);
    let mut whole = WholeList::new();
    let next = read_pages(resources, listing, Paging::new(Some(limit), asked.cursor), pages, |page| {
        whole.add(page.into_iter().map(T::from).collect())
    })
    .await?;
    let mut headers = HeaderMap::new();
    if let Some(next) = next {
        let mark = if path.contains('?') { '&' } else { '?' };
        let link = format!("<{path}{mark}limit={limit}&cursor={next}>; rel=\"next\"");
        headers.insert(header::LINK, HeaderValue::from_str(&link).map_err(Error::internal)?);
    }
    Ok((headers, axum::Json(whole.items)))
}

/// Reads at most this number of pages, until `take` does not take one. Returns the cursor of the first page that was not
/// taken, if there is one.
pub async fn read_pages(
    resources: &ResourceLister,
    listing: &Listing<'_>,
    mut paging: Paging,
    pages: usize,
    mut take: impl FnMut(Vec<ResourceSummary>) -> Result<bool>,
) -> Result<Option<String>> {
    for _ in 0..pages {
        let page = resources.list(listing, &paging).await?;
        let next = page.next().map(str::to_owned);
        if !take(page.items)? {
            break;
        }
        paging.after = next;
        if paging.after.is_none() {
            return Ok(None);
        }
    }
    Ok(paging.after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize)]
    struct Item {
        name: String,
        #[serde(skip_serializing_if = "Description::is_left_out")]
        description: Description,
    }

    impl From<ResourceSummary> for Item {
        fn from(summary: ResourceSummary) -> Self {
            Self { name: summary.title, description: Description::of(summary.description) }
        }
    }

    impl ListItem for Item {
        fn description(&mut self) -> &mut Description {
            &mut self.description
        }
    }

    fn items(count: usize, name: &str, description: &str) -> Vec<Item> {
        let item =
            || Item { name: name.to_owned(), description: Description::of(Some(description.to_owned())) };
        std::iter::repeat_with(item).take(count).collect()
    }

    /// The size of the body as Lambda gets it.
    fn body(list: &WholeList<Item>) -> usize {
        let body = serde_json::to_string(&list.items).unwrap();
        serde_json::to_string(&body).unwrap().len()
    }

    #[test]
    fn long_descriptions_are_left_out_before_items() {
        // Quotes take four bytes each.
        let mut list = WholeList::new();
        for _ in 0..9 {
            assert!(list.add(items(1_000, "n", &"\"".repeat(4_096))).unwrap());
        }
        assert_eq!(list.items.len(), 9_000);
        assert!(list.items.iter().all(|item| item.description.is_left_out()));
        assert!(body(&list) < 6_000_000, "{}", body(&list));
        assert!(!serde_json::to_string(&list.items).unwrap().contains("description"));
    }

    #[test]
    fn short_descriptions_stay() {
        let mut list = WholeList::new();
        assert!(list.add(items(1_000, "n", &"x".repeat(4_096))).unwrap());
        assert!(list.items.iter().all(|item| !item.description.is_left_out()));
        assert!(list.add(items(1_000, "n", &"x".repeat(LONG_BYTES))).unwrap());
        let left_out = list.items.iter().filter(|item| item.description.is_left_out()).count();
        assert_eq!(left_out, 0, "4.5 MB fit");
        assert!(list.add(items(1_000, "n", &"x".repeat(4_096))).unwrap());
        let left_out = list.items.iter().filter(|item| item.description.is_left_out()).count();
        assert_eq!(left_out, 2_000, "the long ones");
    }

    #[test]
    fn what_does_not_fit_is_not_added() {
        let mut list = WholeList::new();
        let mut pages = 0;
        while list.add(items(1_000, &"\"".repeat(255), &"x".repeat(200))).unwrap() {
            pages += 1;
        }
        assert!((3..10).contains(&pages), "{pages}");
        assert_eq!(list.items.len(), pages * 1_000);
        assert!(body(&list) < 6_000_000);

        let mut list = WholeList::new();
        for page in 1..=11 {
            assert_eq!(list.add(items(1_000, "n", "")).unwrap(), page <= 10, "{page}");
        }
        assert_eq!(list.items.len(), MAX_ITEMS);
    }
}
