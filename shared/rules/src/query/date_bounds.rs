//! The days and moments that a range of dates stands for, in the time zone of the report.

use jiff::Span;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::clock::Timestamp;
use crate::resource::date_range::{DateRange, DateUnit, Direction, ExcludedUnit, RelativeRange};

/// The moment and the calendar of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportClock {
    /// The current time in the report's time zone.
    pub now: DateTime,
    pub zone: TimeZone,
    pub week_start: Weekday,
}

impl ReportClock {
    /// A week starts on Sunday unless a setting says otherwise.
    pub const WEEK_START: Weekday = Weekday::Sunday;

    pub fn new(now: Timestamp, zone: TimeZone, week_start: Weekday) -> Self {
        let moment = jiff::Timestamp::from_second(now.unix()).unwrap_or_default();
        Self { now: zone.to_datetime(moment), zone, week_start }
    }

    /// The time zone of a name. Programs without the database of time zones know UTC alone.
    pub fn zone(name: &str) -> Option<TimeZone> {
        if name == "UTC" { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
    }

    /// The moment in UTC at which the report's clocks show `civil`.
    pub fn utc(&self, civil: DateTime) -> Option<DateTime> {
        let moment = self.zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        Some(TimeZone::UTC.to_datetime(moment))
    }

    pub fn is_utc(&self) -> bool {
        self.zone == TimeZone::UTC
    }
}

/// A range that has been computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateBounds {
    /// From a day up to and without another. One end can be open.
    Days { from: Option<Date>, until: Option<Date> },
    /// From a moment up to and without another. One end can be open.
    Moments { from: Option<DateTime>, until: Option<DateTime> },
    /// Every date but those with these parts. Sunday is day 0.
    Exclude { unit: ExcludedUnit, values: Vec<u8> },
}

