//! Views and refusals by day, for a chart. A process adds its counts to those of the stack every few seconds, so that a
//! view costs no write of its own.

use std::collections::BTreeMap;

use crate::clock::Timestamp;

/// The days that are shown.
pub const SHOWN_DAYS: i64 = 14;

/// The time that a day is kept.
pub const KEPT_SECONDS: i64 = 35 * DAY;

/// A process writes at most this often.
pub const EVERY_SECONDS: i64 = 10;

/// A day with fewer refusals is no peak.
const LEAST_OF_PEAK: u64 = 20;

/// A peak has this many times the refusals of an average day before it.
const TIMES_OF_PEAK: u64 = 3;

const DAY: i64 = 86_400;

/// A thing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityEvent {
    /// A view was opened.
    Viewed,
    /// A request with an authentic token was refused.
    Refused,
    /// A request without an authentic token was refused.
    Unauthenticated,
}

/// The counts of one day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCount {
    /// The start of the day.
    pub day: Timestamp,
    pub views: u64,
    pub refused: u64,
    pub unauthenticated: u64,
}

impl DayCount {
    pub const fn none(day: Timestamp) -> Self {
        Self { day, views: 0, refused: 0, unauthenticated: 0 }
    }

    pub const fn all_refused(&self) -> u64 {
        self.refused.saturating_add(self.unauthenticated)
    }

    const fn add(&mut self, event: ActivityEvent) {
        match event {
            ActivityEvent::Viewed => self.views += 1,
            ActivityEvent::Refused => self.refused += 1,
            ActivityEvent::Unauthenticated => self.unauthenticated += 1,
        }
    }
}

fn day_of(moment: Timestamp) -> Timestamp {
    Timestamp::from_unix(moment.unix() - moment.unix().rem_euclid(DAY))
}

/// The days that are shown, the oldest first and that of `now` last.
pub fn shown_days(now: Timestamp) -> impl Iterator<Item = Timestamp> {
    (0..SHOWN_DAYS).rev().map(move |ago| day_of(now).plus(-ago * DAY))
}

/// The counts of a process that are not yet added to those of the stack.
#[derive(Debug, Default)]
pub struct PendingDays {
    days: BTreeMap<Timestamp, DayCount>,
    taken: Option<Timestamp>,
}

impl PendingDays {
    pub fn add(&mut self, event: ActivityEvent, now: Timestamp) {
        let day = day_of(now);
        self.days.entry(day).or_insert(DayCount::none(day)).add(event);
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Takes all counts: the first at once, later ones every few seconds.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<DayCount> {
        let is_early = self.taken.is_some_and(|taken| (0..EVERY_SECONDS).contains(&now.since(taken)));
        if self.days.is_empty() || is_early {
            return Vec::new();
        }
        self.taken = Some(now);
        std::mem::take(&mut self.days).into_values().collect()
    }
}

/// The last of these days, or the day before it, if far more was refused than on the days before. `days` are in order.
pub fn peak(days: &[DayCount]) -> Option<&DayCount> {
    let is_peak = |index: usize| {
        let (earlier, refused) = (&days[..index], days[index].all_refused());
        let before: u64 = earlier.iter().map(DayCount::all_refused).sum();
        let count = earlier.len().max(1) as u64;
        refused >= LEAST_OF_PEAK && refused.saturating_mul(count) > before.saturating_mul(TIMES_OF_PEAK)
    };
    (days.len().saturating_sub(2)..days.len()).rev().find(|index| is_peak(*index)).map(|index| &days[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_700_000_000 - 1_700_000_000 % DAY + DAY / 2;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(NOON + seconds)
    }

    #[test]
    fn nothing_is_lost_between_two_writes() {
        let mut pending = PendingDays::default();
        assert_eq!(pending.take_due(at(0)), []);
        let mut taken = Vec::new();
        for second in 0..100 {
            for event in [
                ActivityEvent::Viewed,
                ActivityEvent::Viewed,
                ActivityEvent::Refused,
                ActivityEvent::Unauthenticated,
            ] {
                pending.add(event, at(second));
                taken.extend(pending.take_due(at(second)));
            }
        }
        assert_eq!(taken.len(), 10, "{taken:?}");
        taken.extend(pending.take_due(at(200)));
        let sum = |of: fn(&DayCount) -> u64| taken.iter().map(of).sum::<u64>();
        assert_eq!(
            (sum(|day| day.views), sum(|day| day.refused), sum(|day| day.unauthenticated)),
            (200, 100, 100)
        );
        assert!(pending.is_empty() && pending.take_due(at(300)).is_empty());
        // A clock that is set back stops nothing.
        pending.add(ActivityEvent::Viewed, at(0));
        assert_eq!(pending.take_due(at(0)).len(), 1);
    }

    #[test]
    fn days_begin_at_midnight_in_utc() {
        let mut pending = PendingDays::default();
        for seconds in [-DAY / 2 - 1, -DAY / 2, 0, DAY / 2 - 1, DAY / 2] {
            pending.add(ActivityEvent::Viewed, at(seconds));
        }
        let taken = pending.take_due(at(DAY));
        assert_eq!(taken.iter().map(|day| day.views).collect::<Vec<_>>(), [1, 3, 1]);
        let shown: Vec<_> = shown_days(at(0)).collect();
        assert_eq!(shown.len(), 14);
        assert_eq!(shown[13], at(-DAY / 2));
        assert_eq!(shown[0], at(-DAY / 2 - 13 * DAY));
    }

    #[test]
    fn a_peak_is_many_refusals_and_far_more_than_before() {
        for (refused, expected) in [
            (&[][..], None),
            (&[500], Some(0)),
            (&[0, 19], None),
            (&[0, 20], Some(1)),
            (&[0, 50, 3], Some(1)),
            (&[50, 3, 3], None),
            (&[10, 10, 10, 30], None),
            (&[10, 10, 10, 31], Some(3)),
            (&[100, 100, 100, 250], None),
            (&[0, u64::MAX, u64::MAX], Some(1)),
        ] {
            let days: Vec<_> = refused
                .iter()
                .map(|refused| DayCount { refused: *refused, ..DayCount::none(at(0)) })
                .collect();
            let found = peak(&days).and_then(|found| days.iter().position(|day| std::ptr::eq(day, found)));
            assert_eq!(found, expected, "{refused:?}");
        }
    }
}
