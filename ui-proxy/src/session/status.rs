//! What the motes report of themselves: the newest value of every element and row, and which of them the host has not got yet.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::broker::StatusReport;
use mqtypes::ids::{Eui64, PortName, Who};
use mqtypes::mono::Mono;
use mqtypes::status::{Element, QueueEntry};

use super::bounds::{self, Kept, MOST_MOTES};
use super::pace::Pace;

/// Elements of unknown number or length that are kept of one mote, and the longest body of one, bytes.
const MOST_UNKNOWN: usize = 16;
const LONGEST_UNKNOWN: usize = 1024;

/// One value, and when it was last heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The value.
    pub value: Value,
    /// When.
    pub heard: Mono,
}

/// An element, or one row of a table. The queue comes whole from the mote and is told by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Any element but the queue.
    Element(Element),
    /// One row of the queue.
    QueueRow {
        /// Its number.
        row: u8,
        /// What is in it.
        entry: QueueEntry,
    },
}

/// Names a value of a mote. The order puts the rows of a table together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Element(u8),
    Row(u8, u8),
    Unknown(u8),
}

impl Key {
    fn of(value: &Value) -> Self {
        match value {
            Value::QueueRow { row, .. } => Self::Row(8, *row),
            Value::Element(element) => match element {
                Element::IsSync(_) => Self::Element(0),
                Element::IdManager(_) => Self::Element(1),
                Element::MyDagRank(_) => Self::Element(2),
                Element::OutputBuffer(_) => Self::Element(3),
                Element::Asn(_) => Self::Element(4),
                Element::MacStats(_) => Self::Element(5),
                Element::ScheduleRow(row) => Self::Row(6, row.row),
                Element::Backoff(_) => Self::Element(7),
                Element::Queue(_) => Self::Element(8),
                Element::NeighborsRow(row) => Self::Row(9, row.row),
                Element::KaPeriod(_) => Self::Element(10),
                Element::Joined(_) => Self::Element(11),
                Element::Msf(_) => Self::Element(12),
                Element::Unknown { element, .. } => Self::Unknown(*element),
            },
        }
    }
}

/// Names a mote: by its address once it has told it, until then by its port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoteKey {
    /// By address.
    Mote(Eui64),
    /// By port.
    Port(PortName),
}

impl MoteKey {
    /// `None` for nobody.
    pub fn of(who: &Who) -> Option<Self> {
        who.mote.map(Self::Mote).or_else(|| who.port.clone().map(Self::Port))
    }
}

/// Of all motes.
#[derive(Debug, Default)]
pub struct Statuses {
    motes: BTreeMap<MoteKey, MoteStatus>,
}

#[derive(Debug, Default)]
struct MoteStatus {
    port: Option<PortName>,
    slots: BTreeMap<Key, Slot>,
    changed: usize,
    pace: Pace,
}

#[derive(Debug)]
struct Slot {
    reading: Reading,
    news: News,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// The host has this value.
    None,
    /// It has not.
    Changed,
}

impl Statuses {
    /// A mote has reported.
    pub fn handle_report(&mut self, report: StatusReport) -> Kept {
        let StatusReport { who, heard, element } = report;
        let Some(key) = MoteKey::of(&who).filter(|_| bounds::is_port(who.port.as_ref())) else { return Kept::No };
        if !self.motes.contains_key(&key) && self.motes.len() >= MOST_MOTES {
            return Kept::No;
        }
        let mote = self.motes.entry(key).or_default();
        mote.port = who.port;
        mote.handle(element, heard)
    }

    /// A mote is gone.
    pub fn forget(&mut self, key: &MoteKey) {
        self.motes.remove(key);
    }

    /// Everybody of whom something is known.
    pub fn keys(&self) -> impl Iterator<Item = &MoteKey> {
        self.motes.keys()
    }

    /// Is something known of this mote?
    pub fn knows(&self, key: &MoteKey) -> bool {
        self.motes.contains_key(key)
    }

