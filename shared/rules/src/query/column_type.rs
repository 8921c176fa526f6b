//! Types of a table's columns.

use std::fmt;
use std::str::FromStr;

use deserr::Deserr;
use jiff::civil::{Date, DateTime};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use crate::json::input::{Invalid, Wrong};
use crate::query::typed_value::{Decimal, TypedValue};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserr)]
#[deserr(error = Invalid, try_from(String) = Self::read -> Wrong)]
pub enum ColumnType {
    Text,
    Integer,
    Number,
    Decimal { precision: u8, scale: u8 },
    Boolean,
    Date,
    Timestamp,
    Json,
}

impl ColumnType {
    fn read(word: String) -> Result<Self, Wrong> {
        word.parse()
    }

    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::Decimal { .. })
    }

    pub const fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp)
    }

    /// Types a JSON value as a value of this column; `None` if it is anything else. Nothing is converted between text
    /// and numbers, because a comparison of such values could match rows that it should not.
    pub fn value(self, value: &Value) -> Option<TypedValue> {
        match (self, value) {
            (Self::Text, Value::String(text)) => Some(TypedValue::Text(text.clone())),
            (Self::Boolean, Value::Bool(value)) => Some(TypedValue::Boolean(*value)),
            (Self::Integer | Self::Number | Self::Decimal { .. }, Value::Number(number)) => {
                self.number(number)
            }
            (Self::Date, Value::String(text)) => parse_date(text).map(TypedValue::Date),
            (Self::Timestamp, Value::String(text)) => parse_timestamp(text).map(TypedValue::Timestamp),
            _ => None,
        }
    }

    /// Types a number as a value of this column, if the column can hold exactly this number.
    pub fn number(self, number: &Number) -> Option<TypedValue> {
        match self {
            Self::Integer => number.as_i64().or_else(|| whole(number)).map(TypedValue::Integer),
            Self::Number => number.as_f64().map(TypedValue::Number),
            Self::Decimal { precision, scale } => {
                Decimal::parse(&plain(number)?)?.rescaled(precision, scale).map(TypedValue::Decimal)
            }
            _ => None,
        }
    }
}

/// A whole number that is written with a fraction: `5.0`.
fn whole(number: &Number) -> Option<i64> {
    /// Larger numbers with a fraction part are not exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = number.as_f64().filter(|_| number.is_f64())?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i64)
}

/// Writes a number without an exponent.
fn plain(number: &Number) -> Option<String> {
    match number.as_f64() {
        Some(value) if number.is_f64() => Some(format!("{value}")),
        _ => Some(number.to_string()),
    }
}

/// Parses `2024-02-29`.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    (bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-').then(|| text.parse().ok())?
}

/// Parses a date, or a date and time with or without an offset. Without one it is in UTC.
fn parse_timestamp(text: &str) -> Option<DateTime> {
    if let Some(date) = parse_date(text) {
        return Some(date.at(0, 0, 0, 0));
    }
    let bytes = text.as_bytes();
    if bytes.len() < 16 || bytes.len() > 35 || bytes[4] != b'-' || !text.is_ascii() {
        return None;
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(moment) => Some(jiff::tz::TimeZone::UTC.to_datetime(moment)),
        Err(_) => text.parse().ok(),
    }
}

const EXPECTED: Wrong = Wrong(
    "must be one of: text, integer, number, decimal(p,s), boolean, date, timestamp, json; p is 1 to 38, s 0 to p",
);

impl FromStr for ColumnType {
    type Err = Wrong;

    fn from_str(word: &str) -> Result<Self, Wrong> {
        Ok(match word {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "json" => Self::Json,
            _ => return decimal(word).ok_or(EXPECTED),
        })
    }
}

fn decimal(word: &str) -> Option<ColumnType> {
    let (precision, scale) = word.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let digits = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u8>().ok())?
    };
    let (precision, scale) = (digits(precision)?, digits(scale)?);
    ((1..=Decimal::MAX_DIGITS).contains(&precision) && scale <= precision)
        .then_some(ColumnType::Decimal { precision, scale })
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Json => "json",
        })
    }
}

impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|wrong: Wrong| D::Error::custom(wrong.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_written_as_they_are_read() {
        for word in [
            "text",
            "integer",
            "number",
            "decimal(10,2)",
            "decimal(38,38)",
            "decimal(1,0)",
            "boolean",
            "date",
            "timestamp",
            "json",
        ] {
            assert_eq!(word.parse::<ColumnType>().unwrap().to_string(), word);
        }
        assert_eq!("decimal(10, 2)".parse::<ColumnType>().unwrap().to_string(), "decimal(10,2)");
    }

    #[test]
    fn refuses_every_other_type() {
        for word in [
            "",
            "Text",
            "int",
            "varchar",
            "decimal",
            "decimal(10)",
            "decimal(0,0)",
            "decimal(39,2)",
            "decimal(2,3)",
            "decimal(10,-1)",
            "decimal(+1,0)",
            "decimal(010,2)",
            "decimal(10,2) ",
            "decimal(10,2,3)",
            "timestamptz",
        ] {
            assert!(word.parse::<ColumnType>().is_err(), "{word}");
        }
    }

    #[test]
    fn values_are_of_the_columns_type_or_nothing() {
        use TypedValue::{Boolean, Integer, Text};
        let date = |text: &str| Some(TypedValue::Date(text.parse().unwrap()));
        let moment = |text: &str| Some(TypedValue::Timestamp(text.parse().unwrap()));
        let decimal = |digits, scale| Some(TypedValue::Decimal(Decimal { digits, scale }));
        let cases = [
            ("text", json!("a"), Some(Text("a".into()))),
            ("text", json!(""), Some(Text(String::new()))),
            ("text", json!(5), None),
            ("text", json!(true), None),
            ("text", json!(["a"]), None),
            ("text", json!(null), None),
            ("integer", json!(5), Some(Integer(5))),
            ("integer", json!(5.0), Some(Integer(5))),
            ("integer", json!(-9_223_372_036_854_775_808_i64), Some(Integer(i64::MIN))),
            ("integer", json!(18_446_744_073_709_551_615_u64), None),
            ("integer", json!(9_007_199_254_740_992.0), None),
            ("integer", json!(5.5), None),
            ("integer", json!("5"), None),
            ("number", json!(5), Some(TypedValue::Number(5.0))),
            ("number", json!(5.5), Some(TypedValue::Number(5.5))),
            ("number", json!("5.5"), None),
            ("decimal(10,2)", json!(12.5), decimal(1250, 2)),
            ("decimal(10,2)", json!(0.1), decimal(10, 2)),
            ("decimal(10,2)", json!(0.125), None),
            ("decimal(3,2)", json!(10), None),
            ("decimal(10,2)", json!("12.5"), None),
            ("boolean", json!(true), Some(Boolean(true))),
            ("boolean", json!("true"), None),
            ("boolean", json!(1), None),
            ("date", json!("2024-02-29"), date("2024-02-29")),
            ("date", json!("2023-02-29"), None),
            ("date", json!("2024-02-29T00:00"), None),
            ("date", json!("20240229"), None),
            ("date", json!(20_240_229), None),
            ("timestamp", json!("2024-02-29"), moment("2024-02-29T00:00")),
            ("timestamp", json!("2024-02-29T10:30"), moment("2024-02-29T10:30")),
            ("timestamp", json!("2024-02-29T10:30:00Z"), moment("2024-02-29T10:30")),
            ("timestamp", json!("2024-02-29T10:30:00+02:00"), moment("2024-02-29T08:30")),
            ("timestamp", json!("2024-02-29 25:00:00"), None),
            ("timestamp", json!("now"), None),
            ("json", json!({"a": 1}), None),
            ("json", json!("a"), None),
        ];
        for (kind, value, expected) in cases {
            assert_eq!(kind.parse::<ColumnType>().unwrap().value(&value), expected, "{kind} {value}");
        }
    }
}
