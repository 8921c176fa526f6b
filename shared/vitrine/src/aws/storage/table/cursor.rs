//! Where a list goes on: opaque to callers, and the place in the list to us.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use vitrine_rules::error::{Reason, Result};

pub const DEFAULT_LIMIT: i32 = 100;
pub const MAX_LIMIT: i32 = 1_000;

/// A part of a list.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next part begins; none at the end. A part may be short, even empty, before the end.
    pub next: Option<String>,
}

pub fn encode(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

pub fn decode(cursor: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Reason::CursorInvalid)?;
    String::from_utf8(bytes).map_err(|_| Reason::CursorInvalid.into())
}
