//! What is known of the motes, and since when.
//!
//! Every element keeps the time it was heard; nothing pretends to be fresh. A mote is known by its
//! EUI-64 once it has told it, and followed when it moves to another port. The model opens nothing
//! and says nothing: it marks what has changed, and the broker says it.

mod identity;
mod life;
mod link;
mod mote;
mod restore;
mod summary;

use std::collections::{BTreeMap, BTreeSet};

use bus::tally::Tally;
use mqtypes::broker::{StatusReport, SummaryReport};
use mqtypes::ids::{Eui64, Generation, PortName, Who};
use mqtypes::mono::Mono;
use mqtypes::mote::MoteEntry;
use mqtypes::serial::PortReport;
use mqtypes::status::Element;

pub use link::SILENT_AFTER;
pub use mote::{Mote, Slot};

/// Names an entry of the inventory for as long as it exists; never used again afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoteIndex(u32);

/// What has changed since it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// An entry is no more, or is shown under another name from now on. This is what it was about.
    Gone(Who),
    /// An entry of the inventory.
    Entry(MoteIndex),
    /// An element, or one row of it.
    Element(MoteIndex, Slot),
    /// What its elements come to.
    Summary(MoteIndex),
}

/// Motes without a port are kept up to this number; the one heard longest ago goes first.
const MOST_ABSENT: usize = 256;

/// All motes, and the ports they speak through.
#[derive(Debug, Default)]
pub struct Model {
    motes: BTreeMap<MoteIndex, Mote>,
    by_port: BTreeMap<PortName, MoteIndex>,
    by_eui: BTreeMap<Eui64, MoteIndex>,
    next_index: u32,
    changes: BTreeSet<Change>,
    look_for_silence: Option<Mono>,
    role_changed: Option<MoteIndex>,
    boot_noticed: Option<MoteIndex>,
    tally: Tally,
}

impl Model {
    /// An empty model.
    pub fn new() -> Self {
        Self::default()
    }

    /// A port's newest report.
    pub fn handle_port(&mut self, now: Mono, report: &PortReport) {
        let index = self.on_port(&report.port);
        if self.motes.get_mut(&index).is_some_and(|mote| mote.take_report(now, report)) {
            self.changes.insert(Change::Entry(index));
        }
        self.schedule_silence(now);
    }

    /// Another start of `serial-bridge` speaks. It reports the ports that it has; it may not have all that the one before had.
    pub fn handle_bridge_start(&mut self, now: Mono) {
        for (index, mote) in &mut self.motes {
            if mote.forget_report(now) {
                self.changes.insert(Change::Entry(*index));
            }
        }
    }

    /// A frame came in through this opening of `port` from the mote with this 16-bit address. Tells which mote that is.
    pub fn handle_frame(&mut self, heard: Mono, port: &PortName, generation: Generation, id16: Option<u16>) -> MoteIndex {
        let index = self.speaker(port, id16);
        if self.motes.get_mut(&index).is_some_and(|mote| mote.hear(heard, generation)) {
            self.changes.insert(Change::Entry(index));
        }
        self.schedule_silence(heard);
        index
    }

    /// A mote says that it has booted.
    pub fn handle_boot(&mut self, heard: Mono, index: MoteIndex) {
        if let Some(mote) = self.motes.get_mut(&index) {
            mote.boot(heard);
            self.changes.extend([Change::Entry(index), Change::Summary(index)]);
        }
    }

    /// A mote reported an element. Tells the mote's index, which changes when it names itself.
    pub fn handle_element(&mut self, heard: Mono, index: MoteIndex, element: Element) -> MoteIndex {
        let index = if let Element::IdManager(id) = &element { self.name(index, id.eui64) } else { index };
        let Some(mote) = self.motes.get_mut(&index) else { return index };
        let slot = Slot::of(&element);
        let role_before = mote.reported_role();
        if mote.live_on(slot, heard, &element) {
            self.changes.extend([Change::Entry(index), Change::Summary(index)]);
            self.boot_noticed = Some(index);
        }
        mote.set(slot, heard, element);
        if mote.reported_role() != role_before {
            self.changes.insert(Change::Entry(index));
            self.role_changed = Some(index);
        }
        self.changes.insert(Change::Element(index, slot));
        if slot.is_summed() {
            self.changes.insert(Change::Summary(index));
        }
        index
    }

    /// Looks for motes that fell silent.
    pub fn handle_timeout(&mut self, now: Mono) {
        if self.look_for_silence.is_none_or(|at| now < at) {
            return;
        }
        self.look_for_silence = None;
        for (index, mote) in &mut self.motes {
            if mote.look_for_silence(now) {
                self.changes.insert(Change::Entry(*index));
            }
        }
        self.schedule_silence(now);
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.look_for_silence
    }

    /// What has changed since this was last asked.
    pub fn take_changes(&mut self) -> BTreeSet<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Did the last element change this mote's role, or tell it for the first time?
    pub fn take_role_change(&mut self, index: MoteIndex) -> bool {
        self.role_changed.take() == Some(index)
    }

    /// Did the last element show that this mote has booted, without its having said so?
    pub fn take_boot(&mut self, index: MoteIndex) -> bool {
        self.boot_noticed.take() == Some(index)
    }

    /// What was odd, by reason.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All entries of the inventory.
    pub fn indexes(&self) -> impl Iterator<Item = MoteIndex> {
        self.motes.keys().copied()
    }

    /// One mote.
    pub fn mote(&self, index: MoteIndex) -> Option<&Mote> {
        self.motes.get(&index)
    }

    /// The mote with this address.
    pub fn by_eui(&self, eui: Eui64) -> Option<MoteIndex> {
        self.by_eui.get(&eui).copied()
    }

    /// The mote on this port.
    pub fn by_port(&self, port: &PortName) -> Option<MoteIndex> {
        self.by_port.get(port).copied()
    }

    /// Is there an entry that is shown under this very name?
    pub fn has(&self, who: &Who) -> bool {
        let index = match (&who.mote, &who.port) {
            (Some(eui), _) => self.by_eui(*eui),
            (None, Some(port)) => self.by_port(port),
            (None, None) => None,
        };
        index.and_then(|index| self.mote(index)).is_some_and(|mote| mote.who() == *who)
    }

    /// Has this port been opened anew since?
    pub fn is_past(&self, port: &PortName, generation: Generation) -> bool {
        let mote = self.by_port(port).and_then(|index| self.mote(index));
        mote.and_then(Mote::port).is_some_and(|(_, current)| generation.is_before(current))
    }

    /// An entry as the bus has it.
    pub fn entry(&self, index: MoteIndex) -> Option<MoteEntry> {
        self.motes.get(&index).map(Mote::entry)
    }

    /// An element as the bus has it.
    pub fn report(&self, index: MoteIndex, slot: Slot) -> Option<StatusReport> {
        let mote = self.motes.get(&index)?;
        let known = mote.element(slot)?;
        Some(StatusReport { who: mote.who(), heard: known.heard, element: known.element.clone() })
    }

    /// What a mote's elements come to, as the bus has it.
    pub fn summary(&self, index: MoteIndex) -> Option<SummaryReport> {
        let mote = self.motes.get(&index)?;
        let (heard, summary) = mote.summary()?;
        Some(SummaryReport { who: mote.who(), heard, summary })
    }

    fn schedule_silence(&mut self, now: Mono) {
        if self.look_for_silence.is_none() {
            self.look_for_silence = self.motes.values().filter_map(|mote| mote.silent_at(now)).min();
        }
    }
}

#[cfg(test)]
mod tests;
