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

    /// It was said; the next change waits for `interval`.
    pub fn said(&mut self, now: Mono, interval: Duration) {
        self.not_before = now.after(interval);
    }

    /// The interval has become shorter: what waits need not wait longer than that.
    pub fn hasten(&mut self, now: Mono, interval: Duration) {
        self.not_before = self.not_before.min(now.after(interval));
    }
}
