//! Bytes of the serial lines that wait for one subscriber, and how many gave way untold.
//!
//! They wait beside its mailbox, with a bound of their own, and go into it when it is empty: so they give way to everything that
//! is told, and cost none of it.

use bus::backlog::{Backlog, weight};
use mqtypes::serial::LineBytes;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    waiting: Backlog,
    /// Bytes of those that gave way.
    lost: u64,
}

impl Pieces {
    /// Keeps a piece, at the cost of the oldest.
    pub fn push(&mut self, piece: LineBytes) {
        self.lost += self.waiting.push(piece);
    }

    /// Bytes that gave way since this was last asked. They are told when it can be said what follows them: a gap for each would
    /// fill the mailbox of whoever does not read.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The weight of the oldest.
    pub fn next_weight(&self) -> Option<usize> {
        self.waiting.iter().next().map(weight)
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<LineBytes> {
        self.waiting.pop()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
