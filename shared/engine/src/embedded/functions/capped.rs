//! Caps on functions whose result can be much larger than their arguments.
//!
//! The memory pool counts what operators hold, not what a function returns: `repeat('x', 1500000000)` would
//! end the process before anyone could refuse it. So the size of the result is computed first, per value and
//! per batch, also when the optimizer folds a constant call.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{Result, resources_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use vitrine_rules::query::limits::FunctionLimits;

use super::call_limits::CallLimits;

/// Bytes that one call may make for all the rows of a batch.
const BATCH_BYTES: u64 = 64 << 20;

/// The way in which a result grows with the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Growth {
    /// The first argument, as often as the second says.
    Repeat,
    /// To the length that the second argument says.
    Pad,
    /// Each occurrence of the second argument as the third.
    Replace,
    /// All texts after each other.
    Concat,
    /// All texts but the first, which is between them.
    Join,
    /// Elements of a list with the second argument between them.
    JoinList,
    /// A list from the first to the second argument, in steps of the third.
    Series,
    /// A list of the first argument, as often as the second says.
    RepeatElement,
    /// A list of the length that the second argument says.
    Resize,
}

/// The functions that grow.
pub const GROWING: &[(&str, Growth)] = &[
    ("repeat", Growth::Repeat),
    ("lpad", Growth::Pad),
    ("rpad", Growth::Pad),
    ("replace", Growth::Replace),
    ("regexp_replace", Growth::Replace),
    ("string_concat", Growth::Concat),
    ("concat", Growth::Concat),
    ("concat_ws", Growth::Join),
    ("array_to_string", Growth::JoinList),
    ("range", Growth::Series),
    ("generate_series", Growth::Series),
    ("array_repeat", Growth::RepeatElement),
    ("array_resize", Growth::Resize),
];

pub fn cap(inner: Arc<ScalarUDF>, growth: Growth) -> ScalarUDF {
    ScalarUDF::new_from_impl(Capped { inner, growth })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Capped {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl ScalarUDFImpl for Capped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self, CallLimits::of(&args.config_options), &args.args, args.number_rows)?;
        self.inner.invoke_with_args(args)
    }
}

/// Refuses the call if a value or the whole batch would be too large.
fn check(function: &Capped, limits: FunctionLimits, args: &[ColumnarValue], rows: usize) -> Result<()> {
    let (name, growth) = (function.name(), function.growth);
    let constant = args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { rows };
    let args: Vec<ArrayRef> = args.iter().map(|arg| arg.to_array(rows)).collect::<Result<_>>()?;
    let sizes = Sizes::new(growth, &args);
    let mut total = 0_u64;
    for row in 0..rows {
        let (size, limit, width) = match growth {
            Growth::Series | Growth::Resize | Growth::RepeatElement => {
                (sizes.elements(growth, row), limits.list_elements, sizes.element_width(growth, row))
            }
            _ => (sizes.text(growth, row), limits.text_bytes, 1),
        };
        total = total.saturating_add(size.saturating_mul(width));
        if size > limit {
            return resources_err!("The result of {name} would be larger than {limit}.");
        }
        if total > BATCH_BYTES {
            return resources_err!("The results of {name} would be larger than {BATCH_BYTES} bytes.");
        }
    }
    Ok(())
}

/// Arguments as lengths and numbers.
struct Sizes {
    lengths: Vec<Vec<u64>>,
    numbers: Vec<Option<ArrayRef>>,
}

