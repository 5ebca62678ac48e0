//! What the link wants done with the connection, and what it has to be told about it.

use super::pulse::Payload;
use crate::proof::Nonce;

/// Close codes of RFC 6455 section 7.4, and ours above 4000.
pub mod close {
    /// This process ends.
    pub const GOING_AWAY: u16 = 1001;
    /// Three messages were not understood.
    pub const POLICY: u16 = 1008;
    /// A message was too long.
    pub const TOO_LONG: u16 = 1009;
    /// No common version.
    pub const VERSION: u16 = 4400;
    /// A wrong proof, or none.
    pub const UNAUTHORIZED: u16 = 4401;
}

/// What is to be done with the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Connect to this port of the configured host.
    Dial {
        /// The port.
        port: u16,
    },
    /// Send a text frame, whether there is room or not: these are few and short.
    Send(String),
    /// Send a ping.
    Ping(Payload),
    /// The host has proved itself: take longer messages from it.
    Trust,
    /// Say goodbye with this code, and be done with the connection.
    Close {
        /// The code.
        code: u16,
        /// For a person.
        reason: &'static str,
    },
    /// Drop the connection, or the attempt at one, without a word.
    Abandon,
}

/// Random numbers for one handshake.
#[derive(Debug)]
pub struct Chance {
    /// Our nonce.
    pub nonce: Nonce,
    /// Where the ids of commands begin.
    pub first_request: u64,
}

/// Can the connection take another message now?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Yes.
    Free,
    /// Not before it has sent what it has.
    Full,
}
