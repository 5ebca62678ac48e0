//! Bytes of the serial lines that wait for one subscriber.
//!
//! They wait beside its mailbox, with a bound of their own, and go into it when it is empty: so they give way to everything that
//! is told, and cost none of it.

use std::collections::VecDeque;

use mqtypes::serial::LineBytes;

/// So much may wait for one subscriber: a disk that takes a second to write is no loss with ten lines at full speed.
const MOST: usize = 256 * 1024;

/// Bytes about a piece beside its bytes and its port's name.
const OVERHEAD: usize = 64;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    queue: VecDeque<LineBytes>,
    weight: usize,
    /// Bytes of those that gave way.
    lost: u64,
}

impl Pieces {
    /// Keeps a piece, at the cost of the oldest.
    pub fn push(&mut self, piece: LineBytes) {
        self.weight += weight(&piece);
        self.queue.push_back(piece);
        while self.weight > MOST {
            let Some(oldest) = self.pop() else { return };
            self.lost += oldest.bytes.len() as u64;
        }
    }

    /// Bytes that gave way since this was last asked. They are told when it can be said what follows them: a gap for each would
    /// fill the mailbox of whoever does not read.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// The weight of the oldest.
    pub fn next_weight(&self) -> Option<usize> {
        self.queue.front().map(weight)
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<LineBytes> {
        let oldest = self.queue.pop_front()?;
        self.weight -= weight(&oldest);
        Some(oldest)
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

fn weight(piece: &LineBytes) -> usize {
    piece.bytes.len() + piece.port.0.len() + OVERHEAD
}
