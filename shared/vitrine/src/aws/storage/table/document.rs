//! What an item says, as one JSON text.
//!
//! The markup of a resource stands beside it, in an attribute of its own: as JSON text it could grow past
//! what an item holds.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Item, text, text_of, unreadable};
use vitrine_rules::error::{Error, Result};
use vitrine_rules::resource::content::Content;

pub const DOCUMENT: &str = "document";
const HTML: &str = "html";

/// Puts a document into an item, and answers how many bytes it takes there.
pub fn write(item: &mut Item, document: &impl Serialize) -> Result<usize> {
    let document = serde_json::to_string(document).map_err(Error::internal)?;
    let bytes = document.len();
    item.insert(DOCUMENT.to_owned(), text(document));
    Ok(bytes)
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
