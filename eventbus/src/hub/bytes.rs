//! The bytes of the serial lines: asked of `serial-bridge` while a subscriber wants them, and passed on unread.
//!
//! `serial-bridge` passes them on for a short lease, which is renewed here. Whoever is killed, they end by themselves.

use std::time::Duration;

use mqtypes::broker::Topic;
use mqtypes::mono::Mono;
use mqtypes::serial::{LineBytes, MAX_LINE_BYTES};

use super::{Hub, Question};

/// How long `serial-bridge` goes on without us.
const LEASE: Duration = Duration::from_secs(10);

/// How often the lease is renewed: one renewal may be late.
const RENEW: Duration = Duration::from_secs(4);

/// Are the bytes asked for?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    /// Nobody wants them.
    Off,
    /// Until then; to be renewed earlier.
    On { until: Mono, renew: Mono },
}

impl Passing {
    /// Until when the bytes are wanted; a moment long past when they are not.
    pub fn until(self) -> Mono {
        match self {
            Self::Off => Mono::default(),
            Self::On { until, .. } => until,
        }
    }

    /// When somebody must look again.
    pub fn poll_timeout(self) -> Option<Mono> {
        match self {
            Self::Off => None,
            Self::On { renew, .. } => Some(renew),
        }
    }

    /// What it is now; none when nothing is to be said.
    fn next(self, now: Mono, is_wanted: impl FnOnce() -> bool) -> Option<Self> {
        match (self, is_wanted()) {
            (Self::Off, false) => None,
            (Self::On { renew, .. }, true) if now < renew => None,
            (Self::On { .. }, false) => Some(Self::Off),
            (Self::Off | Self::On { .. }, true) => Some(Self::On { until: now.after(LEASE), renew: now.after(RENEW) }),
        }
    }
}

impl Hub {
    /// Asks for the bytes, goes on asking, or ends it, as the subscribers want.
    pub(super) fn settle_passing(&mut self, now: Mono) {
        if let Some(next) = self.passing.next(now, || self.broker.is_wanted(Topic::Bytes)) {
            self.passing = next;
            self.questions.insert(Question::Bytes);
        }
    }

    /// A `serial-bridge` that has restarted knows nothing of what was asked of the one before.
    pub(super) fn ask_for_bytes_again(&mut self) {
        if self.passing != Passing::Off {
            self.questions.insert(Question::Bytes);
        }
    }

    pub(super) fn handle_bytes(&mut self, now: Mono, piece: LineBytes) {
        if piece.bytes.len() > MAX_LINE_BYTES {
            // It may fit into no message but the one in which it came.
            self.tally.add("line-bytes-oversize", 1);
            return;
        }
        self.broker.pass(LineBytes { at: piece.at.min(now), ..piece });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_well_before_it_ends_and_given_up_at_once() {
        let now = Mono(1_000_000);
        assert_eq!(Passing::Off.next(now, || false), None);
        let on = Passing::Off.next(now, || true).expect("it is asked for");
        assert_eq!((on.until(), on.next(now, || true)), (now.after(LEASE), None));
        let due = on.poll_timeout().expect("renewed");
        assert!(due.since(now) * 2 < LEASE);
        let renewed = on.next(due, || true).expect("renewed");
        assert_eq!(renewed.until(), due.after(LEASE));
        let off = renewed.next(due, || false).expect("it is ended");
        assert_eq!((off, off.until(), off.poll_timeout()), (Passing::Off, Mono(0), None));
    }
}
