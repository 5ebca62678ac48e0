//! The way to a peer's queue, which may be full, missing or replaced.
//!
//! The peer may come later than we, go, or be made anew at any time. While something waits, a
//! backed-off deadline looks again, since a queue that is unlinked while we wait for room gives no event.

use std::io;
use std::time::Duration;

use mio::Interest;
use mqtypes::codec::{Item, MAX_MESSAGE, Packer};
use mqtypes::envelope::Envelope;
use mqtypes::mono::Mono;
use mqtypes::queues::TAP_PREFIX;

use crate::outbox::Outbox;
use crate::process::Identity;
use crate::queue::PeerQueue;
use crate::reactor::Registration;
use crate::tally::Tally;

/// First and longest wait before looking again for a peer that is missing or does not read.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// The longest wait for a peer that speaks to us when it starts: only what went wrong there is found by looking.
const LOOK_SELDOM: Duration = Duration::from_secs(10);

/// The smallest message size that is declared for any queue (`mqtypes::queues`); an envelope fits well.
const LEAST_SIZE: usize = 256;

/// Whose queue a channel leads to; it decides who may have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// An inbox of the router's own processes.
    Own,
    /// A queue between the router and its group: a subscriber's tap, or, for a tool, the requests of the router that it was told of.
    Shared,
}

impl Destination {
    /// What a subscription's reply queue is, by its name within the instance.
    pub fn of_reply(name: &str) -> Self {
        if name.starts_with(TAP_PREFIX) { Self::Shared } else { Self::Own }
    }
}

/// The way to one peer's queue.
#[derive(Debug)]
pub struct Channel {
    name: String,
    destination: Destination,
    identity: Identity,
    registration: Registration,
    peer: Peer,
    wait: Duration,
    longest_wait: Duration,
    seq: u64,
    tally: Tally,
    /// Nothing is lost by these.
    waits: Tally,
}

#[derive(Debug)]
enum Peer {
    /// Nothing was said yet, or all of it was.
    Unmet,
    /// It was not there; look again then.
    Missing { look_again: Mono },
    /// Its queue is open.
    Open(PeerQueue),
    /// Its queue is full; we hear when there is room, and look again then at the latest.
    Full { queue: PeerQueue, look_again: Mono },
}

impl Channel {
    /// A way to the queue with this kernel name; nothing is opened yet.
    pub fn new(name: String, destination: Destination, identity: Identity, registration: Registration) -> Self {
        Self {
            name,
            destination,
            identity,
            registration,
            peer: Peer::Unmet,
            wait: LOOK_AGAIN.0,
            longest_wait: LOOK_AGAIN.1,
            seq: 0,
            tally: Tally::default(),
            waits: Tally::default(),
        }
    }

