//! What motes say to each other, as far as it shows on a serial line: synchronising, joining, cells, keeping in touch.
//!
//! A beacon carries how fresh the root's time is. So a mesh whose root is gone falls apart within bounds, and cannot keep
//! itself alive by hearing its own echo.

use std::time::Duration;

use mqtypes::ids::{Asn, Eui64};
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::neighbors::{self, NO_RANK};
use super::schedule::{Acknowledged, Way};
use super::slots::{SLOTFRAME, slot_offset};
use super::{Mote, Standing, code, component, duty};
use crate::emulator::random::Random;

/// A beacon goes out this often, about.
pub(super) const BEACON_PERIOD: Duration = Duration::from_secs(1);

/// A mote that heard nothing of the root's time for so long is not synchronised any more.
const SILENCE: Duration = Duration::from_secs(10);

/// A searching mote listens on one of 16 channels; not every beacon is sent on its own.
const HEARS_ONE_IN: u64 = 4;

/// One frame in so many is not acknowledged.
const LOST_ONE_IN: u64 = 20;

/// Signal strength wanders this far from what the distance gives, dB.
const FADING: i8 = 6;

/// The 6top command ADD, and the state in which its response is waited for.
const SIXTOP_ADD: u16 = 1;
const WAIT_ADDRESPONSE: u16 = 7;

/// Join priority of who knows no root.
const NO_PRIORITY: u8 = 255;

/// Something on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Air {
    /// To all who hear it.
    Beacon(Beacon),
    /// A frame to the parent.
    Uplink {
        /// Who sends it.
        from: Eui64,
        /// Whom it is for.
        to: Eui64,
    },
    /// A cell was agreed upon; it goes from `from` to `to`.
    Cell {
        /// Who asked for it.
        from: Eui64,
        /// Who granted it.
        to: Eui64,
        /// Where in the slotframe.
        slot_offset: u16,
        /// At which channel offset.
        channel_offset: u8,
    },
}

/// Enhanced beacon and DIO in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// Who sends it.
    pub from: Eui64,
    /// When slot 0 of the network was.
    pub asn_zero: Mono,
    /// When the root said what time it is.
    pub fresh: Mono,
    /// The sender's rank.
    pub rank: u16,
    /// Hops to the root.
    pub join_priority: u8,
    /// The mesh's prefix.
    pub prefix: [u8; 8],
}

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
    /// Be answered.
    CellResponse(Mono),
}

impl Progress {
    /// When the step is due.
    pub fn due(self) -> Option<Mono> {
        match self {
            Self::Resting => None,
            Self::JoinRequest(at) | Self::JoinResponse(at) | Self::CellRequest(at) | Self::CellResponse(at) => Some(at),
        }
    }
}

impl Mote {
    /// Something on the air, heard at this signal strength.
    pub fn handle_air(&mut self, now: Mono, rssi: i8, air: &Air) {
        match *air {
            Air::Beacon(beacon) => self.handle_beacon(now, rssi, &beacon),
            Air::Uplink { from, to } if to == self.eui64 => {
                let asn = self.asn(now);
                self.memory.neighbors.received(from, asn);
                self.memory.schedule.heard(from, asn);
            }
            Air::Cell { from, to, slot_offset, channel_offset } if to == self.eui64 => {
                self.memory.schedule.add(Way::In, from, slot_offset, channel_offset);
                self.memory.neighbors.count_6p(from);
            }
            Air::Uplink { .. } | Air::Cell { .. } => {}
        }
    }

    /// What this mote has sent into the air.
    pub fn poll_air(&mut self) -> Option<Air> {
        self.memory.air.pop_front()
    }

    /// When a follower gives up on its root.
    pub(super) fn silence_ends(&self) -> Option<Mono> {
        match self.memory.standing {
            Standing::Following { fresh, .. } => Some(fresh.after(SILENCE)),
            Standing::Searching | Standing::Root => None,
        }
    }

