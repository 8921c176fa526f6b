//! Ranges of dates as callers write them: `2024-01-01`, `last 7 days`, `from 2024-01-01 to now`.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use super::members::Granularity;
use super::refused;
use crate::error::Error;
use crate::query::date_bounds::ReportClock;

/// The local times from the first to the last millisecond of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    pub from: DateTime,
    pub to: DateTime,
}

/// The most units that a relative range reaches.
const MOST_UNITS: i64 = 100_000;

/// A moment, and the last millisecond of what its text stands for.
#[derive(Debug, Clone, Copy)]
struct Moment {
    first: DateTime,
    last: DateTime,
}

impl TimeRange {
    /// Reads the two ends of a range, or the one text that is a range. Set if it depends on the current time.
    pub fn read(texts: &[String], clock: &ReportClock) -> Option<(Self, bool)> {
        match texts {
            [one] => match absolute(one, clock) {
                Some(moment) => Some((Self { from: moment.first, to: moment.last }, false)),
                None => relative(&one.trim().to_lowercase(), clock).map(|range| (range, true)),
            },
            [from, to] => {
                let (from, to) = (absolute(from, clock)?.first, absolute(to, clock)?.last);
                Some((Self { from, to }, false))
            }
            _ => None,
        }
    }

    /// One date or moment, from its first to its last millisecond.
    pub fn moment(text: &str, clock: &ReportClock) -> Option<(Self, bool)> {
        Self::read(std::slice::from_ref(&text.to_owned()), clock)
    }

    /// The first moment after the range.
    pub fn end(&self) -> Option<DateTime> {
        self.to.checked_add(1.millisecond()).ok()
    }

    /// The ends as they are written in answers.
    pub fn texts(&self) -> [String; 2] {
        [shown(self.from), shown(self.to)]
    }
}

/// A time with milliseconds: `2024-01-01T00:00:00.000`.
pub fn shown(moment: DateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!("{date}T{:02}:{:02}:{:02}.{:03}", time.hour(), time.minute(), time.second(), time.millisecond())
}

/// The refusal of a range of this member. It quotes no value.
pub(super) fn unreadable(path: &str) -> Error {
    refused(format!(
        "Can't parse date range of '{path}': it must be like '2024-01-01', 'last 7 days' or 'from 2024-01-01 to now', or a list of one or two dates"
    ))
}

/// Parses a date, or a date and time with or without an offset.
fn absolute(text: &str, clock: &ReportClock) -> Option<Moment> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if !text.is_ascii() || !(10..=35).contains(&bytes.len()) || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let first = if let (10, Ok(date)) = (bytes.len(), text.parse::<Date>()) {
        return whole(Granularity::Day, date.at(0, 0, 0, 0));
    } else if bytes.len() < 16 || !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    } else if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        clock.zone.to_datetime(moment)
    } else {
        // A name of a time zone in brackets is no part of the form.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.Tt ".contains(&byte));
        text.parse::<DateTime>().ok().filter(|_| is_plain)?
    };
    let time = first.time();
    let nanosecond = i32::from(time.millisecond()) * 1_000_000;
    let time = Time::new(time.hour(), time.minute(), time.second(), nanosecond).ok()?;
    let first = first.date().to_datetime(time);
    Some(Moment { first, last: first })
}

/// The unit around a moment.
fn whole(unit: Granularity, moment: DateTime) -> Option<Moment> {
    let first = start_of(unit, moment)?;
    Some(Moment { first, last: moved(first, 1, unit)?.checked_sub(1.millisecond()).ok()? })
}