    /// The same to a peer that speaks to us when it starts: a missing one is looked for seldom, and [`Self::peer_spoke`] finds it.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { longest_wait: LOOK_SELDOM, ..self }
    }

    /// The peer has just said something: whatever it was before, it is there.
    pub fn peer_spoke(&mut self) {
        self.wait = LOOK_AGAIN.0;
        if self.is_missing() {
            self.peer = Peer::Unmet;
        }
    }

    /// The kernel's name of the peer's queue.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was lost here, by reason.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The name under which the reactor reports room.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Is the peer's queue not there?
    pub fn is_missing(&self) -> bool {
        matches!(self.peer, Peer::Missing { .. })
    }

    /// When [`Self::flush`] must be called again at the latest, while something waits.
    pub fn look_again(&self) -> Option<Mono> {
        match &self.peer {
            Peer::Unmet | Peer::Open(_) => None,
            Peer::Missing { look_again } | Peer::Full { look_again, .. } => Some(*look_again),
        }
    }

    /// Says as much of `outbox` as there is room for. `resolve` looks up the newest value of a state
    /// key; `None` means that there is nothing to say of it any more.
    pub fn flush<K: Ord + Clone, M: Item>(&mut self, outbox: &mut Outbox<K, M>, now: Mono, mut resolve: impl FnMut(&K) -> Option<M>) {
        while !outbox.is_empty() {
            let Some(queue) = self.open(now) else { return };
            let mut buffer = [0; MAX_MESSAGE];
            let size = queue.size().min(MAX_MESSAGE);
            if size < LEAST_SIZE {
                // Whoever made it is no reader of ours.
                return self.lose(now, &io::Error::other(format!("its messages have {size} bytes at most, and ours need {LEAST_SIZE}")));
            }
            let Some((len, said)) = self.pack(outbox, &mut buffer[..size], now, &mut resolve) else {
                self.peer = Peer::Open(queue);
                continue;
            };
            match queue.send(&buffer[..len]) {
                Ok(()) => {
                    outbox.consume(said);
                    self.sent(queue);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.wait_for_room(queue, now),
                Err(error) => return self.lose(now, &error),
            }
        }
    }

    /// The peer's queue: the one that is open, or the one that has its name now.
    fn open(&mut self, now: Mono) -> Option<PeerQueue> {
        match std::mem::replace(&mut self.peer, Peer::Unmet) {
            Peer::Open(queue) if !queue.is_unlinked() => return Some(queue),
            Peer::Full { queue, .. } => {
                let _ = self.registration.forget(&queue);
                if !queue.is_unlinked() {
                    return Some(queue);
                }
            }
            Peer::Missing { look_again } if now < look_again => {
                self.peer = Peer::Missing { look_again };
                return None;
            }
            Peer::Unmet | Peer::Open(_) | Peer::Missing { .. } => {}
        }
        let opened = match self.destination {
            Destination::Own => PeerQueue::open(&self.name),
            Destination::Shared => PeerQueue::open_shared(&self.name),
        };
        match opened {
            Ok(queue) => Some(queue),
            Err(error) => {
                if self.waits.count("peer-missing") {
                    log::info!("waiting for a peer: {error}");
                }
                self.peer = Peer::Missing { look_again: self.back_off(now) };
                None
            }
        }
    }

    /// Fills one message; tells its length and how many entries it says. `None` when there was nothing to say.
    fn pack<K: Ord + Clone, M: Item>(
        &mut self,
        outbox: &mut Outbox<K, M>,
        buffer: &mut [u8],
        now: Mono,
        resolve: &mut impl FnMut(&K) -> Option<M>,
    ) -> Option<(usize, usize)> {
        let Identity { sender, boot, .. } = self.identity;
        let envelope = Envelope { sender, boot, seq: self.seq, sent: now };
        let mut packer = Packer::new(buffer, &envelope).expect("a queue of the least size has room for an envelope");
        let mut said = 0;
        for entry in outbox.iter() {
            if entry.tell(&mut *resolve, |item| packer.push(item)).is_some_and(|pushed| pushed.is_err()) {
                break;
            }
            said += 1;
        }
        let (len, items) = (packer.bytes().len(), packer.items());
        if items > 0 {
            return Some((len, said));
        }
        if said == 0 && self.tally.count("oversize") {
            log::error!("{}: an item is longer than a message of this queue and was dropped", self.name);
        }
        outbox.consume(said.max(1));
        None
    }

    fn sent(&mut self, queue: PeerQueue) {
        self.seq += 1;
        self.wait = LOOK_AGAIN.0;
        self.peer = Peer::Open(queue);
    }

    fn wait_for_room(&mut self, queue: PeerQueue, now: Mono) {
        if let Err(error) = self.registration.watch(&queue, Interest::WRITABLE) {
            return self.lose(now, &error);
        }
        self.peer = Peer::Full { queue, look_again: self.back_off(now) };
    }

    fn lose(&mut self, now: Mono, error: &io::Error) {
        if self.tally.count("send-failed") {
            log::warn!("{}: {error}", self.name);
        }
        self.peer = Peer::Missing { look_again: self.back_off(now) };
    }

    fn back_off(&mut self, now: Mono) -> Mono {
        let look_again = now.after(self.wait);
        self.wait = (self.wait * 2).min(self.longest_wait);
        look_again
    }
}
