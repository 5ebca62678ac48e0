//! One mote: its elements with their ages, and its link.

use std::collections::BTreeMap;

use mqtypes::ids::{Eui64, Generation, PortName, Who};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::serial::PortReport;
use mqtypes::status::Element;

use super::life::Life;
use super::link::{self, PortLink};
use super::summary::Walk;

/// Which element, and which row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Element 0.
    IsSync,
    /// Element 1.
    IdManager,
    /// Element 2.
    MyDagRank,
    /// Element 3.
    OutputBuffer,
    /// Element 4.
    Asn,
    /// Element 5.
    MacStats,
    /// A row of element 6.
    ScheduleRow(u8),
    /// Element 7.
    Backoff,
    /// Element 8.
    Queue,
    /// A row of element 9.
    NeighborsRow(u8),
    /// Element 10.
    KaPeriod,
    /// Element 11.
    Joined,
    /// Element 12.
    Msf,
    /// Any other number.
    Unknown(u8),
}

impl Slot {
    /// Where this element is kept.
    pub fn of(element: &Element) -> Self {
        match element {
            Element::IsSync(_) => Self::IsSync,
            Element::IdManager(_) => Self::IdManager,
            Element::MyDagRank(_) => Self::MyDagRank,
            Element::OutputBuffer(_) => Self::OutputBuffer,
            Element::Asn(_) => Self::Asn,
            Element::MacStats(_) => Self::MacStats,
            Element::ScheduleRow(row) => Self::ScheduleRow(row.row),
            Element::Backoff(_) => Self::Backoff,
            Element::Queue(_) => Self::Queue,
            Element::NeighborsRow(row) => Self::NeighborsRow(row.row),
            Element::KaPeriod(_) => Self::KaPeriod,
            Element::Joined(_) => Self::Joined,
            Element::Msf(_) => Self::Msf,
            Element::Unknown { element, .. } => Self::Unknown(*element),
        }
    }
}

/// An element and when it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// When.
    pub heard: Mono,
    /// What.
    pub element: Element,
}

/// One mote, or one port that no mote has named itself on.
#[derive(Debug, Clone, Default)]
pub struct Mote {
    pub(super) eui: Option<Eui64>,
    pub(super) port: Option<PortLink>,
    pub(super) elements: BTreeMap<Slot, Known>,
    pub(super) last_heard: Option<Mono>,
    pub(super) first_heard: Option<Mono>,
    /// When its port was taken away from it.
    pub(super) left: Option<Mono>,
    pub(super) life: Life,
    pub(super) schedule: Walk,
    pub(super) neighbors: Walk,
}

impl Mote {
    pub(super) fn on(port: PortName) -> Self {
        Self { port: Some(PortLink::new(port)), ..Self::default() }
    }

    /// Its address, once it has told it.
    pub fn eui(&self) -> Option<Eui64> {
        self.eui
    }

    /// Its port, and which opening of it.
    pub fn port(&self) -> Option<(&PortName, Generation)> {
        self.port.as_ref().map(|link| (&link.port, link.generation))
    }

    /// Whom messages about it are about.
    pub fn who(&self) -> Who {
        Who { mote: self.eui, port: self.port.as_ref().map(|link| link.port.clone()) }
    }

    /// What its link does.
    pub fn link(&self) -> Link {
        self.port.as_ref().map_or(Link::Down, |port| port.link)
    }

    /// Its own last report of its role.
    pub fn reported_role(&self) -> Option<bool> {
        match self.elements.get(&Slot::IdManager).map(|known| &known.element) {
            Some(Element::IdManager(id)) => Some(id.is_dag_root),
            _not_told => None,
        }
    }

    /// A role that was told before the last boot may be gone.
    fn role_of_this_life(&self) -> Option<bool> {
        let told = self.elements.get(&Slot::IdManager).filter(|known| self.life.has(known.heard));
        told.and_then(|_| self.reported_role())
    }

    /// One element.
    pub fn element(&self, slot: Slot) -> Option<&Known> {
        self.elements.get(&slot)
    }

    /// All elements and rows that were ever heard.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.elements.keys().copied()
    }

    /// How the inventory shows it.
    pub fn entry(&self) -> MoteEntry {
        MoteEntry {
            source: Source::Serial,
            port: self.port.as_ref().map(|link| link.port.clone()),
            link: self.link(),
            cause: self.port.as_ref().map_or_else(|| "speaks on no port any more".to_owned(), |link| link.cause.clone()),
            since: self.port.as_ref().map_or(self.left.unwrap_or_default(), |link| link.since),
            baud: self.port.as_ref().map_or(0, |link| link.baud),
            mote: self.eui,
            id16: self.eui.map(Eui64::id16),
            dagroot: self.role_of_this_life(),
            last_heard: self.last_heard,
            first_heard: self.first_heard,
            boots: self.life.boots,
            booted: self.life.booted,
        }
    }

    pub(super) fn set(&mut self, slot: Slot, heard: Mono, element: Element) {
        self.elements.insert(slot, Known { heard, element });
    }

    /// It says that it has booted.
    pub(super) fn boot(&mut self, heard: Mono) {
        self.life.handle_boot(heard);
        self.begin_tables();
    }

    /// True when this element shows that the mote has booted.
    pub(super) fn live_on(&mut self, slot: Slot, heard: Mono, element: &Element) -> bool {
        let has_booted = self.life.handle_element(heard, element);
        if has_booted {
            self.begin_tables();
        }
        match slot {
            Slot::ScheduleRow(row) => self.schedule.handle_row(row),
            Slot::NeighborsRow(row) => self.neighbors.handle_row(row),
            _no_row => {}
        }
        has_booted
    }

    fn begin_tables(&mut self) {
        self.schedule = Walk::default();
        self.neighbors = Walk::default();
    }

    /// True when the inventory shows something new.
    pub(super) fn take_report(&mut self, now: Mono, report: &PortReport) -> bool {
        let last_heard = self.last_heard;
        self.port.as_mut().is_some_and(|link| link.take_report(now, report, last_heard))
    }

    /// True when the inventory shows something new.
    pub(super) fn forget_report(&mut self, now: Mono) -> bool {
        self.port.as_mut().is_some_and(|link| link.forget_report(now))
    }

    /// True when the inventory shows something new: it was silent, or no report of its port had come yet.
    pub(super) fn hear(&mut self, heard: Mono, generation: Generation) -> bool {
        let first = self.last_heard.is_none();
        self.last_heard = self.last_heard.max(Some(heard));
        self.first_heard.get_or_insert(heard);
        self.port.as_mut().is_some_and(|link| link.hear(heard, generation)) || first
    }

    pub(super) fn look_for_silence(&mut self, now: Mono) -> bool {
        let last_heard = self.last_heard;
        self.port.as_mut().is_some_and(|link| link.look_for_silence(now, last_heard))
    }

    pub(super) fn silent_at(&self, now: Mono) -> Option<Mono> {
        let link = self.port.as_ref().filter(|port| port.link == Link::Up)?;
        Some(link::silent_at(link.since, self.last_heard).max(now))
    }
}
