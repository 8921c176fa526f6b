//! One value of a file, before it has the type of its column.

use std::borrow::Cow;

use super::texts;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InputCell<'a> {
    Null,
    /// Nothing between quotes in CSV: an empty text, and no value in columns of other types.
    Empty,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Decimal {
        digits: i128,
        scale: u8,
    },
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01, in UTC.
    Timestamp(i64),
    /// A text that may stand for a value of any type.
    Field(&'a str),
    /// A text of JSON: a date or a moment perhaps, but never a number.
    Text(&'a str),
    /// A number of JSON, as it was written.
    Literal(&'a str),
    /// An object or a list of JSON, as it was written.
    Json(&'a str),
}

impl<'a> InputCell<'a> {
    /// The value as a text, without quotes.
    pub fn to_text(self) -> Cow<'a, str> {
        Cow::Owned(match self {
            Self::Null | Self::Empty => return Cow::Borrowed(""),
            Self::Field(text) | Self::Text(text) | Self::Literal(text) | Self::Json(text) => {
                return Cow::Borrowed(text);
            }
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Decimal { digits, scale } => texts::write_decimal(digits, scale),
            Self::Date(days) => texts::write_date(days),
            Self::Timestamp(micros) => texts::write_timestamp(micros),
        })
    }

    /// The value as JSON; `None` for a text that is not JSON.
    pub fn to_json(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(text) | Self::Field(text) => is_json(text).then_some(Cow::Borrowed(text)),
            Self::Literal(text) => Some(Cow::Borrowed(text)),
            Self::Text(_) | Self::Empty | Self::Date(_) | Self::Timestamp(_) => {
                serde_json::to_string(&self.to_text()).ok().map(Cow::Owned)
            }
            Self::Null => Some(Cow::Borrowed("null")),
            // JSON has neither infinity nor "not a number".
            Self::Number(value) if !value.is_finite() => Some(Cow::Borrowed("null")),
            Self::Boolean(_) | Self::Integer(_) | Self::Number(_) | Self::Decimal { .. } => {
                Some(self.to_text())
            }
        }
    }
}

/// Returns whether `text` is JSON that every reader can read: not nested too deeply.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}
