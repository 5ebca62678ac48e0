//! The bridge with its descriptors: carries out what [`Bridge`] asks for, and tells it what the kernel tells.
//!
//! Devices come and go here. What is said about them, and to whom, is for whoever takes the notices.

mod refit;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use bus::dial::{Dial, DialError, Progress};
use bus::inbox::Drained;
use bus::reactor::{Reactor, Registration};
use bus::resolver::Resolver;
use bus::tally::Tally;
use mio::Interest;
use mqtypes::ids::PortName;
use mqtypes::mono::Mono;
use mqtypes::serial::{PortReport, SerialCommand};

use crate::address::Address;
use crate::bridge::{Action, Bridge, Notice};
use crate::claims::{Answer, Claims, Rank};
use crate::line::Opened;
use crate::port::{Phase, PortId};
use crate::rates::Rates;
use crate::spec::{Modem, Spec, is_name};
use crate::tcp::{self, MOST_LOOKUPS, Tcp};
use crate::trouble::Trouble;
use crate::tty::{Device, Tty};
use crate::watcher::{Change, Client, Rest, Sight, Watcher};
use crate::wire::Wire;
use crate::wishes::{Fairway, Terms, Wishes};

/// Ports of one process.
pub const MOST_PORTS: usize = 4096;

/// Ports of one pattern: one that matches more than anybody owns costs the others nothing.
const MOST_BY_PATTERN: usize = 1024;

/// Entries of a directory that are looked at for a pattern.
const MOST_ENTRIES: usize = 65_536;

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
    /// Device nodes have come, changed or gone.
    Nodes,
    /// A port can be read or written, or has ended.
    Port(PortId),
}

/// All ports with their descriptors.
pub struct Harbour {
    bridge: Bridge,
    berths: Vec<Berth>,
    wishes: Wishes,
    watcher: Watcher,
    claims: Claims<Device>,
    resolver: Resolver,
    tally: Tally,
    buffer: Box<[u8]>,
}

/// Where a port's descriptor is, when it is open.
struct Berth {
    registration: Registration,
    tenure: Tenure,
    /// Why changes of its node are not told, if they are not.
    unwatched: Option<String>,
    moored: Moored,
}

/// Does anybody want a port?
enum Tenure {
    /// Like this.
    Wanted { terms: Terms, rank: Rank },
    /// Not any more.
    Dismissed,
}

enum Moored {
    Nothing,
    Dial(Dial),
    /// A descriptor, and what the reactor watches it for.
    Wire(Wire, Interest),
}

impl Harbour {
    /// Opens the ports that are there. Those that name no rate have this one.
    pub fn new(specs: &[Spec], rates: &Rates, seed: u64, reactor: &mut Reactor<Source>, now: Mono) -> Self {
        let watcher = Watcher::new(&reactor.register(Source::Nodes));
        let buffer = vec![0; READ_AT_ONCE].into_boxed_slice();
        let (bridge, claims, resolver) = (Bridge::new(seed), Claims::new(), Resolver::new(MOST_LOOKUPS));
        let (berths, wishes, tally) = (Vec::new(), Wishes::default(), Tally::default());
        let mut harbour = Self { bridge, berths, wishes, watcher, claims, resolver, tally, buffer };
        harbour.refit(specs, rates, reactor, now);
        harbour
    }

    /// `eventbus` asks for something.
    pub fn command(&mut self, now: Mono, command: SerialCommand) {
        self.bridge.handle_command(now, command);
        self.follow(now);
    }

    /// A port can be read or written, or has ended.
    pub fn serve(&mut self, now: Mono, id: PortId) -> Drained {
        let drained = match &mut self.berths[id.0].moored {
            Moored::Nothing => Drained::All,
            Moored::Dial(dial) => {
                let progress = dial.proceed();
                self.take_progress(now, id, progress)
            }
            Moored::Wire(..) => {
                let drained = self.read(now, id);
                self.send(now, id);
                drained
            }
        };
        self.follow(now);
        drained
    }

