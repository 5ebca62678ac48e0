//! What a process says of itself when asked.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::envelope::Sender;

/// The figures of one process.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ProcessHealth {
    /// Which process.
    pub process: Sender,
    /// Its process id.
    pub pid: u32,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Resident memory, KiB.
    pub rss_kib: u64,
    /// Processor time used, user and system, milliseconds.
    pub cpu_ms: u64,
    /// Messages waiting in its inbox.
    pub inbox_depth: u32,
    /// Messages its inbox holds.
    pub inbox_max: u32,
    /// What it dropped or refused since its start, by reason; zero counts are absent.
    pub dropped: Vec<Dropped>,
}

/// How many were dropped for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Dropped {
    /// A short name.
    pub reason: String,
    /// How many.
    pub count: u64,
}
