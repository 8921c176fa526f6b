//! Columns as SQL: their quoted names, their local time, and their time cut to a unit.

use jiff::civil::Weekday;

use crate::query::column_type::ColumnType;
use crate::query::date_bounds::ReportClock;

/// Writes a name as a quoted identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The local time of a column of timestamps, which are stored in UTC.
pub(crate) fn local_time(column: &str, kind: ColumnType, clock: &ReportClock) -> String {
    if kind != ColumnType::Timestamp || clock.is_utc() {
        return column.to_owned();
    }
    let is_name = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+'))
    };
    match (clock.zone.iana_name().filter(is_name), clock.zone.to_fixed_offset()) {
        (Some(name), _) => format!("({column} AT TIME ZONE 'UTC' AT TIME ZONE '{name}')"),
        (None, Ok(offset)) => format!("({column} + INTERVAL '{} seconds')", offset.seconds()),
        (None, Err(_)) => column.to_owned(),
    }
}

/// Cuts a date to a unit, or takes a part of it; `None` for a unit that is not known.
pub(crate) fn truncated(column: &str, unit: &str, week_start: Weekday) -> Option<String> {
    Some(match unit {
        "minute" | "hour" | "day" | "month" | "quarter" | "year" => format!("date_trunc('{unit}', {column})"),
        "week" => match Weekday::Monday.since(week_start) {
            0 => format!("date_trunc('week', {column})"),
            days => {
                let shift = format!("INTERVAL '{days} days'");
                format!("(date_trunc('week', {column} + {shift}) - {shift})")
            }
        },
        "minute-of-hour" => format!("EXTRACT(minute FROM {column})"),
        "hour-of-day" => format!("EXTRACT(hour FROM {column})"),
        "day-of-week" => {
            let shift = 7 - week_start.to_sunday_zero_offset();
            format!("((EXTRACT(dow FROM {column}) + {shift}) % 7 + 1)")
        }
        "day-of-month" => format!("EXTRACT(day FROM {column})"),
        "day-of-year" => format!("EXTRACT(doy FROM {column})"),
        "week-of-year" => format!("EXTRACT(week FROM {column})"),
        "month-of-year" => format!("EXTRACT(month FROM {column})"),
        "quarter-of-year" => format!("EXTRACT(quarter FROM {column})"),
        _ => return None,
    })
}
