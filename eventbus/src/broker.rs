//! Who wants to know what, and what waits to be told to each.
//!
//! Each subscriber has an outbox of its own: a slow or dead one harms only itself, and is forgotten
//! when its lease ends. A snapshot is nothing special: all keys are marked, between two markers.

mod pieces;
mod subscriber;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bus::outbox::Outbox;
use mqtypes::broker::{Notification, Subscribe, Topic};
use mqtypes::command::CommandOutcome;
use mqtypes::envelope::Sender;
use mqtypes::ids::{BootId, Eui64, Who};
use mqtypes::mono::Mono;
use mqtypes::queues::{UI_PROXY, may_be_delivered_to};
use mqtypes::serial::LineBytes;

use crate::commands;
use crate::counts::{CountKey, PortIndex};
use crate::model::{MoteIndex, Slot};
use subscriber::Subscriber;

/// A value that somebody may be told of; the newest one is looked up when there is room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateKey {
    /// An entry of the inventory is no more.
    Gone(Who),
    /// An entry of the inventory.
    Entry(MoteIndex),
    /// An element of a mote, or one row of it.
    Element(MoteIndex, Slot),
    /// A count.
    Count(CountKey),
    /// A process's figures.
    Health(Sender),
    /// What a mote's elements come to.
    Summary(MoteIndex),
    /// A serial port's report.
    Port(PortIndex),
    /// An entry of the inventory that has no cable.
    MeshEntry(Eui64),
    /// A mote's place in a DODAG.
    Dag(Eui64),
    /// What a mote's `uinject` tells.
    Uinject(Eui64),
}

impl StateKey {
    /// The topic it belongs to.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Gone(_) | Self::Entry(_) | Self::MeshEntry(_) => Topic::Inventory,
            Self::Element(..) | Self::Summary(_) => Topic::Status,
            Self::Count(_) => Topic::Counts,
            Self::Health(_) => Topic::Health,
            Self::Port(_) => Topic::Ports,
            Self::Dag(_) => Topic::Dag,
            Self::Uinject(_) => Topic::Uinject,
        }
    }
}

/// What waits for one subscriber.
pub type Mailbox = Outbox<StateKey, Notification>;

/// Subscribers at once beside the GUI: a few tools.
const MOST_SUBSCRIBERS: usize = 16;

/// Whoever has only a command open is kept so much longer than the command.
const OUTCOME_GRACE: Duration = Duration::from_secs(5);

/// The longest lease; longer wishes are cut.
const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// How a subscription was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It begins: a snapshot is due.
    New,
    /// Its lease is longer now; nothing else changes.
    Renewed,
    /// It may not be delivered there, or there are too many.
    Refused,
}

/// All subscribers, by the name of their queue.
#[derive(Default)]
pub struct Broker {
    subscribers: BTreeMap<String, Subscriber>,
}

impl Broker {
    /// Begins or renews a subscription of the process start `boot`.
    pub fn subscribe(&mut self, now: Mono, boot: BootId, wish: &Subscribe) -> Taken {
        let until = now.after(Duration::from_millis(wish.lease_ms.into()).min(LONGEST_LEASE));
        // The UI link has no bytes of lines, whatever is asked for in its name.
        let has_it = |topic: &Topic| *topic != Topic::Bytes || wish.reply != UI_PROXY.spec.name;
        let topics: BTreeSet<Topic> = wish.topics.iter().copied().filter(has_it).collect();
        if let Some(known) = self.subscribers.get_mut(&wish.reply).filter(|known| known.boot == boot) {
            // Events begin and end without a snapshot, and what waits stays.
            let taken = if known.has_the_state_of(&topics) { Taken::Renewed } else { Taken::New };
            known.topics = topics;
            known.until = known.until.max(until);
            if !known.topics.contains(&Topic::Bytes) {
                known.pieces.clear();
            }
            return taken;
        }
        if !self.has_room_for(&wish.reply) {
            return Taken::Refused;
        }
        self.subscribers.insert(wish.reply.clone(), Subscriber::new(boot, topics, until));
        Taken::New
    }