impl DateBounds {
    /// Computes a range; `None` if it leaves the calendar.
    pub fn of(range: &DateRange, clock: &ReportClock) -> Option<Self> {
        match range {
            DateRange::Between { from, until, has_time: false } => days(*from, *until),
            DateRange::Between { from, until, has_time: true } => moments(*from, *until),
            DateRange::Month { year, month } => {
                let start = Date::new(*year, *month, 1).ok()?;
                whole(start, start.checked_add(Span::new().months(1)).ok()?)
            }
            DateRange::Quarter { year, quarter } => {
                let start = Date::new(*year, quarter * 3 - 2, 1).ok()?;
                whole(start, start.checked_add(Span::new().months(3)).ok()?)
            }
            DateRange::Relative(range) => relative(range, clock),
            DateRange::Exclude { unit: ExcludedUnit::Days, values } => Some(Self::Exclude {
                unit: ExcludedUnit::Days,
                values: values.iter().map(|day| day % 7).collect(),
            }),
            DateRange::Exclude { unit, values } => {
                Some(Self::Exclude { unit: *unit, values: values.clone() })
            }
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arms of one match")]
const fn whole(from: Date, until: Date) -> Option<DateBounds> {
    Some(DateBounds::Days { from: Some(from), until: Some(until) })
}

/// Two ends belong to the range; a single one does not: `2024-01-31~` begins on the first of February.
fn days(from: Option<DateTime>, until: Option<DateTime>) -> Option<DateBounds> {
    let (from, until) = (from.map(DateTime::date), until.map(DateTime::date));
    Some(match (from, until) {
        (Some(from), Some(until)) => {
            DateBounds::Days { from: Some(from), until: Some(until.tomorrow().ok()?) }
        }
        (Some(from), None) => DateBounds::Days { from: Some(from.tomorrow().ok()?), until: None },
        (None, until) => DateBounds::Days { from: None, until },
    })
}

/// Like [`days`], by the minute, or by the second where one is given.
fn moments(from: Option<DateTime>, until: Option<DateTime>) -> Option<DateBounds> {
    let after = |moment: DateTime| {
        let is_minute = moment.second() == 0 && moment.subsec_nanosecond() == 0;
        moment.checked_add(if is_minute { Span::new().minutes(1) } else { Span::new().seconds(1) }).ok()
    };
    Some(match (from, until) {
        (Some(from), Some(until)) => DateBounds::Moments { from: Some(from), until: Some(after(until)?) },
        (Some(from), None) => DateBounds::Moments { from: Some(after(from)?), until: None },
        (None, until) => DateBounds::Moments { from: None, until },
    })
}

fn relative(range: &RelativeRange, clock: &ReportClock) -> Option<DateBounds> {
    let is_next = range.direction == Direction::Next;
    let base = match range.shifted_by {
        None => clock.now,
        Some((count, unit)) => moved(clock.now, i64::from(count) * if is_next { 1 } else { -1 }, unit)?,
    };
    let current = start_of(base, range.unit, clock.week_start)?;
    let count = i64::from(range.count);
    let included = i64::from(range.includes_current);
    let (first, end) = match range.direction {
        Direction::Past => (-count, included),
        Direction::Current => (0, 1),
        Direction::Next => (1 - included, 1 + count),
    };
    let (from, until) = (moved(current, first, range.unit)?, moved(current, end, range.unit)?);
    match range.unit {
        DateUnit::Second | DateUnit::Minute | DateUnit::Hour => {
            Some(DateBounds::Moments { from: Some(from), until: Some(until) })
        }
        _ => whole(from.date(), until.date()),
    }
}

fn moved(moment: DateTime, count: i64, unit: DateUnit) -> Option<DateTime> {
    let span = Span::new();
    let span = match unit {
        DateUnit::Second => span.try_seconds(count),
        DateUnit::Minute => span.try_minutes(count),
        DateUnit::Hour => span.try_hours(count),
        DateUnit::Day => span.try_days(count),
        DateUnit::Week => span.try_weeks(count),
        DateUnit::Month => span.try_months(count),
        DateUnit::Quarter => span.try_months(count.checked_mul(3)?),
        DateUnit::Year => span.try_years(count),
    };
    moment.checked_add(span.ok()?).ok()
}

fn start_of(moment: DateTime, unit: DateUnit, week_start: Weekday) -> Option<DateTime> {
    let (date, time) = (moment.date(), moment.time());
    let midnight = |date: Date| date.at(0, 0, 0, 0);
    Some(match unit {
        DateUnit::Second => date.at(time.hour(), time.minute(), time.second(), 0),
        DateUnit::Minute => date.at(time.hour(), time.minute(), 0, 0),
        DateUnit::Hour => date.at(time.hour(), 0, 0, 0),
        DateUnit::Day => midnight(date),
        DateUnit::Week => {
            let days = week_start.until(date.weekday());
            midnight(date.checked_sub(Span::new().days(days)).ok()?)
        }
        DateUnit::Month => midnight(date.first_of_month()),
        DateUnit::Quarter => midnight(Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).ok()?),
        DateUnit::Year => midnight(date.first_of_year()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A Tuesday.
    fn clock(week_start: Weekday) -> ReportClock {
        let now: jiff::Timestamp = "2016-06-07T12:13:55Z".parse().unwrap();
        ReportClock::new(Timestamp::from_unix(now.as_second()), TimeZone::UTC, week_start)
    }

    /// A short form: the first and the last day of a range, or its moments up to and without the last.
    fn shown(bounds: Option<DateBounds>) -> String {
        let end = |moment: Option<DateTime>| moment.map_or(String::new(), |moment| moment.to_string());
        match bounds {
            None => "none".to_owned(),
            Some(DateBounds::Days { from, until }) => {
                let day = |date: Option<Date>| date.map_or(String::new(), |date| date.to_string());
                format!("{}..{}", day(from), day(until.map(|until| until.yesterday().unwrap())))
            }
            Some(DateBounds::Moments { from, until }) => format!("{}..<{}", end(from), end(until)),
            Some(DateBounds::Exclude { unit, values }) => format!("not {unit:?} {values:?}").to_lowercase(),
        }
    }

    fn bounds_of(text: &str, clock: &ReportClock) -> String {
        match text.parse() {
            Ok(range) => shown(DateBounds::of(&range, clock)),
            Err(_) => "refused".to_owned(),
        }
    }

    #[test]
    fn ranges_are_computed_from_the_current_day() {
        let cases = [
            ("today", "2016-06-07..2016-06-07"),
            ("yesterday", "2016-06-06..2016-06-06"),
            ("past1days", "2016-06-06..2016-06-06"),
            ("past3days", "2016-06-04..2016-06-06"),
            ("past3days~", "2016-06-04..2016-06-07"),
            ("past7days", "2016-05-31..2016-06-06"),
            ("past30days", "2016-05-08..2016-06-06"),
            ("past30days~", "2016-05-08..2016-06-07"),
            ("past2weeks", "2016-05-22..2016-06-04"),
            ("past2weeks~", "2016-05-22..2016-06-11"),
            ("past2months", "2016-04-01..2016-05-31"),
            ("past2months~", "2016-04-01..2016-06-30"),
            ("past13months", "2015-05-01..2016-05-31"),
            ("past1months", "2016-05-01..2016-05-31"),
            ("past2quarters", "2015-10-01..2016-03-31"),
            ("past2quarters~", "2015-10-01..2016-06-30"),
            ("past1years", "2015-01-01..2015-12-31"),
            ("past1years~", "2015-01-01..2016-12-31"),
            ("past16years", "2000-01-01..2015-12-31"),
            ("next1days", "2016-06-08..2016-06-08"),
            ("next3days", "2016-06-08..2016-06-10"),
            ("next3days~", "2016-06-07..2016-06-10"),
            ("next7days", "2016-06-08..2016-06-14"),
            ("next30days", "2016-06-08..2016-07-07"),
            ("next2weeks", "2016-06-12..2016-06-25"),
            ("next2months", "2016-07-01..2016-08-31"),
            ("next2quarters", "2016-07-01..2016-12-31"),
            ("next13months", "2016-07-01..2017-07-31"),
            ("next1years", "2017-01-01..2017-12-31"),
            ("next1years~", "2016-01-01..2017-12-31"),
            ("thisday", "2016-06-07..2016-06-07"),
            ("thisweek", "2016-06-05..2016-06-11"),
            ("thismonth", "2016-06-01..2016-06-30"),
            ("thisquarter", "2016-04-01..2016-06-30"),
            ("thisyear", "2016-01-01..2016-12-31"),
            ("lastday", "2016-06-06..2016-06-06"),
            ("lastweek", "2016-05-29..2016-06-04"),
            ("lastmonth", "2016-05-01..2016-05-31"),
            ("lastquarter", "2016-01-01..2016-03-31"),
            ("lastyear", "2015-01-01..2015-12-31"),
            ("past3days-from-3years", "2013-06-04..2013-06-06"),
            ("past7days-from-1weeks", "2016-05-24..2016-05-30"),
            ("past2months-from-1years", "2015-04-01..2015-05-31"),
            ("past1quarters-from-1quarters", "2015-10-01..2015-12-31"),
            ("next7days-from-1weeks", "2016-06-15..2016-06-21"),
            ("next1months-from-2months", "2016-09-01..2016-09-30"),
            ("past3days-from-36hours", "2016-06-03..2016-06-05"),
            ("past1hours", "2016-06-07T11:00:00..<2016-06-07T12:00:00"),
            ("past24hours~", "2016-06-06T12:00:00..<2016-06-07T13:00:00"),
            ("next2hours", "2016-06-07T13:00:00..<2016-06-07T15:00:00"),
            ("past30minutes", "2016-06-07T11:43:00..<2016-06-07T12:13:00"),
            ("past30minutes~", "2016-06-07T11:43:00..<2016-06-07T12:14:00"),
            ("past15seconds", "2016-06-07T12:13:40..<2016-06-07T12:13:55"),
            ("thishour", "2016-06-07T12:00:00..<2016-06-07T13:00:00"),
            ("lastminute", "2016-06-07T12:12:00..<2016-06-07T12:13:00"),
            ("past1hours-from-1days", "2016-06-06T11:00:00..<2016-06-06T12:00:00"),
            ("2016-06", "2016-06-01..2016-06-30"),
            ("2016-02", "2016-02-01..2016-02-29"),
            ("2015-02", "2015-02-01..2015-02-28"),
            ("2016-12", "2016-12-01..2016-12-31"),
            ("Q1-2016", "2016-01-01..2016-03-31"),
            ("Q2-2016", "2016-04-01..2016-06-30"),
            ("Q3-2016", "2016-07-01..2016-09-30"),
            ("Q4-2016", "2016-10-01..2016-12-31"),
            ("2016-04-18", "2016-04-18..2016-04-18"),
            ("2016-04-18~2016-04-23", "2016-04-18..2016-04-23"),
            ("2016-04-18~2016-04-18", "2016-04-18..2016-04-18"),
            ("2016-04-18~", "2016-04-19.."),
            ("~2016-04-18", "..2016-04-17"),
            ("2016-04-18T10:30", "2016-04-18T10:30:00..<2016-04-18T10:31:00"),
            ("2016-04-18T10:30:15", "2016-04-18T10:30:15..<2016-04-18T10:30:16"),
            ("2016-04-18T10:30~2016-04-18T11:30", "2016-04-18T10:30:00..<2016-04-18T11:31:00"),
            ("2016-04-18T00:00~2016-04-19T00:00", "2016-04-18T00:00:00..<2016-04-19T00:01:00"),
            ("2016-04-18T10:30~", "2016-04-18T10:31:00..<"),
            ("~2016-04-18T10:30", "..<2016-04-18T10:30:00"),
            ("exclude-days-Sun", "not days [0]"),
            ("exclude-days-Mon-Sat", "not days [1, 6]"),
            ("exclude-hours-0-23", "not hours [0, 23]"),
            ("exclude-months-Jan-Dec", "not months [1, 12]"),
            ("exclude-quarters-1-4", "not quarters [1, 4]"),
            ("past100000years", "none"),
            ("next100000years", "none"),
            ("9999-12", "none"),
            ("Q4-9999", "none"),
            ("9999-12-31", "none"),
            ("9999-12-31~", "none"),
            ("past0days", "refused"),
            ("past-3days", "refused"),
            ("next3", "refused"),
            ("tomorrow", "refused"),
            ("2016-13", "refused"),
            ("Q5-2016", "refused"),
            ("exclude-days-Someday", "refused"),
        ];
        for (text, expected) in cases {
            assert_eq!(bounds_of(text, &clock(Weekday::Sunday)), expected, "{text}");
        }
    }

    #[test]
    fn a_week_starts_on_the_day_of_the_setting() {
        let cases = [
            (Weekday::Sunday, "2016-06-05..2016-06-11"),
            (Weekday::Monday, "2016-06-06..2016-06-12"),
            (Weekday::Tuesday, "2016-06-07..2016-06-13"),
            (Weekday::Wednesday, "2016-06-01..2016-06-07"),
            (Weekday::Saturday, "2016-06-04..2016-06-10"),
        ];
        for (week_start, expected) in cases {
            assert_eq!(bounds_of("thisweek", &clock(week_start)), expected, "{week_start:?}");
        }
    }

    #[test]
    fn a_time_zone_that_nobody_knows_is_none() {
        assert_eq!(ReportClock::zone("UTC"), Some(TimeZone::UTC));
        assert_eq!(ReportClock::zone("Nowhere/Land"), None);
    }

    #[test]
    fn the_current_day_is_that_of_the_time_zone() {
        let at = |hours: i8, text: &str| {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            let now: jiff::Timestamp = "2016-06-07T23:30:00Z".parse().unwrap();
            bounds_of(text, &ReportClock::new(Timestamp::from_unix(now.as_second()), zone, Weekday::Sunday))
        };
        assert_eq!(at(0, "today"), "2016-06-07..2016-06-07");
        assert_eq!(at(2, "today"), "2016-06-08..2016-06-08");
        assert_eq!(at(-12, "yesterday"), "2016-06-06..2016-06-06");
        assert_eq!(at(2, "past1hours"), "2016-06-08T00:00:00..<2016-06-08T01:00:00");
    }

    #[test]
    fn months_of_different_length_do_not_skip() {
        for (now, text, expected) in [
            ("2024-03-31T00:00:00Z", "past1months", "2024-02-01..2024-02-29"),
            ("2024-05-31T00:00:00Z", "next1months", "2024-06-01..2024-06-30"),
            ("2024-02-29T00:00:00Z", "past1days-from-1years", "2023-02-27..2023-02-27"),
            ("2024-01-01T00:00:00Z", "yesterday", "2023-12-31..2023-12-31"),
            ("2024-01-01T00:00:00Z", "lastquarter", "2023-10-01..2023-12-31"),
        ] {
            let now: jiff::Timestamp = now.parse().unwrap();
            let clock =
                ReportClock::new(Timestamp::from_unix(now.as_second()), TimeZone::UTC, Weekday::Sunday);
            assert_eq!(bounds_of(text, &clock), expected, "{now} {text}");
        }
    }

    proptest! {
        /// Past, current and next units lie side by side, whichever day it is.
        #[test]
        fn units_lie_side_by_side(
            now in 0_i64..4_000_000_000,
            count in 1_u32..40,
            unit in prop::sample::select(vec!["day", "week", "month", "quarter", "year"]),
        ) {
            let clock = ReportClock::new(Timestamp::from_unix(now), TimeZone::UTC, Weekday::Sunday);
            let range = |text: String| match DateBounds::of(&text.parse().unwrap(), &clock) {
                Some(DateBounds::Days { from: Some(from), until: Some(until) }) => (from, until),
                other => panic!("{text} {other:?}"),
            };
            let past = range(format!("past{count}{unit}s"));
            let this = range(format!("this{unit}"));
            let next = range(format!("next{count}{unit}s"));
            prop_assert!(past.0 < past.1 && past.1 == this.0 && this.1 == next.0 && next.0 < next.1);
            prop_assert_eq!(range(format!("past{count}{unit}s~")), (past.0, this.1));
            prop_assert_eq!(range(format!("next{count}{unit}s~")), (this.0, next.1));
            let today = clock.now.date();
            prop_assert!(this.0 <= today && today < this.1);
        }
    }
}
