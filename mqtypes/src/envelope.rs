//! The head of every queue message: who says it, since when, as the how-manieth.

use std::fmt;

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::BootId;
use crate::mono::Mono;

/// The first bytes of every message; anything else in a queue is foreign.
pub const MAGIC: [u8; 4] = *b"oLBR";

/// The protocol version this build speaks.
pub const CURRENT: u8 = 2;

/// The oldest protocol version this build understands.
pub const MIN: u8 = 2;

/// Magic, version and flags. It can be read without decoding, whatever the version.
pub const PREFIX_LEN: usize = MAGIC.len() + 2;

/// No flag is defined in version 2; a sender writes zero and a reader ignores the byte.
pub const NO_FLAGS: u8 = 0;

/// Who speaks. The number is part of the encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// Owner of the serial ports.
    SerialBridge,
    /// The event bus and mote model.
    Eventbus,
    /// The way to the remote GUI.
    UiProxy,
    /// Any other member of the bus: the inspection tool, a script.
    Tool,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SerialBridge => "serial-bridge",
            Self::Eventbus => "eventbus",
            Self::UiProxy => "ui-proxy",
            Self::Tool => "tool",
        })
    }
}

/// What follows the prefix, once per message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Envelope {
    /// Who speaks.
    pub sender: Sender,
    /// Changes when the sender restarts.
    pub boot: BootId,
    /// One up for each message of this sender to this queue, from 0 at its start.
    pub seq: u64,
    /// When it was sent.
    pub sent: Mono,
}
