//! The content of an item, as one JSON text.
//!
//! The content of a resource is in attributes of its own: markup that is escaped as JSON could exceed the size of an
//! item, and queries do not count as parameters, policy and texts.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Item, text, text_of, unreadable};
use vitrine_rules::error::{Error, Result};
use vitrine_rules::query::content::{DisplaySettings, DiveQueries, QuestionContent};
use vitrine_rules::query::definition::QueryDefinition;
use vitrine_rules::resource::content::Content;
use vitrine_rules::resource::dashboard::DashboardContent;

pub const DOCUMENT: &str = "document";
const HTML: &str = "html";
const SOURCE: &str = "source";
const CODE: &str = "code";
const QUERIES: &str = "queries";
const QUESTION: &str = "question";
const DASHBOARD: &str = "dashboard";

/// Puts a document into an item, and returns its size in bytes.
pub fn write(item: &mut Item, document: &impl Serialize) -> Result<usize> {
    #[cfg(test)]
    WRITES.set(WRITES.get() + 1);
    let document = serde_json::to_string(document).map_err(Error::internal)?;
    let bytes = document.len();
    item.insert(DOCUMENT.to_owned(), text(document));
    Ok(bytes)
}

#[cfg(test)]
thread_local! {
    static WRITES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The number of documents that the thread of a test has serialised.
#[cfg(test)]
pub fn writes() -> usize {
    WRITES.get()
}

/// The document of an item, which the error names as `what`.
pub fn read<T: DeserializeOwned>(item: &Item, what: &'static str) -> Result<T> {
    parse(item, DOCUMENT, what)
}

/// Moves markup and queries out of content that is about to be written.
pub fn set_content_aside(item: &mut Item, content: &mut Option<Content>) -> Result<()> {
    match content {
        Some(Content::Html { html, queries }) => {
            item.insert(HTML.to_owned(), text(std::mem::take(html)));
            if !queries.is_empty() {
                item.insert(QUERIES.to_owned(), json(&std::mem::take(queries))?);
            }
        }
        Some(Content::React(dive)) => {
            item.insert(SOURCE.to_owned(), text(std::mem::take(&mut dive.source)));
            item.insert(CODE.to_owned(), text(std::mem::take(&mut dive.code)));
            if !dive.queries.is_empty() {
                item.insert(QUERIES.to_owned(), json(&std::mem::take(&mut dive.queries))?);
            }
        }
        Some(Content::Question(question)) => {
            item.insert(QUESTION.to_owned(), json(&std::mem::replace(question, no_question()))?);
        }
        Some(Content::Dashboard(dashboard)) => {
            item.insert(DASHBOARD.to_owned(), json(&std::mem::take(dashboard))?);
        }
        Some(Content::Url { .. }) | None => {}
    }
    Ok(())
}

/// Moves them back into content that was read.
pub fn put_content_back(item: &Item, content: &mut Option<Content>, what: &'static str) -> Result<()> {
    match content {
        Some(Content::Html { html, queries }) => {
            text_of(item, HTML).ok_or_else(|| unreadable(what))?.clone_into(html);
            if item.contains_key(QUERIES) {
                *queries = parse::<DiveQueries>(item, QUERIES, what)?;
            }
        }
        Some(Content::React(dive)) => {
            text_of(item, SOURCE).ok_or_else(|| unreadable(what))?.clone_into(&mut dive.source);
            text_of(item, CODE).ok_or_else(|| unreadable(what))?.clone_into(&mut dive.code);
            if item.contains_key(QUERIES) {
                dive.queries = parse::<DiveQueries>(item, QUERIES, what)?;
            }
        }
        Some(Content::Question(question)) => *question = parse::<QuestionContent>(item, QUESTION, what)?,
        Some(Content::Dashboard(dashboard)) => *dashboard = parse::<DashboardContent>(item, DASHBOARD, what)?,
        Some(Content::Url { .. }) | None => {}
    }
    Ok(())
}

/// The thing that stands in the document for a question.
fn no_question() -> QuestionContent {
    QuestionContent {
        query: QueryDefinition::default(),
        display: String::new(),
        settings: DisplaySettings::default(),
        extra: DisplaySettings::default(),
    }
}

fn json(part: &impl Serialize) -> Result<AttributeValue> {
    serde_json::to_string(part).map(text).map_err(Error::internal)
}

fn parse<T: DeserializeOwned>(item: &Item, name: &str, what: &'static str) -> Result<T> {
    text_of(item, name).and_then(|part| serde_json::from_str(part).ok()).ok_or_else(|| unreadable(what))
}
