//! Bytes of the serial lines that somebody records, while they wait: for `eventbus`, and there for each subscriber.
//!
//! They wait beside what else is to be sent: there is a bound of their own, the oldest give way, and what is missing shows in the
//! offsets of those that follow. They must never cost a frame, or anything that is told, its place.

use std::collections::VecDeque;

use mqtypes::serial::LineBytes;

/// So much may wait: what ten lines carry at full speed in two seconds, so that a disk that takes a second to write is no loss.
const MOST: usize = 256 * 1024;

/// Bytes about a piece beside its bytes and its port's name.
const OVERHEAD: usize = 64;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub struct Backlog {
    pieces: VecDeque<LineBytes>,
    weight: usize,
}

impl Backlog {
    /// Keeps a piece, at the cost of the oldest; tells how many bytes of a line are lost by that.
    pub fn push(&mut self, piece: LineBytes) -> u64 {
        self.weight += weight(&piece);
        self.pieces.push_back(piece);
        let mut lost = 0;
        while self.weight > MOST {
            let Some(oldest) = self.pop() else { break };
            lost += oldest.bytes.len() as u64;
        }
        lost
    }

    /// What waits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &LineBytes> {
        self.pieces.iter()
    }

    /// Does nothing wait?
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The first `count` pieces have been handed over.
    pub fn consume(&mut self, count: usize) {
        for _piece in 0..count {
            self.pop();
        }
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<LineBytes> {
        let oldest = self.pieces.pop_front()?;
        self.weight -= weight(&oldest);
        Some(oldest)
    }
}

/// About how many bytes a piece takes in a message.
pub fn weight(piece: &LineBytes) -> usize {
    piece.bytes.len() + piece.port.0.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::{Generation, PortName};
    use mqtypes::mono::Mono;
    use mqtypes::serial::Direction;

    fn piece(offset: u64, length: usize) -> LineBytes {
        LineBytes {
            port: PortName("a".to_owned()),
            generation: Generation(1),
            direction: Direction::Rx,
            at: Mono(0),
            offset,
            bytes: vec![0; length],
        }
    }

    #[test]
    fn the_oldest_give_way_and_their_bytes_are_counted() {
        let mut backlog = Backlog::default();
        let lost: u64 = (0..1000).map(|index| backlog.push(piece(index * 1000, 1000))).sum();
        let first = backlog.iter().next().expect("most recent ones are kept").offset;
        assert_eq!(lost, first);
        let kept = backlog.iter().count();
        assert_eq!(kept as u64 * 1000 + lost, 1_000_000);
        assert!((MOST - 1100..=MOST).contains(&(kept * 1065)), "{kept}");
    }

    #[test]
    fn what_was_handed_over_makes_room() {
        let mut backlog = Backlog::default();
        for round in 0..100 {
            assert_eq!((0..10).map(|index| backlog.push(piece(round * 10 + index, 1024))).sum::<u64>(), 0);
            backlog.consume(10);
        }
        backlog.consume(1);
        assert!(backlog.is_empty());
    }
}
