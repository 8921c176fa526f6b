//! Lists in the table, page by page. A list is a range of one partition, of the table or of an index, and a
//! cursor is the encrypted key of the item that a page ends with.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::schema::{PARTITION, POSITION, SORT};
use super::{DynamoTable, Item, key, text, text_of};
use crate::aws::admin_key::AdminKey;
use crate::aws::aws_error::AwsResult;
use crate::aws::capability::{Capability, Grant};
use vitrine_rules::error::{Reason, Result};
use vitrine_rules::paging::{Page, Paging};

/// The highest number of queries for one page: a filter that keeps few items ends it early.
const MAX_ROUNDS: usize = 20;

/// Items that one query of a filtered list reads, of which it may keep few.
const FILTERED_LIMIT: usize = 500;

/// Items that one query of a search reads.
const SIFTED_LIMIT: usize = 1_000;

/// Text on one page, which must fit into the answer of a function. A page beyond it ends early.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Sorts after every text that a key holds.
const LAST: char = char::MAX;

/// The grants of a capability that reads lists: its own, and those for the cursors.
pub fn grants_with_cursors(own: impl IntoIterator<Item = Grant>) -> BTreeSet<Grant> {
    own.into_iter().chain(AdminKey::grants()).collect()
}

/// Items of one partition, in the order of their sort key.
pub struct Range<'a> {
    query: QueryFluentBuilder,
    cursors: AdminKey,
    /// The attributes that give an item's place: the key of the range, then that of the table.
    place: Vec<&'static str>,
    partition: &'a str,
    prefix: &'a str,
    /// The sort key that the first page begins after.
    beginning: Option<&'a str>,
    is_descending: bool,
    /// `read` leaves out most items.
    is_sifted: bool,
    rounds: usize,
}

impl<'a> Range<'a> {
    /// A partition of the table, as it is now. Needs `dynamodb:Query`, and the grants of [`AdminKey`].
    pub fn of(table: &DynamoTable, partition: &'a str) -> Self {
        Self::new(table, table.query().consistent_read(true), vec![PARTITION, SORT], partition)
    }

    /// A partition of an index, as it was a moment ago. Needs `dynamodb:Query` on the index, and the grants of
    /// [`AdminKey`].
    pub fn of_index(table: &DynamoTable, index: &'static str, partition: &'a str) -> Self {
        let place = vec![index, POSITION, PARTITION, SORT];
        Self::new(table, table.query().index_name(index), place, partition)
    }

    fn new(
        table: &DynamoTable,
        query: QueryFluentBuilder,
        place: Vec<&'static str>,
        partition: &'a str,
    ) -> Self {
        let cursors = table.cursors.clone();
        Self {
            query,
            cursors,
            place,
            partition,
            prefix: "",
            beginning: None,
            is_descending: false,
            is_sifted: false,
            rounds: MAX_ROUNDS,
        }
    }

    /// Only the items whose sort key begins so.
    #[must_use]
    pub const fn starting_with(mut self, prefix: &'a str) -> Self {
        self.prefix = prefix;
        self
    }

    /// Begins after a sort key of the table, of which there need be no item. So an empty page has a cursor too.
    #[must_use]
    pub const fn beginning_after(mut self, sort: &'a str) -> Self {
        self.beginning = Some(sort);
        self
    }

    #[must_use]
    pub const fn descending(mut self) -> Self {
        self.is_descending = true;
        self
    }

    /// Ends the page after one query, however short it is then.
    #[must_use]
    pub const fn in_one_query(mut self) -> Self {
        self.rounds = 1;
        self
    }

    /// Reads many items at once, because most of them are not to be shown.
    #[must_use]
    pub const fn sifted(mut self) -> Self {
        self.is_sifted = true;
        self
    }