    /// Device nodes have come, changed or gone.
    pub fn look_around(&mut self, now: Mono, reactor: &mut Reactor<Source>) -> Drained {
        let (changes, rest) = self.watcher.drain();
        for change in changes {
            match change {
                Change::Way(Client::Port(index)) => self.look_at(now, PortId(index)),
                Change::Way(Client::Pattern(pattern)) => self.scan(now, pattern, reactor),
                Change::Entry(pattern, name) => self.consider(now, pattern, &name, reactor),
            }
        }
        self.follow(now);
        match rest {
            Rest::None => Drained::All,
            Rest::More => Drained::More,
        }
    }

    /// A deadline has come.
    pub fn timeout(&mut self, now: Mono) {
        self.bridge.handle_timeout(now);
        self.follow(now);
    }

    /// When [`Self::timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.bridge.poll_timeout()
    }

    /// What is to be told next.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.bridge.poll_notice()
    }

    /// Is a port open?
    pub fn phase(&self, id: PortId) -> Phase {
        self.bridge.phase(id)
    }

    /// A port as it is now.
    pub fn report(&self, id: PortId) -> PortReport {
        self.bridge.report(id)
    }

    /// What keeps a port from being open.
    pub fn trouble(&self, id: PortId) -> Option<&Trouble> {
        self.bridge.trouble(id)
    }

    /// What happened that should not, by reason.
    pub fn tallies(&self) -> [Tally; 2] {
        [self.bridge.tally(), self.tally.clone()]
    }

    /// Goes along the way to a port's node anew.
    fn follow_way(&mut self, id: PortId) -> Option<Sight> {
        let berth = &mut self.berths[id.0];
        let Some(Fairway::Node(_)) = refit::fairway(&berth.tenure) else { return None };
        let sight = self.watcher.follow(Client::Port(id.0), Path::new(&self.bridge.name(id).0));
        berth.unwatched = match &sight {
            Sight::Found | Sight::Missing => None,
            Sight::Unwatched(reason) => Some(reason.clone()),
        };
        Some(sight)
    }

    /// Something has changed on the way to a port's node.
    fn look_at(&mut self, now: Mono, id: PortId) {
        match (self.follow_way(id), self.bridge.phase(id)) {
            (None, _) => {}
            (Some(_), Phase::Open) => self.check_node(now, id),
            (Some(Sight::Missing), Phase::Closed) => self.bridge.handle_missing(id, now),
            (Some(Sight::Found | Sight::Unwatched(_)), Phase::Closed) => self.bridge.handle_seen(id, now),
        }
    }

    /// A port is lost when its name leads nowhere, or elsewhere, whatever its device does.
    fn check_node(&mut self, now: Mono, id: PortId) {
        let Moored::Wire(wire, _) = &self.berths[id.0].moored else { return };
        let trouble = match (Device::at(&self.bridge.name(id).0), wire.device()) {
            (Ok(there), Some(open)) if there != open => Trouble::Gone("its name leads to another device now".to_owned()),
            (Err(Trouble::Absent), _) => match self.berths[id.0].unwatched {
                None => Trouble::Removed,
                // Nobody would tell of its return.
                Some(_) => Trouble::Gone("its node is gone".to_owned()),
            },
            (Ok(_) | Err(_), _) => return,
        };
        self.lose(now, id, trouble);
    }

    /// Looks through a pattern's directory.
    fn scan(&mut self, now: Mono, pattern: usize, reactor: &mut Reactor<Source>) {
        let wish = &self.wishes.patterns[pattern].pattern;
        let directory = wish.directory().to_owned();
        if let Sight::Unwatched(reason) = self.watcher.follow(Client::Pattern(pattern), &directory) {
            log::error!("{}: {} cannot be watched ({reason}): devices that come later are not found", wish.text(), directory.display());
        }
        let Ok(entries) = std::fs::read_dir(&directory) else { return };
        let names: BTreeSet<_> =
            entries.take(MOST_ENTRIES).flatten().map(|entry| entry.file_name()).filter(|name| wish.is_match(name)).collect();
        for name in names {
            self.consider(now, pattern, &name, reactor);
        }
    }

    /// Makes a port of what a pattern's directory has under this name, if it matches and can be one.
    fn consider(&mut self, now: Mono, pattern: usize, name: &OsStr, reactor: &mut Reactor<Source>) {
        let wish = &mut self.wishes.patterns[pattern];
        if !wish.pattern.is_match(name) {
            return;
        }
        let path = wish.pattern.directory().join(name);
        let Some(name) = path.to_str().filter(|path| is_name(path)) else {
            if self.tally.count("names-refused") {
                log::warn!("{}: {} cannot be the name of a port, and is passed over", wish.pattern.text(), path.display());
            }
            return;
        };
        let name = PortName(name.to_owned());
        let known = self.bridge.find(&name);
        if known.is_some_and(|id| matches!(self.berths[id.0].tenure, Tenure::Wanted { .. })) || !can_be_a_port(&name) {
            return;
        }
        if wish.found >= MOST_BY_PATTERN || self.berths.len() >= MOST_PORTS {
            if self.tally.count("ports-refused") {
                let text = wish.pattern.text();
                log::warn!(
                    "{text}: matches more than {MOST_BY_PATTERN} devices, or {MOST_PORTS} ports are there already: {name} is passed over"
                );
            }
            return;
        }
        wish.found += 1;
        let (terms, rank) = (wish.terms.clone(), wish.rank);
        self.want(name, terms, rank, reactor, now);
    }

    fn read(&mut self, now: Mono, id: PortId) -> Drained {
        for _read in 0..READS_IN_A_ROW {
            let Moored::Wire(wire, _) = &mut self.berths[id.0].moored else { return Drained::All };
            match wire.read(&mut self.buffer) {
                Ok(Some(count)) => self.bridge.handle_bytes(id, now, &self.buffer[..count]),
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
        let Moored::Wire(wire, watched) = &mut berth.moored else { return };
        while let Some(bytes) = self.bridge.outgoing(id) {
            match wire.write(bytes) {
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
        if wanted != *watched {
            *watched = wanted;
            if let Err(error) = berth.registration.change(wire, wanted) {
                self.lose(now, id, unwatched(&error));
            }
        }
    }

    /// Does what the bridge asks for, until it asks for nothing more.
    fn follow(&mut self, now: Mono) {
        while let Some(action) = self.bridge.poll_action() {
            match action {
                Action::Open(id) => self.open(now, id),
                Action::Close(id) => self.leave(now, id),
                Action::Send(id) => self.send(now, id),
                Action::Tune(id, _) | Action::LookAtKernel(id) | Action::ForceOn(id) => self.handle_wire(now, id, action),
            }
        }
    }

    fn handle_wire(&mut self, now: Mono, id: PortId, action: Action) {
        let Moored::Wire(wire, _) = &mut self.berths[id.0].moored else { return };
        let done = match action {
            Action::Tune(_, rate) => wire.tune(rate).map(|done| self.bridge.handle_tuned(id, now, rate, done)),
            Action::ForceOn(_) => wire.force_on(),
            Action::LookAtKernel(_) => {
                self.bridge.handle_unsent(id, now, wire.unsent());
                Ok(())
            }
            Action::Open(_) | Action::Close(_) | Action::Send(_) => Ok(()),
        };
        if let Err(trouble) = done {
            self.lose(now, id, trouble);
        }
    }

    fn open(&mut self, now: Mono, id: PortId) {
        // Two reasons to open a port are no reason to open it twice.
        let Berth { tenure: Tenure::Wanted { terms, rank }, moored: Moored::Nothing, .. } = &self.berths[id.0] else { return };
        let opened = match (terms.fairway.clone(), *rank) {
            (Fairway::Node(modem), rank) => self.open_node(now, id, modem, rank),
            (Fairway::Tcp(address), _) => self.dial(id, &address),
        };
        if let Err(trouble) = opened {
            self.lose(now, id, trouble);
        }
    }

    fn open_node(&mut self, now: Mono, id: PortId, modem: Modem, rank: Rank) -> Result<(), Trouble> {
        if self.berths[id.0].unwatched.is_some() {
            drop(self.follow_way(id));
        }
        let berth = &self.berths[id.0];
        let name = self.bridge.name(id).clone();
        let device = Device::at(&name.0).map_err(|trouble| match (trouble, &berth.unwatched) {
            (Trouble::Absent, Some(reason)) => Trouble::AbsentUnwatched(reason.clone()),
            (trouble, _) => trouble,
        })?;
        let gave_way = match self.claims.ask(device, id, rank) {
            Answer::Free => None,
            Answer::Taken(holder) => return Err(Trouble::SameDevice(self.bridge.name(holder).clone())),
            Answer::GivesWay(holder, rank) => {
                self.lose(now, holder, Trouble::SameDevice(name.clone()));
                Some((holder, rank))
            }
        };
        let opened = self.open_tty(id, device, modem);
        if opened.is_ok() {
            self.claims.hold(device, id, rank);
        }
        match gave_way {
            Some((holder, rank)) if opened.is_ok() => {
                let _ = self.claims.ask(device, holder, rank);
            }
            // Who gave way for nothing may have it again, and would hear of that from nobody else.
            Some((holder, _)) => self.bridge.handle_seen(holder, now),
            None => {}
        }
        self.bridge.handle_opened(id, now, opened?);
        Ok(())
    }

    fn open_tty(&mut self, id: PortId, device: Device, modem: Modem) -> Result<Opened, Trouble> {
        let rate = self.bridge.first_rate(id).unwrap_or_default();
        let (tty, opened) = Tty::open(&self.bridge.name(id).0, rate, modem)?;
        self.moor(id, Wire::Tty(tty, device))?;
        Ok(opened)
    }

    fn dial(&mut self, id: PortId, address: &Address) -> Result<(), Trouble> {
        let berth = &mut self.berths[id.0];
        berth.moored = Moored::Dial(tcp::dial(address, berth.registration.clone(), &self.resolver)?);
        Ok(())
    }

    fn take_progress(&mut self, now: Mono, id: PortId, progress: Result<Progress, DialError>) -> Drained {
        let opened = progress.map_err(Trouble::from).and_then(|progress| match progress {
            Progress::Waits => Ok(None),
            Progress::Connected(stream) => {
                let tcp = Tcp::new(stream);
                // It is watched already, for more than is wanted from now on.
                self.berths[id.0].registration.change(&tcp, Interest::READABLE).map_err(|error| unwatched(&error))?;
                self.berths[id.0].moored = Moored::Wire(Wire::Tcp(tcp), Interest::READABLE);
                Ok(Some(Tcp::OPENED))
            }
        });
        match opened {
            Ok(None) => Drained::All,
            Ok(Some(opened)) => {
                self.bridge.handle_opened(id, now, opened);
                // What came with the connection is not told again.
                Drained::More
            }
            Err(trouble) => {
                self.lose(now, id, trouble);
                Drained::All
            }
        }
    }

    fn moor(&mut self, id: PortId, wire: Wire) -> Result<(), Trouble> {
        let berth = &mut self.berths[id.0];
        berth.registration.watch(&wire, Interest::READABLE).map_err(|error| unwatched(&error))?;
        berth.moored = Moored::Wire(wire, Interest::READABLE);
        Ok(())
    }

    fn lose(&mut self, now: Mono, id: PortId, trouble: Trouble) {
        self.leave(now, id);
        self.bridge.handle_trouble(id, now, trouble);
    }

    /// Closes a port's descriptor. Other names of its device may have it now.
    fn leave(&mut self, now: Mono, id: PortId) {
        let moored = std::mem::replace(&mut self.berths[id.0].moored, Moored::Nothing);
        let Moored::Wire(wire, _) = moored else { return };
        let _ = self.berths[id.0].registration.forget(&wire);
        let device = wire.device();
        drop(wire);
        for waiting in device.map(|device| self.claims.release(device, id)).unwrap_or_default() {
            self.bridge.handle_seen(waiting, now);
        }
    }
}

fn unwatched(error: &std::io::Error) -> Trouble {
    Trouble::Refused { doing: "watching", error: error.to_string() }
}

/// Is there a serial device, or a link to one that may come? Patterns pass over everything else.
fn can_be_a_port(name: &PortName) -> bool {
    match Device::at(&name.0) {
        Ok(_) | Err(Trouble::NotPermitted(_)) => true,
        Err(Trouble::Absent) => std::fs::symlink_metadata(&name.0).is_ok(),
        Err(_) => false,
    }
}
