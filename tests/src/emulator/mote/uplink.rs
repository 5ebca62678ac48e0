//! What a mote sends to its parent, its own packets and those it passes on; at the root they reach the host.
//!
//! One frame goes out at a time, in the cell to the parent, until it is acknowledged or given up. So a packet takes as many
//! slotframes as it has hops and retries, and a queue that fills makes it late.

use std::collections::VecDeque;
use std::time::Duration;

use eventbus::frame::{DataFrame, Frame, MeshData};
use lowpan::Uinject;
use mqtypes::ids::Eui64;
use mqtypes::log::Severity;
use mqtypes::mesh::UinjectLayout;
use mqtypes::mono::Mono;
use mqtypes::status::QueueEntry;

use super::air::{Cargo, soon};
use super::packet::{Content, Packet};
use super::schedule::Way;
use super::slots::SLOTFRAME_TIME;
use super::{Mote, Standing, code, component, duty};
use crate::emulator::random::Random;

/// Packets that may wait: the queue has 20 entries, and some are for beacons and the host.
const MOST_WAITING: usize = 12;

/// A frame is sent so many times before it is given up (`TXRETRIES`).
const MOST_TRIES: u8 = 15;

/// `uinject` speaks every minute, one time in two.
const UINJECT_PERIOD: Duration = Duration::from_mins(1);
const UINJECT_ONE_IN: u64 = 2;

/// A DAO goes out once in 60 slotframes on average, milliseconds.
const DAO_EVERY: std::ops::RangeInclusive<u64> = 30_000..=90_000;

/// What waits to go to the parent, and when something will.
#[derive(Debug)]
pub(super) struct Uplink {
    waiting: VecDeque<Packet>,
    tries: u8,
    in_the_air: InTheAir,
    /// The next opportunity to send; none without a parent.
    next_frame: Option<Mono>,
    next_dao: Option<Mono>,
    next_uinject: Option<Mono>,
    daos: u8,
    uinjects: u16,
    fragment_tag: u16,
}

/// What may still be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InTheAir {
    Nothing,
    KeepAlive,
    /// The first packet that waits.
    Packet,
}

impl Uplink {
    /// After a boot. The first tag is anybody's guess, as with genuine motes.
    pub fn new(random: &mut Random) -> Self {
        Self {
            waiting: VecDeque::new(),
            tries: 0,
            in_the_air: InTheAir::Nothing,
            next_frame: None,
            next_dao: None,
            next_uinject: None,
            daos: 0,
            uinjects: 0,
            fragment_tag: random.between(0, u16::MAX.into()) as u16,
        }
    }

    /// There is a parent to send to.
    pub fn start(&mut self, now: Mono, random: &mut Random) {
        self.next_frame = Some(soon(random, now, 500..=1_500));
        self.next_dao = Some(soon(random, now, 5_000..=15_000));
        self.next_uinject = Some(soon(random, now, 20_000..=60_000));
    }

    /// There is none any more.
    pub fn stop(&mut self) {
        (self.next_frame, self.next_dao, self.next_uinject) = (None, None, None);
        self.waiting.clear();
        self.tries = 0;
        self.in_the_air = InTheAir::Nothing;
    }

    /// The root is to know the parent by then.
    pub fn tell_parent(&mut self, at: Mono) {
        self.next_dao = Some(at);
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        [self.next_frame, self.next_dao, self.next_uinject].into_iter().flatten().min()
    }

    /// Packets that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How they lie in the mote's queue.
    pub fn queue_entries(&self, holder: Eui64) -> impl Iterator<Item = QueueEntry> {
        self.waiting.iter().map(move |packet| packet.queue_entry(holder))
    }
}

impl Mote {
    pub(super) fn handle_uplink_timeout(&mut self, now: Mono) {
        let Standing::Following { source: parent, .. } = self.memory.standing else { return };
        if is_due(self.memory.uplink.next_dao, now) {
            self.memory.uplink.next_dao = Some(soon(&mut self.random, now, DAO_EVERY));
            self.tell_parent(now, parent);
        }
        if is_due(self.memory.uplink.next_uinject, now) {
            self.memory.uplink.next_uinject = Some(now.after(UINJECT_PERIOD));
            if self.random.once_in(UINJECT_ONE_IN) {
                self.inject(now);
            }
        }
        if is_due(self.memory.uplink.next_frame, now) {
            self.send_frame(now, parent);
        }
    }

    /// A packet has come in from a neighbour.
    pub(super) fn handle_packet(&mut self, now: Mono, from: Eui64, packet: &Packet) {
        match self.memory.standing {
            Standing::Searching => {}
            Standing::Root => {
                let mesh = MeshData { destination: self.eui64, source: from, lowpan: &packet.lowpan() };
                let frame = DataFrame::from_mesh(self.eui64.id16(), self.asn(now), mesh);
                self.send(now, &Frame::Data(frame));
            }
            Standing::Following { .. } => match packet.relayed_by(self.eui64, self.memory.prefix) {
                Some(packet) => self.enqueue(now, packet),
                None => self.log(now, Severity::Warning, component::FORWARDING, code::FORWARDING_PACKET_DROPPED, [1, 0]),
            },
        }
    }

