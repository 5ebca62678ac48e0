//! The harbour, and the way from there to `eventbus`.
//!
//! Frames, reports and the ends of writes gather in one outlet, and leave together when everything that was ready has been
//! read: many ports cost one message. Bytes that somebody records go along where there is room, and never at the cost of these.

use bus::backlog::{Backlog, weight};
use bus::health;
use bus::inbox::{Drained, Inbox};
use bus::outbox::{Bounds, Entry};
use bus::outlet::Outlet;
use bus::process::Identity;
use bus::reactor::Reactor;
use bus::tally::Tally;
use mqtypes::codec::MAX_MESSAGE;
use mqtypes::health::Dropped;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS, kernel_name};
use mqtypes::serial::{SerialCommand, SerialNotification};

use crate::bridge::Notice;
use crate::harbour::{Harbour, Source};
use crate::port::{Phase, PortId};
use crate::rates::Rates;
use crate::spec::Spec;

/// What may wait for `eventbus`: what ten motes say in forty seconds, or four hundred in one. Nothing
/// is reserved for it.
const TO_EVENTBUS: Bounds = Bounds { entries: 4096, bytes: 512 * 1024 };

/// While more than this waits for `eventbus`, bytes are not even offered: they would be taken back.
const FEW: usize = 64;

/// Bytes about a frame or a report beside its payload and its port's name.
const OVERHEAD: usize = 32;

/// What `eventbus` gets the newest value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Opening and closing are told in their place among the frames: each has a key, and is told only if it is still true.
    Port(PortId, Phase),
    Health,
    Lost,
}

/// The harbour, and the way from there to `eventbus`.
pub struct Station {
    identity: Identity,
    harbour: Harbour,
    outlet: Outlet<Key, SerialNotification>,
    /// Frames that had to give way and were not told as lost yet.
    lost: u64,
    bytes: Backlog,
    tally: Tally,
}

impl Station {
    /// Opens the ports that are there, and reports all of them. Those that name no rate have this one.
    pub fn new(identity: Identity, instance: &str, ports: &[Spec], rates: &Rates, reactor: &mut Reactor<Source>, now: Mono) -> Self {
        let harbour = Harbour::new(ports, rates, u64::from(identity.boot.0), reactor, now);
        let name = kernel_name(instance, EVENTBUS.spec.name);
        let outlet = Outlet::new(name, identity, reactor.register(Source::Room), TO_EVENTBUS).patient();
        let mut station = Self { identity, harbour, outlet, lost: 0, bytes: Backlog::default(), tally: Tally::default() };
        station.hand_over();
        if station.outlet.outbox().is_empty() {
            // What an earlier start had reported is not there any more, and `eventbus` learns that by our first word.
            station.outlet.outbox().mark(Key::Health);
        }
        station
    }

    /// Has these ports from now on; those that are wanted as before are left alone.
    pub fn refit(&mut self, now: Mono, ports: &[Spec], rates: &Rates, reactor: &mut Reactor<Source>) {
        self.harbour.refit(ports, rates, reactor, now);
        self.hand_over();
    }

    /// `eventbus` asks for something.
    pub fn command(&mut self, now: Mono, command: SerialCommand) {
        // Its first words are a question, so that a start of `eventbus` is noticed at once.
        self.outlet.peer_spoke();
        self.harbour.command(now, command);
        self.hand_over();
    }

    /// A port can be read or written, or has ended.
    pub fn serve(&mut self, now: Mono, id: PortId) -> Drained {
        let drained = self.harbour.serve(now, id);
        self.hand_over();
        drained
    }

    /// Device nodes have come, changed or gone.
    pub fn look_around(&mut self, now: Mono, reactor: &mut Reactor<Source>) -> Drained {
        let drained = self.harbour.look_around(now, reactor);
        self.hand_over();
        drained
    }

    /// A deadline has come.
    pub fn timeout(&mut self, now: Mono) {
        self.harbour.timeout(now);
        self.hand_over();
    }

