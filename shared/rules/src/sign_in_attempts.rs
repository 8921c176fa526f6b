//! The number of wrong passwords that a name may have in a while.
//!
//! Each wrong password takes one of ten slots for fifteen minutes; when none is free, the next one is refused. Ten slots,
//! each taken by a conditional write, are an exact count however many attempts run at once, and an item of bounded size.

use crate::clock::Timestamp;
use crate::random;

/// The number of wrong passwords in [`WINDOW_SECONDS`].
pub const SLOTS: usize = 10;

/// The time for which a wrong password counts: 15 minutes.
pub const WINDOW_SECONDS: i64 = 15 * 60;

/// The hex digits of a name's bucket, so that invented names fill at most 65,536 items. Names that share one share their
/// slots, which delays nobody with the right password.
const BUCKET_DIGITS: usize = 4;

/// The bucket in which the wrong passwords of a name are counted. Case and spaces around a name make no difference.
pub fn bucket(name: &str) -> String {
    let mut fingerprint = random::fingerprint(&name.trim().to_lowercase());
    fingerprint.truncate(BUCKET_DIGITS);
    fingerprint
}

/// The slots of a bucket: the time at which each was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slots(pub [Option<Timestamp>; SLOTS]);

/// The next step for a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Free(usize),
    /// All are taken; one will be free in this many seconds.
    Full {
        wait_seconds: i64,
    },
}

impl Slots {
    pub fn next(&self, now: Timestamp) -> Slot {
        let ends = |taken: &Option<Timestamp>| taken.map_or(0, |at| at.plus(WINDOW_SECONDS).since(now));
        let (index, wait_seconds) =
            self.0.iter().map(ends).enumerate().min_by_key(|(_, ends)| *ends).unwrap_or((0, 0));
        if wait_seconds <= 0 { Slot::Free(index) } else { Slot::Full { wait_seconds } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_fit_into_any_fifteen_minutes() {
        let at = Timestamp::from_unix;
        let (mut slots, mut taken) = (Slots::default(), Vec::new());
        for now in (0..5_000).step_by(60) {
            if let Slot::Free(index) = slots.next(at(now)) {
                slots.0[index] = Some(at(now));
                taken.push(now);
            }
            let recent = taken.iter().filter(|taken| now - **taken < WINDOW_SECONDS).count();
            assert!(recent <= SLOTS, "{now}");
        }
        assert_eq!(taken[..12], [0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 900, 960]);
        assert_eq!(Slots([Some(at(1_000)); SLOTS]).next(at(1_100)), Slot::Full { wait_seconds: 800 });
        assert_eq!(Slots([Some(at(1_000)); SLOTS]).next(at(1_900)), Slot::Free(0));
    }

    #[test]
    fn a_name_has_one_bucket_in_any_spelling() {
        assert_eq!(bucket("Ann@Example.com "), bucket("ann@example.com"));
        assert_ne!(bucket("ann@example.com"), bucket("bob@example.com"));
        assert_eq!(bucket(&"x".repeat(100_000)).len(), 4);
    }
}
