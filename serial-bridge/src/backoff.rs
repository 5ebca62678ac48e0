//! How long to wait before a port is tried again.
//!
//! Each failure doubles the wait, up to a bound that the trouble sets; time in which all was well takes it back. It
//! never says "not any more".

use std::time::Duration;

/// The wait after a first failure.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait of any trouble; what a trouble allows is a part of it.
const LONGEST: Duration = Duration::from_mins(1);

/// So much time in which all was well halves the wait, and what is remembered of failures.
const HALVED_BY: Duration = Duration::from_secs(2);

/// A port that fails so often in a row keeps failing. A cable that is pulled is not among them: there, the node goes.
const KEEPS_FAILING: u32 = 4;

/// How long to wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    wait: Duration,
    failures: u32,
}

impl BackOff {
    /// Nothing has failed yet.
    pub fn new() -> Self {
        Self { wait: FIRST, failures: 0 }
    }

    /// Something failed: how long to wait, at most `longest`.
    pub fn fail(&mut self, longest: Duration) -> Duration {
        let wait = self.wait.min(longest);
        self.wait = (self.wait * 2).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// All was well for so long.
    pub fn forgive(&mut self, well: Duration) {
        let halvings = u32::try_from(well.as_micros() / HALVED_BY.as_micros()).unwrap_or(u32::MAX).min(31);
        self.wait = (self.wait / (1 << halvings)).max(FIRST);
        self.failures >>= halvings;
    }

    /// The device was away, which is no failure of it.
    pub fn forget(&mut self) {
        *self = Self::new();
    }

    /// Has it failed so often that a person should look?
    pub fn keeps_failing(&self) -> bool {
        self.failures >= KEEPS_FAILING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(5);

    #[test]
    fn failures_slow_it_down_to_a_bound_and_it_never_gives_up() {
        let mut backoff = BackOff::new();
        let waits: Vec<_> = (0..1_000).map(|_| backoff.fail(BOUND)).collect();
        assert!(waits.is_sorted() && waits[0] == FIRST && waits[999] == BOUND);
        assert!(backoff.keeps_failing());
    }

    #[test]
    fn time_in_which_all_was_well_forgives_little_by_little() {
        let mut backoff = BackOff::new();
        for _ in 0..6 {
            backoff.fail(BOUND);
        }
        backoff.forgive(HALVED_BY);
        assert_eq!((backoff.fail(BOUND), backoff.keeps_failing()), (FIRST * 32, true));
        backoff.forgive(HALVED_BY * 100);
        assert_eq!(backoff, BackOff::new());
    }
}
