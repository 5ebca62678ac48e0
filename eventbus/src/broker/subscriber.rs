//! One subscriber: what waits for it, what gives way when that is too much, and that it is told what it has missed.

use std::collections::BTreeSet;

use bus::outbox::{Bounds, Entry, Outbox};
use mqtypes::broker::{Notification, Topic};
use mqtypes::command::CommandOutcome;
use mqtypes::health::Dropped;
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;

use super::Mailbox;
use super::pieces::Pieces;

/// Logs and outcomes that may wait for one subscriber.
pub(super) const BOUNDS: Bounds = Bounds { entries: 512, bytes: 64 * 1024 };

/// What a gap calls the bytes of lines that are missing.
const LINE_BYTES: &str = "line-bytes";

/// Whoever has subscribed, or waits for an outcome.
pub(super) struct Subscriber {
    /// The start of its process.
    pub boot: BootId,
    /// What it is told about; nothing, when it only waits for an outcome.
    pub topics: BTreeSet<Topic>,
    /// The end of its lease.
    pub until: Mono,
    /// What waits for it.
    pub mailbox: Mailbox,
    /// Bytes of lines that wait for it.
    pub pieces: Pieces,
    /// Events that were dropped, and that it has not been told of.
    missed: Missed,
}

impl Subscriber {
    /// It is told nothing yet.
    pub fn new(boot: BootId, topics: BTreeSet<Topic>, until: Mono) -> Self {
        Self { boot, topics, until, mailbox: Outbox::new(BOUNDS), pieces: Pieces::default(), missed: Missed::default() }
    }

    /// Is it subscribed to something, and to the same state as that?
    pub fn has_the_state_of(&self, topics: &BTreeSet<Topic>) -> bool {
        let state = |topics: &BTreeSet<Topic>| topics.iter().copied().filter(|topic| !is_of_events(*topic)).collect::<Vec<_>>();
        !self.topics.is_empty() && state(&self.topics) == state(topics)
    }

    /// Forgets all that waits but the outcomes of its commands: the snapshot that follows tells the state. No snapshot has the
    /// events; they count as missed.
    pub fn keep_outcomes(&mut self) {
        let missed = &mut self.missed;
        self.mailbox.retain(|entry| match entry {
            Entry::Command(item, _) => matches!(item, Notification::Outcome(_)),
            Entry::Event(event, _) => {
                missed.count(event);
                false
            }
            Entry::State(_) => false,
        });
    }

    /// It wants nothing any more but the outcomes of its commands.
    pub fn end(&mut self) {
        self.topics.clear();
        self.pieces.clear();
        self.keep_outcomes();
        // What nobody wants is not missed.
        self.missed = Missed::default();
    }

    /// Is there something to tell it?
    pub fn is_waiting(&self) -> bool {
        !self.mailbox.is_empty() || !self.missed.is_empty() || !self.pieces.is_empty()
    }

    /// Bytes of lines are told when nothing else is to be told. They are older than whatever comes then, and give way to it.
    pub fn tell_pieces(&mut self) {
        if !self.mailbox.is_empty() {
            return;
        }
        let lost = self.pieces.take_lost();
        if lost > 0 {
            self.missed.add(LINE_BYTES, lost);
        }
        while let Some(weight) = self.pieces.next_weight().filter(|weight| self.mailbox.has_room(*weight)) {
            let Some(piece) = self.pieces.pop() else { return };
            self.mailbox.push_event(Notification::Bytes(piece), weight);
        }
    }

    /// Tells what was dropped, as soon as that drops nothing more.
    pub fn tell_gap(&mut self) {
        if !self.missed.is_empty() && self.mailbox.has_room(1) {
            self.mailbox.push_event(Notification::Gap { dropped: self.missed.take() }, 1);
        }
    }

    /// Keeps an event at the cost of the oldest, or counts it as missed.
    pub fn keep_event(&mut self, event: Notification, bytes: usize) {
        if self.make_room(bytes) {
            self.mailbox.push_event(event, bytes);
        } else {
            self.missed.count(&event);
        }
    }

    /// Keeps an outcome at the cost of the oldest events. False when there is no room even so.
    pub fn keep_outcome(&mut self, outcome: CommandOutcome) -> bool {
        let bytes = outcome.detail.len() + 16;
        self.make_room(bytes) && self.mailbox.push_command(Notification::Outcome(outcome), bytes).is_ok()
    }

    /// The oldest events give way. False when that is not enough.
    fn make_room(&mut self, bytes: usize) -> bool {
        while !self.mailbox.has_room(bytes) {
            let Some(event) = self.mailbox.give_up_oldest_event() else { return false };
            self.missed.count(&event);
        }
        true
    }
}

/// Nothing of these is told in a snapshot.
fn is_of_events(topic: Topic) -> bool {
    match topic {
        Topic::Logs | Topic::Data | Topic::Bytes => true,
        Topic::Inventory | Topic::Status | Topic::Counts | Topic::Health | Topic::Ports | Topic::Dag | Topic::Uinject => false,
    }
}

/// How many events were dropped, by kind.
#[derive(Debug, Default)]
struct Missed(Vec<Dropped>);

impl Missed {
    fn count(&mut self, event: &Notification) {
        match event {
            Notification::Log(_) => self.add("mote-log", 1),
            Notification::Data(_) => self.add("mote-data", 1),
            Notification::Bytes(piece) => self.add(LINE_BYTES, piece.bytes.len() as u64),
            // A notice that gives way itself is told again with the next one.
            Notification::Gap { dropped } => dropped.iter().for_each(|earlier| self.add(&earlier.reason, earlier.count)),
            _no_event_of_a_mote => {}
        }
    }

    fn add(&mut self, reason: &str, count: u64) {
        match self.0.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.count += count,
            None => self.0.push(Dropped { reason: reason.to_owned(), count }),
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self) -> Vec<Dropped> {
        std::mem::take(&mut self.0)
    }
}