impl Sizes {
    fn new(growth: Growth, args: &[ArrayRef]) -> Self {
        let numbers = args.iter().map(|arg| match arg.data_type() {
            data_type if data_type.is_integer() => cast(arg, &DataType::Int64).ok(),
            DataType::Date32 | DataType::Timestamp(..) if growth == Growth::Series => {
                let micros = DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, None);
                cast(arg, &micros).and_then(|arg| cast(&arg, &DataType::Int64)).ok()
            }
            _ => None,
        });
        Self { lengths: args.iter().map(lengths).collect(), numbers: numbers.collect() }
    }

    fn length(&self, arg: usize, row: usize) -> u64 {
        self.lengths.get(arg).and_then(|lengths| lengths.get(row)).copied().unwrap_or(0)
    }

    fn number(&self, arg: usize, row: usize) -> Option<i64> {
        let numbers = self.numbers.get(arg)?.as_ref()?.as_primitive::<Int64Type>();
        numbers.is_valid(row).then(|| numbers.value(row))
    }

    fn count(&self, arg: usize, row: usize) -> u64 {
        self.number(arg, row).map_or(0, |count| u64::try_from(count).unwrap_or(0))
    }

    fn text(&self, growth: Growth, row: usize) -> u64 {
        match growth {
            Growth::Repeat => self.length(0, row).saturating_mul(self.count(1, row)),
            // The length is in characters, of at most four bytes.
            Growth::Pad => self.count(1, row).saturating_mul(4),
            Growth::Replace => {
                // An empty pattern is found before every character and at the end.
                let found = self.length(0, row) + 1;
                self.length(0, row).saturating_add(found.saturating_mul(self.length(2, row)))
            }
            Growth::Concat => (0..self.lengths.len()).map(|arg| self.length(arg, row)).sum(),
            Growth::Join => {
                let separators = self.length(0, row).saturating_mul(self.lengths.len() as u64);
                (0..self.lengths.len()).map(|arg| self.length(arg, row)).sum::<u64>() + separators
            }
            Growth::JoinList => {
                // For a list the length counts bytes and elements together.
                let list = self.length(0, row);
                list.saturating_add(list.saturating_mul(self.length(1, row)))
            }
            Growth::Series | Growth::RepeatElement | Growth::Resize => 0,
        }
    }

    fn elements(&self, growth: Growth, row: usize) -> u64 {
        match growth {
            Growth::Series => {
                let one = i128::from(self.number(0, row).unwrap_or(0));
                let (from, to) = match self.number(1, row) {
                    Some(to) => (one, i128::from(to)),
                    None if self.numbers.len() == 1 => (0, one),
                    None => return 0,
                };
                let step = match self.numbers.get(2) {
                    None => 1,
                    Some(Some(_)) => self.number(2, row).map_or(1, i64::unsigned_abs),
                    // An interval: its smallest step is taken from its length in microseconds.
                    Some(None) => self.length(2, row),
                };
                u64::try_from((to - from).unsigned_abs() / u128::from(step.max(1))).unwrap_or(u64::MAX)
            }
            _ => self.count(1, row),
        }
    }

    fn element_width(&self, growth: Growth, row: usize) -> u64 {
        match growth {
            Growth::RepeatElement => self.length(0, row).max(8),
            Growth::Resize => self.length(2, row).max(8),
            _ => 8,
        }
    }
}

/// Bytes of each value. For a list its elements count as well, for an interval its microseconds.
fn lengths(array: &ArrayRef) -> Vec<u64> {
    let rows = 0..array.len();
    match array.data_type() {
        DataType::Utf8 => rows.map(|row| array.as_string::<i32>().value(row).len() as u64).collect(),
        DataType::LargeUtf8 => rows.map(|row| array.as_string::<i64>().value(row).len() as u64).collect(),
        DataType::Utf8View => rows.map(|row| array.as_string_view().value(row).len() as u64).collect(),
        DataType::List(_) => rows.map(|row| list_size(&array.as_list::<i32>().value(row))).collect(),
        DataType::LargeList(_) => rows.map(|row| list_size(&array.as_list::<i64>().value(row))).collect(),
        DataType::Interval(_) => interval_micros(array),
        _ => rows.map(|_| 32).collect(),
    }
}

fn list_size(values: &ArrayRef) -> u64 {
    lengths(values).iter().sum::<u64>() + values.len() as u64
}

fn interval_micros(array: &ArrayRef) -> Vec<u64> {
    use datafusion::arrow::datatypes::{IntervalMonthDayNanoType, IntervalUnit};
    let month_day_nano = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano));
    let Ok(intervals) = month_day_nano else { return vec![0; array.len()] };
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    let micros = |row| {
        let value = intervals.value(row);
        let days = i128::from(value.months) * 28 + i128::from(value.days);
        let micros = days * 86_400_000_000 + i128::from(value.nanoseconds) / 1_000;
        u64::try_from(micros.unsigned_abs()).unwrap_or(u64::MAX)
    };
    (0..intervals.len()).map(micros).collect()
}
