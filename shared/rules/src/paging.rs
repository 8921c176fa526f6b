//! Pages of a list: the page that is asked for, and the page that is found.

use crate::json::input::Wrong;

/// Items on a page when no limit is given.
pub const DEFAULT_LIMIT: i32 = 100;
pub const MAX_LIMIT: i32 = 1_000;

/// The page that is asked for.
#[derive(Debug, Clone)]
pub struct Paging {
    pub limit: usize,
    /// Cursor of the last item before the page; none for the first page.
    pub after: Option<String>,
}

impl Paging {
    pub fn new(limit: Option<i32>, after: Option<String>) -> Self {
        Self { limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or_default(), after }
    }
}

/// A page of a list. It can be shorter than the limit, even empty, before the list ends.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Cursor of the place where the page ends.
    pub end: Option<String>,
    pub has_next: bool,
}

impl<T> Page<T> {
    /// Cursor of the next page; none at the end of the list.
    pub fn next(&self) -> Option<&str> {
        self.end.as_deref().filter(|_| self.has_next)
    }
}

/// Parses the limit in a query string.
pub fn parse_limit(text: String) -> Result<Option<i32>, Wrong> {
    match text.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(Some(limit)),
        _ => Err(Wrong("must be a number from 1 to 1000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_from_1_to_1000() {
        for (text, limit) in [("1", 1), ("1000", 1_000)] {
            assert_eq!(parse_limit(text.to_owned()), Ok(Some(limit)));
        }
        for text in ["", "0", "-1", "1001", "1.5", "ten"] {
            assert!(parse_limit(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_last_page_has_no_next_cursor() {
        let page = |has_next| Page::<()> { items: Vec::new(), end: Some("x".to_owned()), has_next };
        assert_eq!(page(true).next(), Some("x"));
        assert_eq!(page(false).next(), None);
    }
}