    /// When [`Self::timeout`] and [`Self::flush`] are due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        Mono::earliest(self.harbour.poll_timeout(), self.outlet.poll_timeout())
    }

    /// Sends what has gathered.
    pub fn flush(&mut self, now: Mono, commands: &Inbox<SerialCommand>) {
        loop {
            let offered = self.offer_bytes();
            self.say(now, commands);
            let left = self.take_back_bytes(offered);
            let is_stuck = left > 0 || (offered == 0 && !self.outlet.outbox().is_empty());
            if is_stuck || self.bytes.is_empty() {
                return;
            }
        }
    }

    /// Puts a message's worth of bytes behind what waits for `eventbus`, if that is little.
    fn offer_bytes(&mut self) -> usize {
        let outbox = self.outlet.outbox();
        if outbox.iter().nth(FEW).is_some() {
            return 0;
        }
        let (mut offered, mut room) = (0, MAX_MESSAGE);
        for piece in self.bytes.iter() {
            let weight = weight(piece);
            if weight > room || !outbox.has_room(weight) {
                break;
            }
            room -= weight;
            outbox.push_event(SerialNotification::Bytes(piece.clone()), weight);
            offered += 1;
        }
        offered
    }

    /// Bytes that did not go out do not stay among the frames. Tells how many pieces these are.
    fn take_back_bytes(&mut self, offered: usize) -> usize {
        if offered == 0 {
            return 0;
        }
        let is_bytes = |entry: &Entry<Key, SerialNotification>| matches!(entry, Entry::Event(SerialNotification::Bytes(_), _));
        let outbox = self.outlet.outbox();
        let left = outbox.iter().filter(|entry| is_bytes(entry)).count();
        if left > 0 {
            outbox.retain(|entry| !is_bytes(entry));
        }
        self.bytes.consume(offered - left);
        left
    }

    fn say(&mut self, now: Mono, commands: &Inbox<SerialCommand>) {
        let dropped = self.outlet.outbox().take_dropped();
        if dropped > 0 {
            self.lost += dropped;
            self.tally.add("frames-lost", dropped);
            self.outlet.outbox().mark(Key::Lost);
        }
        let Self { identity, harbour, outlet, lost, tally, .. } = self;
        let ways = outlet.tally().clone();
        outlet.flush(now, |key| match *key {
            Key::Port(id, phase) => (harbour.phase(id) == phase).then(|| SerialNotification::Port(harbour.report(id))),
            Key::Health => {
                let [bridge, nodes] = harbour.tallies();
                let ours = [("", &bridge), ("", &nodes), ("", &*tally)];
                let dropped = dropped_by([("serial-bridge.", commands.tally()), ("to-eventbus.", &ways)].into_iter().chain(ours));
                Some(SerialNotification::Health(health::measure(identity, commands.fill(), dropped)))
            }
            Key::Lost => Some(SerialNotification::Lost { frames: *lost }),
        });
        if *lost > 0 && !outlet.outbox().iter().any(|entry| matches!(entry, Entry::State(Key::Lost))) {
            *lost = 0;
        }
    }

    fn hand_over(&mut self) {
        while let Some(notice) = self.harbour.poll_notice() {
            let phase = |id| self.harbour.phase(id);
            let outbox = self.outlet.outbox();
            match notice {
                Notice::Port(id) => outbox.mark(Key::Port(id, phase(id))),
                Notice::Health => outbox.mark(Key::Health),
                Notice::Bytes(piece) => {
                    let lost = self.bytes.push(piece);
                    if lost > 0 {
                        self.tally.add("line-bytes-lost", lost);
                    }
                }
                Notice::Frame(frame) => {
                    let bytes = frame.payload.len() + frame.port.0.len() + OVERHEAD;
                    outbox.push_event(SerialNotification::Frame(frame), bytes);
                }
                Notice::Write(report) => {
                    if outbox.push_command(SerialNotification::Write(report), OVERHEAD).is_err() {
                        self.tally.add("write-reports-lost", 1);
                    }
                }
            }
        }
    }
}

fn dropped_by<'a>(tallies: impl IntoIterator<Item = (&'a str, &'a Tally)>) -> Vec<Dropped> {
    tallies.into_iter().flat_map(|(whose, tally)| tally.dropped(whose)).collect()
}
