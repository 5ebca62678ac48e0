//! The time as an argument: what the pure parts of the host get instead of a clock.
//!
//! Ages are reckoned from the monotonic instant, what a person reads from the Unix time, so that
//! a corrected wall clock cannot make a live link look stale.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For ages and deadlines.
    pub instant: Instant,
    /// For people: Unix time, milliseconds.
    pub unix_ms: u64,
}

impl Now {
    /// Reads both clocks.
    pub fn read() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { instant: Instant::now(), unix_ms: unix.as_millis() as u64 }
    }

    /// How long ago `earlier` was; zero when it was not.
    pub fn since(self, earlier: Now) -> Duration {
        self.instant.saturating_duration_since(earlier.instant)
    }
}

#[cfg(test)]
impl Now {
    /// A moment to start a test from.
    pub fn start() -> Self {
        Self { instant: Instant::now(), unix_ms: 1_700_000_000_000 }
    }

    /// The moment `ms` milliseconds later.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self { instant: self.instant + Duration::from_millis(ms), unix_ms: self.unix_ms + ms }
    }
}
