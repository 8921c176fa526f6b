//! Retries of a read and a conditional write, for as long as other writers are faster.

use std::time::Duration;

use vitrine_rules::error::{Reason, Result};
use vitrine_rules::random;

/// The number of attempts, and the pauses between them.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    count: u32,
    longest_pause_milliseconds: u64,
}

impl Attempts {
    /// Attempts one after the other, for items that few write at once.
    pub const fn without_pauses(count: u32) -> Self {
        Self { count, longest_pause_milliseconds: 0 }
    }

    /// Attempts with growing random pauses, for an item that all write, such as a counter.
    pub const fn with_pauses(count: u32, longest_pause_milliseconds: u64) -> Self {
        Self { count, longest_pause_milliseconds }
    }

    /// Pauses for a random time, so that writers that met do not meet again.
    async fn pause(self, made: u32) -> Result<()> {
        let longest = self.longest_pause_milliseconds.min(2 << made.min(11));
        if longest > 0 {
            tokio::time::sleep(Duration::from_millis(random::number()? % longest)).await;
        }
        Ok(())
    }
}

/// Repeats `attempt` while it fails with [`Reason::Conflict`], and returns the last result.
///
/// An attempt reads the state again, so that each write is planned from what is stored now.
pub async fn retry_on_conflict<T, F>(attempts: Attempts, attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut made = 0;
    // The attempt is awaited in one place, because its code is compiled into each.
    loop {
        made += 1;
        match attempt().await {
            Err(error) if error.reason == Reason::Conflict && made < attempts.count => {
                attempts.pause(made).await?;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Fails with `reason` for the first `failures` attempts, and returns the result and the number of attempts.
    async fn retried(attempts: u32, failures: u32, reason: Reason) -> (Result<()>, u32) {
        let made = Cell::new(0);
        let result = retry_on_conflict(Attempts::without_pauses(attempts), || async {
            made.set(made.get() + 1);
            if made.get() <= failures { Err(reason.into()) } else { Ok(()) }
        });
        let result = result.await;
        (result, made.get())
    }

    #[tokio::test]
    async fn conflicts_are_retried_until_the_attempts_are_used_up() {
        let outcome = |(result, made): (Result<()>, u32)| (result.map_err(|error| error.reason), made);
        assert_eq!(outcome(retried(8, 0, Reason::Conflict).await), (Ok(()), 1));
        assert_eq!(outcome(retried(8, 7, Reason::Conflict).await), (Ok(()), 8));
        assert_eq!(outcome(retried(8, 8, Reason::Conflict).await), (Err(Reason::Conflict), 8));
        assert_eq!(outcome(retried(8, 1, Reason::Unavailable).await), (Err(Reason::Unavailable), 1));
    }
}
