//! Time zones: `AT TIME ZONE` as Postgres and DuckDB have it.
//!
//! The engine's own keeps an instant an instant. Here a time without a zone becomes an instant, and an instant
//! becomes the local time in the zone, so that `created_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin'` is
//! cut at the midnights of Berlin.

use std::sync::Arc;

use chrono::offset::MappedLocalTime;
use chrono::{NaiveDateTime, Offset, TimeDelta, TimeZone};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, plan_datafusion_err};

use super::pack::{Definition, constant_text, usage};
use super::postgres::{MOMENT, is_moment, micros, moment};

pub const DEFINITIONS: &[Definition] = &[Definition {
    name: "timezone",
    arguments: |types| match types {
        [zone, at] if (zone.is_string() || zone.is_null()) && is_moment(at) => {
            Ok(vec![DataType::Utf8, if is_instant(at) { instant() } else { MOMENT }])
        }
        _ => usage("timezone", "timestamp AT TIME ZONE 'Europe/Berlin'"),
    },
    returns: |types| if types.get(1).is_some_and(is_instant) { MOMENT } else { instant() },
    check: |_, constants| match constants.first().and_then(|zone| constant_text(*zone)) {
        Some(zone) => parse(zone).map(drop),
        None => Ok(()),
    },
    run,
}];

fn is_instant(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(_, Some(_)))
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

/// A zone by its name in the database of time zones, or an offset such as `+02:00`.
pub fn parse(zone: &str) -> Result<Tz> {
    zone.parse().map_err(|_| plan_datafusion_err!("{zone:?} is no time zone."))
}

fn run(args: &[ArrayRef]) -> Result<ArrayRef> {
    let to_local = is_instant(args[1].data_type());
    let (zones, times) = (args[0].as_string::<i32>(), args[1].as_primitive::<TimestampMicrosecondType>());
    let mut found = TimestampMicrosecondBuilder::with_capacity(times.len());
    let mut last: Option<(&str, Tz)> = None;
    for (zone, at) in zones.iter().zip(times.iter()) {
        let (Some(zone), Some(at)) = (zone, at.and_then(moment)) else {
            found.append_null();
            continue;
        };
        let zone = match last {
            Some((known, parsed)) if known == zone => parsed,
            _ => last.insert((zone, parse(zone)?)).1,
        };
        found.append_option(if to_local { local(zone, at) } else { utc(zone, at) }.map(micros));
    }
    let found = found.finish();
    Ok(if to_local { Arc::new(found) } else { Arc::new(found.with_timezone("+00:00")) })
}

fn local(zone: Tz, at: NaiveDateTime) -> Option<NaiveDateTime> {
    at.checked_add_offset(zone.offset_from_utc_datetime(&at).fix())
}

/// The instant of a local time: the first of two, and after a gap as if the clock had not been changed yet.
fn utc(zone: Tz, at: NaiveDateTime) -> Option<NaiveDateTime> {
    let offset = match zone.offset_from_local_datetime(&at) {
        MappedLocalTime::Single(offset) | MappedLocalTime::Ambiguous(offset, _) => offset.fix(),
        // The longest gap was the 30th of December 2011 in Samoa.
        MappedLocalTime::None => [1, 3, 25].into_iter().find_map(|hours| {
            let before = at.checked_sub_signed(TimeDelta::hours(hours))?;
            zone.offset_from_local_datetime(&before).latest().map(|offset| offset.fix())
        })?,
    };
    at.checked_sub_offset(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_and_instants_follow_the_clocks_of_the_zone() {
        for (zone, local_time, instant) in [
            ("UTC", "2024-01-01T00:00:00", "2024-01-01T00:00:00"),
            ("Europe/Berlin", "2024-01-01T00:00:00", "2023-12-31T23:00:00"),
            ("Europe/Berlin", "2024-07-01T00:00:00", "2024-06-30T22:00:00"),
            ("America/New_York", "2024-07-01T00:00:00", "2024-07-01T04:00:00"),
            ("Asia/Kathmandu", "2024-01-01T05:45:00", "2024-01-01T00:00:00"),
            ("+02:00", "2024-01-01T02:00:00", "2024-01-01T00:00:00"),
        ] {
            let zone = parse(zone).unwrap();
            let (local_time, instant) = (local_time.parse().unwrap(), instant.parse().unwrap());
            assert_eq!(utc(zone, local_time), Some(instant));
            assert_eq!(local(zone, instant), Some(local_time));
        }
    }

    #[test]
    fn times_that_the_clock_shows_twice_or_never_have_an_instant() {
        for (zone, local_time, instant) in [
            // Twice: the first.
            ("Europe/Berlin", "2024-10-27T02:30:00", "2024-10-27T00:30:00"),
            // Never: as if the clock were still that of the winter.
            ("Europe/Berlin", "2024-03-31T02:30:00", "2024-03-31T01:30:00"),
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00"),
        ] {
            let found = utc(parse(zone).unwrap(), local_time.parse().unwrap());
            assert_eq!(found, Some(instant.parse().unwrap()), "{zone} {local_time}");
        }
    }

    #[test]
    fn unknown_zones_are_refused() {
        for zone in ["", "Mars/Olympus", "Europe/Berlin; drop", "+99:00"] {
            assert!(parse(zone).is_err(), "{zone:?}");
        }
    }
}
