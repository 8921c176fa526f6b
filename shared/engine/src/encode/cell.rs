//! One value of an answer, in the few forms that all encoders share.

use std::borrow::Cow;
use std::fmt::Write;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    UInt64Type,
};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    Null,
    Boolean(bool),
    Integer(i128),
    Number(f64),
    Decimal {
        digits: i128,
        scale: i8,
    },
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01, in UTC.
    Timestamp(i64),
    Text(Cow<'a, str>),
    /// Lists and structures, as JSON.
    Nested(serde_json::Value),
}

/// A column of a batch that cells can be taken from.
pub(super) struct Cells {
    array: ArrayRef,
}

impl Cells {
    /// Casts `array` to the one type of its kind, so that taking a cell is one match.
    pub(super) fn new(array: &ArrayRef) -> Result<Self, ArrowError> {
        let to = match array.data_type() {
            DataType::Dictionary(_, values) => return Self::new(&cast(array, values)?),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => DataType::Int64,
            DataType::Float16 | DataType::Float32 => DataType::Float64,
            DataType::Date64 => DataType::Date32,
            DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
                DataType::Decimal128(*precision, *scale)
            }
            DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
            _ => return Ok(Self { array: array.clone() }),
        };
        Ok(Self { array: if to == *array.data_type() { array.clone() } else { cast(array, &to)? } })
    }

    pub(super) fn get(&self, row: usize) -> Result<Cell<'_>, ArrowError> {
        let array = &self.array;
        if array.is_null(row) {
            return Ok(Cell::Null);
        }
        Ok(match array.data_type() {
            DataType::Null => Cell::Null,
            DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
            DataType::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row).into()),
            DataType::UInt64 => Cell::Integer(array.as_primitive::<UInt64Type>().value(row).into()),
            DataType::Float64 => Cell::Number(array.as_primitive::<Float64Type>().value(row)),
            DataType::Decimal128(_, scale) => {
                Cell::Decimal { digits: array.as_primitive::<Decimal128Type>().value(row), scale: *scale }
            }
            DataType::Date32 => Cell::Date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(..) => {
                Cell::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            DataType::Utf8 => Cell::Text(Cow::Borrowed(array.as_string::<i32>().value(row))),
            DataType::LargeUtf8 => Cell::Text(Cow::Borrowed(array.as_string::<i64>().value(row))),
            DataType::Utf8View => Cell::Text(Cow::Borrowed(array.as_string_view().value(row))),
            DataType::List(_) => Cell::Nested(list(&array.as_list::<i32>().value(row))?),
            DataType::LargeList(_) => Cell::Nested(list(&array.as_list::<i64>().value(row))?),
            DataType::FixedSizeList(..) => Cell::Nested(list(&array.as_fixed_size_list().value(row))?),
            DataType::Struct(fields) => {
                let columns = array.as_struct();
                let members = fields.iter().zip(columns.columns()).map(|(field, column)| {
                    Ok((field.name().clone(), Self::new(column)?.get(row)?.into_json()))
                });
                Cell::Nested(serde_json::Value::Object(members.collect::<Result<_, ArrowError>>()?))
            }
            DataType::Map(..) => {
                let entries = array.as_map().value(row);
                let (keys, values) = (Self::new(entries.column(0))?, Self::new(entries.column(1))?);
                let members = (0..entries.len())
                    .map(|entry| Ok((keys.get(entry)?.to_text(), values.get(entry)?.into_json())));
                Cell::Nested(serde_json::Value::Object(members.collect::<Result<_, ArrowError>>()?))
            }
            _ => {
                let format = FormatOptions::default();
                Cell::Text(Cow::Owned(ArrayFormatter::try_new(array, &format)?.value(row).to_string()))
            }
        })
    }
}

fn list(values: &ArrayRef) -> Result<serde_json::Value, ArrowError> {
    let cells = Cells::new(values)?;
    let items = (0..values.len()).map(|row| Ok(cells.get(row)?.into_json()));
    Ok(serde_json::Value::Array(items.collect::<Result<_, ArrowError>>()?))
}

/// Integers up to here are exact in every program that reads JSON.
const EXACT: u128 = 1 << 53;

impl Cell<'_> {
    /// The value as text, without quotes; empty for NULL.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    pub fn write_text(&self, out: &mut String) {
        // Writing to a text cannot fail.
        let _ = match self {
            Self::Null => Ok(()),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Integer(value) => write!(out, "{value}"),
            Self::Number(value) => write!(out, "{value}"),
            Self::Decimal { digits, scale } => write_decimal(*digits, *scale, out),
            Self::Date(days) => write_date(*days, out),
            Self::Timestamp(micros) => write_timestamp(*micros, out),
            Self::Text(text) => out.write_str(text),
            Self::Nested(value) => write!(out, "{value}"),
        };
    }

    /// Returns whether JSON writes the value as a number: one that every reader keeps exactly.
    pub fn is_json_number(&self) -> bool {
        match self {
            Self::Integer(value) => value.unsigned_abs() <= EXACT,
            Self::Decimal { digits, .. } => digits.unsigned_abs() <= EXACT,
            Self::Number(value) => value.is_finite(),
            _ => false,
        }
    }

    pub fn into_json(self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Boolean(value) => value.into(),
            Self::Nested(value) => value,
            // JSON has neither infinity nor "not a number".
            Self::Number(value) if !value.is_finite() => serde_json::Value::Null,
            Self::Text(text) => text.into_owned().into(),
            ref cell if cell.is_json_number() => {
                serde_json::from_str(&cell.to_text()).unwrap_or(serde_json::Value::Null)
            }
            other => other.to_text().into(),
        }
    }
}

fn write_decimal(digits: i128, scale: i8, out: &mut String) -> std::fmt::Result {
    let places = usize::try_from(scale).unwrap_or(0);
    if places == 0 {
        let zeros = usize::from(scale.unsigned_abs());
        return write!(out, "{digits}{}", "0".repeat(if digits == 0 { 0 } else { zeros }));
    }
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = places + 1);
    let (whole, fraction) = text.split_at(text.len() - places);
    write!(out, "{}{whole}.{fraction}", if digits < 0 { "-" } else { "" })
}

fn write_date(days: i32, out: &mut String) -> std::fmt::Result {
    match chrono::NaiveDate::from_epoch_days(days) {
        Some(date) => write!(out, "{date}"),
        None => Ok(()),
    }
}

fn write_timestamp(micros: i64, out: &mut String) -> std::fmt::Result {
    let Some(at) = chrono::DateTime::from_timestamp_micros(micros) else { return Ok(()) };
    write!(out, "{}", at.format("%Y-%m-%dT%H:%M:%S"))?;
    let fraction = at.timestamp_subsec_micros();
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        write!(out, ".{}", digits.trim_end_matches('0'))?;
    }
    out.write_char('Z')
}
