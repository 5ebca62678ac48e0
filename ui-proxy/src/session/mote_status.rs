//! What one mote reports of itself: the newest value of every element and row, and what of it the host has not got yet.
//!
//! A value that has changed is said at the mote's pace. One that was merely heard again is said again as soon as the time
//! that the host has for it is old: a host shows how old everything is, and that must be true without costing much.
//! Only what was heard since it was said can be due, so a mote that has fallen silent sets no deadline.

use std::collections::BTreeMap;
use std::time::Duration;

use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::status::{Element, QueueEntry, Summary};

use super::bounds::Kept;
use super::pace::Pace;
use super::turn::Extent;

/// How old the time that the host has for a value may become while the value keeps being heard.
///
/// Ten seconds, because the GUI host takes LIVE off a link that leaves it without an answer for as long: under LIVE nothing
/// that is being heard looks older than the link itself may be. A mote repeats its elements every one or two seconds, so
/// the host is told a small part of what is heard.
pub const SAY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Elements of unknown number or length that are kept of one mote, and the longest body of one, bytes.
const MOST_UNKNOWN: usize = 16;
const LONGEST_UNKNOWN: usize = 1024;

/// The firmware's numbers of the elements that are told by row.
const SCHEDULE: u8 = 6;
const QUEUE: u8 = 8;
const NEIGHBORS: u8 = 9;

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
    /// What `eventbus` reads off the elements: no element of the mote's own.
    Summary(Summary),
}

/// Names a value of a mote. The order puts the rows of a table together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Element(u8),
    Row(u8, u8),
    Unknown(u8),
    Summary,
}

impl Key {
    fn of(value: &Value) -> Self {
        match value {
            Value::QueueRow { row, .. } => Self::Row(QUEUE, *row),
            Value::Summary(_) => Self::Summary,
            Value::Element(element) => match element {
                Element::IsSync(_) => Self::Element(0),
                Element::IdManager(_) => Self::Element(1),
                Element::MyDagRank(_) => Self::Element(2),
                Element::OutputBuffer(_) => Self::Element(3),
                Element::Asn(_) => Self::Element(4),
                Element::MacStats(_) => Self::Element(5),
                Element::ScheduleRow(row) => Self::Row(SCHEDULE, row.row),
                Element::Backoff(_) => Self::Element(7),
                Element::Queue(_) => Self::Element(QUEUE),
                Element::NeighborsRow(row) => Self::Row(NEIGHBORS, row.row),
                Element::KaPeriod(_) => Self::Element(10),
                Element::Joined(_) => Self::Element(11),
                Element::Msf(_) => Self::Element(12),
                Element::Unknown { element, .. } => Self::Unknown(*element),
            },
        }
    }
}

/// What is known of one mote.
#[derive(Debug, Default)]
pub struct MoteStatus {
    /// The port that it was last heard on.
    pub port: Option<PortName>,
    slots: BTreeMap<Key, Slot>,
    /// Slots whose value the host has not got.
    changed: usize,
    /// The earliest `due` of the slots that were heard again. Too early at most while something has changed, and then it does not matter.
    again_at: Option<Mono>,
    /// When something may be said.
    pub pace: Pace,
}

#[derive(Debug)]
struct Slot {
    reading: Reading,
    news: News,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// The host has this value, and the time it was last heard.
    None,
    /// The host has this value, and an earlier time that is old from `due` on.
    HeardAgain { due: Mono },
    /// The host has not got this value.
    Changed,
}

impl Slot {
    fn is_wanted(&self, extent: Extent, now: Mono) -> bool {
        match (extent, self.news) {
            (Extent::All, _) | (Extent::Changes, News::Changed) => true,
            (Extent::Changes, News::HeardAgain { due }) => due <= now,
            (Extent::Changes, News::None) => false,
        }
    }
}

