//! What motes say to each other, as far as it shows on a serial line, and how they keep each other's time.
//!
//! A beacon carries how fresh the root's time is. So a mesh whose root is gone falls apart within bounds, and cannot keep
//! itself alive by hearing its own echo.

use std::time::Duration;

use mqtypes::ids::{Asn, Eui64};
use mqtypes::log::Severity;
use mqtypes::mono::Mono;

use super::join::Progress;
use super::neighbors::{Heard, NO_RANK};
use super::packet::Packet;
use super::radio::Correction;
use super::schedule::Way;
use super::sixtop::Sixtop;
use super::slots::{Epoch, slot_offset};
use super::{Mote, Standing, code, component, duty};
use crate::emulator::random::Random;

/// A beacon goes out this often, about.
pub(super) const BEACON_PERIOD: Duration = Duration::from_secs(1);

/// A mote that heard nothing of the root's time for so long is not synchronised any more (`DESYNCTIMEOUT`: 1,750 slots).
const SILENCE: Duration = Duration::from_millis(17_500);

/// A searching mote listens on one of 16 channels; not every beacon is sent on its own.
const HEARS_ONE_IN: u64 = 4;

/// Of a hundred frames so many are lost on a good link.
const LOST_ANYWAY: u64 = 4;

/// Below this signal strength more are lost, and so many more for each dB, dBm.
const WEAK: i8 = -65;
const LOST_PER_DB: u64 = 3;

/// Signal strength wanders this far from what the distance gives, dB.
const FADING: i8 = 6;

/// Join priority of who knows no root.
const NO_PRIORITY: u8 = 255;

/// Something on the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Air {
    /// To all who hear it.
    Beacon(Beacon),
    /// To one neighbour.
    Unicast {
        /// Who sends it.
        from: Eui64,
        /// Whom it is for.
        to: Eui64,
        /// What it is.
        cargo: Cargo,
    },
}

impl Air {
    /// Could this mote have anything to do with it?
    pub fn concerns(&self, mote: Eui64) -> bool {
        match self {
            Self::Beacon(_) => true,
            Self::Unicast { to, .. } => *to == mote,
        }
    }
}

/// Enhanced beacon and DIO in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// Who sends it.
    pub from: Eui64,
    /// The network's count of slots.
    pub epoch: Epoch,
    /// When the root said what time it is.
    pub fresh: Mono,
    /// The sender's rank.
    pub rank: u16,
    /// Hops to the root.
    pub join_priority: u8,
    /// The mesh's prefix.
    pub prefix: [u8; 8],
    /// The root: with the prefix, the DODAG's identifier.
    pub root: Eui64,
}

/// What is in a frame to one neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cargo {
    /// Nothing, to be acknowledged.
    KeepAlive,
    /// A packet on its way to the root, to be acknowledged.
    Packet(Packet),
    /// The acknowledgement.
    Acknowledgement,
    /// Negotiation of cells.
    Sixtop(Sixtop),
}

