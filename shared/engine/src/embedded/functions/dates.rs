//! Differences and distances of dates.

use std::sync::Arc;

use chrono::{Datelike, Months, NaiveDateTime, Timelike};
use datafusion::arrow::array::{
    ArrayRef, AsArray, Int64Builder, IntervalMonthDayNanoBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{
    DataType, DurationMicrosecondType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit, TimeUnit,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_datafusion_err};
use datafusion::logical_expr::ScalarUDF;

use super::pack::{Definition, constant_text, udf, unchecked, usage};
use super::postgres::{MOMENT, is_moment, micros, moment, moments_of};

const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
const DAY: i64 = 86_400_000_000;

pub const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "date_diff",
        arguments: |types| part_and_two_moments("date_diff", types),
        returns: |_| DataType::Int64,
        check: check_part,
        run: |args| count_between(args, Part::boundaries),
    },
    Definition {
        name: "datediff",
        arguments: |types| part_and_two_moments("datediff", types),
        returns: |_| DataType::Int64,
        check: check_part,
        run: |args| count_between(args, Part::boundaries),
    },
    Definition {
        name: "datesub",
        arguments: |types| part_and_two_moments("datesub", types),
        returns: |_| DataType::Int64,
        check: check_part,
        run: |args| count_between(args, Part::complete),
    },
    Definition {
        name: "age",
        arguments: |types| match types {
            [end, start] if is_moment(end) && is_moment(start) => Ok(vec![MOMENT, MOMENT]),
            _ => usage("age", "age(end, start)"),
        },
        returns: |_| INTERVAL,
        check: unchecked,
        run: run_age,
    },
    Definition {
        name: "interval_micros",
        arguments: |types| match types {
            [DataType::Duration(_)] => Ok(vec![DataType::Duration(TimeUnit::Microsecond)]),
            [span] if matches!(span, DataType::Interval(_) | DataType::Null) || span.is_string() => {
                Ok(vec![INTERVAL])
            }
            _ => usage("a comparison of intervals", "interval < interval"),
        },
        returns: |_| DataType::Int64,
        check: unchecked,
        run: run_interval_micros,
    },
    Definition {
        name: "time_bucket_from",
        arguments: |types| match types {
            [_, at, origin] if is_moment(at) && is_moment(origin) => Ok(vec![INTERVAL, MOMENT, MOMENT]),
            _ => usage("time_bucket", "time_bucket(interval, timestamp)"),
        },
        returns: |_| MOMENT,
        check: unchecked,
        run: run_time_bucket,
    },
];

fn part_and_two_moments(name: &str, types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [part, start, end] if part.is_string() && is_moment(start) && is_moment(end) => {
            Ok(vec![DataType::Utf8, MOMENT, MOMENT])
        }
        _ => usage(name, &format!("{name}('day', start, end)")),
    }
}

fn check_part(_: &[DataType], constants: &[Option<&ScalarValue>]) -> Result<()> {
    match constants.first().and_then(|part| constant_text(*part)) {
        Some(part) => Part::parse(part).map(drop),
        None => Ok(()),
    }
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Months(i64),
    /// Weeks begin on Monday.
    Week,
    Micros(i64),
}

impl Part {
    fn parse(word: &str) -> Result<Self> {
        let word = word.to_lowercase();
        Ok(match word.strip_suffix('s').filter(|word| word.len() > 2).unwrap_or(&word) {
            "millennium" => Self::Months(12_000),
            "century" => Self::Months(1_200),
            "decade" => Self::Months(120),
            "year" | "yr" | "y" => Self::Months(12),
            "quarter" => Self::Months(3),
            "month" | "mon" => Self::Months(1),
            "week" | "w" => Self::Week,
            "day" | "d" => Self::Micros(DAY),
            "hour" | "hr" | "h" => Self::Micros(3_600_000_000),
            "minute" | "min" | "m" => Self::Micros(60_000_000),
            "second" | "sec" | "s" => Self::Micros(1_000_000),
            "millisecond" | "ms" => Self::Micros(1_000),
            "microsecond" | "us" => Self::Micros(1),
            _ => return Err(plan_datafusion_err!("{word:?} is no unit of time.")),
        })
    }

    /// The boundaries between the two moments, as DuckDB counts.
    fn boundaries(self, start: NaiveDateTime, end: NaiveDateTime) -> i64 {
        let months = |at: NaiveDateTime| i64::from(at.year()) * 12 + i64::from(at.month0());
        // The first day of the era, 1970-01-01, was a Thursday.
        let weeks = |at: NaiveDateTime| (micros(at).div_euclid(DAY) + 3).div_euclid(7);
        match self {
            Self::Months(unit) => months(end).div_euclid(unit) - months(start).div_euclid(unit),
            Self::Week => weeks(end) - weeks(start),
            Self::Micros(unit) => micros(end).div_euclid(unit) - micros(start).div_euclid(unit),
        }
    }

    /// The complete units between the two moments.
    fn complete(self, start: NaiveDateTime, end: NaiveDateTime) -> i64 {
        match self {
            Self::Months(unit) => whole_months(start, end) / unit,
            Self::Week => (micros(end) - micros(start)) / (7 * DAY),
            Self::Micros(unit) => (micros(end) - micros(start)) / unit,
        }
    }
}

