//! Negotiation of cells between a mote and its parent (6P, RFC 8480, as the scheduling function MSF uses it).

use mqtypes::ids::Eui64;
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::air::{Cargo, soon};
use super::join::Progress;
use super::schedule::Way;
use super::slots::SLOTFRAME;
use super::{Mote, code, component};

/// The 6P commands, as they are logged.
const COMMAND_ADD: u16 = 1;
pub(super) const COMMAND_CLEAR: u16 = 7;

/// The states in which a response is waited for.
const WAIT_ADDRESPONSE: u16 = 7;
const WAIT_CLEARRESPONSE: u16 = 12;

/// Frames of 6P between two neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sixtop {
    /// "I would like to send to you in this cell."
    AddRequest {
        /// The number of this transaction, counted by both.
        sequence: u8,
        /// The cell.
        cell: Cell,
    },
    /// The answer.
    AddResponse(Answer),
    /// "Let us forget all we agreed upon."
    ClearRequest,
    /// "I have."
    ClearResponse,
}

/// Where in the slotframe, and at which channel offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    slot_offset: u16,
    channel_offset: u8,
}

/// 6P return codes (RFC 8480, section 3.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The cell is granted.
    Success = 0,
    /// The two count differently: one of them has lost its memory.
    SequenceError = 6,
    /// There is no room for the cell.
    CellListError = 7,
    /// Another transaction is going on.
    Busy = 8,
}

impl Answer {
    /// The severity with which the firmware logs it.
    fn severity(self) -> Severity {
        match self {
            Self::Success => Severity::Success,
            Self::Busy => Severity::Info,
            Self::SequenceError | Self::CellListError => Severity::Error,
        }
    }
}

impl Mote {
    pub(super) fn ask_for_cell(&mut self, now: Mono, parent: Eui64) {
        let slot_offset = self.random.between(1, SLOTFRAME - 1) as u16;
        let cell = Cell { slot_offset, channel_offset: self.random.between(0, 15) as u8 };
        let sequence = self.memory.neighbors.sequence_6p(parent);
        self.log(now, Severity::Info, component::SIXTOP, code::SIXTOP_REQUEST, [COMMAND_ADD, 0]);
        self.memory.progress = Progress::CellTimeout(soon(&mut self.random, now, 2_000..=4_000), cell);
        self.send_to(parent, Cargo::Sixtop(Sixtop::AddRequest { sequence, cell }));
    }

    pub(super) fn take_answer(&mut self, now: Mono, parent: Eui64, cell: Cell, answer: Answer) {
        self.log(now, answer.severity(), component::SIXTOP, code::SIXTOP_RETURNCODE, [answer as u16, WAIT_ADDRESPONSE]);
        match answer {
            Answer::Success => {
                self.memory.schedule.add(Way::Out, parent, cell.slot_offset, cell.channel_offset);
                self.memory.neighbors.count_6p(parent);
                self.memory.usage.start(now);
                self.memory.uplink.tell_parent(soon(&mut self.random, now, 500..=2_000));
                self.memory.progress = Progress::Resting;
            }
            Answer::Busy => self.ask_for_cell_later(now, 3_000..=8_000),
            Answer::CellListError => self.ask_for_cell_later(now, 30_000..=60_000),
            Answer::SequenceError => {
                self.memory.neighbors.reset_6p(parent);
                self.log(now, Severity::Info, component::SIXTOP, code::SIXTOP_REQUEST, [COMMAND_CLEAR, 0]);
                self.send_to(parent, Cargo::Sixtop(Sixtop::ClearRequest));
                self.ask_for_cell_later(now, 3_000..=6_000);
            }
        }
    }

    pub(super) fn handle_sixtop(&mut self, now: Mono, from: Eui64, sixtop: Sixtop) {
        match sixtop {
            Sixtop::AddRequest { sequence, cell } => {
                let answer = self.answer(from, sequence);
                if answer == Answer::Success {
                    self.memory.schedule.add(Way::In, from, cell.slot_offset, cell.channel_offset);
                    self.memory.neighbors.count_6p(from);
                    self.memory.usage.start(now);
                }
                self.send_to(from, Cargo::Sixtop(Sixtop::AddResponse(answer)));
            }
            Sixtop::AddResponse(answer) => {
                if let Progress::CellTimeout(_, cell) = self.memory.progress {
                    self.memory.progress = Progress::CellResponse(soon(&mut self.random, now, 300..=1_000), cell, answer);
                }
            }
            Sixtop::ClearRequest => {
                self.memory.schedule.clear(from);
                self.memory.neighbors.reset_6p(from);
                self.send_to(from, Cargo::Sixtop(Sixtop::ClearResponse));
            }
            Sixtop::ClearResponse => {
                let args = [Answer::Success as u16, WAIT_CLEARRESPONSE];
                self.log(now, Severity::Success, component::SIXTOP, code::SIXTOP_RETURNCODE, args);
            }
        }
    }

    fn answer(&self, from: Eui64, sequence: u8) -> Answer {
        let (neighbors, schedule) = (&self.memory.neighbors, &self.memory.schedule);
        if let Progress::CellTimeout(..) | Progress::CellResponse(..) = self.memory.progress {
            Answer::Busy
        } else if sequence != neighbors.sequence_6p(from) {
            Answer::SequenceError
        } else if schedule.has_room() || schedule.has(Way::In, from) {
            Answer::Success
        } else {
            Answer::CellListError
        }
    }
}