impl Mote {
    /// Something on the air, heard at this signal strength.
    pub fn handle_air(&mut self, now: Mono, rssi: i8, air: &Air) {
        match air {
            Air::Beacon(beacon) => self.handle_beacon(now, rssi, beacon),
            Air::Unicast { from, to, cargo } if *to == self.eui64 && self.memory.standing != Standing::Searching => {
                self.handle_cargo(now, rssi, *from, cargo);
            }
            Air::Unicast { .. } => {}
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

    /// As when a root is made an ordinary mote, or when the root was not heard for too long. Rank, prefix, keys and
    /// tables stay, as in the firmware.
    pub(super) fn desynchronise(&mut self, now: Mono) {
        self.memory.radio.count(now, duty(self.memory.standing));
        self.memory.radio.desynchronised();
        self.memory.standing = Standing::Searching;
        self.memory.progress = Progress::Resting;
        self.memory.next_beacon = None;
        self.memory.uplink.stop();
        let slot = slot_offset(self.asn(now));
        self.log(now, Severity::Error, component::IEEE802154E, code::DESYNCHRONIZED, [slot, 0]);
    }

    pub(super) fn send_to(&mut self, to: Eui64, cargo: Cargo) {
        self.memory.air.push_back(Air::Unicast { from: self.eui64, to, cargo });
    }

    /// The firmware logs a correction of the clock that is large; `by` is 0 for a packet and 1 for an acknowledgement.
    pub(super) fn log_correction(&mut self, now: Mono, correction: Correction, by: u16) {
        if let Correction::Large(ticks) = correction {
            self.log(now, Severity::Warning, component::IEEE802154E, code::LARGE_TIMECORRECTION, [ticks.cast_unsigned(), by]);
        }
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
            Standing::Root | Standing::Following { .. } if beacon.epoch != self.memory.epoch => {}
            Standing::Root => self.notice(now, rssi, beacon),
            Standing::Following { source, fresh } => {
                self.notice(now, rssi, beacon);
                if beacon.from == source {
                    self.follow(now, fresh, beacon);
                }
                self.review_parent(now);
            }
        }
    }

    fn follow(&mut self, now: Mono, fresh: Mono, beacon: &Beacon) {
        self.memory.standing = Standing::Following { source: beacon.from, fresh: fresh.max(beacon.fresh) };
        self.memory.root = beacon.root;
        let correction = self.memory.radio.corrected_by_packet(&mut self.random);
        self.log_correction(now, correction, 0);
        self.update_rank(beacon.from);
        if self.memory.joined != Asn(0) {
            self.memory.prefix = beacon.prefix;
        }
    }

    fn synchronise(&mut self, now: Mono, beacon: &Beacon) {
        self.memory.radio.synchronised(now);
        self.memory.standing = Standing::Following { source: beacon.from, fresh: beacon.fresh };
        self.memory.epoch = beacon.epoch;
        self.memory.root = beacon.root;
        self.memory.schedule.add_minimal();
        let slot = slot_offset(self.asn(now));
        self.log(now, Severity::Success, component::IEEE802154E, code::SYNCHRONIZED, [slot, 0]);
        if self.memory.joined == Asn(0) {
            self.memory.progress = Progress::JoinRequest(soon(&mut self.random, now, 1_000..=3_000));
        } else {
            self.enter(now);
        }
    }

    fn notice(&mut self, now: Mono, rssi: i8, beacon: &Beacon) {
        let Beacon { from, rank, join_priority, .. } = *beacon;
        let (rssi, asn) = (self.fade(from, rssi), self.asn(now));
        self.memory.neighbors.heard(Heard { from, rssi, rank, join_priority, asn });
        self.memory.schedule.heard_broadcast(asn);
    }

    fn handle_cargo(&mut self, now: Mono, rssi: i8, from: Eui64, cargo: &Cargo) {
        if *cargo == Cargo::Acknowledgement {
            return self.handle_acknowledgement(now, from);
        }
        let rssi = self.fade(from, rssi);
        if self.loses(rssi) {
            return;
        }
        let asn = self.asn(now);
        self.memory.neighbors.received(from, rssi, asn);
        self.memory.schedule.heard(from, asn);
        if self.memory.schedule.has(Way::In, from) {
            self.memory.usage.heard();
        }
        match cargo {
            Cargo::Acknowledgement => {}
            Cargo::KeepAlive => self.send_to(from, Cargo::Acknowledgement),
            Cargo::Packet(packet) => {
                self.send_to(from, Cargo::Acknowledgement);
                self.handle_packet(now, from, packet);
            }
            Cargo::Sixtop(sixtop) => self.handle_sixtop(now, from, *sixtop),
        }
    }

    /// The signal strength now of a neighbour who is heard at `rssi` in the long run.
    fn fade(&mut self, from: Eui64, rssi: i8) -> i8 {
        let before = self.memory.neighbors.get(from).map_or(rssi, |row| row.rssi);
        let step = self.random.between(0, 2) as i8 - 1;
        (before + step).clamp(rssi - FADING, rssi + FADING)
    }

    fn loses(&mut self, rssi: i8) -> bool {
        let missing = u64::from(WEAK.saturating_sub(rssi).max(0).unsigned_abs());
        self.random.between(0, 99) < LOST_ANYWAY + LOST_PER_DB * missing
    }

    pub(super) fn send_beacon(&mut self, now: Mono) {
        self.forget_neighbors(now);
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
        let asn = self.asn(now);
        let Self { eui64: from, ref mut memory, .. } = *self;
        memory.schedule.broadcast(asn);
        let (epoch, rank, prefix, root) = (memory.epoch, memory.rank, memory.prefix, memory.root);
        memory.air.push_back(Air::Beacon(Beacon { from, epoch, fresh, rank, join_priority, prefix, root }));
    }
}

/// A moment that many milliseconds from now.
pub(super) fn soon(random: &mut Random, now: Mono, milliseconds: std::ops::RangeInclusive<u64>) -> Mono {
    now.after(Duration::from_millis(random.between(*milliseconds.start(), *milliseconds.end())))
}
