//! A mote's way into the network: the secure join (RFC 9031), then a cell to its parent.
//!
//! A request goes up to the host as a genuine one does. The network grants it by itself after a while, since who answers for
//! it may not be there.

use mqtypes::ids::{Asn, Eui64};
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::air::{Cargo, soon};
use super::packet::{Content, Packet};
use super::schedule::Way;
use super::sixtop::{Answer, Cell};
use super::{Mote, Standing, code, component};

/// A join response is copied to a big buffer and decrypted in a small one: lengths as in recording B.
const COPIED_TO_BIG: [u16; 2] = [1_300, 121];
const COPIED_TO_SMALL: [u16; 2] = [33, 121];

/// What a mote that is synchronised does next on its way into the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing: it is not synchronised, or all is done.
    Resting,
    /// Ask to join.
    JoinRequest(Mono),
    /// Be answered.
    JoinResponse(Mono),
    /// Ask the parent for a cell.
    CellRequest(Mono),
    /// Give up waiting for the answer.
    CellTimeout(Mono, Cell),
    /// Take the answer.
    CellResponse(Mono, Cell, Answer),
}

impl Progress {
    /// When the step is due.
    pub fn due(self) -> Option<Mono> {
        match self {
            Self::Resting => None,
            Self::JoinRequest(at)
            | Self::JoinResponse(at)
            | Self::CellRequest(at)
            | Self::CellTimeout(at, _)
            | Self::CellResponse(at, ..) => Some(at),
        }
    }
}

impl Mote {
    pub(super) fn advance(&mut self, now: Mono) {
        let Standing::Following { source, .. } = self.memory.standing else { return };
        match self.memory.progress {
            Progress::Resting => {}
            Progress::JoinRequest(_) => self.ask_to_join(now, source),
            Progress::JoinResponse(_) => self.join(now, source),
            Progress::CellRequest(_) => self.ask_for_cell(now, source),
            Progress::CellTimeout(..) => self.ask_for_cell_later(now, 5_000..=15_000),
            Progress::CellResponse(_, cell, answer) => self.take_answer(now, source, cell, answer),
        }
    }

    /// A mote that has joined announces the network itself, and sends to its parent.
    pub(super) fn enter(&mut self, now: Mono) {
        self.memory.next_beacon = Some(soon(&mut self.random, now, 500..=1_500));
        self.memory.uplink.start(now, &mut self.random);
        self.memory.progress = match self.memory.standing {
            Standing::Following { source, .. } if !self.memory.schedule.has(Way::Out, source) => {
                Progress::CellRequest(soon(&mut self.random, now, 3_000..=6_000))
            }
            Standing::Following { .. } | Standing::Searching | Standing::Root => Progress::Resting,
        };
    }

    pub(super) fn ask_for_cell_later(&mut self, now: Mono, milliseconds: std::ops::RangeInclusive<u64>) {
        self.memory.progress = Progress::CellRequest(soon(&mut self.random, now, milliseconds));
    }

    /// The request goes to the root if that is the neighbour, and otherwise to a neighbour that passes it on as join proxy.
    fn ask_to_join(&mut self, now: Mono, proxy: Eui64) {
        self.log(now, Severity::Info, component::CJOIN, code::JOIN_REQUEST, [0, 0]);
        let request = (0..Content::JOIN_NONCE).map(|_| self.random.between(0, 255) as u8).collect();
        let packet = Packet::new(self.eui64, self.memory.prefix, self.memory.root, Content::Join { pledge: self.eui64, request });
        self.send_to(proxy, Cargo::Packet(packet));
        self.memory.progress = Progress::JoinResponse(soon(&mut self.random, now, 800..=1_800));
    }

    fn join(&mut self, now: Mono, parent: Eui64) {
        self.memory.joined = self.asn(now);
        self.log(now, Severity::Verbose, component::PACKETFUNCTIONS, code::COPY_TO_BPKT, COPIED_TO_BIG);
        self.log(now, Severity::Verbose, component::PACKETFUNCTIONS, code::COPY_TO_SPKT, COPIED_TO_SMALL);
        self.log(now, Severity::Success, component::CJOIN, code::JOINED, [0, 0]);
        self.update_rank(parent);
        self.enter(now);
    }

    pub(super) fn is_joined(&self) -> bool {
        self.memory.joined != Asn(0)
    }
}
