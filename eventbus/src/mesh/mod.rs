//! The mesh behind the roots, as the packets that come up from it tell it: which motes there are without a cable, by
//! which parents they reach a root, and what their `uinject` counts.
//!
//! It only listens. A DAO replaces its mote's parents; what was not told again for 900 s is not believed any more,
//! and what is believed outlives a restart of the process, with its age. Bytes from a mesh cannot grow it: motes, parents and
//! fragments have their bounds.

mod hops;
mod mote;
mod uinject;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bus::tally::Tally;
use lowpan::{Fragment, Icmpv6, Link, LowpanError, Packet, Reassembly, RplMessage, Udp, Uinject, address};
use mqtypes::ids::{Asn, Eui64};
use mqtypes::mesh::{DagEntry, UinjectReport};
use mqtypes::mono::Mono;
use mqtypes::mote::MoteEntry;

use mote::{MeshMote, Message};

pub use mote::OLD_AFTER;

/// Motes are kept up to this number; the one heard longest ago goes first.
pub const MOST_MOTES: usize = 512;

/// All motes that were heard through a root.
#[derive(Debug)]
pub struct Mesh {
    prefix: [u8; 8],
    motes: BTreeMap<Eui64, MeshMote>,
    reassembly: Reassembly,
    changes: BTreeSet<MeshChange>,
    look_for_age: Option<Mono>,
    tally: Tally,
}

/// What has changed since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MeshChange {
    /// [`Mesh::entry`] of this mote: it is new, fell silent, was heard again, or is forgotten (then there is none).
    Entry(Eui64),
    /// [`Mesh::dag`] of this mote.
    Dag(Eui64),
    /// [`Mesh::dag`] has this mote no more.
    DagGone(Eui64),
    /// [`Mesh::uinject`] of this mote; none when the mote is forgotten.
    Uinject(Eui64),
}

/// What a packet was, to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketKind {
    /// A mote told its parents.
    Dao,
    /// Another message of RPL.
    Rpl,
    /// Any other `ICMPv6`, as an echo reply.
    Icmpv6,
    /// A report of `uinject`.
    Uinject,
    /// Any other UDP, as a join request.
    Udp,
    /// Another protocol.
    Other,
    /// A part of a packet that is not complete yet; the last part is what the packet is.
    Fragment,
    /// What makes no sense, by reason.
    Unreadable(&'static str),
}

impl Mesh {
    /// A mesh of which nothing was heard yet. `prefix` is its network's, the one that roots are told.
    pub fn new(prefix: [u8; 8]) -> Self {
        Self {
            prefix,
            motes: BTreeMap::new(),
            reassembly: Reassembly::default(),
            changes: BTreeSet::new(),
            look_for_age: None,
            tally: Tally::default(),
        }
    }

    /// `root` passed a packet on, or a fragment of one, when its slot counter was `asn`. `source` is the
    /// link's: the previous hop.
    pub fn handle_packet(&mut self, heard: Mono, root: Eui64, asn: Asn, source: Eui64, lowpan: &[u8]) -> PacketKind {
        let read = self.read(heard, asn, Link { source, destination: root }, lowpan);
        self.count_lost();
        read.unwrap_or_else(|error| PacketKind::Unreadable(error.reason()))
    }

    /// Takes a mote back that an earlier start of the process knew. What its `uinject` told begins anew.
    pub fn restore(&mut self, told: DagEntry) {
        if self.motes.len() < MOST_MOTES {
            self.look_for_age = Mono::earliest(self.look_for_age, Some(told.last_packet.after(OLD_AFTER)));
            self.motes.insert(told.mote, MeshMote::recalled(told));
            self.settle_hops();
        }
    }

    /// Stops to believe what was not told again in time.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.reassembly.handle_timeout(now);
        self.count_lost();
        if self.look_for_age.is_some_and(|at| at <= now) {
            self.age(now);
            self.look_for_age = self.motes.values().filter_map(MeshMote::ages_at).min();
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        Mono::earliest(self.look_for_age, self.reassembly.poll_timeout())
    }

    /// What has changed since this was last asked.
    pub fn take_changes(&mut self) -> BTreeSet<MeshChange> {
        std::mem::take(&mut self.changes)
    }

    /// All motes that were heard and are not forgotten, silent ones too.
    pub fn motes(&self) -> impl Iterator<Item = Eui64> {
        self.motes.keys().copied()
    }

    /// How the inventory shows a mote that has no cable.
    pub fn entry(&self, eui: Eui64) -> Option<MoteEntry> {
        self.motes.get(&eui).map(|mote| mote.entry(eui))
    }

    /// A mote's place in the DODAG; none when nothing was heard of it for 900 s.
    pub fn dag(&self, eui: Eui64) -> Option<DagEntry> {
        self.motes.get(&eui).and_then(|mote| mote.dag(eui))
    }

    /// What a mote's `uinject` told.
    pub fn uinject(&self, eui: Eui64) -> Option<UinjectReport> {
        self.motes.get(&eui)?.uinject.as_ref().map(|injection| injection.report(eui))
    }

