//! The frames of a recording, one by one: its chunks put together, and replies to echoes told apart.
//!
//! It ends where the file does, or where the file makes no sense any more; everything before that is told first.

use super::echoes::Echoes;
use super::frames::{Lines, Seen};
use super::input::Trouble;
use super::recording::Chunks;

/// A recording that is being read.
pub struct Reading {
    chunks: Chunks,
    lines: Lines,
    echoes: Echoes,
    /// How the file ended, once it has.
    end: Option<Result<(), Trouble>>,
}

impl Reading {
    /// Nothing is read yet.
    pub fn new(chunks: Chunks) -> Self {
        Self { chunks, lines: Lines::default(), echoes: Echoes::default(), end: None }
    }

    /// The file's name, for messages.
    pub fn name(&self) -> &str {
        self.chunks.name()
    }

    /// How it ended; well, if nobody read that far.
    pub fn end(self) -> Result<(), Trouble> {
        self.end.unwrap_or(Ok(()))
    }
}

impl Iterator for Reading {
    type Item = Seen;

    fn next(&mut self) -> Option<Seen> {
        while self.end.is_none() {
            if let Some(seen) = self.echoes.poll() {
                return Some(seen);
            }
            match self.chunks.next_chunk() {
                Ok(Some(chunk)) => self.lines.handle_chunk(&chunk).into_iter().for_each(|seen| self.echoes.handle(seen)),
                Ok(None) => self.end = Some(Ok(())),
                Err(trouble) => self.end = Some(Err(trouble)),
            }
        }
        self.echoes.poll_rest()
    }
}
