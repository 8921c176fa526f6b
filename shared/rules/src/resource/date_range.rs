//! Ranges of dates, as parameters name them: two ISO 8601 dates, a month, a quarter, or a range relative to today.
//!
//! A range is only parsed here. Its days depend on the time zone and on the day of the question, so they are
//! computed by whoever runs a query.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};

/// The largest number of units in a relative range.
const MAX_UNITS: u32 = 100_000;

/// A range of dates. Both ends belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateRange {
    /// `2024-01-01~2024-02-01`, `2024-01-01~`, `~2024-02-01`; a single day has two equal ends.
    Between {
        from: Option<DateTime>,
        until: Option<DateTime>,
        /// An end was given with a time; otherwise both are whole days.
        has_time: bool,
    },
    /// `2024-01`
    Month { year: i16, month: i8 },
    /// `Q1-2024`
    Quarter { year: i16, quarter: i8 },
    /// `today`, `yesterday`, `past30days`, `next2weeks~`, `lastmonth`, `thisyear`, `past3days-from-3years`
    Relative(RelativeRange),
    /// `exclude-days-Mon-Tue`: every date but those that are named.
    Exclude { unit: ExcludedUnit, values: Vec<u8> },
}

/// A range that depends on the current day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelativeRange {
    pub direction: Direction,
    pub count: u32,
    pub unit: DateUnit,
    /// The current unit belongs to the range as well: the `~` at its end.
    pub includes_current: bool,
    /// The range is moved by this much, back or, for `next`, ahead: `-from-3years`.
    pub shifted_by: Option<(u32, DateUnit)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Past,
    Current,
    Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateUnit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExcludedUnit {
    Hours,
    Days,
    Months,
    Quarters,
}

/// A text that names no range of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADateRange;

impl DateUnit {
    const ALL: [(&'static str, Self); 8] = [
        ("second", Self::Second),
        ("minute", Self::Minute),
        ("hour", Self::Hour),
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, unit)| unit)
    }
}

impl FromStr for DateRange {
    type Err = NotADateRange;

    fn from_str(text: &str) -> Result<Self, NotADateRange> {
        parse(text).ok_or(NotADateRange)
    }
}

/// Parses an ISO 8601 date, or a date and time without an offset.
pub fn parse_moment(text: &str) -> Option<DateTime> {
    let is_plain = |length: usize| {
        text.len() >= length && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' && text.is_ascii()
    };
    match text.len() {
        10 if is_plain(10) => text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)),
        16..=29 if is_plain(16) && text.as_bytes()[10] == b'T' => text.parse().ok(),
        _ => None,
    }
}

fn parse(text: &str) -> Option<DateRange> {
    if let Some((from, until)) = text.split_once('~')
        && let Some(range) = parse_between(from, until)
    {
        return Some(range);
    }
    if let Some(day) = parse_moment(text) {
        return Some(DateRange::Between { from: Some(day), until: Some(day), has_time: text.contains('T') });
    }
    parse_month(text)
        .or_else(|| parse_quarter(text))
        .or_else(|| parse_relative(text).map(DateRange::Relative))
        .or_else(|| parse_exclusion(text))
}

fn parse_between(from: &str, until: &str) -> Option<DateRange> {
    let end = |text: &str| match text {
        "" => Some(None),
        text => parse_moment(text).map(Some),
    };
    let has_time = from.contains('T') || until.contains('T');
    let (from, until) = (end(from)?, end(until)?);
    (from.is_some() || until.is_some()).then_some(DateRange::Between { from, until, has_time })
}

fn parse_month(text: &str) -> Option<DateRange> {
    let (year, month) = text.split_once('-')?;
    let (year, month) = (digits(year, 4)?, digits(month, 2)?);
    (1..=12).contains(&month).then_some(DateRange::Month { year, month: i8::try_from(month).ok()? })
}

fn parse_quarter(text: &str) -> Option<DateRange> {
    let (quarter, year) = text.strip_prefix('Q')?.split_once('-')?;
    let (quarter, year) = (digits(quarter, 1)?, digits(year, 4)?);
    (1..=4).contains(&quarter).then_some(DateRange::Quarter { year, quarter: i8::try_from(quarter).ok()? })
}

fn digits(text: &str, length: usize) -> Option<i16> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse_relative(text: &str) -> Option<RelativeRange> {
    let days = |direction, count| RelativeRange {
        direction,
        count,
        unit: DateUnit::Day,
        includes_current: false,
        shifted_by: None,
    };
    match text {
        "today" => return Some(days(Direction::Current, 1)),
        "yesterday" => return Some(days(Direction::Past, 1)),
        _ => {}
    }
    if let Some(unit) = text.strip_prefix("this").and_then(DateUnit::parse) {
        return Some(RelativeRange { unit, ..days(Direction::Current, 1) });
    }
    if let Some(unit) = text.strip_prefix("last").and_then(DateUnit::parse) {
        return Some(RelativeRange { unit, ..days(Direction::Past, 1) });
    }
    // The form with hyphens: `last-7-days`.
    if let Some((word, count)) = text.split_once('-')
        && let Some((count, unit)) = count.split_once('-')
    {
        let direction = match word {
            "last" | "past" => Some(Direction::Past),
            "next" => Some(Direction::Next),
            _ => None,
        };
        if let (Some(direction), Some((count, unit))) = (direction, parse_count(&format!("{count}{unit}"))) {
            return Some(RelativeRange { unit, ..days(direction, count) });
        }
    }
    let (direction, rest) = match (text.strip_prefix("past"), text.strip_prefix("next")) {
        (Some(rest), _) => (Direction::Past, rest),
        (_, Some(rest)) => (Direction::Next, rest),
        _ => return None,
    };
    let (rest, shifted_by) = match rest.split_once("-from-") {
        Some((rest, shift)) => (rest, Some(parse_count(shift)?)),
        None => (rest, None),
    };
    let (rest, includes_current) = match rest.strip_suffix('~') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (count, unit) = parse_count(rest)?;
    Some(RelativeRange { direction, count, unit, includes_current, shifted_by })
}

