//! Counts of refused views whose caller had no authentic token. Anybody can make such requests, so none of them is
//! recorded on its own: a process adds its counts to those of the stack at most once a minute.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::Reason;

/// The time that a count is kept.
pub const KEPT_SECONDS: i64 = 7 * 86_400;

const MINUTE: i64 = 60;

/// The refused views of one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusalCount {
    /// The start of the minute.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub minute: Timestamp,
    /// The number of refused views, by reason.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, u64>))]
    pub reasons: BTreeMap<&'static str, u64>,
}

/// Returns whether the error was found before the token was known to be authentic. Claims are read after the
/// signature was verified.
pub fn is_unauthenticated(reason: Reason) -> bool {
    reason != Reason::TokenClaims
}

/// The counts of a process that are not yet added to those of the stack.
#[derive(Debug, Default)]
pub struct PendingCounts {
    minutes: BTreeMap<Timestamp, BTreeMap<&'static str, u64>>,
    taken: Option<Timestamp>,
}

impl PendingCounts {
    pub fn add(&mut self, reason: Reason, now: Timestamp) {
        let minute = Timestamp::from_unix(now.unix() - now.unix() % MINUTE);
        *self.minutes.entry(minute).or_default().entry(reason.word()).or_default() += 1;
    }

    /// Takes all counts, at most once a minute. There are at most three minutes of them, since later ones are taken
    /// when they are added.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<RefusalCount> {
        let is_early = self.taken.is_some_and(|taken| (0..MINUTE).contains(&now.since(taken)));
        if self.minutes.is_empty() || is_early {
            return Vec::new();
        }
        self.taken = Some(now);
        let minutes = std::mem::take(&mut self.minutes).into_iter();
        minutes.map(|(minute, reasons)| RefusalCount { minute, reasons }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_700_000_040 + seconds)
    }

    #[test]
    fn counts_are_taken_at_once_and_then_once_a_minute() {
        let mut pending = PendingCounts::default();
        assert_eq!(pending.take_due(at(0)), []);
        let mut taken = Vec::new();
        for second in 0..150 {
            for _ in 0..1_000 {
                pending.add(Reason::TokenMissing, at(second));
                pending.add(Reason::TokenSignature, at(second));
                taken.extend(pending.take_due(at(second)));
            }
        }
        let counted = |reason: Reason| -> u64 {
            taken.iter().filter_map(|count| count.reasons.get(reason.word())).sum()
        };
        // The first of all, then those of each whole minute; the rest waits for the next minute.
        assert_eq!(taken.len(), 1 + 2 + 2, "{taken:?}");
        assert_eq!(counted(Reason::TokenMissing), 120_001);
        assert_eq!(pending.take_due(at(179)), []);
        taken = pending.take_due(at(180));
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].minute, at(120));
        assert_eq!(pending.take_due(at(10_000)), []);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_counts() {
        let mut pending = PendingCounts::default();
        for time in [1_000_000, 0, 500_000] {
            pending.add(Reason::TokenMissing, at(time));
            assert_eq!(pending.take_due(at(time)).len(), 1, "{time}");
        }
    }

    #[test]
    fn only_unreadable_claims_are_found_in_an_authentic_token() {
        assert!(!is_unauthenticated(Reason::TokenClaims));
        for reason in
            [Reason::TokenMissing, Reason::TokenMalformed, Reason::TokenSignature, Reason::TokenHeader]
        {
            assert!(is_unauthenticated(reason));
        }
    }
}
