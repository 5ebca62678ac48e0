//! The receiving end: messages of one type, from a queue of our own.
//!
//! Foreign bytes, other versions and gaps are counted by reason and passed over; they cost nothing else.

use std::collections::BTreeMap;
use std::io;
use std::marker::PhantomData;

use mio::Interest;
use mqtypes::broker::Notification;
use mqtypes::codec::{self, DecodeError, Item, Packer};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::BootId;
use mqtypes::mono::Mono;
use mqtypes::queues::{self, EVENTBUS_REQUESTS, TAP, kernel_name};

use crate::queue::{OwnedQueue, PeerQueue, QueueError, glance};
use crate::reactor::Registration;
use crate::tally::Tally;

/// Messages taken in one go, so that a flood in one queue cannot starve the others.
const DRAIN_BUDGET: usize = 64;

/// A queue of ours whose items are of type `M`.
#[derive(Debug)]
pub struct Inbox<M> {
    queue: OwnedQueue,
    depth: usize,
    buffer: Vec<u8>,
    pulse: Vec<u8>,
    passed: u64,
    arrivals: Arrivals,
    items: PhantomData<fn() -> M>,
}

/// Is there more to take?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an inbox that is not empty makes no new event: ask the reactor to come back"]
pub enum Drained {
    /// The queue is empty.
    All,
    /// The budget is used up; come again before sleeping.
    More,
}

impl<M: Item> Inbox<M> {
    /// Opens or makes a declared queue; refuses when another process owns it.
    pub fn own(instance: &str, declared: &queues::Inbox<M>) -> Result<Self, QueueError> {
        Ok(Self::of(OwnedQueue::open(instance, &declared.spec)?, &declared.spec))
    }

    fn of(queue: OwnedQueue, spec: &queues::Spec) -> Self {
        Self {
            queue,
            depth: spec.depth,
            buffer: vec![0; spec.size],
            pulse: pulse(spec.reader),
            passed: 0,
            arrivals: Arrivals::default(),
            items: PhantomData,
        }
    }

    /// Lets the reactor wake us when something comes.
    pub fn watch(&self, registration: &Registration) -> io::Result<()> {
        registration.watch(&self.queue, Interest::READABLE)
    }

    /// Hands over what is there, item by item, in order.
    pub fn drain(&mut self, mut take: impl FnMut(&Envelope, M)) -> io::Result<Drained> {
        for _message in 0..DRAIN_BUDGET {
            let Some(len) = self.queue.receive(&mut self.buffer)? else { return Ok(Drained::All) };
            self.passed += 1;
            if self.buffer[..len] == self.pulse {
                continue;
            }
            match codec::decode(&self.buffer[..len]) {
                Ok((envelope, items)) => {
                    self.arrivals.note(&envelope, self.queue.name());
                    for item in items {
                        take(&envelope, item);
                    }
                }
                Err(error) => self.arrivals.refuse(&error, self.queue.name()),
            }
        }
        Ok(Drained::More)
    }

    /// The kernel's name of the queue.
    pub fn name(&self) -> &str {
        self.queue.name()
    }

    /// Messages waiting and messages it holds.
    pub fn fill(&self) -> (u32, u32) {
        let waiting = self.queue.depth().unwrap_or(0);
        (u32::try_from(waiting).unwrap_or(u32::MAX), u32::try_from(self.depth).unwrap_or(u32::MAX))
    }

    /// How many messages have come out of it, of whatever kind. It is the process's progress, for its watchdog.
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// Puts a message into it that says nothing and is handed to nobody. The queue is looked up by its name, as its writers do.
    pub fn send_pulse(&self) -> Result<(), QueueError> {
        let name = self.queue.name();
        match PeerQueue::open(name)?.send(&self.pulse) {
            // What fills it will pass as well as the pulse, if anything does.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            sent => sent.map_err(|source| QueueError::System { name: name.to_owned(), doing: "sending to ourselves", source }),
        }
    }

    /// What was passed over, by reason.
    pub fn tally(&self) -> &Tally {
        &self.arrivals.tally
    }
}

impl Inbox<Notification> {
    /// Makes a subscriber's queue; `name` is a full name such as `tap-4711`. `eventbus`, which may be another user, writes to it as
    /// a member of the group that its requests come from.
    pub fn own_tap(instance: &str, name: &str) -> Result<Self, QueueError> {
        let group = glance(&kernel_name(instance, EVENTBUS_REQUESTS.spec.name))?.gid;
        Ok(Self::of(OwnedQueue::open_for_group(&kernel_name(instance, name), &TAP.spec, group)?, &TAP.spec))
    }
}

/// A message of `reader` to itself, with no item. It bears no boot id and no time: one that an earlier life has left in the queue is
/// known for what it is.
fn pulse(reader: Sender) -> Vec<u8> {
    let mut buffer = [0; 32];
    let envelope = Envelope { sender: reader, boot: BootId(0), seq: 0, sent: Mono(0) };
    Packer::new(&mut buffer, &envelope).expect("an envelope of small numbers is a few bytes").bytes().to_vec()
}

