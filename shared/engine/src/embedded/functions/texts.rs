//! Functions on texts and numbers that the engine lacks.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::cmp::lt;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::ScalarUDF;

use super::capped::{Growth, cap};
use super::pack::{Definition, udf, unchecked, usage};

pub const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "string_concat",
        arguments: |types| match types {
            [_, _] => Ok(vec![DataType::Utf8, DataType::Utf8]),
            _ => usage("string_concat", "string_concat(text, text)"),
        },
        returns: |_| DataType::Utf8,
        check: unchecked,
        run: run_concat,
    },
    Definition {
        name: "len",
        arguments: |types| match types {
            [list] if list.is_list() => Ok(vec![list.clone()]),
            [value] if !value.is_nested() => Ok(vec![DataType::Utf8]),
            _ => usage("length", "length(text) or length(list)"),
        },
        returns: |_| DataType::Int64,
        check: unchecked,
        run: run_length,
    },
    Definition {
        name: "width_bucket",
        arguments: |types| match types {
            [_, _, _, _] => {
                Ok(vec![DataType::Float64, DataType::Float64, DataType::Float64, DataType::Int64])
            }
            _ => usage("width_bucket", "width_bucket(number, low, high, count)"),
        },
        returns: |_| DataType::Int64,
        check: unchecked,
        run: run_width_bucket,
    },
];

/// The function behind `||`.
pub fn string_concat() -> ScalarUDF {
    cap(Arc::new(udf(&DEFINITIONS[0])), Growth::Concat)
}

fn run_concat(args: &[ArrayRef]) -> Result<ArrayRef> {
    let (left, right) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
    let mut joined = StringBuilder::new();
    for (left, right) in left.iter().zip(right) {
        match (left, right) {
            (Some(left), Some(right)) => {
                joined.append_value([left, right].concat());
            }
            _ => joined.append_null(),
        }
    }
    Ok(Arc::new(joined.finish()))
}

fn run_length(args: &[ArrayRef]) -> Result<ArrayRef> {
    if args[0].data_type().is_list() {
        return Ok(cast(&length(args[0].as_ref())?, &DataType::Int64)?);
    }
    let characters = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let texts = args[0].as_string::<i32>().iter();
    Ok(Arc::new(texts.map(|text| text.map(characters)).collect::<Int64Array>()))
}

fn run_width_bucket(args: &[ArrayRef]) -> Result<ArrayRef> {
    let number = |arg: usize| -> &Float64Array { args[arg].as_primitive::<Float64Type>() };
    let counts: &Int64Array = args[3].as_primitive::<Int64Type>();
    if lt(counts, &Int64Array::new_scalar(1))?.true_count() > 0 {
        return exec_err!("width_bucket needs a count of at least one");
    }
    let rows = number(0).iter().zip(number(1)).zip(number(2)).zip(counts);
    let buckets = rows.map(|(((value, low), high), count)| {
        let (value, low, high, count) = (value?, low?, high?, count?);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "within the count")]
        let inside = |from: f64, to: f64| ((value - from) / (to - from) * count as f64).floor() as i64 + 1;
        Some(match () {
            () if low < high && value < low || low > high && value > low => 0,
            () if low < high && value >= high || low > high && value <= high => count + 1,
            () => inside(low, high),
        })
    });
    Ok(Arc::new(buckets.collect::<Int64Array>()))
}