/// Months that lie completely between the two moments; negative if the end comes first.
fn whole_months(start: NaiveDateTime, end: NaiveDateTime) -> i64 {
    if end < start {
        return -whole_months(end, start);
    }
    let months =
        i64::from(end.year() - start.year()) * 12 + i64::from(end.month()) - i64::from(start.month());
    let within = |at: NaiveDateTime| (at.day(), at.num_seconds_from_midnight(), at.nanosecond());
    months - i64::from(within(end) < within(start))
}

fn count_between(
    args: &[ArrayRef],
    count: fn(Part, NaiveDateTime, NaiveDateTime) -> i64,
) -> Result<ArrayRef> {
    let mut counts = Int64Builder::new();
    let mut last: Option<(String, Part)> = None;
    let rows = args[0].as_string::<i32>().iter().zip(moments_of(&args[1])).zip(moments_of(&args[2]));
    for ((word, start), end) in rows {
        let (Some(word), Some(start), Some(end)) = (word, start, end) else {
            counts.append_null();
            continue;
        };
        let part = match &last {
            Some((known, part)) if known == word => *part,
            _ => last.insert((word.to_owned(), Part::parse(word)?)).1,
        };
        counts.append_value(count(part, start, end));
    }
    Ok(Arc::new(counts.finish()))
}

/// The function behind comparisons of intervals.
pub fn interval_micros() -> ScalarUDF {
    let found = DEFINITIONS.iter().position(|definition| definition.name == "interval_micros");
    udf(&DEFINITIONS[found.unwrap_or_default()])
}

/// The length of an interval with 30 days in a month, as Postgres compares intervals.
fn run_interval_micros(args: &[ArrayRef]) -> Result<ArrayRef> {
    if let Some(durations) = args[0].as_primitive_opt::<DurationMicrosecondType>() {
        return Ok(Arc::new(durations.reinterpret_cast::<Int64Type>()));
    }
    let micros = |span: IntervalMonthDayNano| {
        (i64::from(span.months) * 30)
            .saturating_add(i64::from(span.days))
            .saturating_mul(DAY)
            .saturating_add(span.nanoseconds / 1_000)
    };
    let spans = args[0].as_primitive::<IntervalMonthDayNanoType>();
    Ok(Arc::new(spans.unary::<_, Int64Type>(micros)))
}

/// Years, months and days between two moments, as on a calendar.
fn run_age(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut ages = IntervalMonthDayNanoBuilder::new();
    for (end, start) in moments_of(&args[0]).zip(moments_of(&args[1])) {
        ages.append_option(end.zip(start).and_then(|(end, start)| age(end, start)));
    }
    Ok(Arc::new(ages.finish()))
}

fn age(end: NaiveDateTime, start: NaiveDateTime) -> Option<IntervalMonthDayNano> {
    if end < start {
        let age = age(start, end)?;
        return Some(IntervalMonthDayNano::new(-age.months, -age.days, -age.nanoseconds));
    }
    let months = u32::try_from(whole_months(start, end)).ok()?;
    let rest = (end - start.checked_add_months(Months::new(months))?).num_microseconds()?;
    // The last day of a shorter month counts as the same day of the month before.
    let rest = rest.max(0);
    let days = i32::try_from(rest / DAY).ok()?;
    Some(IntervalMonthDayNano::new(i32::try_from(months).ok()?, days, rest % DAY * 1_000))
}

/// The start of the bucket that a moment lies in. Buckets of days and less start on a Monday, those of months
/// with a year, unless an origin is given.
fn run_time_bucket(args: &[ArrayRef]) -> Result<ArrayRef> {
    const MONDAY: i64 = 946_857_600_000_000; // 2000-01-03
    const CENTURY: i64 = 946_684_800_000_000; // 2000-01-01
    let widths = args[0].as_primitive::<IntervalMonthDayNanoType>();
    let mut starts = TimestampMicrosecondBuilder::new();
    for ((width, at), origin) in widths.iter().zip(moments_of(&args[1])).zip(moments_of(&args[2])) {
        let (Some(width), Some(at)) = (width, at) else {
            starts.append_null();
            continue;
        };
        let span = i64::from(width.days) * DAY + width.nanoseconds / 1_000;
        let start = match (width.months, span) {
            (0, span) if span > 0 => {
                let origin = origin.map_or(MONDAY, micros);
                Some(origin + (micros(at) - origin).div_euclid(span) * span)
            }
            (months, 0) if months > 0 => {
                let origin = origin.or_else(|| moment(CENTURY));
                origin.and_then(|origin| month_bucket(at, origin, i64::from(months)))
            }
            _ => return exec_err!("time_bucket needs a positive interval of months or of days and less"),
        };
        starts.append_option(start);
    }
    Ok(Arc::new(starts.finish()))
}

fn month_bucket(at: NaiveDateTime, origin: NaiveDateTime, width: i64) -> Option<i64> {
    let index = |at: NaiveDateTime| i64::from(at.year()) * 12 + i64::from(at.month0());
    let start = index(origin) + (index(at) - index(origin)).div_euclid(width) * width;
    let year = i32::try_from(start.div_euclid(12)).ok()?;
    let month = u32::try_from(start.rem_euclid(12)).ok()? + 1;
    Some(micros(chrono::NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?))
}
