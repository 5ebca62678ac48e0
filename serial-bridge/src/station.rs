//! The bridge with its descriptors: carries out what [`Bridge`] asks for, and hands over what it tells.
//!
//! Frames, reports and the ends of writes gather in one outlet towards `eventbus`, and leave together
//! when everything that was ready has been read: many ports cost one message.

use bus::health;
use bus::inbox::{Drained, Inbox};
use bus::outbox::{Bounds, Entry};
use bus::outlet::Outlet;
use bus::process::Identity;
use bus::reactor::{Reactor, Registration};
use bus::tally::Tally;
use mio::Interest;
use mqtypes::health::Dropped;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::queues::{EVENTBUS, kernel_name};
use mqtypes::serial::{SerialCommand, SerialNotification};

use crate::bridge::{Action, Bridge, Notice};
use crate::port::{Phase, PortId};
use crate::trouble::Trouble;
use crate::tty::Tty;

/// What may wait for `eventbus`: what ten motes say in forty seconds, or four hundred in one. Nothing
/// is reserved for it.
const TO_EVENTBUS: Bounds = Bounds { entries: 4096, bytes: 512 * 1024 };

/// Bytes about a frame or a report beside its payload and its port's name.
const OVERHEAD: usize = 32;

/// The line discipline holds 4,096 bytes.
const READ_AT_ONCE: usize = 4096;

/// Reads of one port before the others have their turn.
const READS_IN_A_ROW: usize = 4;

/// Everything that wakes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Commands have come.
    Commands,
    /// `eventbus` has room again.
    Room,
    /// A port can be read or written, or has ended.
    Port(PortId),
}

/// What `eventbus` gets the newest value of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// Opening and closing are told in their place among the frames: each has a key, and is told only if it is still true.
    Port(PortId, Phase),
    Health,
    Lost,
}

/// The bridge with its descriptors.
pub struct Station {
    identity: Identity,
    baud: u32,
    bridge: Bridge,
    berths: Vec<Berth>,
    outlet: Outlet<Key, SerialNotification>,
    /// Frames that had to give way and were not told as lost yet.
    lost: u64,
    tally: Tally,
    buffer: Box<[u8]>,
}

/// Where a port's device is, when it is open.
struct Berth {
    registration: Registration,
    tty: Option<Tty>,
    /// What the reactor watches it for.
    watched: Interest,
}

impl Station {
    /// Opens the ports that are there, and reports all of them.
    pub fn new(identity: Identity, instance: &str, ports: &[PortName], baud: u32, reactor: &mut Reactor<Source>, now: Mono) -> Self {
        let bridge = Bridge::new(ports.iter().cloned(), now);
        let berth = |id| Berth { registration: reactor.register(Source::Port(id)), tty: None, watched: Interest::READABLE };
        let berths = bridge.ids().map(berth).collect();
        let name = kernel_name(instance, EVENTBUS.spec.name);
        let outlet = Outlet::new(name, identity, reactor.register(Source::Room), TO_EVENTBUS);
        let buffer = vec![0; READ_AT_ONCE].into_boxed_slice();
        let mut station = Self { identity, baud, bridge, berths, outlet, lost: 0, tally: Tally::default(), buffer };
        station.follow(now);
        station
    }

    /// `eventbus` asks for something.
    pub fn command(&mut self, now: Mono, command: SerialCommand) {
        self.bridge.handle_command(now, command);
        self.follow(now);
    }

    /// A port can be read or written, or has ended.
    pub fn serve(&mut self, now: Mono, id: PortId) -> Drained {
        let drained = self.read(now, id);
        self.send(now, id);
        self.follow(now);
        drained
    }

    /// A deadline has come.
    pub fn timeout(&mut self, now: Mono) {
        self.bridge.handle_timeout(now);
        self.follow(now);
    }