/// Parses a number and a unit: `30days`, `1month`.
fn parse_count(text: &str) -> Option<(u32, DateUnit)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(end);
    let count = count.parse().ok().filter(|count| (1..=MAX_UNITS).contains(count))?;
    Some((count, DateUnit::parse(unit.strip_suffix('s').unwrap_or(unit))?))
}

fn parse_exclusion(text: &str) -> Option<DateRange> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.strip_prefix("exclude-")?.split('-');
    let unit = match parts.next()? {
        "hours" => ExcludedUnit::Hours,
        "days" => ExcludedUnit::Days,
        "months" => ExcludedUnit::Months,
        "quarters" => ExcludedUnit::Quarters,
        _ => return None,
    };
    let place = |names: &[&str], part: &str| {
        let place = names.iter().position(|name| *name == part)?;
        u8::try_from(place + 1).ok()
    };
    let value = |part: &str| match unit {
        ExcludedUnit::Hours => part.parse().ok().filter(|hour| *hour < 24),
        ExcludedUnit::Days => place(&DAYS, part),
        ExcludedUnit::Months => place(&MONTHS, part),
        ExcludedUnit::Quarters => part.parse().ok().filter(|quarter| (1..=4).contains(quarter)),
    };
    let values = parts.map(value).collect::<Option<Vec<_>>>()?;
    (!values.is_empty()).then_some(DateRange::Exclude { unit, values })
}

impl fmt::Display for NotADateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a range of dates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(direction: Direction, count: u32, unit: DateUnit) -> RelativeRange {
        RelativeRange { direction, count, unit, includes_current: false, shifted_by: None }
    }

    #[test]
    fn parses_every_form() {
        use DateUnit::*;
        let day = |text| parse_moment(text);
        let cases = [
            (
                "2024-01-01~2024-02-01",
                DateRange::Between { from: day("2024-01-01"), until: day("2024-02-01"), has_time: false },
            ),
            ("2024-01-01~", DateRange::Between { from: day("2024-01-01"), until: None, has_time: false }),
            ("~2024-02-01", DateRange::Between { from: None, until: day("2024-02-01"), has_time: false }),
            (
                "2024-02-29",
                DateRange::Between { from: day("2024-02-29"), until: day("2024-02-29"), has_time: false },
            ),
            ("2024-01", DateRange::Month { year: 2024, month: 1 }),
            ("Q4-2024", DateRange::Quarter { year: 2024, quarter: 4 }),
            ("today", DateRange::Relative(relative(Direction::Current, 1, Day))),
            ("yesterday", DateRange::Relative(relative(Direction::Past, 1, Day))),
            ("past30days", DateRange::Relative(relative(Direction::Past, 30, Day))),
            ("next1month", DateRange::Relative(relative(Direction::Next, 1, Month))),
            ("last-7-days", DateRange::Relative(relative(Direction::Past, 7, Day))),
            ("next-2-weeks", DateRange::Relative(relative(Direction::Next, 2, Week))),
            ("lastquarter", DateRange::Relative(relative(Direction::Past, 1, Quarter))),
            ("thisweek", DateRange::Relative(relative(Direction::Current, 1, Week))),
            (
                "past3days~",
                DateRange::Relative(RelativeRange {
                    includes_current: true,
                    ..relative(Direction::Past, 3, Day)
                }),
            ),
            (
                "past3days-from-3years",
                DateRange::Relative(RelativeRange {
                    shifted_by: Some((3, Year)),
                    ..relative(Direction::Past, 3, Day)
                }),
            ),
            (
                "past3days~-from-1week",
                DateRange::Relative(RelativeRange {
                    includes_current: true,
                    shifted_by: Some((1, Week)),
                    ..relative(Direction::Past, 3, Day)
                }),
            ),
            ("exclude-days-Mon-Sun", DateRange::Exclude { unit: ExcludedUnit::Days, values: vec![1, 7] }),
            ("exclude-hours-0-23", DateRange::Exclude { unit: ExcludedUnit::Hours, values: vec![0, 23] }),
            ("exclude-months-Dec", DateRange::Exclude { unit: ExcludedUnit::Months, values: vec![12] }),
            ("exclude-quarters-1", DateRange::Exclude { unit: ExcludedUnit::Quarters, values: vec![1] }),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert!("2024-01-01T10:30~2024-01-01T12:00:30".parse::<DateRange>().is_ok());
    }

    #[test]
    fn refuses_every_other_text() {
        for text in [
            "",
            "~",
            "soon",
            "2024",
            "2024-13",
            "2024-00",
            "2024-1",
            "2024-02-30",
            "24-01-01",
            "20240101",
            "2024-01-01 10:00",
            "2024-01-01~soon",
            "2024-01-01~2024-02-01~2024-03-01",
            "Q0-2024",
            "Q5-2024",
            "Q1-24",
            "past",
            "past30",
            "pastdays",
            "past0days",
            "past-3days",
            "past30fortnights",
            "past9999999999days",
            "past3days-from-",
            "past3days-from-3",
            "next",
            "thisdecade",
            "last3days",
            "exclude-days",
            "exclude-days-",
            "exclude-days-Foo",
            "exclude-hours-24",
            "exclude-quarters-0",
            "exclude-years-2024",
            "Today",
            " today",
            "２０２４-01-01",
        ] {
            assert_eq!(text.parse::<DateRange>(), Err(NotADateRange), "{text}");
        }
    }
}