    pub(super) fn handle_air_timeout(&mut self, now: Mono) {
        if is_due(self.silence_ends(), now) {
            self.desynchronise(now);
        }
        if is_due(self.memory.progress.due(), now) {
            self.advance(now);
        }
        if is_due(self.memory.next_beacon, now) {
            self.send_beacon(now);
        }
        if is_due(self.memory.next_uplink, now) {
            self.send_uplink(now);
        }
    }

    /// As when a root is made an ordinary mote, or when the root was not heard for too long. Rank, prefix, keys and
    /// tables stay, as in the firmware.
    pub(super) fn desynchronise(&mut self, now: Mono) {
        self.memory.radio.count(now, duty(self.memory.standing));
        self.memory.radio.desynchronised();
        self.memory.standing = Standing::Searching;
        self.memory.progress = Progress::Resting;
        self.memory.next_beacon = None;
        self.memory.next_uplink = None;
        let slot = slot_offset(self.asn(now));
        self.log(now, Severity::Error, component::IEEE802154E, code::DESYNCHRONIZED, [slot, 0]);
    }

    fn handle_beacon(&mut self, now: Mono, rssi: i8, beacon: &Beacon) {
        match self.memory.standing {
            Standing::Searching => {
                if now.since(beacon.fresh) < SILENCE && self.random.once_in(HEARS_ONE_IN) {
                    self.synchronise(now, beacon);
                    self.notice(now, rssi, beacon);
                    self.memory.neighbors.prefer(beacon.from);
                }
            }
            // Other networks are on other channels at any time.
            Standing::Root | Standing::Following { .. } if beacon.asn_zero != self.memory.asn_zero => {}
            Standing::Root => self.notice(now, rssi, beacon),
            Standing::Following { source, fresh } => {
                self.notice(now, rssi, beacon);
                if beacon.from == source {
                    self.memory.standing = Standing::Following { source, fresh: fresh.max(beacon.fresh) };
                    self.memory.radio.corrected_by_packet(&mut self.random);
                    self.update_rank(source);
                    if self.memory.joined != Asn(0) {
                        self.memory.prefix = beacon.prefix;
                    }
                }
            }
        }
    }

    fn synchronise(&mut self, now: Mono, beacon: &Beacon) {
        self.memory.radio.synchronised(now);
        self.memory.standing = Standing::Following { source: beacon.from, fresh: beacon.fresh };
        self.memory.asn_zero = beacon.asn_zero;
        self.memory.schedule.add_minimal();
        let slot = slot_offset(self.asn(now));
        self.log(now, Severity::Success, component::IEEE802154E, code::SYNCHRONIZED, [slot, 0]);
        if self.memory.joined == Asn(0) {
            self.memory.progress = Progress::JoinRequest(soon(&mut self.random, now, 1_000..=3_000));
        } else {
            self.enter(now);
        }
    }

    /// A mote that has joined announces the network itself, and sends to its parent.
    fn enter(&mut self, now: Mono) {
        self.memory.next_beacon = Some(soon(&mut self.random, now, 500..=1_500));
        self.memory.next_uplink = Some(soon(&mut self.random, now, 500..=1_500));
        self.memory.progress = match self.memory.standing {
            Standing::Following { source, .. } if !self.memory.schedule.has(Way::Out, source) => {
                Progress::CellRequest(soon(&mut self.random, now, 3_000..=6_000))
            }
            Standing::Following { .. } | Standing::Searching | Standing::Root => Progress::Resting,
        };
    }

    fn notice(&mut self, now: Mono, rssi: i8, beacon: &Beacon) {
        let Beacon { from, rank, join_priority, .. } = *beacon;
        let asn = self.asn(now);
        let before = self.memory.neighbors.get(from).map_or(rssi, |row| row.rssi);
        let step = self.random.between(0, 2) as i8 - 1;
        let rssi = (before + step).clamp(rssi - FADING, rssi + FADING);
        self.memory.neighbors.heard(neighbors::Heard { from, rssi, rank, join_priority, asn });
        self.memory.schedule.heard_broadcast(asn);
    }

