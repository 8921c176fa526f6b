//! Lists, groups and maps of Parquet, written as JSON.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::DataType;

use super::values::ColumnValues;
use crate::import::error::{ImportError, ImportFailure};
use crate::import::source::MAX_RECORD;

/// A column whose values have parts.
pub struct Nested {
    array: ArrayRef,
    shape: Shape,
}

enum Shape {
    List(Box<ColumnValues>),
    /// The names are JSON already.
    Group(Vec<(String, ColumnValues)>),
    Map {
        keys: Box<ColumnValues>,
        values: Box<ColumnValues>,
    },
}

impl Nested {
    pub fn new(array: &ArrayRef) -> Result<Self, ImportError> {
        let shape = match array.data_type() {
            DataType::List(_) => {
                Shape::List(Box::new(ColumnValues::new(array.as_list::<i32>().values(), false)?))
            }
            DataType::Map(..) => {
                let map = array.as_map();
                Shape::Map {
                    keys: Box::new(ColumnValues::new(map.keys(), false)?),
                    values: Box::new(ColumnValues::new(map.values(), false)?),
                }
            }
            DataType::Struct(fields) => {
                let members = fields.iter().zip(array.as_struct().columns());
                let members = members.map(|(field, column)| {
                    Ok((
                        serde_json::to_string(field.name()).unwrap_or_default(),
                        ColumnValues::new(column, false)?,
                    ))
                });
                Shape::Group(members.collect::<Result<_, ImportError>>()?)
            }
            _ => return Err(super::damaged(())),
        };
        Ok(Self { array: array.clone(), shape })
    }

    pub fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    /// Adds the value of a row to `out`, which stays within the longest value.
    pub fn write(&self, row: usize, out: &mut String) -> Result<(), ImportError> {
        match &self.shape {
            Shape::List(items) => {
                let offsets = self.array.as_list::<i32>().value_offsets();
                out.push('[');
                for (index, item) in range(offsets, row).enumerate() {
                    separate(index, out)?;
                    write(items, item, out)?;
                }
                out.push(']');
            }
            Shape::Group(members) => {
                out.push('{');
                for (index, (name, values)) in members.iter().enumerate() {
                    separate(index, out)?;
                    out.push_str(name);
                    out.push(':');
                    write(values, row, out)?;
                }
                out.push('}');
            }
            Shape::Map { keys, values } => {
                let mut scratch = String::new();
                out.push('{');
                for (index, entry) in range(self.array.as_map().value_offsets(), row).enumerate() {
                    separate(index, out)?;
                    let key = keys.cell(entry, &mut scratch)?.to_text();
                    push(&serde_json::to_string(&key).unwrap_or_default(), out)?;
                    out.push(':');
                    write(values, entry, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}

fn range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let offset =
        |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0);
    offset(row)..offset(row + 1)
}

fn separate(index: usize, out: &mut String) -> Result<(), ImportError> {
    if index > 0 { push(",", out) } else { Ok(()) }
}

fn push(text: &str, out: &mut String) -> Result<(), ImportError> {
    if out.len() + text.len() > MAX_RECORD {
        return Err(ImportError::new(ImportFailure::TooLarge, "a value is longer than 16 MiB as JSON"));
    }
    out.push_str(text);
    Ok(())
}

fn write(values: &ColumnValues, row: usize, out: &mut String) -> Result<(), ImportError> {
    if let ColumnValues::Nested(nested) = values {
        return if nested.is_null(row) { push("null", out) } else { nested.write(row, out) };
    }
    let mut scratch = String::new();
    let cell = values.cell(row, &mut scratch)?;
    // A text is a text here, whatever it contains.
    let json = match cell {
        crate::import::cell::InputCell::Field(text) => crate::import::cell::InputCell::Text(text).to_json(),
        cell => cell.to_json(),
    };
    push(json.as_deref().unwrap_or("null"), out)
}
