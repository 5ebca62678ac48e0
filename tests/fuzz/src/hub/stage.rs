//! A hub in virtual time, the peers around it, and what must hold whatever they do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::Duration;

use bus::process::Identity;
use eventbus::commands::Commands;
use eventbus::frame::HostFrame;
use eventbus::hub::Hub;
use eventbus::mesh::MOST_MOTES;
use eventbus::model::Model;
use eventbus::network::{DEFAULT_PREFIX, Network};
use eventbus::roles::WantedRoles;
use mqtypes::broker::{Notification, Request};
use mqtypes::codec;
use mqtypes::command::{Command, OutcomeState};
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::ids::{BootId, Generation, PortName, RequestId};
use mqtypes::mono::Mono;
use mqtypes::serial::{
    FaultCount, FrameFault, FrameToMote, MAX_PAYLOAD_TO_MOTE, PortCounters, PortReport, PortState, ReceivedFrame, SerialNotification,
    WriteEnd, WriteReport,
};
use tempfile::TempDir;

use super::script::Disk;
use crate::Outcome;

/// Behind what the golden messages tell, and before the deadlines in them.
const START: Mono = Mono(1_240_000_000);

/// Entries of the inventory that have no port, at most.
const MOST_ABSENT: usize = 256;

/// The longest name of a port that `serial-bridge` knows: a path.
const LONGEST_PORT: usize = 255;

/// Writes that `serial-bridge` holds at once here.
const MOST_WRITES: usize = 64;

/// Timers that may fire before everything has come to rest.
const MOST_TIMERS: usize = 20_000;

/// Longer than any lease or command.
const LONG: Duration = Duration::from_hours(2);

/// A hub and its peers.
pub struct Stage {
    pub now: Mono,
    hub: Hub,
    /// Starts of the peers.
    boot: u32,
    commands: u64,
    ports: BTreeSet<PortName>,
    writes: VecDeque<FrameToMote>,
    /// Each command, and its end when it has one.
    ends: BTreeMap<RequestId, Option<OutcomeState>>,
    seen: BTreeSet<&'static str>,
    /// Where wanted roles are kept.
    _directory: Option<TempDir>,
}

impl Stage {
    pub fn new(disk: Disk) -> Self {
        let directory = match disk {
            Disk::Takes => Some(directory()),
            Disk::Refuses => None,
        };
        let place = directory.as_ref().map_or(Path::new("/proc/nowhere"), TempDir::path);
        let roles = WantedRoles::load(&place.join("wanted-roles")).expect("there is no file yet");
        let network = Network { prefix: DEFAULT_PREFIX, key_index: 1, key: [7; 16] };
        let identity = Identity { sender: Sender::Eventbus, boot: BootId(1), started: START };
        let mut hub = Hub::new(identity, Model::new(), Commands::new(BootId(1), network, roles));
        hub.handle_start(START);
        Self {
            now: START,
            hub,
            boot: 1,
            commands: 0,
            ports: BTreeSet::new(),
            writes: VecDeque::new(),
            ends: BTreeMap::new(),
            seen: BTreeSet::new(),
            _directory: directory,
        }
    }

    pub fn serial(&mut self, notification: SerialNotification) {
        let port = match &notification {
            SerialNotification::Port(report) => Some(&report.port),
            SerialNotification::Frame(frame) => Some(&frame.port),
            SerialNotification::Bytes(piece) => Some(&piece.port),
            SerialNotification::Write(_) | SerialNotification::Health(_) | SerialNotification::Lost { .. } => None,
        };
        if let Some(port) = port {
            if port.0.len() > LONGEST_PORT {
                return;
            }
            self.ports.insert(port.clone());
        }
        let envelope = self.envelope(Sender::SerialBridge);
        self.hub.handle_serial(self.now, &envelope, notification);
    }

    pub fn request(&mut self, request: Request) {
        let envelope = self.envelope(Sender::Tool);
        self.hub.handle_request(self.now, &envelope, request);
    }

    /// Gives a command, under an id that was never used before.
    pub fn command(&mut self, command: Command) {
        self.commands += 1;
        let id = RequestId(self.commands);
        self.ends.insert(id, None);
        self.request(Request::Command(Command { id, ..command }));
    }

    pub fn frame(&mut self, port: &str, generation: Generation, age: Duration, payload: &[u8]) {
        let heard = Mono(self.now.0.saturating_sub(age.as_micros() as u64));
        let frame = ReceivedFrame { port: PortName(port.to_owned()), generation, heard, payload: payload.to_vec() };
        self.serial(SerialNotification::Frame(frame));
    }

    pub fn port(&mut self, port: &str, generation: Generation, state: PortState, faults: u64) {
        let faults = vec![FaultCount { fault: FrameFault::BadCrc, count: faults }];
        let (port, counters) = (PortName(port.to_owned()), PortCounters { faults, ..PortCounters::default() });
        self.serial(SerialNotification::Port(PortReport { port, generation, state, since: self.now, baud: 115_200, counters }));
    }