fn relative(text: &str, clock: &ReportClock) -> Option<TimeRange> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Some(rest) = text.strip_prefix("from ") {
        let (from, to) = rest.split_once(" to ")?;
        let unit = named_unit(text);
        let ends = [from, to].map(|end| point(end.trim(), clock));
        let [Some(from), Some(to)] = ends else { return None };
        return Some(TimeRange { from: whole(unit, from)?.first, to: whole(unit, to)?.last });
    }
    let (first, last, unit) = match *words.as_slice() {
        ["this", unit] => (0, 0, singular(unit)?),
        ["last", unit] => (-1, -1, singular(unit)?),
        ["next", unit] => (1, 1, singular(unit)?),
        ["last", count, unit] => (-counted(count)?, -1, singular(unit)?),
        ["next", count, unit] => (1, counted(count)?, singular(unit)?),
        _ => {
            let moment = whole(named_unit(text), point(text, clock)?)?;
            return Some(TimeRange { from: moment.first, to: moment.last });
        }
    };
    let current = start_of(unit, clock.now)?;
    let from = moved(current, first, unit)?;
    let to = moved(current, last + 1, unit)?.checked_sub(1.millisecond()).ok()?;
    Some(TimeRange { from, to })
}

/// One moment: `now`, `yesterday`, `7 days ago`, `2 weeks from now`, `in 3 hours`, or a date.
fn point(text: &str, clock: &ReportClock) -> Option<DateTime> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (count, unit) = match *words.as_slice() {
        ["now"] => return Some(clock.now),
        ["today"] => (0, Granularity::Day),
        ["yesterday"] => (-1, Granularity::Day),
        ["tomorrow"] => (1, Granularity::Day),
        [count, unit, "ago"] => (-counted(count)?, singular(unit)?),
        [count, unit, "from", "now"] | ["in", count, unit] => (counted(count)?, singular(unit)?),
        _ => return absolute(&text.to_uppercase(), clock).map(|moment| moment.first),
    };
    moved(clock.now, count, unit)
}

/// The unit that a range is exact to: the smallest of seconds, minutes and hours that it names, or else days.
fn named_unit(text: &str) -> Granularity {
    let exact = [Granularity::Second, Granularity::Minute, Granularity::Hour];
    exact.into_iter().find(|unit| text.contains(unit.word())).unwrap_or(Granularity::Day)
}

fn singular(word: &str) -> Option<Granularity> {
    Granularity::read(word.strip_suffix('s').unwrap_or(word))
}

fn counted(text: &str) -> Option<i64> {
    if matches!(text, "a" | "an" | "one") {
        return Some(1);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|count| is_number && (1..=MOST_UNITS).contains(count))
}

fn moved(moment: DateTime, count: i64, unit: Granularity) -> Option<DateTime> {
    let span = match unit {
        Granularity::Second => Span::new().try_seconds(count),
        Granularity::Minute => Span::new().try_minutes(count),
        Granularity::Hour => Span::new().try_hours(count),
        Granularity::Day => Span::new().try_days(count),
        Granularity::Week => Span::new().try_weeks(count),
        Granularity::Month => Span::new().try_months(count),
        Granularity::Quarter => Span::new().try_months(count.checked_mul(3)?),
        Granularity::Year => Span::new().try_years(count),
    };
    moment.checked_add(span.ok()?).ok()
}

/// The beginning of a unit. Weeks begin on Monday.
fn start_of(unit: Granularity, moment: DateTime) -> Option<DateTime> {
    let (date, time) = (moment.date(), moment.time());
    let midnight = |date: Date| date.at(0, 0, 0, 0);
    Some(match unit {
        Granularity::Second => date.at(time.hour(), time.minute(), time.second(), 0),
        Granularity::Minute => date.at(time.hour(), time.minute(), 0, 0),
        Granularity::Hour => date.at(time.hour(), 0, 0, 0),
        Granularity::Day => midnight(date),
        Granularity::Week => {
            let days = Weekday::Monday.until(date.weekday());
            midnight(date.checked_sub(Span::new().days(days)).ok()?)
        }
        Granularity::Month => midnight(date.first_of_month()),
        Granularity::Quarter => midnight(Date::new(date.year(), (date.month() - 1) / 3 * 3 + 1, 1).ok()?),
        Granularity::Year => midnight(date.first_of_year()),
    })
}

/// A local time in UTC, as timestamps are stored.
pub(super) fn stored(moment: DateTime, clock: &ReportClock) -> Option<DateTime> {
    if clock.zone == TimeZone::UTC { Some(moment) } else { clock.utc(moment) }
}
