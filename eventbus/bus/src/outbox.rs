//! What waits to be said to one peer, and what gives way when it is too much.
//!
//! *State* is conflated: the outbox remembers which value changed, not the value; the newest is looked
//! up when there is room. *Events* are kept up to a bound and lose their oldest, counted. *Commands*
//! outrank events, are refused when they still do not fit, and never dropped. The order in which things were said is kept.

use std::collections::{BTreeSet, VecDeque};

/// The most that may wait, state aside (whose keys the owner's model bounds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Events and commands together.
    pub entries: usize,
    /// Their bytes, as told when they were pushed.
    pub bytes: usize,
}

/// One thing that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<K, M> {
    /// The value of this key has changed.
    State(K),
    /// Something happened.
    Event(M, usize),
    /// Somebody is to do something, or is told how it went.
    Command(M, usize),
}

impl<K, M> Entry<K, M> {
    /// Hands over what the peer is told of it: of state the newest value, and nothing if it has none any more.
    pub fn tell<R>(&self, resolve: impl FnOnce(&K) -> Option<M>, tell: impl FnOnce(&M) -> R) -> Option<R> {
        match self {
            Self::State(key) => resolve(key).as_ref().map(tell),
            Self::Event(message, _) | Self::Command(message, _) => Some(tell(message)),
        }
    }
}

/// There is no room for another command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting already")]
pub struct Full;

/// What waits to be said to one peer.
#[derive(Debug)]
pub struct Outbox<K, M> {
    entries: VecDeque<Entry<K, M>>,
    marked: BTreeSet<K>,
    counted: usize,
    bytes: usize,
    bounds: Bounds,
    dropped: u64,
}

impl<K: Ord + Clone, M> Outbox<K, M> {
    /// An empty outbox.
    pub fn new(bounds: Bounds) -> Self {
        Self { entries: VecDeque::new(), marked: BTreeSet::new(), counted: 0, bytes: 0, bounds, dropped: 0 }
    }

    /// The value of `key` has changed. One that waits already keeps its place.
    pub fn mark(&mut self, key: K) {
        if self.marked.insert(key.clone()) {
            self.entries.push_back(Entry::State(key));
        }
    }

    /// Keeps an event of about `bytes` bytes, at the cost of the oldest events.
    pub fn push_event(&mut self, event: M, bytes: usize) {
        while !self.has_room(bytes) {
            if !self.drop_oldest_event() {
                self.dropped += 1;
                return;
            }
        }
        self.append(Entry::Event(event, bytes), bytes);
    }

    /// Keeps a command of about `bytes` bytes, if need be at the cost of the oldest events, or refuses it.
    pub fn push_command(&mut self, command: M, bytes: usize) -> Result<(), Full> {
        while !self.has_room(bytes) {
            if !self.drop_oldest_event() {
                return Err(Full);
            }
        }
        self.append(Entry::Command(command, bytes), bytes);
        Ok(())
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What waits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<K, M>> {
        self.entries.iter()
    }

    /// The first `count` entries have been said.
    pub fn consume(&mut self, count: usize) {
        for entry in self.entries.drain(..count.min(self.entries.len())) {
            match entry {
                Entry::State(key) => {
                    self.marked.remove(&key);
                }
                Entry::Event(_, bytes) | Entry::Command(_, bytes) => {
                    self.counted -= 1;
                    self.bytes -= bytes;
                }
            }
        }
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        self.consume(self.entries.len());
    }

    /// Forgets what is not worth keeping.
    pub fn retain(&mut self, mut keep: impl FnMut(&Entry<K, M>) -> bool) {
        let (kept, gone): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.entries).into_iter().partition(|entry| keep(entry));
        let count = gone.len();
        self.entries = gone;
        self.consume(count);
        self.entries = kept;
    }

    /// How many values wait to be told.
    pub fn states(&self) -> usize {
        self.marked.len()
    }

    /// Could an event of about `bytes` bytes be kept without dropping another?
    pub fn has_room(&self, bytes: usize) -> bool {
        self.counted < self.bounds.entries && self.bytes + bytes <= self.bounds.bytes
    }

    /// Takes the oldest event back, for an owner who keeps account of what gave way; it is not counted here.
    pub fn give_up_oldest_event(&mut self) -> Option<M> {
        let at = self.entries.iter().position(|entry| matches!(entry, Entry::Event(..)))?;
        let Some(Entry::Event(event, bytes)) = self.entries.remove(at) else { return None };
        self.counted -= 1;
        self.bytes -= bytes;
        Some(event)
    }

    /// Events dropped since this was last asked.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    fn append(&mut self, entry: Entry<K, M>, bytes: usize) {
        self.counted += 1;
        self.bytes += bytes;
        self.entries.push_back(entry);
    }

    fn drop_oldest_event(&mut self) -> bool {
        let has_given_way = self.give_up_oldest_event().is_some();
        self.dropped += u64::from(has_given_way);
        has_given_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox<u8, &'static str> {
        Outbox::new(Bounds { entries: 2, bytes: 10 })
    }

    fn said(outbox: &Outbox<u8, &'static str>) -> Vec<String> {
        outbox
            .iter()
            .map(|entry| match entry {
                Entry::State(key) => format!("state {key}"),
                Entry::Event(event, _) | Entry::Command(event, _) => (*event).to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_state_that_waits_is_not_queued_twice_and_keeps_its_place() {
        let mut outbox = outbox();
        outbox.mark(1);
        outbox.push_event("event", 1);
        outbox.mark(2);
        outbox.mark(1);
        assert_eq!(said(&outbox), ["state 1", "event", "state 2"]);
        outbox.consume(1);
        outbox.mark(1);
        assert_eq!(said(&outbox), ["event", "state 2", "state 1"]);
    }

    #[test]
    fn events_lose_their_oldest_and_are_counted() {
        let mut outbox = outbox();
        for event in ["a", "b", "c", "d"] {
            outbox.push_event(event, 1);
        }
        assert_eq!(said(&outbox), ["c", "d"]);
        assert_eq!((outbox.take_dropped(), outbox.take_dropped()), (2, 0));
    }

    #[test]
    fn what_is_kept_is_counted_as_before() {
        let mut outbox = outbox();
        outbox.mark(1);
        outbox.push_event("event", 4);
        outbox.push_command("command", 6).expect("room");
        outbox.retain(|entry| matches!(entry, Entry::Command(..)));
        assert_eq!((said(&outbox), outbox.states()), (vec!["command".to_owned()], 0));
        assert!(outbox.has_room(4) && !outbox.has_room(5));
        outbox.mark(1);
        assert_eq!(said(&outbox), ["command", "state 1"]);
    }

    #[test]
    fn bytes_bound_it_too() {
        let mut outbox = outbox();
        outbox.push_event("six", 6);
        outbox.push_event("five", 5);
        assert_eq!(said(&outbox), ["five"]);
        outbox.push_event("more than all", 11);
        assert_eq!((said(&outbox).len(), outbox.take_dropped()), (0, 3));
    }

    #[test]
    fn commands_are_refused_and_never_dropped() {
        let mut outbox = outbox();
        outbox.push_event("event", 1);
        outbox.push_command("first", 1).expect("room");
        outbox.push_command("second", 1).expect("an event gives way");
        assert_eq!(outbox.push_command("third", 1), Err(Full));
        outbox.push_event("newer", 1);
        assert_eq!((said(&outbox), outbox.take_dropped()), (vec!["first".to_owned(), "second".to_owned()], 2));
        outbox.consume(2);
        assert_eq!(outbox.push_command("third", 10), Ok(()));
    }
}
