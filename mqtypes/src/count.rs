//! Event counts, by sender and signal, as OpenVisualizer's monitor keeps them.

use bincode::{Decode, Encode};
use serde::Serialize;

/// How often one sender gave one signal since `eventbus` started.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Count {
    /// For example `mote_connector@/dev/ttyUSB0`.
    pub sender: String,
    /// For example `fromMote.status`.
    pub signal: String,
    /// How often.
    pub num: u64,
}