    /// When the next change is to be said.
    pub fn due_at(&self) -> Option<Mono> {
        self.with_news().map(|(_, mote)| mote.pace.due_at()).min()
    }

    /// The mote whose change has waited longest, if one is due.
    pub fn most_urgent(&self, now: Mono) -> Option<MoteKey> {
        let due = self.with_news().filter(|(_, mote)| mote.pace.is_due(now));
        due.min_by_key(|(_, mote)| mote.pace.due_at()).map(|(key, _)| key.clone())
    }

    /// What has changed of a mote; it counts as said now.
    pub fn take_changed(&mut self, key: &MoteKey, now: Mono, interval: Duration) -> (Who, Vec<Reading>) {
        self.take(key, now, interval, |slot| slot.news == News::Changed)
    }

    /// All that is known of a mote; it counts as said now.
    pub fn take_all(&mut self, key: &MoteKey, now: Mono, interval: Duration) -> (Who, Vec<Reading>) {
        self.take(key, now, interval, |_| true)
    }

    /// The interval has become shorter.
    pub fn hasten(&mut self, now: Mono, interval: Duration) {
        for mote in self.motes.values_mut() {
            mote.pace.hasten(now, interval);
        }
    }

    fn with_news(&self) -> impl Iterator<Item = (&MoteKey, &MoteStatus)> {
        self.motes.iter().filter(|(_, mote)| mote.changed > 0)
    }

    fn take(&mut self, key: &MoteKey, now: Mono, interval: Duration, is_wanted: impl Fn(&Slot) -> bool) -> (Who, Vec<Reading>) {
        let Some(mote) = self.motes.get_mut(key) else { return (Who { mote: None, port: None }, Vec::new()) };
        mote.pace.said(now, interval);
        mote.changed = 0;
        let wanted = mote.slots.values_mut().filter(|slot| is_wanted(slot));
        let readings = wanted.map(|slot| {
            slot.news = News::None;
            slot.reading.clone()
        });
        let readings = readings.collect();
        let eui = match key {
            MoteKey::Mote(mote) => Some(*mote),
            MoteKey::Port(_) => None,
        };
        (Who { mote: eui, port: mote.port.clone() }, readings)
    }
}

impl MoteStatus {
    fn handle(&mut self, element: Element, heard: Mono) -> Kept {
        match element {
            Element::Queue(entries) => {
                self.handle_queue(&entries, heard);
                Kept::Yes
            }
            Element::Unknown { ref body, .. } if body.len() > LONGEST_UNKNOWN || !self.has_room_for_unknown(&element) => Kept::No,
            element => {
                self.set(Value::Element(element), heard);
                Kept::Yes
            }
        }
    }

    /// A queue that has become shorter, as with other firmware, has free rows at its end.
    fn handle_queue(&mut self, entries: &[QueueEntry], heard: Mono) {
        const FREE: QueueEntry = QueueEntry { creator: 0, owner: 0 };
        let known = self.slots.keys().filter(|key| matches!(key, Key::Row(8, _))).count();
        for row in 0..=u8::MAX {
            match entries.get(usize::from(row)) {
                Some(entry) => self.set(Value::QueueRow { row, entry: *entry }, heard),
                None if usize::from(row) < known => self.set(Value::QueueRow { row, entry: FREE }, heard),
                None => break,
            }
        }
    }

    fn has_room_for_unknown(&self, element: &Element) -> bool {
        let is_known = self.slots.contains_key(&Key::of(&Value::Element(element.clone())));
        is_known || self.slots.keys().filter(|key| matches!(key, Key::Unknown(_))).count() < MOST_UNKNOWN
    }

