//! The model as messages, and back: what an earlier start of the process leaves to the next.

use mqtypes::broker::Notification;
use mqtypes::mote::MoteEntry;

use super::life::Life;
use super::mote::{Mote, Slot};
use super::{Model, MoteIndex};

impl Model {
    /// Everything that is known, as a snapshot tells it: each mote, then its elements.
    pub fn remember(&self) -> impl Iterator<Item = Notification> {
        self.indexes().flat_map(move |index| {
            let entry = self.entry(index).map(Notification::Mote);
            let slots = self.mote(index).into_iter().flat_map(Mote::slots);
            let elements = slots.filter_map(move |slot| self.report(index, slot)).map(Notification::Status);
            entry.into_iter().chain(elements)
        })
    }

    /// Takes back what [`Self::remember`] told. Links count as down until their ports are reported.
    pub fn restore(&mut self, told: Notification) {
        match told {
            Notification::Mote(entry) => self.restore_entry(&entry),
            Notification::Status(report) => {
                let index = report.who.mote.and_then(|eui| self.by_eui(eui));
                if let Some(mote) = index.and_then(|index| self.motes.get_mut(&index)) {
                    // What a boot in the meantime will show against.
                    mote.life.handle_element(report.heard, &report.element);
                    mote.set(Slot::of(&report.element), report.heard, report.element);
                }
            }
            Notification::SnapshotBegin
            | Notification::SnapshotEnd
            | Notification::MoteGone(_)
            | Notification::Count(_)
            | Notification::Log(_)
            | Notification::Outcome(_)
            | Notification::Health(_)
            | Notification::Gap { .. }
            | Notification::Started
            | Notification::Summary(_)
            | Notification::Port(_)
            | Notification::Data(_)
            | Notification::Dag(_)
            | Notification::DagGone(_)
            | Notification::Uinject(_)
            | Notification::Bytes(_) => {}
        }
    }

    /// Only a mote that had named itself is worth it: a port is reported again anyway.
    fn restore_entry(&mut self, entry: &MoteEntry) {
        let Some(eui) = entry.mote.filter(|eui| self.by_eui(*eui).is_none()) else { return };
        let index = match &entry.port {
            Some(port) if self.by_port(port).is_none() => self.on_port(port),
            _no_port_or_taken => self.add(Mote { left: entry.last_heard, ..Mote::default() }),
        };
        self.by_eui.insert(eui, index);
        self.recall(index, eui, entry);
    }

    fn recall(&mut self, index: MoteIndex, eui: mqtypes::ids::Eui64, entry: &MoteEntry) {
        if let Some(mote) = self.motes.get_mut(&index) {
            mote.eui = Some(eui);
            mote.last_heard = entry.last_heard;
            mote.first_heard = entry.first_heard;
            mote.life = Life::recalled(entry.boots, entry.booted);
        }
    }
}