    /// Motes that were forgotten for want of room, and packets of which a fragment was missing in time.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn read(&mut self, heard: Mono, asn: Asn, link: Link, lowpan: &[u8]) -> Result<PacketKind, LowpanError> {
        let Some(fragment) = Fragment::parse(lowpan)? else { return self.read_whole(heard, asn, link, lowpan) };
        match self.reassembly.handle_fragment(heard, link, &fragment)? {
            Some(whole) => self.read_whole(heard, asn, link, &whole),
            None => Ok(PacketKind::Fragment),
        }
    }

    fn read_whole(&mut self, heard: Mono, asn: Asn, link: Link, lowpan: &[u8]) -> Result<PacketKind, LowpanError> {
        let packet = Packet::parse(lowpan, link, self.prefix)?;
        // A forwarder may lose a packet's end: what is left looks right but for this.
        packet.check()?;
        let (kind, message) = understand(&packet)?;
        let mote = address::mote(packet.source, self.prefix).filter(|mote| *mote != link.destination);
        if let Some(eui) = mote {
            self.hear(heard, eui, link.destination, packet.source);
            self.take(heard, asn, eui, message);
        }
        Ok(kind)
    }

    fn hear(&mut self, heard: Mono, eui: Eui64, root: Eui64, address: address::Address) {
        if !self.motes.contains_key(&eui) && self.motes.len() == MOST_MOTES {
            self.forget_the_oldest();
        }
        let mote = self.motes.entry(eui).or_insert_with(|| MeshMote::new(root));
        let has_moved = mote.root != root;
        if mote.hear(heard, root, address) {
            self.changes.insert(MeshChange::Entry(eui));
        }
        self.tell_dag(eui);
        if has_moved {
            self.settle_hops();
        }
        self.look_for_age = Mono::earliest(self.look_for_age, Some(heard.after(OLD_AFTER)));
    }

    fn take(&mut self, heard: Mono, asn: Asn, eui: Eui64, message: Message) {
        let Some(mote) = self.motes.get_mut(&eui) else { return };
        match message {
            Message::Parents(parents) => {
                if mote.tell_parents(heard, parents) {
                    self.settle_hops();
                }
            }
            Message::Uinject(told) => {
                mote.inject(heard, asn, told);
                self.changes.insert(MeshChange::Uinject(eui));
            }
            Message::Nothing => {}
        }
    }

    fn age(&mut self, now: Mono) {
        let mut lost_parents = false;
        let aged: Vec<_> = self.motes.iter_mut().map(|(eui, mote)| (*eui, mote.age(now))).collect();
        for (eui, aged) in aged {
            lost_parents |= aged.parents;
            if aged.mote {
                self.changes.insert(MeshChange::Entry(eui));
                self.tell_dag_gone(eui);
            } else if aged.parents {
                self.tell_dag(eui);
            }
        }
        if lost_parents {
            self.settle_hops();
        }
    }

    fn forget_the_oldest(&mut self) {
        let Some(eui) = self.motes.iter().min_by_key(|(_, mote)| mote.last_packet).map(|(eui, _)| *eui) else { return };
        let forgotten = self.motes.remove(&eui);
        self.tally.count("mesh-mote-forgotten");
        self.changes.insert(MeshChange::Entry(eui));
        if forgotten.is_some_and(|mote| mote.uinject.is_some()) {
            self.changes.insert(MeshChange::Uinject(eui));
        }
        self.tell_dag_gone(eui);
        self.settle_hops();
    }

    fn tell_dag(&mut self, eui: Eui64) {
        self.changes.remove(&MeshChange::DagGone(eui));
        self.changes.insert(MeshChange::Dag(eui));
    }

    fn tell_dag_gone(&mut self, eui: Eui64) {
        self.changes.remove(&MeshChange::Dag(eui));
        self.changes.insert(MeshChange::DagGone(eui));
    }

    /// Finds out who reaches a root in how many hops, and tells whose number has changed.
    fn settle_hops(&mut self) {
        for (eui, hops) in hops::count(&self.motes) {
            let Some(mote) = self.motes.get_mut(&eui).filter(|mote| mote.hops != hops) else { continue };
            mote.hops = hops;
            if mote.is_heard() {
                self.tell_dag(eui);
            }
        }
    }

    fn count_lost(&mut self) {
        let lost = self.reassembly.take_lost();
        if lost > 0 {
            self.tally.add("mesh-packet-incomplete", lost);
        }
    }
}

/// What a packet is, and what it tells of its sender.
fn understand(packet: &Packet) -> Result<(PacketKind, Message), LowpanError> {
    match packet.next_header {
        Packet::ICMPV6 => {
            let icmpv6 = Icmpv6::parse(&packet.payload)?;
            if icmpv6.kind != Icmpv6::RPL {
                return Ok((PacketKind::Icmpv6, Message::Nothing));
            }
            Ok(match RplMessage::parse(icmpv6.code, icmpv6.body)? {
                RplMessage::Dao(dao) => (PacketKind::Dao, Message::Parents(dao.parents().map(address::interface).collect())),
                RplMessage::Dis | RplMessage::Dio | RplMessage::DaoAck | RplMessage::Other(_) => (PacketKind::Rpl, Message::Nothing),
            })
        }
        Packet::UDP => Ok(match Uinject::parse(Udp::parse(&packet.payload)?.payload) {
            Some(told) => (PacketKind::Uinject, Message::Uinject(told)),
            None => (PacketKind::Udp, Message::Nothing),
        }),
        _other => Ok((PacketKind::Other, Message::Nothing)),
    }
}