    pub(super) fn handle_acknowledgement(&mut self, now: Mono, from: Eui64) {
        let asn = self.asn(now);
        match std::mem::replace(&mut self.memory.uplink.in_the_air, InTheAir::Nothing) {
            InTheAir::Nothing => return,
            InTheAir::KeepAlive => {}
            InTheAir::Packet => self.take_out_first(),
        }
        self.memory.neighbors.acknowledged(from, asn);
        self.memory.schedule.acknowledged(from);
        let correction = self.memory.radio.corrected_by_acknowledgement(&mut self.random);
        self.log_correction(now, correction, 1);
    }

    fn send_frame(&mut self, now: Mono, parent: Eui64) {
        if self.memory.uplink.tries == MOST_TRIES {
            self.take_out_first();
            self.log(now, Severity::Error, component::FORWARDING, code::MAXRETRIES_REACHED, [1, 0]);
        }
        let asn = self.asn(now);
        let (cargo, in_the_air, next) = match self.memory.uplink.waiting.front() {
            Some(packet) => (Cargo::Packet(packet.sent_by(self.memory.rank)), InTheAir::Packet, now.after(SLOTFRAME_TIME)),
            None => (Cargo::KeepAlive, InTheAir::KeepAlive, soon(&mut self.random, now, 1_500..=3_500)),
        };
        self.memory.uplink.next_frame = Some(next);
        self.memory.uplink.in_the_air = in_the_air;
        self.memory.neighbors.sent(parent);
        self.memory.schedule.sent(parent, asn);
        if self.memory.schedule.has(Way::Out, parent) {
            self.memory.usage.sent();
        }
        if in_the_air == InTheAir::Packet {
            self.memory.uplink.tries += 1;
        }
        self.send_to(parent, cargo);
    }

    /// A DAO; with a target it is too long for one frame.
    fn tell_parent(&mut self, now: Mono, parent: Eui64) {
        let target = self.memory.neighbors.first_beyond(self.memory.rank);
        let uplink = &mut self.memory.uplink;
        uplink.daos = uplink.daos.wrapping_add(1);
        let content = Content::Dao { sequence: uplink.daos, parent, target };
        let packet = Packet::new(self.eui64, self.memory.prefix, self.memory.root, content).sent_by(self.memory.rank);
        let pieces = lowpan::fragments(&packet.lowpan(), uplink.fragment_tag);
        if pieces.len() == 1 {
            return self.enqueue(now, packet);
        }
        uplink.fragment_tag = uplink.fragment_tag.wrapping_add(1);
        let sizes = [packet.lowpan().len() as u16, pieces.len() as u16];
        self.log(now, Severity::Verbose, component::FRAG, code::FRAG_FRAGMENTING, sizes);
        for piece in pieces {
            self.enqueue(now, packet.fragment(piece));
        }
    }

    fn inject(&mut self, now: Mono) {
        self.memory.radio.count(now, duty(self.memory.standing));
        let (stats, cells) = (self.memory.radio.stats(), self.memory.usage.last());
        let figures = Uinject {
            layout: UinjectLayout::NameFirst,
            counter: self.memory.uplink.uinjects,
            asn: self.asn(now),
            tx_cells: cells.num_cells_used_tx,
            rx_cells: cells.num_cells_used_rx,
            id16: self.eui64.id16(),
            tics_on: stats.num_tics_on,
            tics_total: stats.num_tics_total,
        };
        self.memory.uplink.uinjects = self.memory.uplink.uinjects.wrapping_add(1);
        let packet = Packet::new(self.eui64, self.memory.prefix, self.memory.root, Content::Uinject(figures));
        self.enqueue(now, packet);
    }

    /// It goes out at the next opportunity, which comes with the next slotframe.
    fn enqueue(&mut self, now: Mono, packet: Packet) {
        if self.memory.uplink.waiting.len() == MOST_WAITING {
            return self.log(now, Severity::Warning, component::FORWARDING, code::FORWARDING_PACKET_DROPPED, [0, 0]);
        }
        self.memory.uplink.waiting.push_back(packet);
        let next = soon(&mut self.random, now, 10..=SLOTFRAME_TIME.as_millis() as u64);
        self.memory.uplink.next_frame = self.memory.uplink.next_frame.map(|at| at.min(next));
    }

    fn take_out_first(&mut self) {
        self.memory.uplink.waiting.pop_front();
        self.memory.uplink.tries = 0;
    }
}

pub(super) fn is_due(at: Option<Mono>, now: Mono) -> bool {
    at.is_some_and(|at| at <= now)
}