    fn update_rank(&mut self, parent: Eui64) {
        if self.memory.joined != Asn(0) {
            self.memory.rank = self.memory.neighbors.rank_below(parent);
        }
    }

    fn advance(&mut self, now: Mono) {
        let Standing::Following { source, .. } = self.memory.standing else { return };
        match self.memory.progress {
            Progress::Resting => {}
            Progress::JoinRequest(_) => {
                self.log(now, Severity::Info, component::CJOIN, code::JOIN_REQUEST, [0, 0]);
                self.memory.progress = Progress::JoinResponse(soon(&mut self.random, now, 800..=1_800));
            }
            Progress::JoinResponse(_) => {
                self.memory.joined = self.asn(now);
                self.log(now, Severity::Success, component::CJOIN, code::JOINED, [0, 0]);
                self.update_rank(source);
                self.enter(now);
            }
            Progress::CellRequest(_) => {
                self.log(now, Severity::Info, component::SIXTOP, code::SIXTOP_REQUEST, [SIXTOP_ADD, 0]);
                self.memory.progress = Progress::CellResponse(soon(&mut self.random, now, 300..=1_000));
            }
            Progress::CellResponse(_) => {
                self.log(now, Severity::Success, component::SIXTOP, code::SIXTOP_RETURNCODE, [0, WAIT_ADDRESPONSE]);
                self.take_cell(source);
                self.memory.progress = Progress::Resting;
            }
        }
    }

    fn take_cell(&mut self, parent: Eui64) {
        let slot_offset = self.random.between(1, SLOTFRAME - 1) as u16;
        let channel_offset = self.random.between(0, 15) as u8;
        self.memory.schedule.add(Way::Out, parent, slot_offset, channel_offset);
        self.memory.neighbors.count_6p(parent);
        self.memory.air.push_back(Air::Cell { from: self.eui64, to: parent, slot_offset, channel_offset });
    }

    fn send_beacon(&mut self, now: Mono) {
        let asn = self.asn(now);
        let (fresh, join_priority) = match self.memory.standing {
            Standing::Searching => return,
            Standing::Root => (now, 0),
            Standing::Following { source, fresh } => {
                let parent = self.memory.neighbors.get(source);
                (fresh, parent.map_or(NO_PRIORITY, |row| row.join_prio.saturating_add(1)))
            }
        };
        self.memory.next_beacon = Some(soon(&mut self.random, now, 800..=1_200));
        if self.memory.rank == NO_RANK {
            return;
        }
        let Self { eui64: from, ref mut memory, .. } = *self;
        memory.schedule.broadcast(asn);
        let beacon = Beacon { from, asn_zero: memory.asn_zero, fresh, rank: memory.rank, join_priority, prefix: memory.prefix };
        memory.air.push_back(Air::Beacon(beacon));
    }

    fn send_uplink(&mut self, now: Mono) {
        let Standing::Following { source, .. } = self.memory.standing else { return };
        let asn = self.asn(now);
        let acknowledged = if self.random.once_in(LOST_ONE_IN) { Acknowledged::No } else { Acknowledged::Yes };
        self.memory.neighbors.sent(source, acknowledged, asn);
        self.memory.schedule.sent(source, acknowledged, asn);
        if acknowledged == Acknowledged::Yes {
            self.memory.radio.corrected_by_acknowledgement(&mut self.random);
            self.memory.air.push_back(Air::Uplink { from: self.eui64, to: source });
        }
        self.memory.next_uplink = Some(soon(&mut self.random, now, 1_500..=3_500));
    }
}

fn is_due(at: Option<Mono>, now: Mono) -> bool {
    at.is_some_and(|at| at <= now)
}

/// A moment that many milliseconds from now.
fn soon(random: &mut Random, now: Mono, milliseconds: std::ops::RangeInclusive<u64>) -> Mono {
    now.after(Duration::from_millis(random.between(*milliseconds.start(), *milliseconds.end())))
}
