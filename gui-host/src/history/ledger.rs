//! Where records go: into the ring at once, and to the archive when it fetches them.
//!
//! Bounded: what the archive does not fetch in time is counted and not kept for it.

use std::sync::Arc;

use super::{
    record::{Event, Fact, Record},
    ring::Ring,
    series::Quantity,
    track::Timed,
};

/// Most records that wait for the archive, which fetches them every second: all figures and counts
/// of a thousand motes at once, and log lines beside them.
pub const MAX_WAITING: usize = 16_384;

/// Longest text that is kept, characters: that of a log line.
const MAX_TEXT: usize = 2048;

/// The records.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The last quarter of an hour.
    pub ring: Ring,
    waiting: Vec<Record>,
    lost: u64,
}

/// What the archive fetches.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// Records in the order in which they were made.
    pub records: Vec<Record>,
    /// How many more there would have been since the last batch.
    pub lost: u64,
}

/// Writes records about one router, or one of its motes.
pub struct Pen<'a> {
    /// Where.
    pub ledger: &'a mut Ledger,
    /// The router.
    pub lbr: &'a Arc<str>,
    /// The mote.
    pub mote: Option<&'a Arc<str>>,
}

impl Ledger {
    /// What has come together since the last call.
    pub fn take_batch(&mut self) -> Batch {
        Batch { records: std::mem::take(&mut self.waiting), lost: std::mem::take(&mut self.lost) }
    }

    fn write(&mut self, record: Record) {
        self.ring.push(&record);
        if self.waiting.len() >= MAX_WAITING {
            self.lost += 1;
        } else {
            self.waiting.push(record);
        }
    }
}

impl Pen<'_> {
    /// A figure, if one is to be kept.
    pub fn value(&mut self, quantity: Quantity, kept: Option<Timed>) {
        if let Some((t, reading)) = kept {
            self.write(t, Fact::Value(quantity, reading));
        }
    }

    /// A counter, if its value is to be kept.
    pub fn count(&mut self, sender: &Arc<str>, signal: &Arc<str>, kept: Option<Timed>) {
        if let Some((t, reading)) = kept {
            self.write(t, Fact::Count { sender: sender.clone(), signal: signal.clone(), num: reading.value as u64 });
        }
    }

    /// Something that happened.
    pub fn event(&mut self, t: u64, event: Event) {
        self.write(t, Fact::Event(event));
    }

    fn write(&mut self, t: u64, fact: Fact) {
        self.ledger.write(Record { lbr: self.lbr.clone(), mote: self.mote.cloned(), t, fact });
    }
}

/// A text from outside at a length that is kept.
pub fn clipped(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}