    /// Adds a filter or a projection, which must keep the keys.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(QueryFluentBuilder) -> QueryFluentBuilder) -> Self {
        self.query = change(self.query);
        self
    }

    /// Queries until the page is full. `read` answers none for an item that is not to be shown.
    pub async fn page<T>(self, paging: &Paging, read: impl Fn(Item) -> Result<Option<T>>) -> Result<Page<T>> {
        let start = match &paging.after {
            Some(cursor) => Some(self.start(cursor).await?),
            None => self.beginning.map(|sort| key(self.partition, sort)),
        };
        let (items, end, has_next) = self.collect(paging.limit, start, read).await?;
        let Some(place) = end else { return Ok(Page { items, end: None, has_next }) };
        match self.cursors.seal(&self.name(), &place).await {
            // A list that ends here is shown even while the key for cursors cannot be read.
            Err(error) if error.is_outage() && !has_next => Ok(Page { items, end: None, has_next }),
            sealed => Ok(Page { items, end: Some(sealed?), has_next }),
        }
    }

    /// The items of a page, the place where it ends, and whether there are more.
    async fn collect<T>(
        &self,
        wanted: usize,
        start: Option<Item>,
        read: impl Fn(Item) -> Result<Option<T>>,
    ) -> Result<(Vec<T>, Option<Vec<String>>, bool)> {
        let query = self.from(start.as_ref());
        let is_filtered = query.get_filter_expression().is_some();
        let (mut items, mut end, mut bytes) = (Vec::new(), start.as_ref().map(|start| self.place(start)), 0);
        let mut start = start;
        for _ in 0..self.rounds {
            let missing = wanted + 1 - items.len();
            let limit = match (self.is_sifted, is_filtered) {
                (true, _) => SIFTED_LIMIT,
                (false, true) => missing.max(FILTERED_LIMIT),
                (false, false) => missing,
            };
            let answer = query
                .clone()
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .or_unavailable("Query")?;
            let found = answer.items.unwrap_or_default();
            let count = found.len();
            for (index, item) in found.into_iter().enumerate() {
                if items.len() == wanted || bytes > MAX_PAGE_BYTES {
                    if read(item)?.is_some() {
                        return Ok((items, end, true));
                    }
                    continue;
                }
                let size = text_bytes(&item);
                // Only the last item's place is needed, and the item is gone once it is read.
                let can_be_last =
                    items.len() + 1 == wanted || bytes + size > MAX_PAGE_BYTES || index + 1 == count;
                if can_be_last {
                    end = Some(self.place(&item));
                }
                if let Some(one) = read(item)? {
                    items.push(one);
                    bytes += size;
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok((items, end, false));
            }
        }
        Ok((items, start.as_ref().map(|key| self.place(key)), true))
    }

    /// The query for the range. With a prefix it begins and ends at `start`, where the list goes on: an engine
    /// that walks through the range from its beginning would else take longer for each page.
    fn from(&self, start: Option<&Item>) -> QueryFluentBuilder {
        let query = self
            .query
            .clone()
            .scan_index_forward(!self.is_descending)
            .expression_attribute_names("#partition", self.place[0])
            .expression_attribute_values(":partition", text(self.partition));
        if self.prefix.is_empty() {
            return query.key_condition_expression("#partition = :partition");
        }
        let start = start.and_then(|start| text_of(start, self.place[1]));
        let (first, last) = (self.prefix, format!("{}{LAST}", self.prefix));
        let (from, to) = if self.is_descending {
            (first, start.unwrap_or(&last))
        } else {
            (start.unwrap_or(first), last.as_str())
        };
        query
            .key_condition_expression("#partition = :partition AND #place BETWEEN :from AND :to")
            .expression_attribute_names("#place", self.place[1])
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":to", text(to))
    }

    /// The name of the list that its cursors belong to: the index or table, and the partition.
    fn name(&self) -> String {
        format!("{} {}", self.place[0], self.partition)
    }

    fn place(&self, item: &Item) -> Vec<String> {
        self.place.iter().map(|name| text_of(item, name).unwrap_or_default().to_owned()).collect()
    }

    /// The key that a cursor of this list encodes, if it is within the range.
    async fn start(&self, cursor: &str) -> Result<Item> {
        let place = self.cursors.open(&self.name(), cursor).await?;
        if place.len() == self.place.len() && place[1].starts_with(self.prefix) {
            Ok(self.place.iter().map(|name| (*name).to_owned()).zip(place.into_iter().map(text)).collect())
        } else {
            Err(Reason::CursorInvalid.into())
        }
    }
}

/// The bytes that the texts of an item take in a JSON answer, in which a control character takes six.
fn text_bytes(item: &Item) -> usize {
    let escaped = |byte: u8| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    let texts = item.values().filter_map(|value| AttributeValue::as_s(value).ok());
    texts.flat_map(|text| text.bytes()).map(escaped).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_item_is_that_of_its_texts_in_json() {
        for written in ["", "plain", "a \"quote\" and a \\", "\u{1}\u{1f}\u{0}", "ä語🦀"] {
            let item = Item::from([("a".to_owned(), text(written))]);
            let longest = serde_json::to_string(written).unwrap().len() - 2;
            assert_eq!(text_bytes(&item), longest, "{written:?}");
        }
        // Those with a short form are counted as the others.
        assert_eq!(text_bytes(&Item::from([("a".to_owned(), text("\n"))])), 6);
    }
}