/// Watches sequence numbers and counts what is no message.
#[derive(Debug, Default)]
struct Arrivals {
    tally: Tally,
    /// Boot and next sequence number of each of the router's own processes.
    expected: BTreeMap<Sender, (BootId, u64)>,
}

impl Arrivals {
    fn note(&mut self, envelope: &Envelope, queue: &str) {
        // Tools come and go, many at once under one name.
        if envelope.sender == Sender::Tool {
            return;
        }
        let before = self.expected.insert(envelope.sender, (envelope.boot, envelope.seq.saturating_add(1)));
        if let Some((boot, next)) = before
            && boot == envelope.boot
            && envelope.seq > next
        {
            let lost = envelope.seq - next;
            self.tally.add("gap", lost);
            log::warn!("{queue}: {lost} messages of {} are missing: somebody else reads this queue", envelope.sender);
        }
    }

    fn refuse(&mut self, error: &DecodeError, queue: &str) {
        if self.tally.count(error.reason()) {
            let sender = error.sender().map_or_else(|| "an unknown sender".to_owned(), |sender| sender.to_string());
            log::warn!("{queue}: message of {sender} passed over: {error} ({} so far)", self.tally.of(error.reason()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::unlink;
    use mqtypes::codec::encode;
    use mqtypes::queues::UI_PROXY_REQUESTS;
    use mqtypes::wake::ProxyRequest;

    fn arrive(arrivals: &mut Arrivals, sender: Sender, boot: u32, seq: u64) {
        arrivals.note(&Envelope { sender, boot: BootId(boot), seq, sent: Mono(0) }, "test");
    }

    #[test]
    fn a_gap_is_counted_and_a_restart_is_none() {
        let mut arrivals = Arrivals::default();
        arrive(&mut arrivals, Sender::Eventbus, 1, 0);
        arrive(&mut arrivals, Sender::Eventbus, 1, 3);
        arrive(&mut arrivals, Sender::Eventbus, 2, 0);
        arrive(&mut arrivals, Sender::Eventbus, 2, 1);
        assert_eq!(arrivals.tally.of("gap"), 2);
    }

    #[test]
    fn tools_share_a_name_and_are_not_watched() {
        let mut arrivals = Arrivals::default();
        arrive(&mut arrivals, Sender::Tool, 1, 0);
        arrive(&mut arrivals, Sender::Tool, 1, 9);
        assert_eq!(arrivals.tally.of("gap"), 0);
    }

    /// An inbox of this test alone, removed at its end.
    struct Stage(Inbox<ProxyRequest>);

    impl Stage {
        fn new(test: &str) -> Self {
            let instance = format!("bus-inbox-{}-{test}", std::process::id());
            Self(Inbox::own(&instance, &UI_PROXY_REQUESTS).expect("made"))
        }

        fn send(&self, message: &[u8]) {
            PeerQueue::open(self.0.name()).expect("open").send(message).expect("sent");
        }

        fn take(&mut self) -> Vec<ProxyRequest> {
            let mut taken = Vec::new();
            assert_eq!(self.0.drain(|_, request| taken.push(request)).expect("drained"), Drained::All);
            taken
        }
    }

    impl Drop for Stage {
        fn drop(&mut self) {
            let _ = unlink(self.0.name());
        }
    }

    #[test]
    fn a_pulse_passes_and_is_handed_to_nobody_and_is_no_error() {
        let mut stage = Stage::new("pulse");
        let envelope = Envelope { sender: Sender::Tool, boot: BootId(1), seq: 0, sent: Mono(0) };
        stage.0.send_pulse().expect("sent");
        stage.send(&encode(&envelope, &ProxyRequest::Wake { port: None }).expect("fits"));
        stage.0.send_pulse().expect("sent");
        assert_eq!(stage.take(), [ProxyRequest::Wake { port: None }]);
        assert_eq!((stage.0.passed(), stage.0.tally().dropped("")), (3, Vec::new()));
    }

    #[test]
    fn a_pulse_that_finds_the_inbox_full_is_not_needed() {
        let mut stage = Stage::new("full");
        for _message in 0..UI_PROXY_REQUESTS.spec.depth {
            stage.send(b"foreign");
        }
        stage.0.send_pulse().expect("not needed");
        assert_eq!(stage.take(), []);
        assert_eq!(stage.0.tally().of("foreign"), UI_PROXY_REQUESTS.spec.depth as u64);
    }

    #[test]
    fn an_inbox_without_its_name_gets_no_pulse() {
        let mut stage = Stage::new("unlinked");
        unlink(stage.0.name()).expect("removed");
        assert!(matches!(stage.0.send_pulse(), Err(QueueError::Missing { .. })));
        assert_eq!(stage.take(), []);
    }
}
