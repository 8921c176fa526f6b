//! The engine's `date_trunc`, asked once for each day instead of once for each value.
//!
//! All moments of a day are in the same week, month, quarter and year, and a batch has far fewer days than rows. To find
//! the day is one division; to find the month takes the calendar.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use datafusion::arrow::compute::{max, min};
use datafusion::arrow::datatypes::{
    ArrowTimestampType, DataType, FieldRef, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions::datetime;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::pack::constant_text;

const SECONDS_OF_DAY: i64 = 86_400;

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateTrunc {
    inner: Arc<ScalarUDF>,
}

pub fn date_trunc() -> ScalarUDF {
    ScalarUDF::new_from_impl(DateTrunc { inner: datetime::date_trunc() })
}

impl ScalarUDFImpl for DateTrunc {
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

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let truncated = match &args.args[..] {
            [ColumnarValue::Scalar(unit), ColumnarValue::Array(times)] if has_whole_days(unit) => {
                match times.data_type() {
                    DataType::Timestamp(TimeUnit::Microsecond, None) => {
                        self.truncate_days::<TimestampMicrosecondType>(times, &args)?
                    }
                    DataType::Timestamp(TimeUnit::Nanosecond, None) => {
                        self.truncate_days::<TimestampNanosecondType>(times, &args)?
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        truncated.map_or_else(
            || self.inner.invoke_with_args(args),
            |truncated| Ok(ColumnarValue::Array(truncated)),
        )
    }

    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(input)
    }
}

/// Returns whether each day is in one unit only, and truncating to it takes the calendar.
fn has_whole_days(unit: &ScalarValue) -> bool {
    let unit = constant_text(Some(unit)).unwrap_or_default();
    ["week", "month", "quarter", "year"].iter().any(|whole| unit.eq_ignore_ascii_case(whole))
}

impl DateTrunc {
    /// The truncated times, or `None` if their days are not fewer than the times.
    fn truncate_days<T: ArrowTimestampType>(
        &self,
        times: &ArrayRef,
        args: &ScalarFunctionArgs,
    ) -> Result<Option<ArrayRef>> {
        let times = times.as_primitive::<T>();
        let Some(days) = Days::of(times) else { return Ok(None) };
        let starts: ArrayRef = Arc::new(days.starts);
        let truncated = self.inner.invoke_with_args(ScalarFunctionArgs {
            args: vec![args.args[0].clone(), ColumnarValue::Array(starts.clone())],
            arg_fields: args.arg_fields.clone(),
            number_rows: starts.len(),
            return_field: args.return_field.clone(),
            config_options: args.config_options.clone(),
        })?;
        let truncated = truncated.into_array(starts.len())?;
        let truncated = truncated.as_primitive::<T>().values();
        // The place of a null may hold any number.
        let of_day = |day: i64| usize::try_from(day - days.first).ok().and_then(|day| truncated.get(day));
        let times = times.unary::<_, T>(|time| of_day(day::<T>(time)).copied().unwrap_or_default());
        Ok(Some(Arc::new(times)))
    }
}

/// Consecutive days in which all times of an array are.
struct Days<T: ArrowPrimitiveType> {
    first: i64,
    starts: PrimitiveArray<T>,
}

impl<T: ArrowTimestampType> Days<T> {
    fn of(times: &PrimitiveArray<T>) -> Option<Self> {
        let (first, last) = (day::<T>(min(times)?), day::<T>(max(times)?));
        if usize::try_from(last - first).ok()? >= times.len() / 2 {
            return None;
        }
        let starts: Option<Vec<i64>> = (first..=last).map(|day| day.checked_mul(length::<T>())).collect();
        Some(Self { first, starts: PrimitiveArray::new(starts?.into(), None) })
    }
}

const fn length<T: ArrowTimestampType>() -> i64 {
    match T::UNIT {
        TimeUnit::Second => SECONDS_OF_DAY,
        TimeUnit::Millisecond => SECONDS_OF_DAY * 1_000,
        TimeUnit::Microsecond => SECONDS_OF_DAY * 1_000_000,
        TimeUnit::Nanosecond => SECONDS_OF_DAY * 1_000_000_000,
    }
}

/// The number of the day since 1970.
const fn day<T: ArrowTimestampType>(time: i64) -> i64 {
    time.div_euclid(length::<T>())
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::Field;
    use datafusion::config::ConfigOptions;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn call(function: &ScalarUDF, unit: &str, times: &ArrayRef) -> Result<ArrayRef> {
        let field = Arc::new(Field::new("at", times.data_type().clone(), true));
        let unit = ColumnarValue::Scalar(ScalarValue::from(unit));
        let truncated = function.invoke_with_args(ScalarFunctionArgs {
            args: vec![unit, ColumnarValue::Array(times.clone())],
            arg_fields: vec![Arc::new(Field::new("unit", DataType::Utf8, false)), field.clone()],
            number_rows: times.len(),
            return_field: field,
            config_options: Arc::new(ConfigOptions::default()),
        })?;
        truncated.into_array(times.len())
    }

    /// Times in a few years, in all years, and at the ends of what can be represented.
    fn times() -> impl Strategy<Value = Vec<Option<i64>>> {
        let around = |middle: i64, width: i64| {
            let time = middle.saturating_sub(width)..=middle.saturating_add(width);
            vec(prop::option::weighted(0.9, time), 0..200)
        };
        let day = length::<TimestampMicrosecondType>();
        prop_oneof![
            4 => any::<i32>().prop_flat_map(move |seconds| around(i64::from(seconds) * 1_000_000, 20 * day)),
            1 => Just(()).prop_flat_map(move |()| around(0, i64::MAX)),
            1 => Just(()).prop_flat_map(move |()| around(i64::MIN, 40 * day)),
            1 => Just(()).prop_flat_map(move |()| around(i64::MAX, 40 * day)),
            1 => Just(()).prop_flat_map(move |()| around(i64::MIN / 1_000, 20 * day)),
            1 => Just(()).prop_flat_map(move |()| around(i64::MAX / 1_000, 20 * day)),
        ]
    }

    proptest! {
        #[test]
        fn times_are_truncated_as_each_alone_would_be(
            times in times(),
            unit in prop::sample::select(vec!["week", "month", "Quarter", "YEAR", "decade"]),
        ) {
            let micros = PrimitiveArray::<TimestampMicrosecondType>::from(times.clone());
            let nanos = PrimitiveArray::<TimestampNanosecondType>::from(times);
            let zoned = micros.clone().with_timezone("America/New_York");
            for times in [Arc::new(micros) as ArrayRef, Arc::new(nanos), Arc::new(zoned)] {
                let (ours, engines) = (call(&date_trunc(), unit, &times), call(&datetime::date_trunc(), unit, &times));
                match (ours, engines) {
                    (Ok(ours), Ok(engines)) => prop_assert_eq!(&ours, &engines),
                    (ours, engines) => prop_assert_eq!(ours.is_err(), engines.is_err()),
                }
            }
        }
    }

    #[test]
    fn the_calendar_is_asked_once_for_each_day() {
        let day = length::<TimestampMicrosecondType>();
        let of_two_days =
            PrimitiveArray::<TimestampMicrosecondType>::from_iter_values((0..10).map(|n| n * day / 5));
        assert_eq!(Days::of(&of_two_days).unwrap().starts.values(), &[0, day]);
        let of_ten_days =
            PrimitiveArray::<TimestampMicrosecondType>::from_iter_values((0..10).map(|n| n * day));
        assert!(Days::of(&of_ten_days).is_none());
        assert!(Days::of(&PrimitiveArray::<TimestampMicrosecondType>::new_null(10)).is_none());
    }
}
