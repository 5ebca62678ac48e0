//! What the router says to the host once the handshake is over. `json` turns it into text; nothing else does.

use std::collections::BTreeMap;

use mqtypes::command::OutcomeState;
use mqtypes::count::Count;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{BootId, Who};
use mqtypes::log::MoteLog;
use mqtypes::mote::MoteEntry;

use crate::request::{Fault, HostId};
use crate::session::mote_status::Reading;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// `mote-inventory`: a page of the full set.
    Inventory {
        /// Which page.
        part: Part,
        /// Its motes.
        motes: Vec<MoteEntry>,
    },
    /// `mote-status`: elements and rows of one mote.
    Status {
        /// Whose.
        who: Who,
        /// Which page, when there are several or they belong to a snapshot.
        part: Option<Part>,
        /// In the order of their keys, so that the rows of a table stand together.
        readings: Vec<Reading>,
    },
    /// `event-count`.
    Counts {
        /// Start of the process that counts.
        boot: BootId,
        /// Which page, when there are several or they belong to a snapshot.
        part: Option<Part>,
        /// Counts since that start.
        counts: Vec<Count>,
    },
    /// `mote-log`.
    Log(MoteLog),
    /// `gap`: events that were dropped since the last one, by type.
    Gap(BTreeMap<String, u64>),
    /// `command-outcome`.
    Outcome {
        /// The host's id of the command.
        id: HostId,
        /// How far it is.
        state: OutcomeState,
        /// Why, or what came of it.
        detail: String,
    },
    /// `lbr-health`.
    Health(Vec<ProcessHealth>),
    /// `error`: what the host said was not understood.
    Error(Fault),
}

/// One page of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub n: usize,
    /// How many there are.
    pub of: usize,
    /// Tells the sets of one connection apart.
    pub snapshot: u64,
}

/// The number of the next message of a connection.
#[derive(Debug, Default)]
pub struct Sequence(u64);

impl Sequence {
    /// It, and the one after it is next.
    pub fn take(&mut self) -> u64 {
        let seq = self.0;
        self.0 += 1;
        seq
    }
}