impl MoteStatus {
    /// The mote has reported an element.
    pub fn handle(&mut self, element: Element, heard: Mono) -> Kept {
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

    /// What its elements come to has been told.
    pub fn handle_summary(&mut self, summary: Summary, heard: Mono) {
        self.set(Value::Summary(summary), heard);
    }

    /// When something of this mote is to be said.
    pub fn due_at(&self) -> Option<Mono> {
        let paced = self.pace.due_at();
        if self.changed > 0 { Some(paced) } else { self.again_at.map(|again_at| again_at.max(paced)) }
    }

    /// What is to be said now; it counts as said.
    pub fn take(&mut self, extent: Extent, now: Mono, interval: Duration) -> Vec<Reading> {
        self.pace.said(now, interval);
        self.changed = 0;
        self.again_at = None;
        let mut readings = Vec::new();
        for slot in self.slots.values_mut() {
            if slot.is_wanted(extent, now) {
                slot.news = News::None;
                readings.push(slot.reading.clone());
            } else if let News::HeardAgain { due } = slot.news {
                self.again_at = Mono::earliest(self.again_at, Some(due));
            }
        }
        readings
    }

    /// A queue that has become shorter, as with other firmware, has free rows at its end.
    fn handle_queue(&mut self, entries: &[QueueEntry], heard: Mono) {
        const FREE: QueueEntry = QueueEntry { creator: 0, owner: 0 };
        let known = self.slots.keys().filter(|key| matches!(key, Key::Row(QUEUE, _))).count();
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
        let key = Key::of(&value);
        match self.slots.get_mut(&key) {
            Some(slot) if slot.reading.value == value => {
                if slot.news == News::None && slot.reading.heard < heard {
                    let due = slot.reading.heard.after(SAY_AGAIN_AFTER);
                    slot.news = News::HeardAgain { due };
                    self.again_at = Mono::earliest(self.again_at, Some(due));
                }
                slot.reading.heard = slot.reading.heard.max(heard);
            }
            Some(slot) => {
                slot.reading = Reading { value, heard };
                self.changed += usize::from(slot.news != News::Changed);
                slot.news = News::Changed;
            }
            None => {
                self.slots.insert(key, Slot { reading: Reading { value, heard }, news: News::Changed });
                self.changed += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mqtypes::ids::Asn;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A mote, and the time it is told, seconds.
    #[derive(Default)]
    struct Stage {
        mote: MoteStatus,
        now: u64,
    }

    fn second(number: u64) -> Mono {
        Mono(number * 1_000_000)
    }

    impl Stage {
        fn hear(&mut self, element: Element) -> Kept {
            self.mote.handle(element, second(self.now))
        }

        /// What is said now, if something is due.
        fn said(&mut self) -> Vec<(Value, u64)> {
            if self.mote.due_at().is_none_or(|at| second(self.now) < at) {
                return Vec::new();
            }
            let readings = self.mote.take(Extent::Changes, second(self.now), SECOND);
            readings.into_iter().map(|Reading { value, heard }| (value, heard.0 / 1_000_000)).collect()
        }
    }

    fn ka_period(slots: u16) -> Element {
        Element::KaPeriod(slots)
    }

    fn told(element: Element, heard: u64) -> (Value, u64) {
        (Value::Element(element), heard)
    }

    #[test]
    fn a_value_that_is_heard_again_unchanged_is_said_again_when_the_hosts_is_ten_seconds_old() {
        let mut stage = Stage::default();
        let mut said = Vec::new();
        for now in 0..=35 {
            stage.now = now;
            stage.hear(ka_period(5));
            said.extend(stage.said().into_iter().map(|told| (now, told)));
        }
        assert_eq!(said, [0, 10, 20, 30].map(|at| (at, told(ka_period(5), at))));
    }

    #[test]
    fn what_is_said_again_is_the_newest_time_and_a_change_does_not_wait_for_it() {
        let mut stage = Stage::default();
        stage.hear(ka_period(5));
        stage.said();
        for now in [3, 6, 9] {
            stage.now = now;
            stage.hear(ka_period(5));
            stage.hear(Element::Asn(Asn(now)));
            assert_eq!(stage.said(), [told(Element::Asn(Asn(now)), now)], "the keep-alive period is not old yet");
        }
        assert_eq!(stage.mote.due_at(), Some(second(10)));
        stage.now = 10;
        assert_eq!(stage.said(), [told(ka_period(5), 9)]);
        stage.now = 12;
        stage.hear(ka_period(6));
        assert_eq!(stage.said(), [told(ka_period(6), 12)]);
    }

    #[test]
    fn a_mote_that_has_fallen_silent_sets_no_deadline() {
        let mut stage = Stage::default();
        stage.hear(ka_period(5));
        stage.said();
        assert_eq!(stage.mote.due_at(), None);
        stage.hear(ka_period(5));
        assert_eq!(stage.mote.due_at(), None, "the same hearing, told again");
        stage.now = 4;
        stage.hear(ka_period(5));
        assert_eq!(stage.mote.due_at(), Some(second(10)));
        stage.now = 10;
        stage.said();
        assert_eq!(stage.mote.due_at(), None);
    }

    #[test]
    fn a_value_that_was_old_when_the_host_got_it_is_said_at_once_when_it_is_heard_again() {
        let mut stage = Stage::default();
        stage.hear(ka_period(5));
        stage.mote.take(Extent::All, second(3600), SECOND);
        stage.now = 3605;
        stage.hear(ka_period(5));
        assert_eq!(stage.said(), [told(ka_period(5), 3605)]);
    }

    #[test]
    fn what_is_said_again_keeps_the_pace_of_the_interval() {
        let mut mote = MoteStatus::default();
        let interval = Duration::from_mins(1);
        for now in 0..=60 {
            mote.handle(ka_period(5), second(now));
            if now == 0 {
                mote.take(Extent::Changes, second(now), interval);
            }
        }
        assert_eq!(mote.due_at(), Some(second(60)));
    }

    #[test]
    fn of_the_queue_the_changed_rows_are_said_and_a_shorter_one_frees_its_end() {
        let mut stage = Stage::default();
        let entry = |owner| QueueEntry { creator: 1, owner };
        stage.hear(Element::Queue(vec![entry(1), entry(2), entry(3)]));
        assert_eq!(stage.said().len(), 3);
        stage.now = 3;
        stage.hear(Element::Queue(vec![entry(1), entry(9)]));
        let rows: Vec<_> = stage.said().into_iter().map(|(value, _)| value).collect();
        let free = QueueEntry { creator: 0, owner: 0 };
        assert_eq!(rows, [Value::QueueRow { row: 1, entry: entry(9) }, Value::QueueRow { row: 2, entry: free }]);
    }

    #[test]
    fn no_mote_grows_it_without_end() {
        let mut stage = Stage::default();
        let unknown = |element, len| Element::Unknown { element, body: vec![0; len] };
        for element in 0..MOST_UNKNOWN as u8 {
            assert_eq!(stage.hear(unknown(element, 1)), Kept::Yes);
        }
        assert_eq!(stage.hear(unknown(200, 1)), Kept::No);
        assert_eq!(stage.hear(unknown(0, 2)), Kept::Yes);
        assert_eq!(stage.hear(unknown(0, LONGEST_UNKNOWN + 1)), Kept::No);
    }

    /// An element as the mote tells it, and what the host knows of it.
    #[derive(Default)]
    struct Truth {
        version: u8,
        /// The first hearing of the value, or else of its newest time, that the host does not know of.
        unknown_since: Option<Mono>,
        host: Option<(u8, Mono)>,
    }

    impl Truth {
        /// The mote tells it, perhaps another value than before.
        fn hear(&mut self, now: Mono, version: u8) {
            let has_host_the_value = self.host.is_some_and(|(known, _)| known == self.version);
            if self.unknown_since.is_none() || (has_host_the_value && version != self.version) {
                self.unknown_since = Some(now);
            }
            self.version = version;
        }

        /// The host is told. False when that was not needed yet.
        fn say(&mut self, now: Mono, version: u8, heard: Mono) -> bool {
            self.unknown_since = None;
            match self.host.replace((version, heard)) {
                Some((known, before)) if known == version => before < heard && before.after(SAY_AGAIN_AFTER) <= now,
                Some(_) | None => true,
            }
        }

        /// Is the host's knowledge as good as it has to be?
        fn is_known(&self, now: Mono) -> bool {
            let Some(since) = self.unknown_since else { return true };
            let old_from = match self.host {
                Some((version, heard)) if version == self.version => heard.after(SAY_AGAIN_AFTER),
                Some(_) | None => Mono(0),
            };
            now <= since.max(old_from).after(SECOND)
        }
    }

    proptest! {
        /// A hearing of one of three elements, so many milliseconds after the one before; some change its value.
        #[test]
        fn the_hosts_times_are_true_and_nothing_is_said_without_need(
            hearings in proptest::collection::vec((1_u64..4000, 0_u8..3, prop::bool::weighted(0.1)), 1..200),
        ) {
            let mut mote = MoteStatus::default();
            let mut truths: [Truth; 3] = Default::default();
            let mut now = Mono(0);
            for (pause, number, is_change) in hearings {
                let until = now.after(Duration::from_millis(pause));
                while let Some(due) = mote.due_at().filter(|due| *due <= until) {
                    now = now.max(due);
                    let readings = mote.take(Extent::Changes, now, SECOND);
                    prop_assert!(!readings.is_empty(), "woken for nothing");
                    for Reading { value, heard } in readings {
                        let Value::Element(Element::Unknown { element, body }) = value else { panic!("{value:?}") };
                        prop_assert!(truths[usize::from(element)].say(now, body[0], heard), "said without need");
                    }
                }
                now = until;
                prop_assert!(truths.iter().all(|truth| truth.is_known(now)), "the host shows what is not true any more");
                let truth = &mut truths[usize::from(number)];
                let version = truth.version.wrapping_add(u8::from(is_change));
                truth.hear(now, version);
                mote.handle(Element::Unknown { element: number, body: vec![version] }, now);
            }
        }
    }
}
