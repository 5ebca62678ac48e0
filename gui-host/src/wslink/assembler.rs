//! Puts chunks together to messages again, in whatever order they come.
//!
//! The length that a header claims is compared, never allocated: only bytes that have come take
//! room. So what a client can make this process hold is `open` times `message` bytes, in at most
//! `open` times `chunks` pieces.

use std::collections::BTreeMap;

use super::{Fault, chunk::Chunk};

/// How much of unfinished messages is held.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest message, bytes.
    pub message: usize,
    /// Most chunks of a message.
    pub chunks: usize,
    /// Most messages that are begun and not finished.
    pub open: usize,
}

/// The unfinished messages of one connection.
#[derive(Debug)]
pub struct Assembler {
    limits: Limits,
    open: BTreeMap<u32, Partial>,
}

/// A message of which some chunks have come; they do not overlap.
#[derive(Debug)]
struct Partial {
    total: u32,
    received: usize,
    chunks: BTreeMap<u32, Vec<u8>>,
}

impl Assembler {
    /// Nothing has come yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, open: BTreeMap::new() }
    }

    /// Takes a frame; gives the message that it completes. After a fault all is as it was before.
    pub fn handle_frame(&mut self, frame: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let chunk = Chunk::parse(frame)?;
        self.check(&chunk)?;
        if chunk.payload.len() == chunk.total as usize {
            return Ok(Some(chunk.payload.to_vec()));
        }
        let partial =
            self.open.entry(chunk.message).or_insert_with(|| Partial { total: chunk.total, received: 0, chunks: BTreeMap::new() });
        partial.received += chunk.payload.len();
        partial.chunks.insert(chunk.offset, chunk.payload.to_vec());
        if partial.received < partial.total as usize {
            return Ok(None);
        }
        Ok(self.open.remove(&chunk.message).map(|whole| whole.chunks.into_values().flatten().collect()))
    }

    fn check(&self, chunk: &Chunk<'_>) -> Result<(), Fault> {
        let Limits { message, open, .. } = self.limits;
        let Chunk { offset, total, payload, .. } = *chunk;
        if payload.is_empty() {
            return Err(Fault::Empty);
        }
        if total as usize > message {
            return Err(Fault::TooLong { total, max: message });
        }
        if u64::from(offset) + payload.len() as u64 > u64::from(total) {
            return Err(Fault::PastEnd { offset, len: payload.len(), total });
        }
        match self.open.get(&chunk.message) {
            Some(partial) => partial.check(chunk, self.limits.chunks),
            None if payload.len() < total as usize && self.open.len() >= open => Err(Fault::TooManyOpen { max: open }),
            None => Ok(()),
        }
    }
}