    fn set(&mut self, value: Value, heard: Mono) {
        let reading = Reading { value, heard };
        match self.slots.get_mut(&Key::of(&reading.value)) {
            Some(slot) if slot.reading.value == reading.value => slot.reading.heard = heard,
            Some(slot) => {
                slot.reading = reading;
                self.changed += usize::from(slot.news == News::None);
                slot.news = News::Changed;
            }
            None => {
                self.slots.insert(Key::of(&reading.value), Slot { reading, news: News::Changed });
                self.changed += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::Asn;

    const SECOND: Duration = Duration::from_secs(1);

    fn port() -> PortName {
        PortName("a".to_owned())
    }

    fn report(mote: Option<Eui64>, at: u64, element: Element) -> StatusReport {
        StatusReport { who: Who { mote, port: Some(port()) }, heard: Mono(at), element }
    }

    fn of_port() -> MoteKey {
        MoteKey::Port(port())
    }

    fn changed(statuses: &mut Statuses, at: u64) -> Vec<Reading> {
        statuses.take_changed(&of_port(), Mono(at), SECOND).1
    }

    #[test]
    fn a_value_that_is_heard_again_unchanged_is_not_said_again() {
        let mut statuses = Statuses::default();
        statuses.handle_report(report(None, 1, Element::KaPeriod(5)));
        assert_eq!(changed(&mut statuses, 2).len(), 1);
        statuses.handle_report(report(None, 3, Element::KaPeriod(5)));
        assert_eq!((statuses.due_at(), changed(&mut statuses, 4)), (None, vec![]));
        statuses.handle_report(report(None, 5, Element::KaPeriod(6)));
        assert_eq!(changed(&mut statuses, 6), [Reading { value: Value::Element(Element::KaPeriod(6)), heard: Mono(5) }]);
    }

    #[test]
    fn of_many_changes_the_newest_is_said_and_once_in_an_interval() {
        let mut statuses = Statuses::default();
        statuses.handle_report(report(None, 1, Element::Asn(Asn(1))));
        assert_eq!(statuses.most_urgent(Mono(1)), Some(of_port()));
        changed(&mut statuses, 1);
        for at in 2..50 {
            statuses.handle_report(report(None, at, Element::Asn(Asn(at))));
        }
        assert_eq!((statuses.most_urgent(Mono(50)), statuses.due_at()), (None, Some(Mono(1_000_001))));
        assert_eq!(statuses.most_urgent(Mono(1_000_001)), Some(of_port()));
        assert_eq!(changed(&mut statuses, 1_000_001), [Reading { value: Value::Element(Element::Asn(Asn(49))), heard: Mono(49) }]);
    }

    #[test]
    fn of_the_queue_the_changed_rows_are_said_and_a_shorter_one_frees_its_end() {
        let mut statuses = Statuses::default();
        let entry = |owner| QueueEntry { creator: 1, owner };
        statuses.handle_report(report(None, 1, Element::Queue(vec![entry(1), entry(2), entry(3)])));
        assert_eq!(changed(&mut statuses, 2).len(), 3);
        statuses.handle_report(report(None, 3, Element::Queue(vec![entry(1), entry(9)])));
        let rows: Vec<_> = changed(&mut statuses, 4).into_iter().map(|reading| reading.value).collect();
        let free = QueueEntry { creator: 0, owner: 0 };
        assert_eq!(rows, [Value::QueueRow { row: 1, entry: entry(9) }, Value::QueueRow { row: 2, entry: free }]);
    }

    #[test]
    fn no_mote_grows_it_without_end() {
        let mut statuses = Statuses::default();
        let unknown = |element, len| report(None, 1, Element::Unknown { element, body: vec![0; len] });
        for element in 0..MOST_UNKNOWN as u8 {
            assert_eq!(statuses.handle_report(unknown(element, 1)), Kept::Yes);
        }
        assert_eq!(statuses.handle_report(unknown(200, 1)), Kept::No);
        assert_eq!(statuses.handle_report(unknown(0, 2)), Kept::Yes);
        assert_eq!(statuses.handle_report(unknown(0, LONGEST_UNKNOWN + 1)), Kept::No);
    }
}