    /// Ends a subscription of the process start `boot`, and nobody else's. Outcomes that wait are still told.
    pub fn unsubscribe(&mut self, boot: BootId, reply: &str) {
        let Some(subscriber) = self.subscribers.get_mut(reply).filter(|subscriber| subscriber.boot == boot) else { return };
        subscriber.end();
        if !subscriber.is_waiting() {
            self.subscribers.remove(reply);
        }
    }

    /// Makes sure that the outcomes of a command can be told. False when they cannot be.
    pub fn expect_outcome(&mut self, now: Mono, boot: BootId, reply: &str, deadline: Mono) -> bool {
        if !self.has_room_for(reply) {
            return false;
        }
        let until = deadline.min(now.after(commands::LONGEST)).after(OUTCOME_GRACE);
        let subscriber = self.subscribers.entry(reply.to_owned()).or_insert_with(|| Subscriber::new(boot, BTreeSet::new(), until));
        subscriber.until = subscriber.until.max(until);
        true
    }

    /// Marks the keys of a new subscription's topics, between the two markers.
    pub fn snapshot(&mut self, reply: &str, keys: impl Iterator<Item = StateKey>) {
        let Some(subscriber) = self.subscribers.get_mut(reply) else { return };
        let wanted = |key: &StateKey| subscriber.topics.contains(&key.topic());
        let keys: Vec<_> = keys.filter(wanted).collect();
        subscriber.keep_outcomes();
        let mailbox = &mut subscriber.mailbox;
        // Sixteen outcomes at most leave room for the two markers.
        let _ = mailbox.push_command(Notification::SnapshotBegin, 1);
        for key in keys {
            mailbox.mark(key);
        }
        let _ = mailbox.push_command(Notification::SnapshotEnd, 1);
    }

    /// Subscribers for whom more values wait than `most`: names of what is gone pile up for whoever does
    /// not read. A fresh snapshot is shorter.
    pub fn overgrown(&self, most: usize) -> Vec<String> {
        self.subscribers.iter().filter(|(_, subscriber)| subscriber.mailbox.states() > most).map(|(reply, _)| reply.clone()).collect()
    }

    /// Tells every subscriber of its topic that this value has changed.
    pub fn mark(&mut self, key: &StateKey) {
        for subscriber in self.subscribers.values_mut().filter(|subscriber| subscriber.topics.contains(&key.topic())) {
            subscriber.mailbox.mark(key.clone());
        }
    }

    /// Does anybody want this topic?
    pub fn is_wanted(&self, topic: Topic) -> bool {
        self.subscribers.values().any(|subscriber| subscriber.topics.contains(&topic))
    }

    /// Tells every subscriber of `topic` what happened. `bytes` is about its size.
    pub fn event(&mut self, topic: Topic, notification: &Notification, bytes: usize) {
        for subscriber in self.subscribers.values_mut().filter(|subscriber| subscriber.topics.contains(&topic)) {
            subscriber.keep_event(notification.clone(), bytes);
        }
    }

    /// Tells whoever records them that bytes crossed a line.
    pub fn pass(&mut self, piece: LineBytes) {
        let mut wanting = self.subscribers.values_mut().filter(|subscriber| subscriber.topics.contains(&Topic::Bytes));
        // Nearly always there is one, who gets it as it is.
        let Some(first) = wanting.next() else { return };
        wanting.for_each(|another| another.pieces.push(piece.clone()));
        first.pieces.push(piece);
    }

    /// Tells one of them how its command goes. False when it cannot be told any more.
    pub fn outcome(&mut self, reply: &str, outcome: CommandOutcome) -> bool {
        self.subscribers.get_mut(reply).is_some_and(|subscriber| subscriber.keep_outcome(outcome))
    }

    /// Tells a queue that may have been subscribed at an earlier start that it must subscribe again.
    pub fn announce_start(&mut self, now: Mono, boot: BootId, reply: &str) {
        let mut subscriber = Subscriber::new(boot, BTreeSet::new(), now.after(OUTCOME_GRACE));
        subscriber.mailbox.push_event(Notification::Started, 1);
        self.subscribers.insert(reply.to_owned(), subscriber);
    }

