//! The content of an item, as one JSON text.
//!
//! The markup of a resource is in an attribute of its own: escaped as JSON it could exceed the size of an item.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Item, text, text_of, unreadable};
use vitrine_rules::error::{Error, Result};
use vitrine_rules::resource::content::Content;

pub const DOCUMENT: &str = "document";
const HTML: &str = "html";

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
    text_of(item, DOCUMENT)
        .and_then(|document| serde_json::from_str(document).ok())
        .ok_or_else(|| unreadable(what))
}

/// Moves the markup out of content that is about to be written.
pub fn set_markup_aside(item: &mut Item, content: &mut Option<Content>) {
    if let Some(Content::Html { html }) = content {
        item.insert(HTML.to_owned(), text(std::mem::take(html)));
    }
}

/// Moves it back into content that was read.
pub fn put_markup_back(item: &Item, content: &mut Option<Content>, what: &'static str) -> Result<()> {
    if let Some(Content::Html { html }) = content {
        text_of(item, HTML).ok_or_else(|| unreadable(what))?.clone_into(html);
    }
    Ok(())
}
