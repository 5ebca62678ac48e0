//! Time as all processes of one machine share it.
//!
//! An `Instant` cannot be sent to another process; a reading of `CLOCK_MONOTONIC` can.

use std::time::Duration;

use bincode::{Decode, Encode};
use serde::Serialize;

/// Microseconds of `CLOCK_MONOTONIC`. It is `now` everywhere, and a deadline too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(transparent)]
pub struct Mono(pub u64);

impl Mono {
    /// The moment `by` later; saturates at the end of time.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// How long until this moment, seen from `now`; zero when it has passed.
    pub fn until(self, now: Self) -> Duration {
        self.since(now)
    }

    /// The earlier of two optional deadlines.
    pub fn earliest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_saturate_instead_of_wrapping() {
        assert_eq!(Mono(5).since(Mono(9)), Duration::ZERO);
        assert_eq!(Mono(u64::MAX).after(Duration::MAX), Mono(u64::MAX));
        assert_eq!(Mono(1_000).after(Duration::from_millis(1)).since(Mono(1_000)), Duration::from_millis(1));
    }

    #[test]
    fn the_earliest_deadline_wins_and_none_means_never() {
        assert_eq!(Mono::earliest(None, None), None);
        assert_eq!(Mono::earliest(Some(Mono(3)), None), Some(Mono(3)));
        assert_eq!(Mono::earliest(Some(Mono(3)), Some(Mono(2))), Some(Mono(2)));
    }
}