impl Partial {
    fn check(&self, chunk: &Chunk<'_>, max: usize) -> Result<(), Fault> {
        let Chunk { offset, total, payload, .. } = *chunk;
        if total != self.total {
            return Err(Fault::OtherTotal { first: self.total, then: total });
        }
        // Chunks do not overlap, so of those that begin before the end of this one the last reaches furthest.
        let end = offset as usize + payload.len();
        let before = self.chunks.iter().rev().find(|&(&start, _)| (start as usize) < end);
        if before.is_some_and(|(&start, bytes)| start as usize + bytes.len() > offset as usize) {
            return Err(Fault::Overlap { offset });
        }
        if self.chunks.len() >= max {
            return Err(Fault::TooManyChunks { max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::wslink::chunk::cut;

    const LIMITS: Limits = Limits { message: 100, chunks: 4, open: 2 };

    fn frame(message: u32, offset: u32, total: u32, payload: &[u8]) -> Vec<u8> {
        Chunk { message, offset, total, payload }.emit()
    }

    fn held(assembler: &Assembler) -> usize {
        assembler.open.values().flat_map(|partial| partial.chunks.values()).map(Vec::len).sum()
    }

    /// Feeds frames; all but the last must be taken without completing anything.
    fn last(frames: &[Vec<u8>]) -> Result<Option<Vec<u8>>, Fault> {
        let mut assembler = Assembler::new(LIMITS);
        let (last, before) = frames.split_last().unwrap();
        for frame in before {
            assert_eq!(assembler.handle_frame(frame), Ok(None));
        }
        let held_before = held(&assembler);
        let result = assembler.handle_frame(last);
        if result.is_err() {
            assert_eq!(held(&assembler), held_before);
        }
        result
    }

    #[test]
    fn chunks_may_come_in_any_order_and_between_those_of_another_message() {
        let done = last(&[frame(1, 4, 6, b"ef"), frame(2, 0, 4, b"xx"), frame(1, 0, 6, b"ab"), frame(1, 2, 6, b"cd")]);
        assert_eq!(done, Ok(Some(b"abcdef".to_vec())));
    }

    #[test]
    fn a_chunk_that_cannot_belong_to_its_message_is_refused() {
        let begun = || frame(1, 2, 8, b"cd");
        for (chunk, fault) in [
            (frame(1, 0, 8, b""), Fault::Empty),
            (frame(1, 0, 0, b""), Fault::Empty),
            (frame(1, 0, 9, b"ab"), Fault::OtherTotal { first: 8, then: 9 }),
            (frame(1, 2, 8, b"cd"), Fault::Overlap { offset: 2 }),
            (frame(1, 1, 8, b"bc"), Fault::Overlap { offset: 1 }),
            (frame(1, 3, 8, b"de"), Fault::Overlap { offset: 3 }),
            (frame(1, 1, 8, b"bcdef"), Fault::Overlap { offset: 1 }),
            (frame(1, 0, 8, b"abcdefgh"), Fault::Overlap { offset: 0 }),
            (frame(1, 7, 8, b"hi"), Fault::PastEnd { offset: 7, len: 2, total: 8 }),
            (frame(3, u32::MAX, 8, b"x"), Fault::PastEnd { offset: u32::MAX, len: 1, total: 8 }),
            (frame(3, 0, 1, b"xy"), Fault::PastEnd { offset: 0, len: 2, total: 1 }),
            (frame(3, 0, 101, b"x"), Fault::TooLong { total: 101, max: 100 }),
            (frame(3, 0, u32::MAX, b"x"), Fault::TooLong { total: u32::MAX, max: 100 }),
        ] {
            assert_eq!(last(&[begun(), chunk]), Err(fault));
        }
    }

    #[test]
    fn messages_and_chunks_are_bounded_in_number() {
        let third = last(&[frame(1, 0, 9, b"x"), frame(2, 0, 9, b"x"), frame(3, 0, 9, b"x")]);
        assert_eq!(third, Err(Fault::TooManyOpen { max: 2 }));
        let whole = last(&[frame(1, 0, 9, b"x"), frame(2, 0, 9, b"x"), frame(3, 0, 1, b"x")]);
        assert_eq!(whole, Ok(Some(b"x".to_vec())));
        let crumbs: Vec<_> = (0..5).map(|n| frame(1, n, 9, b"x")).collect();
        assert_eq!(last(&crumbs), Err(Fault::TooManyChunks { max: 4 }));
    }

    proptest! {
        #[test]
        fn no_frame_makes_it_panic_or_hold_more_than_its_bound(
            frames in vec(prop_oneof![
                vec(any::<u8>(), 0..20),
                (0u32..4, 0u32..120, 0u32..120, vec(any::<u8>(), 0..40)).prop_map(|(id, offset, total, payload)| frame(id, offset, total, &payload)),
            ], 0..60)
        ) {
            let mut assembler = Assembler::new(LIMITS);
            for frame in &frames {
                let before = held(&assembler);
                let result = assembler.handle_frame(frame);
                prop_assert!(assembler.open.len() <= LIMITS.open);
                prop_assert!(assembler.open.values().all(|p| p.chunks.len() <= LIMITS.chunks && p.received < p.total as usize));
                prop_assert!(held(&assembler) <= LIMITS.open * LIMITS.message);
                if result.is_err() {
                    prop_assert_eq!(held(&assembler), before);
                }
            }
        }

        #[test]
        fn what_was_cut_is_put_together_again(
            message in vec(any::<u8>(), 1..100),
            size in 38usize..120,
            order in any::<prop::sample::Index>(),
        ) {
            let mut frames: Vec<_> = cut(9, &message, size).collect();
            let first = order.index(frames.len());
            frames.rotate_left(first);
            prop_assert_eq!(last(&frames), Ok(Some(message)));
        }
    }
}
