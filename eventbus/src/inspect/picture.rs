//! What `eventbus` has told of the motes, put together again: the picture that `motes` and `show` draw, and by which `send` knows whom it means.
//!
//! It believes what it is told and adds nothing. It grows with what `eventbus` knows, which is bounded there.

use std::collections::BTreeMap;

use mqtypes::broker::{Notification, StatusReport, SummaryReport};
use mqtypes::ids::{Eui64, PortName, Who};
use mqtypes::mesh::{DagEntry, UinjectReport};
use mqtypes::mono::Mono;
use mqtypes::mote::MoteEntry;
use mqtypes::status::{Element, Summary};

use crate::model::Slot;

/// How a mote is told from another: by its address, or by its port as long as it has not named itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// It has named itself.
    Mote(Eui64),
    /// Whoever is there.
    Port(PortName),
}

/// What is known of one mote.
#[derive(Debug, Clone)]
pub struct Mote {
    /// The inventory's entry.
    pub entry: MoteEntry,
    /// What its elements come to, and when the newest of them was heard.
    pub summary: Option<(Mono, Summary)>,
    /// Its elements, each with the time when it was heard.
    pub elements: BTreeMap<Slot, (Mono, Element)>,
    /// Its place in the DODAG.
    pub dag: Option<DagEntry>,
    /// What its `uinject` tells.
    pub uinject: Option<UinjectReport>,
}

/// Is the picture whole?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Completeness {
    /// A snapshot is being told, or was not begun.
    #[default]
    Partial,
    /// A snapshot was told to its end.
    Whole,
}

/// All motes.
#[derive(Debug, Default)]
pub struct Picture {
    motes: BTreeMap<Name, Mote>,
    completeness: Completeness,
}

impl Name {
    fn of(who: &Who) -> Option<Self> {
        match (who.mote, &who.port) {
            (Some(mote), _) => Some(Self::Mote(mote)),
            (None, Some(port)) => Some(Self::Port(port.clone())),
            (None, None) => None,
        }
    }
}

impl Mote {
    fn new(entry: MoteEntry) -> Self {
        Self { entry, summary: None, elements: BTreeMap::new(), dag: None, uinject: None }
    }

    /// When something was last heard of it. The inventory is not told again for that alone, but each element tells it too.
    pub fn last_heard(&self) -> Option<Mono> {
        let told = self.elements.values().map(|(heard, _)| *heard).max();
        self.entry.last_heard.max(told).max(self.dag.as_ref().map(|dag| dag.last_packet))
    }

    /// Was this heard before the mote's last boot? It may not hold any more.
    pub fn is_of_an_earlier_life(&self, heard: Mono) -> bool {
        self.entry.booted.is_some_and(|booted| heard < booted)
    }

    /// An element, and when it was heard.
    pub fn element(&self, slot: Slot) -> Option<&(Mono, Element)> {
        self.elements.get(&slot)
    }
}

impl Picture {
    /// Something was told.
    pub fn handle_notification(&mut self, notification: &Notification) {
        match notification {
            Notification::SnapshotBegin | Notification::Started => *self = Self::default(),
            Notification::SnapshotEnd => self.completeness = Completeness::Whole,
            Notification::Mote(entry) => self.enter(entry),
            Notification::MoteGone(who) => self.leave(who),
            Notification::Status(StatusReport { who, heard, element }) => {
                if let Some(mote) = self.of(who) {
                    mote.elements.insert(Slot::of(element), (*heard, element.clone()));
                }
            }
            Notification::Summary(SummaryReport { who, heard, summary }) => {
                if let Some(mote) = self.of(who) {
                    mote.summary = Some((*heard, *summary));
                }
            }
            Notification::Dag(entry) => {
                if let Some(mote) = self.motes.get_mut(&Name::Mote(entry.mote)) {
                    mote.dag = Some(entry.clone());
                }
            }
            Notification::DagGone(eui) => {
                if let Some(mote) = self.motes.get_mut(&Name::Mote(*eui)) {
                    mote.dag = None;
                }
            }
            Notification::Uinject(report) => {
                if let Some(mote) = self.motes.get_mut(&Name::Mote(report.mote)) {
                    mote.uinject = Some(report.clone());
                }
            }
            _not_of_motes => {}
        }
    }

    /// Is it whole?
    pub fn completeness(&self) -> Completeness {
        self.completeness
    }

    /// All motes: those with an address first, by that, then ports.
    pub fn motes(&self) -> impl Iterator<Item = &Mote> {
        self.motes.values()
    }

