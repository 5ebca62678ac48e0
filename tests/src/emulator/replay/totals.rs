//! What a replay has sent: frames by kind, others by reason, and what it added of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::track::Ended;

/// The totals of one port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Totals {
    frames: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    bytes: u64,
    answers: u64,
    rewritten: u64,
}

impl Totals {
    pub fn count_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub fn count_ended(&mut self, ended: &[Ended]) {
        for each in ended {
            let count = match each {
                Ok(kind) => self.frames.entry(kind),
                Err(fault) => self.faults.entry(fault.name()),
            };
            *count.or_default() += 1;
        }
    }

    pub fn count_answer(&mut self) {
        self.answers += 1;
    }

    pub fn count_rewritten(&mut self) {
        self.rewritten += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (kind, count) in &other.frames {
            *self.frames.entry(kind).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        self.bytes += other.bytes;
        self.answers += other.answers;
        self.rewritten += other.rewritten;
    }

    /// `frames` and `faults` are those of the recording; `answers` come on top, and `rewritten` are among the frames.
    pub fn json(&self) -> Value {
        json!({
            "frames": self.frames, "faults": self.faults, "bytes": self.bytes,
            "answers": self.answers, "rewritten": self.rewritten,
        })
    }
}