    /// Deadlines are kept on the way, as a reactor keeps them.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now.after(time);
        for _timer in 0..MOST_TIMERS {
            match self.hub.poll_timeout() {
                Some(at) if at <= until => self.timeout(at.max(self.now)),
                Some(_) | None => {
                    self.now = until;
                    return;
                }
            }
        }
        panic!("{MOST_TIMERS} timers in {time:?}");
    }

    fn timeout(&mut self, at: Mono) {
        self.now = at;
        self.hub.handle_timeout(at);
        self.take_writes();
        assert!(self.hub.poll_timeout().is_none_or(|next| next > at), "a deadline that has passed stays: the process would spin");
    }

    pub fn written(&mut self, end: WriteEnd, which: u8) {
        self.take_writes();
        if self.writes.is_empty() {
            return;
        }
        let at = usize::from(which) % self.writes.len();
        // What is written may still be echoed.
        let id =
            if end == WriteEnd::Written { self.writes.get(at).map(|frame| frame.id) } else { self.writes.remove(at).map(|frame| frame.id) };
        if let Some(id) = id {
            self.serial(SerialNotification::Write(WriteReport { id, end }));
        }
    }

    /// The mote does what the oldest frame asks for, as far as an echo goes.
    pub fn echo(&mut self, wrong: u8) {
        self.take_writes();
        let Some(FrameToMote { port, generation, payload, .. }) = self.writes.pop_front() else { return };
        let Ok(HostFrame::Echo(mut bytes)) = HostFrame::parse(&payload) else { return };
        for byte in bytes.iter_mut().take(wrong.into()) {
            *byte ^= 0x55;
        }
        let reply = [b"D\0\x01\0\0\0\0\0".as_slice(), &bytes].concat();
        self.frame(&port.0, generation, Duration::ZERO, &reply);
    }

    pub fn restart_peer(&mut self) {
        self.boot += 1;
        self.writes.clear();
    }

    pub fn read(&mut self, reply: &str) {
        for notification in self.told(reply) {
            self.check_told(notification);
        }
    }

    fn told(&mut self, reply: &str) -> Vec<Notification> {
        let (broker, resolve) = self.hub.settle();
        let mut told = Vec::new();
        for (_, mailbox) in broker.waiting().filter(|(name, _)| *name == reply) {
            told.extend(mailbox.iter().filter_map(|entry| entry.tell(&resolve, Clone::clone)));
            mailbox.clear();
        }
        told
    }

    fn check_told(&mut self, notification: Notification) {
        let message = codec::encode(&self.envelope(Sender::Eventbus), &notification);
        let message = message.unwrap_or_else(|_| panic!("fits no message: {notification:?}"));
        assert_eq!(codec::decode(&message).map(|(_, items)| items), Ok(vec![notification.clone()]));
        if let Notification::Outcome(outcome) = notification {
            let end = self.ends.get_mut(&outcome.id).expect("nobody is told of a command that nobody gave");
            assert_eq!(*end, None, "nothing follows a command's end: {outcome:?}");
            assert!(outcome.detail.len() <= 1000, "{outcome:?}");
            *end = outcome.state.is_end().then_some(outcome.state);
            self.seen.insert(name(outcome.state));
        }
    }

    /// What must hold at any time.
    pub fn check(&mut self) {
        self.take_writes();
        self.hub.take_questions();
        let motes = self.hub.model().indexes().count();
        assert!(motes <= self.ports.len() + MOST_ABSENT, "{motes} motes on {} ports", self.ports.len());
        if motes > self.ports.len() {
            self.seen.insert("absent");
        }
        let cableless = self.hub.mesh().motes().count();
        assert!(cableless <= MOST_MOTES, "{cableless} motes without a cable");
        if cableless > 0 {
            self.seen.insert("mesh");
        }
    }

    fn take_writes(&mut self) {
        while let Some(frame) = self.hub.poll_write() {
            assert!(frame.payload.len() <= MAX_PAYLOAD_TO_MOTE, "{frame:?}");
            HostFrame::parse(&frame.payload).expect("what goes to a mote is a frame that it takes");
            assert!(self.ports.contains(&frame.port), "{frame:?}");
            if self.writes.len() >= MOST_WRITES {
                self.hub.handle_no_room(self.now, frame.id);
                // What found no room is tried again later, and not at once.
                assert!(self.hub.poll_timeout().is_none_or(|next| next > self.now));
                return;
            }
            self.writes.push_back(frame);
        }
    }

    /// Nothing more happens.
    pub fn come_to_rest(&mut self) {
        for reply in super::script::REPLIES {
            self.read(reply);
        }
        self.pass(LONG);
        assert_eq!(self.hub.poll_timeout(), None, "everything comes to rest");
        for reply in super::script::REPLIES {
            assert!(!self.hub.broker().has(reply), "every lease ends: {reply}");
        }
    }

    /// What came of the commands, and whether motes went or came twice.
    pub fn outcome(&self) -> Outcome {
        let odd = self.hub.model().tally().iter().map(|(reason, _)| reason);
        crate::outcome(self.seen.iter().copied().chain(odd))
    }

    fn envelope(&self, sender: Sender) -> Envelope {
        Envelope { sender, boot: BootId(self.boot), seq: 0, sent: self.now }
    }
}

/// In memory where there is such a place for us, since the hub waits for the disk.
fn directory() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("lbr-fuzz-");
    builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()).expect("a directory can be made")
}

fn name(state: OutcomeState) -> &'static str {
    match state {
        OutcomeState::Accepted => "accepted",
        OutcomeState::Sent => "sent",
        OutcomeState::Confirmed => "confirmed",
        OutcomeState::TimedOut => "timed-out",
        OutcomeState::Refused => "refused",
        OutcomeState::Failed => "failed",
    }
}
