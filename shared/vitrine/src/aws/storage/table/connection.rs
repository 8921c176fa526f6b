//! A part of a list as Cube's clients page through it: so many items, where they end, and whether more
//! follow. Unlike a [`super::cursor::Page`] it is full unless the list ends.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::cursor;
use super::schema::{PARTITION, POSITION, SORT};
use super::{Item, text, text_of};
use crate::aws::aws_error::unavailable;
use vitrine_rules::error::{Error, Reason, Result};

/// How many times the table is asked for one part: where a search finds little, the part is short after all.
const MAX_ROUNDS: usize = 20;

/// What a filter reads at a time, of which it may keep little.
const FILTERED_LIMIT: usize = 500;

/// Which part.
#[derive(Debug, Clone)]
pub struct Paging {
    pub first: usize,
    pub after: Option<String>,
}

#[derive(Debug)]
pub struct Connection<T> {
    pub items: Vec<T>,
    /// The place of the last item, behind which the next part begins.
    pub end: Option<String>,
    pub has_next: bool,
}

/// Runs `query`, which is about one `partition`, until the part is full. `read` answers none for an item that
/// is not to be shown.
pub async fn connection<T>(
    query: QueryFluentBuilder,
    partition: &str,
    paging: &Paging,
    read: impl Fn(&Item) -> Result<Option<T>>,
) -> Result<Connection<T>> {
    let is_filtered = query.get_filter_expression().is_some();
    let names = key_names(query.get_index_name().as_deref());
    let mut start = paging.after.as_deref().map(|after| place_of(after, &names, partition)).transpose()?;
    let (mut items, mut end) = (Vec::new(), paging.after.clone());
    for _ in 0..MAX_ROUNDS {
        let wanted = paging.first + 1 - items.len();
        let limit = if is_filtered { wanted.max(FILTERED_LIMIT) } else { wanted };
        let answer = query
            .clone()
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start.take())
            .send()
            .await
            .map_err(|error| unavailable("Query", &error))?;
        for item in answer.items() {
            if items.len() == paging.first {
                return Ok(Connection { items, end, has_next: true });
            }
            if let Some(one) = read(item)? {
                items.push(one);
                end = Some(cursor_of(item, &names));
            }
        }
        start = answer.last_evaluated_key;
        if start.is_none() {
            return Ok(Connection { items, end, has_next: false });
        }
    }
    let end = start.as_ref().map(|key| cursor_of(key, &names));
    Ok(Connection { items, end, has_next: true })
}

/// What names an item's place: the key by which it is read, the partition's first, and its own.
fn key_names(index: Option<&str>) -> Vec<String> {
    let names = match index {
        None => vec![PARTITION, SORT],
        Some(index) => vec![index, POSITION, PARTITION, SORT],
    };
    names.into_iter().map(str::to_owned).collect()
}

fn cursor_of(item: &Item, names: &[String]) -> String {
    let place: Vec<_> = names.iter().map(|name| text_of(item, name).unwrap_or_default()).collect();
    cursor::encode(&serde_json::json!(place).to_string())
}

/// The place that a cursor stands for. Only a place within the partition is taken.
fn place_of(cursor: &str, names: &[String], partition: &str) -> Result<Item> {
    let place: Vec<String> =
        serde_json::from_str(&cursor::decode(cursor)?).map_err(|_| Error::from(Reason::CursorInvalid))?;
    if place.len() == names.len() && place[0] == partition && !place.iter().any(String::is_empty) {
        Ok(names.iter().cloned().zip(place.into_iter().map(text)).collect())
    } else {
        Err(Reason::CursorInvalid.into())
    }
}
