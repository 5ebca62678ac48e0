//! What a host gives its root to send into the mesh (`openbridge`). It ends there: nothing comes back to the serial line.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use mqtypes::mono::Mono;

/// A packet leaves this long after the one before it: a shared cell comes once in a slotframe, and some are free at once.
const LEAVES_EVERY: Duration = Duration::from_millis(250);

/// Packets that may wait: the queue has 20 entries, and some are for beacons and packets on their way up.
const MOST_WAITING: usize = 14;

/// The root's packets on their way down, and counts since boot.
#[derive(Debug, Default)]
pub(super) struct Downlink {
    /// When each of those that wait leaves.
    leaving: VecDeque<Mono>,
    carried: u64,
    refused: u64,
    ignored: u64,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    NoRoom,
}

impl Downlink {
    /// A root takes a packet.
    pub fn take(&mut self, now: Mono) -> Taken {
        let waiting = self.waiting(now);
        self.leaving.drain(..self.leaving.len() - waiting);
        if waiting == MOST_WAITING {
            self.refused += 1;
            return Taken::NoRoom;
        }
        let after = self.leaving.back().map_or(now, |last| now.max(*last));
        self.leaving.push_back(after.after(LEAVES_EVERY));
        self.carried += 1;
        Taken::Yes
    }

    /// Who is not root takes no notice.
    pub fn ignore(&mut self) {
        self.ignored += 1;
    }

    /// How many wait.
    pub fn waiting(&self, now: Mono) -> usize {
        self.leaving.iter().filter(|at| **at > now).count()
    }
}

impl fmt::Display for Downlink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} carried, {} refused, {} ignored", self.carried, self.refused, self.ignored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_finds_no_room_and_room_comes_back() {
        let mut downlink = Downlink::default();
        let taken = (0..20).filter(|_| downlink.take(Mono(0)) == Taken::Yes).count();
        assert_eq!((taken, downlink.waiting(Mono(0))), (MOST_WAITING, MOST_WAITING));
        assert_eq!((downlink.take(Mono(250_000)), downlink.waiting(Mono(250_000))), (Taken::Yes, MOST_WAITING));
        assert_eq!(downlink.waiting(Mono(60_000_000)), 0);
        downlink.ignore();
        assert_eq!(downlink.to_string(), "15 carried, 6 refused, 1 ignored");
    }
}
