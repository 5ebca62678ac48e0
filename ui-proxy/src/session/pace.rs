//! How often something is said: the first change after a quiet interval at once, further ones at the interval's end.

use std::time::Duration;

use mqtypes::mono::Mono;

/// When the next change may be said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    not_before: Mono,
}

impl Pace {
    /// When a change that is pending now is to be said.
    pub fn due_at(self) -> Mono {
        self.not_before
    }

    /// Is a pending change to be said now?
    pub fn is_due(self, now: Mono) -> bool {
        self.not_before <= now
    }

    /// It was said; the next change waits for `interval`.
    pub fn said(&mut self, now: Mono, interval: Duration) {
        self.not_before = now.after(interval);
    }

    /// The interval has become shorter: what waits need not wait longer than that.
    pub fn hasten(&mut self, now: Mono, interval: Duration) {
        self.not_before = self.not_before.min(now.after(interval));
    }
}