    /// The mote with this address.
    pub fn by_eui(&self, eui: Eui64) -> Option<&Mote> {
        self.motes.get(&Name::Mote(eui))
    }

    fn of(&mut self, who: &Who) -> Option<&mut Mote> {
        self.motes.get_mut(&Name::of(who)?)
    }

    fn enter(&mut self, entry: &MoteEntry) {
        let Some(name) = Name::of(&entry.who()) else { return };
        match self.motes.get_mut(&name) {
            Some(mote) => mote.entry = entry.clone(),
            None => drop(self.motes.insert(name, Mote::new(entry.clone()))),
        }
    }

    /// A mote that is told under another port meanwhile is not gone.
    fn leave(&mut self, who: &Who) {
        let Some(name) = Name::of(who) else { return };
        if self.motes.get(&name).is_some_and(|mote| mote.entry.who() == *who) {
            self.motes.remove(&name);
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use mqtypes::mote::{Link, Source};
    use mqtypes::status::MyDagRank;

    /// An inventory entry: the last byte of its address, and its port.
    pub fn entry(mote: Option<u8>, port: Option<&str>) -> MoteEntry {
        MoteEntry {
            source: if port.is_some() { Source::Serial } else { Source::Dao },
            port: port.map(|port| PortName(port.to_owned())),
            link: Link::Up,
            cause: String::new(),
            since: Mono(0),
            baud: 115_200,
            mote: mote.map(eui),
            id16: mote.map(u16::from),
            dagroot: None,
            last_heard: None,
            first_heard: None,
            boots: 0,
            booted: None,
        }
    }

    pub fn eui(last: u8) -> Eui64 {
        Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, last])
    }

    fn rank(who: &Who, rank: u16) -> Notification {
        Notification::Status(StatusReport { who: who.clone(), heard: Mono(1), element: Element::MyDagRank(MyDagRank { rank }) })
    }

    fn told(notifications: &[Notification]) -> Picture {
        let mut picture = Picture::default();
        for notification in notifications {
            picture.handle_notification(notification);
        }
        picture
    }

    #[test]
    fn a_mote_that_moves_to_another_port_keeps_its_elements_and_is_there_once() {
        let (before, after) = (entry(Some(1), Some("a")), entry(Some(1), Some("b")));
        let moved = [
            Notification::Mote(before.clone()),
            rank(&before.who(), 256),
            Notification::Mote(after.clone()),
            Notification::MoteGone(before.who()),
        ];
        let picture = told(&moved);
        let motes: Vec<_> = picture.motes().map(|mote| (mote.entry.port.clone(), mote.elements.len())).collect();
        assert_eq!(motes, [(after.port, 1)]);
    }

    #[test]
    fn a_port_whose_mote_names_itself_is_replaced_by_the_mote() {
        let (nameless, named) = (entry(None, Some("a")), entry(Some(1), Some("a")));
        let picture = told(&[Notification::Mote(nameless.clone()), Notification::MoteGone(nameless.who()), Notification::Mote(named)]);
        assert_eq!(picture.motes().map(|mote| mote.entry.mote).collect::<Vec<_>>(), [Some(eui(1))]);
    }

    #[test]
    fn a_snapshot_begins_anew_and_is_whole_at_its_end() {
        let entries = [Notification::Mote(entry(Some(1), Some("a"))), Notification::SnapshotEnd];
        let mut picture = told(&entries);
        assert_eq!((picture.completeness(), picture.motes().count()), (Completeness::Whole, 1));
        picture.handle_notification(&Notification::SnapshotBegin);
        assert_eq!((picture.completeness(), picture.motes().count()), (Completeness::Partial, 0));
    }

    #[test]
    fn a_mote_was_heard_when_its_newest_element_was() {
        let entry = MoteEntry { last_heard: Some(Mono(1)), ..entry(Some(1), Some("a")) };
        let report = StatusReport { who: entry.who(), heard: Mono(5), element: Element::KaPeriod(7) };
        let picture = told(&[Notification::Mote(entry), Notification::Status(report)]);
        assert_eq!(picture.motes().next().and_then(Mote::last_heard), Some(Mono(5)));
    }

    #[test]
    fn what_is_told_of_nobody_known_is_nothing() {
        let nobody = Who { mote: None, port: None };
        let picture = told(&[rank(&nobody, 1), rank(&entry(Some(9), None).who(), 1), Notification::DagGone(eui(9))]);
        assert_eq!(picture.motes().count(), 0);
    }
}