    /// Forgets those whose lease has ended.
    pub fn handle_timeout(&mut self, now: Mono) {
        self.subscribers.retain(|reply, subscriber| {
            let is_due = subscriber.until <= now;
            if is_due && !subscriber.topics.is_empty() {
                log::info!("{reply}: the subscription's lease has ended");
            }
            !is_due
        });
    }

    /// When the next lease ends.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.subscribers.values().map(|subscriber| subscriber.until).min()
    }

    /// Everybody for whom something waits, with what waits, gaps included.
    pub fn waiting(&mut self) -> impl Iterator<Item = (&String, &mut Mailbox)> {
        self.subscribers.iter_mut().filter(|(_, subscriber)| subscriber.is_waiting()).map(|(reply, subscriber)| {
            subscriber.tell_pieces();
            subscriber.tell_gap();
            (reply, &mut subscriber.mailbox)
        })
    }

    /// Is there somebody who has taken everything that [`Self::waiting`] had, and for whom there is more?
    pub fn has_more(&self) -> bool {
        self.subscribers.values().any(|subscriber| subscriber.mailbox.is_empty() && !subscriber.pieces.is_empty())
    }

    /// Does something wait for this subscriber?
    pub fn has_waiting(&self, reply: &str) -> bool {
        self.subscribers.get(reply).is_some_and(Subscriber::is_waiting)
    }

    /// Is this queue still a subscriber's?
    pub fn has(&self, reply: &str) -> bool {
        self.subscribers.contains_key(reply)
    }

    fn has_room_for(&self, reply: &str) -> bool {
        // The GUI has a place of its own: tools cannot crowd it out.
        let is_gui = reply == UI_PROXY.spec.name;
        let tools = self.subscribers.keys().filter(|known| **known != UI_PROXY.spec.name).count();
        may_be_delivered_to(reply) && (is_gui || self.subscribers.contains_key(reply) || tools < MOST_SUBSCRIBERS)
    }
}

#[cfg(test)]
mod tests {
    use super::subscriber::BOUNDS;
    use super::*;
    use bus::outbox::Entry;
    use mqtypes::command::OutcomeState;
    use mqtypes::ids::{Asn, Eui64, RequestId};
    use mqtypes::log::{Coded, MoteLog, Severity};
    use mqtypes::mesh::MoteData;

    const NOW: Mono = Mono(1_000_000);

    fn wish(reply: &str, topics: &[Topic]) -> Subscribe {
        Subscribe { reply: reply.to_owned(), topics: topics.to_vec(), lease_ms: 30_000 }
    }

    fn waiting(broker: &mut Broker, reply: &str) -> Vec<String> {
        let show = |entry: &Entry<StateKey, Notification>| match entry {
            Entry::State(key) => format!("{key:?}"),
            Entry::Event(item, _) | Entry::Command(item, _) => format!("{item:?}"),
        };
        broker.waiting().filter(|(name, _)| *name == reply).flat_map(|(_, mailbox)| mailbox.iter().map(show).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn a_snapshot_has_the_keys_of_its_topics_between_the_markers() {
        let mut broker = Broker::default();
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("tap-1", &[Topic::Counts])), Taken::New);
        broker.snapshot("tap-1", [StateKey::Count(CountKey::Lost), StateKey::Health(Sender::Eventbus)].into_iter());
        assert_eq!(waiting(&mut broker, "tap-1"), ["SnapshotBegin", "Count(Lost)", "SnapshotEnd"]);
    }

