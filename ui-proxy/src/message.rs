//! What the router says to the host once the handshake is over. `json` turns it into text; nothing else does.

use std::collections::BTreeMap;

use mqtypes::command::{EchoFigures, OutcomeState};
use mqtypes::count::Count;
use mqtypes::health::ProcessHealth;
use mqtypes::ids::{BootId, Who};
use mqtypes::log::MoteLog;
use mqtypes::mesh::{DagEntry, MoteData, UinjectReport};
use mqtypes::mote::MoteEntry;
use mqtypes::serial::PortReport;

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
    /// `dag`: a page of the full set.
    Dag {
        /// Which page.
        part: Part,
        /// Its motes.
        motes: Vec<DagEntry>,
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
    /// `uinject`: sources of packets.
    Uinject {
        /// Start of the process that counts.
        boot: BootId,
        /// Which page, when there are several or they belong to a snapshot.
        part: Option<Part>,
        /// What they tell since that start.
        sources: Vec<UinjectReport>,
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
    /// `mote-data`.
    Data(MoteData),
    /// `gap`: events that were dropped since the last one, by type.
    Gap(BTreeMap<String, u64>),
    /// `command-outcome`.
    Outcome(Outcome),
    /// `lbr-health`.
    Health {
        /// Which page, when there are several.
        part: Option<Part>,
        /// All processes, on each page.
        processes: Vec<ProcessHealth>,
        /// The ports of this page.
        ports: Vec<PortReport>,
    },
    /// `error`: what the host said was not understood.
    Error(Fault),
}

/// How far a command of the host is.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The host's id of the command.
    pub id: HostId,
    /// How far it is.
    pub state: OutcomeState,
    /// Why, or what came of it.
    pub detail: String,
    /// The figures of an echo test.
    pub echo: Option<EchoFigures>,
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
