//! The clock that every rule reads.
//!
//! On AWS it is the system clock. The local run and the tests can set it to another time, from which it continues.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, in whole seconds since 1970. Written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last second of the year 9999, the latest that RFC 3339 can express.
    const LATEST: i64 = 253_402_300_799;

    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, Self::LATEST))
    }

    pub const fn unix(self) -> i64 {
        self.0
    }

    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this moment; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|moment| Self::from_unix(moment.as_second()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_seconds: Arc<AtomicI64>,
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        self.system().plus(self.offset_seconds.load(Ordering::Relaxed))
    }

    /// The time of the machine's own clock.
    pub fn system(&self) -> Timestamp {
        Timestamp::from_unix(jiff::Timestamp::now().as_second())
    }

    /// Sets this clock `seconds` ahead of the machine's.
    pub fn set_offset(&self, seconds: i64) {
        self.offset_seconds.store(seconds, Ordering::Relaxed);
    }

    /// Sets this clock to `moment`, from which it continues.
    pub fn set(&self, moment: Timestamp) {
        self.set_offset(moment.since(self.system()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_rfc_3339() {
        let moment = Timestamp::from_unix(1_700_000_000);
        assert_eq!(moment.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!("2023-11-14T23:13:20+01:00".parse::<Timestamp>().unwrap(), moment);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn a_clock_that_was_set_runs_on_from_there() {
        let clock = Clock::default();
        clock.set(Timestamp::from_unix(1_000));
        assert!(clock.now().since(Timestamp::from_unix(1_000)) <= 1);
        clock.set_offset(3_600);
        assert!(clock.now().since(clock.system()) >= 3_600);
    }
}
