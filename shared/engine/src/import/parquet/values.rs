//! The values of a column in a batch, as cells.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float64Type, Int64Type, TimeUnit,
    UInt64Type,
};
use vitrine_rules::query::column_type::ColumnType;
use vitrine_rules::query::typed_value::Decimal;

use super::nested::Nested;
use crate::import::cell::InputCell;
use crate::import::error::ImportError;
use crate::import::source::utf8;
use crate::import::texts::{is_stored, midnight};

/// The type of a column for each type of Parquet; `None` for one that tables cannot have.
pub fn kind(data_type: &DataType, is_uuid: bool) -> Option<ColumnType> {
    Some(match data_type {
        DataType::Boolean => ColumnType::Boolean,
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            let scale = u8::try_from(*scale).ok().filter(|scale| *scale <= Decimal::MAX_DIGITS)?;
            ColumnType::Decimal { precision: (*precision).clamp(1, Decimal::MAX_DIGITS), scale }
        }
        DataType::Null | DataType::Utf8 | DataType::Binary => ColumnType::Text,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Interval(_) | DataType::Duration(_) => {
            ColumnType::Text
        }
        DataType::FixedSizeBinary(16) if is_uuid => ColumnType::Text,
        DataType::List(item) => kind(item.data_type(), false).map(|_| ColumnType::Json)?,
        DataType::Map(entries, _) => kind(entries.data_type(), false)?,
        DataType::Struct(fields) => {
            let is_known = fields.iter().all(|field| kind(field.data_type(), false).is_some());
            is_known.then_some(ColumnType::Json)?
        }
        data_type if data_type.is_integer() => ColumnType::Integer,
        data_type if data_type.is_floating() => ColumnType::Number,
        _ => return None,
    })
}

pub enum ColumnValues {
    Null,
    Boolean(ArrayRef),
    Integer(ArrayRef),
    Unsigned(ArrayRef),
    Number(ArrayRef),
    Decimal(ArrayRef, u8),
    LargeDecimal(ArrayRef, u8),
    Date(ArrayRef),
    /// The numbers of a unit since 1970.
    Timestamp(ArrayRef, TimeUnit),
    Text(ArrayRef),
    Bytes(ArrayRef),
    Uuid(ArrayRef),
    Nested(Nested),
}

impl ColumnValues {
    pub fn new(array: &ArrayRef, is_uuid: bool) -> Result<Self, ImportError> {
        let as_type = |to: &DataType| cast(array, to).map_err(super::damaged);
        let scale_of = |scale: i8| u8::try_from(scale).map_err(super::damaged);
        Ok(match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean(array.clone()),
            DataType::UInt64 => Self::Unsigned(array.clone()),
            data_type if data_type.is_integer() => Self::Integer(as_type(&DataType::Int64)?),
            data_type if data_type.is_floating() => Self::Number(as_type(&DataType::Float64)?),
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale) => {
                let wide = DataType::Decimal128(Decimal128Type::MAX_PRECISION, *scale);
                Self::Decimal(as_type(&wide)?, scale_of(*scale)?)
            }
            DataType::Decimal256(_, scale) => Self::LargeDecimal(array.clone(), scale_of(*scale)?),
            DataType::Date32 => Self::Date(array.clone()),
            DataType::Timestamp(unit, _) => Self::Timestamp(as_type(&DataType::Int64)?, *unit),
            DataType::Utf8View => Self::Text(array.clone()),
            DataType::BinaryView => Self::Bytes(array.clone()),
            DataType::FixedSizeBinary(16) if is_uuid => Self::Uuid(array.clone()),
            DataType::List(_) | DataType::Map(..) | DataType::Struct(_) => Self::Nested(Nested::new(array)?),
            _ => Self::Text(as_type(&DataType::Utf8View)?),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Nested(nested) => nested.is_null(row),
            Self::Boolean(array)
            | Self::Integer(array)
            | Self::Unsigned(array)
            | Self::Number(array)
            | Self::Decimal(array, _)
            | Self::LargeDecimal(array, _)
            | Self::Date(array)
            | Self::Timestamp(array, _)
            | Self::Text(array)
            | Self::Bytes(array)
            | Self::Uuid(array) => array.is_null(row),
        }
    }

    /// The value of a row. Values that are written anew stand in `scratch`.
    pub fn cell<'a>(&'a self, row: usize, scratch: &'a mut String) -> Result<InputCell<'a>, ImportError> {
        if self.is_null(row) {
            return Ok(InputCell::Null);
        }
        scratch.clear();
        Ok(match self {
            Self::Null => InputCell::Null,
            Self::Boolean(array) => InputCell::Boolean(array.as_boolean().value(row)),
            Self::Integer(array) => InputCell::Integer(array.as_primitive::<Int64Type>().value(row)),
            Self::Unsigned(array) => {
                let value = array.as_primitive::<UInt64Type>().value(row);
                InputCell::Decimal { digits: value.into(), scale: 0 }
            }
            Self::Number(array) => InputCell::Number(array.as_primitive::<Float64Type>().value(row)),
            Self::Decimal(array, scale) => InputCell::Decimal {
                digits: array.as_primitive::<Decimal128Type>().value(row),
                scale: *scale,
            },
            Self::LargeDecimal(array, scale) => {
                let digits = array.as_primitive::<Decimal256Type>().value(row).to_i128();
                let digits = digits.ok_or_else(|| ImportError::file("a value has more than 38 digits"))?;
                InputCell::Decimal { digits, scale: *scale }
            }
            Self::Date(array) => {
                let days = array.as_primitive::<Date32Type>().value(row);
                midnight(days)
                    .map(|_| InputCell::Date(days))
                    .ok_or_else(|| ImportError::file("a date is not in the years 0 to 9999"))?
            }
            Self::Timestamp(array, unit) => {
                let value = array.as_primitive::<Int64Type>().value(row);
                let micros = match unit {
                    TimeUnit::Second => value.checked_mul(1_000_000),
                    TimeUnit::Millisecond => value.checked_mul(1_000),
                    TimeUnit::Microsecond => Some(value),
                    TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
                };
                let micros = micros.filter(|micros| is_stored(*micros));
                InputCell::Timestamp(
                    micros.ok_or_else(|| ImportError::file("a timestamp is not in the years 0 to 9999"))?,
                )
            }
            Self::Text(array) => InputCell::Field(array.as_string_view().value(row)),
            Self::Bytes(array) => InputCell::Field(utf8(array.as_binary_view().value(row))?),
            Self::Uuid(array) => {
                for (index, byte) in array.as_fixed_size_binary().value(row).iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        scratch.push('-');
                    }
                    scratch.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                    scratch.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
                }
                InputCell::Field(scratch)
            }
            Self::Nested(nested) => {
                nested.write(row, scratch)?;
                InputCell::Json(scratch)
            }
        })
    }
}