    #[test]
    fn the_same_wish_renews_and_another_start_begins_anew() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Logs]));
        let later = NOW.after(Duration::from_secs(10));
        assert_eq!(broker.subscribe(later, BootId(1), &wish("ui-proxy", &[Topic::Logs])), Taken::Renewed);
        assert_eq!(broker.poll_timeout(), Some(later.after(Duration::from_secs(30))));
        assert_eq!(broker.subscribe(later, BootId(1), &wish("ui-proxy", &[Topic::Counts])), Taken::New);
        assert_eq!(broker.subscribe(later, BootId(2), &wish("ui-proxy", &[Topic::Counts])), Taken::New);
    }

    #[test]
    fn events_begin_and_end_without_a_snapshot() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Counts, Topic::Logs]));
        broker.event(Topic::Logs, &log(), 1);
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Counts, Topic::Logs, Topic::Data])), Taken::Renewed);
        broker.event(Topic::Data, &data(), 1);
        assert_eq!(waiting(&mut broker, "ui-proxy").len(), 2);
        broker.unsubscribe(BootId(1), "ui-proxy");
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Logs])), Taken::New);
    }

    #[test]
    fn nobody_ends_the_subscription_of_another_process() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Logs]));
        broker.unsubscribe(BootId(2), "ui-proxy");
        assert!(broker.is_wanted(Topic::Logs));
        broker.unsubscribe(BootId(1), "ui-proxy");
        assert!(!broker.has("ui-proxy"));
    }

    #[test]
    fn a_dead_subscriber_is_forgotten_when_its_lease_ends() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("tap-1", &[Topic::Logs]));
        broker.handle_timeout(NOW.after(Duration::from_secs(29)));
        assert!(broker.has("tap-1"));
        broker.handle_timeout(NOW.after(Duration::from_secs(30)));
        assert!(!broker.has("tap-1"));
        assert_eq!(broker.poll_timeout(), None);
    }

    #[test]
    fn nobody_can_aim_the_bus_elsewhere_or_crowd_it() {
        let mut broker = Broker::default();
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("serial-bridge", &[Topic::Logs])), Taken::Refused);
        for number in 0..MOST_SUBSCRIBERS {
            assert_eq!(broker.subscribe(NOW, BootId(1), &wish(&format!("tap-{number}"), &[])), Taken::New);
        }
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("tap-one-too-many", &[])), Taken::Refused);
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[])), Taken::New);
    }

    #[test]
    fn an_outcome_survives_a_new_subscription_and_the_end_of_one() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Counts]));
        let outcome = CommandOutcome { id: RequestId(7), state: OutcomeState::Confirmed, detail: String::new(), echo: None };
        broker.mark(&StateKey::Count(CountKey::Lost));
        assert!(broker.outcome("ui-proxy", outcome));
        broker.unsubscribe(BootId(1), "ui-proxy");
        assert_eq!(broker.subscribe(NOW, BootId(1), &wish("ui-proxy", &[Topic::Counts])), Taken::New);
        broker.snapshot("ui-proxy", std::iter::empty());
        let told = waiting(&mut broker, "ui-proxy");
        assert!(
            matches!(&told[..], [outcome, begin, end] if outcome.starts_with("Outcome") && begin == "SnapshotBegin" && end == "SnapshotEnd"),
            "{told:?}"
        );
    }

    #[test]
    fn names_of_what_is_gone_are_noticed_when_they_pile_up() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("tap-1", &[Topic::Inventory]));
        for number in 0..10 {
            let port = Some(mqtypes::ids::PortName(number.to_string()));
            broker.mark(&StateKey::Gone(Who { mote: None, port }));
        }
        assert_eq!((broker.overgrown(9), broker.overgrown(10)), (vec!["tap-1".to_owned()], vec![]));
    }

    #[test]
    fn what_a_slow_subscriber_missed_is_told_once_and_in_full() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("tap-1", &[Topic::Logs, Topic::Data]));
        for _ in 0..3 * BOUNDS.entries {
            broker.event(Topic::Logs, &log(), 1);
            broker.event(Topic::Data, &data(), 1);
            assert!(waiting(&mut broker, "tap-1").iter().all(|told| !told.starts_with("Gap")), "a gap drops nothing more");
        }
        for (_, mailbox) in broker.waiting() {
            mailbox.clear();
        }
        let told = waiting(&mut broker, "tap-1");
        let each = 3 * BOUNDS.entries - BOUNDS.entries / 2;
        let gap = format!(
            r#"Gap {{ dropped: [Dropped {{ reason: "mote-log", count: {each} }}, Dropped {{ reason: "mote-data", count: {each} }}] }}"#
        );
        assert_eq!(told, [gap]);
    }

    #[test]
    fn events_that_give_way_to_a_snapshot_are_missed_unless_nobody_wants_them() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("tap-1", &[Topic::Logs, Topic::Data]));
        broker.event(Topic::Logs, &log(), 1);
        broker.event(Topic::Data, &data(), 1);
        broker.event(Topic::Data, &data(), 1);
        broker.snapshot("tap-1", std::iter::empty());
        let gap = r#"Gap { dropped: [Dropped { reason: "mote-log", count: 1 }, Dropped { reason: "mote-data", count: 2 }] }"#;
        assert_eq!(waiting(&mut broker, "tap-1"), ["SnapshotBegin", "SnapshotEnd", gap]);
        broker.event(Topic::Logs, &log(), 1);
        broker.unsubscribe(BootId(1), "tap-1");
        assert!(!broker.has("tap-1"));
    }

    #[test]
    fn a_gap_that_gives_way_is_told_with_the_next_one() {
        let mut broker = Broker::default();
        broker.subscribe(NOW, BootId(1), &wish("tap-1", &[Topic::Logs]));
        for _ in 0..=BOUNDS.entries {
            broker.event(Topic::Logs, &log(), 1);
        }
        for (_, mailbox) in broker.waiting() {
            mailbox.consume(1);
        }
        assert!(waiting(&mut broker, "tap-1").last().expect("a gap").starts_with("Gap"));
        for _ in 0..BOUNDS.entries {
            broker.event(Topic::Logs, &log(), 1);
        }
        for (_, mailbox) in broker.waiting() {
            mailbox.clear();
        }
        assert_eq!(
            waiting(&mut broker, "tap-1"),
            [format!(r#"Gap {{ dropped: [Dropped {{ reason: "mote-log", count: {} }}] }}"#, BOUNDS.entries)]
        );
    }

    #[test]
    fn bytes_of_lines_go_to_all_who_named_them_behind_everything_else() {
        let mut broker = Broker::default();
        for (reply, topics) in [("tap-1", vec![Topic::Bytes, Topic::Logs]), ("tap-2", vec![Topic::Bytes]), ("tap-3", Topic::ALL.to_vec())] {
            broker.subscribe(NOW, BootId(1), &wish(reply, &topics));
        }
        broker.pass(piece());
        broker.event(Topic::Logs, &log(), 1);
        let bytes = format!("{:?}", Notification::Bytes(piece()));
        assert_eq!(waiting(&mut broker, "tap-2"), std::slice::from_ref(&bytes));
        assert_eq!(waiting(&mut broker, "tap-3").len(), 1);
        assert_eq!(waiting(&mut broker, "tap-1"), [format!("{:?}", log())]);
        assert!(!broker.has_more());
        for (_, mailbox) in broker.waiting() {
            mailbox.clear();
        }
        assert!(broker.has_more());
        assert_eq!(waiting(&mut broker, "tap-1"), [bytes]);
        broker.unsubscribe(BootId(1), "tap-1");
        assert!(!broker.has_more() && !broker.has("tap-1"));
    }

    fn piece() -> LineBytes {
        let (port, generation) = (mqtypes::ids::PortName("a".to_owned()), mqtypes::ids::Generation(1));
        LineBytes { port, generation, direction: mqtypes::serial::Direction::Rx, at: NOW, offset: 0, bytes: vec![0x7e] }
    }

    fn log() -> Notification {
        let none = || Coded { code: 0, name: String::new() };
        let who = Who { mote: None, port: None };
        let (component, error) = (none(), none());
        Notification::Log(MoteLog { who, heard: NOW, severity: Severity::Info, component, error, args: [0; 2], text: String::new() })
    }

    fn data() -> Notification {
        let who = Who { mote: None, port: None };
        let (destination, source) = (Eui64([1; 8]), Eui64([2; 8]));
        Notification::Data(MoteData { who, heard: NOW, asn: Asn(0), destination, source, lowpan: Vec::new() })
    }
}