    /// When [`Self::timeout`] and [`Self::flush`] are due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        Mono::earliest(self.bridge.poll_timeout(), self.outlet.poll_timeout())
    }

    /// Sends what has gathered.
    pub fn flush(&mut self, now: Mono, commands: &Inbox<SerialCommand>) {
        let dropped = self.outlet.outbox().take_dropped();
        if dropped > 0 {
            self.lost += dropped;
            self.tally.add("frames-lost", dropped);
            self.outlet.outbox().mark(Key::Lost);
        }
        let Self { identity, bridge, outlet, lost, tally, .. } = self;
        let ways = outlet.tally().clone();
        outlet.flush(now, |key| match *key {
            Key::Port(id, phase) => (bridge.phase(id) == phase).then(|| SerialNotification::Port(bridge.report(id))),
            Key::Health => {
                let dropped =
                    dropped_by([("serial-bridge.", commands.tally()), ("to-eventbus.", &ways), ("", &bridge.tally()), ("", tally)]);
                Some(SerialNotification::Health(health::measure(identity, commands.fill(), dropped)))
            }
            Key::Lost => Some(SerialNotification::Lost { frames: *lost }),
        });
        if *lost > 0 && !outlet.outbox().iter().any(|entry| matches!(entry, Entry::State(Key::Lost))) {
            *lost = 0;
        }
    }

    fn read(&mut self, now: Mono, id: PortId) -> Drained {
        for _read in 0..READS_IN_A_ROW {
            let Some(tty) = &mut self.berths[id.0].tty else { return Drained::All };
            match tty.read(&mut self.buffer) {
                Ok(Some(count)) => {
                    self.bridge.handle_bytes(id, now, &self.buffer[..count]);
                    self.hand_over();
                }
                Ok(None) => return Drained::All,
                Err(trouble) => {
                    self.lose(now, id, trouble);
                    return Drained::All;
                }
            }
        }
        Drained::More
    }

    fn send(&mut self, now: Mono, id: PortId) {
        let berth = &mut self.berths[id.0];
        let Some(tty) = &mut berth.tty else { return };
        while let Some(bytes) = self.bridge.outgoing(id) {
            match tty.write(bytes) {
                Ok(Some(count)) => self.bridge.handle_written(id, now, count),
                Ok(None) => {
                    self.bridge.handle_blocked(id, now);
                    break;
                }
                Err(trouble) => return self.lose(now, id, trouble),
            }
        }
        // A port that can be written nearly always would wake us nearly always.
        let wanted = if self.bridge.outgoing(id).is_some() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        if let Err(trouble) = berth.watch(wanted) {
            self.lose(now, id, trouble);
        }
    }

    /// Does what the bridge asks for, until it asks for nothing more.
    fn follow(&mut self, now: Mono) {
        while let Some(action) = self.bridge.poll_action() {
            match action {
                Action::Open(id) => self.open(now, id),
                Action::Send(id) => self.send(now, id),
                Action::LookAtKernel(id) => {
                    let unsent = self.berths[id.0].tty.as_ref().map_or(0, Tty::unsent);
                    self.bridge.handle_unsent(id, now, unsent);
                }
                Action::ForceOn(id) => {
                    if let Some(Err(trouble)) = self.berths[id.0].tty.as_mut().map(Tty::force_on) {
                        self.lose(now, id, trouble);
                    }
                }
            }
        }
        self.hand_over();
    }

    fn open(&mut self, now: Mono, id: PortId) {
        let opened = Tty::open(&self.bridge.name(id).0, self.baud);
        match opened.and_then(|(tty, opened)| self.berths[id.0].take(tty).map(|()| opened)) {
            Ok(opened) => self.bridge.handle_opened(id, now, opened),
            Err(trouble) => self.bridge.handle_trouble(id, now, trouble),
        }
    }

    fn lose(&mut self, now: Mono, id: PortId, trouble: Trouble) {
        self.berths[id.0].leave();
        self.bridge.handle_trouble(id, now, trouble);
    }

    fn hand_over(&mut self) {
        while let Some(notice) = self.bridge.poll_notice() {
            let phase = |id| self.bridge.phase(id);
            let outbox = self.outlet.outbox();
            match notice {
                Notice::Port(id) => outbox.mark(Key::Port(id, phase(id))),
                Notice::Health => outbox.mark(Key::Health),
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

impl Berth {
    /// Keeps an open device here, and has it watched.
    fn take(&mut self, tty: Tty) -> Result<(), Trouble> {
        self.registration.watch(&tty, Interest::READABLE).map_err(|error| unwatched(&error))?;
        self.watched = Interest::READABLE;
        self.tty = Some(tty);
        Ok(())
    }

    fn watch(&mut self, wanted: Interest) -> Result<(), Trouble> {
        if let Some(tty) = &self.tty
            && wanted != self.watched
        {
            self.registration.change(tty, wanted).map_err(|error| unwatched(&error))?;
            self.watched = wanted;
        }
        Ok(())
    }

    /// Closes the device.
    fn leave(&mut self) {
        if let Some(tty) = self.tty.take() {
            // The lock is a second descriptor of the device: closing the first alone would not end the watch.
            let _ = self.registration.forget(&tty);
        }
    }
}

fn unwatched(error: &std::io::Error) -> Trouble {
    Trouble::Refused { doing: "watching", error: error.to_string() }
}

fn dropped_by<'a>(tallies: impl IntoIterator<Item = (&'a str, &'a Tally)>) -> Vec<Dropped> {
    tallies.into_iter().flat_map(|(whose, tally)| tally.dropped(whose)).collect()
}
