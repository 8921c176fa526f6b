//! The lock on sign-ins of one address with one key, after too many failures.
//!
//! An attempt is counted as a failure before the key is looked at, and a right key takes the count away. So attempts that
//! run at once cannot be more than those that run one after another.

use crate::clock::Timestamp;

/// The failures without a pause.
pub const FREE_FAILURES: u32 = 5;

/// The pause after the last of them, in seconds. It doubles with each further failure.
pub const FIRST_PAUSE_SECONDS: i64 = 30;

/// The longest pause: an hour.
pub const LONGEST_PAUSE_SECONDS: i64 = 3_600;

/// The time after which failures are forgotten: a day.
pub const FORGOTTEN_SECONDS: i64 = 86_400;

/// The failures of one address with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    pub count: u32,
    pub last: Timestamp,
}

/// The decision about an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It may be made, and is this many failures if it fails.
    Open(Failures),
    Locked {
        wait_seconds: i64,
    },
}

impl Failures {
    /// The end of the pause that follows them.
    fn pause(self) -> i64 {
        let Some(beyond) = self.count.checked_sub(FREE_FAILURES) else { return 0 };
        // Ten doublings are far beyond the longest pause.
        (FIRST_PAUSE_SECONDS << beyond.min(10)).min(LONGEST_PAUSE_SECONDS)
    }

    pub fn forgotten_at(self) -> Timestamp {
        self.last.plus(FORGOTTEN_SECONDS)
    }
}

/// Decides whether an attempt may be made after these failures.
pub fn attempt(before: Option<Failures>, now: Timestamp) -> Attempt {
    let Some(before) = before.filter(|before| now < before.forgotten_at()) else {
        return Attempt::Open(Failures { count: 1, last: now });
    };
    let wait_seconds = before.last.plus(before.pause()).since(now);
    if wait_seconds > 0 {
        return Attempt::Locked { wait_seconds };
    }
    Attempt::Open(Failures { count: before.count.saturating_add(1), last: now })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_are_free_and_then_the_pause_doubles() {
        let (mut failures, mut now) = (None, Timestamp::from_unix(1_000));
        let mut pauses = Vec::new();
        for _ in 0..15 {
            now = match attempt(failures, now) {
                Attempt::Open(next) => {
                    failures = Some(next);
                    now
                }
                Attempt::Locked { wait_seconds } => {
                    pauses.push(wait_seconds);
                    assert_eq!(
                        attempt(failures, now.plus(wait_seconds - 1)),
                        Attempt::Locked { wait_seconds: 1 }
                    );
                    now.plus(wait_seconds)
                }
            };
        }
        assert_eq!(failures.map(|failures| failures.count), Some(10));
        assert_eq!(pauses, [30, 60, 120, 240, 480]);
    }

    #[test]
    fn a_pause_is_an_hour_at_most_and_ends_in_a_day() {
        let now = Timestamp::from_unix(1_000);
        for count in [12, 40, u32::MAX] {
            let failures = Failures { count, last: now };
            assert_eq!(attempt(Some(failures), now), Attempt::Locked { wait_seconds: LONGEST_PAUSE_SECONDS });
            let later = now.plus(FORGOTTEN_SECONDS);
            assert_eq!(attempt(Some(failures), later), Attempt::Open(Failures { count: 1, last: later }));
        }
    }
}
