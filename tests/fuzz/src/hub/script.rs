//! What happens to the hub, as bytes: one for the disk, and then steps, each an operation and its arguments.
//!
//! Any bytes are a script. A step's number counts modulo the number of steps, and what is missing at the end is zero.

use std::time::Duration;

use eventbus::frame::{DataFrame, Frame, MeshData, StatusFrame};
use eventbus::network::DEFAULT_PREFIX;
use lowpan::{Dao, Icmpv6, Packet, Rpi, Udp, Uinject, address};
use mqtypes::broker::Topic;
use mqtypes::codec::MAX_MESSAGE;
use mqtypes::command::{Action, Target};
use mqtypes::envelope::{CURRENT, MAGIC};
use mqtypes::ids::{Asn, Eui64, Generation, PortName};
use mqtypes::serial::{PortState, WriteEnd};
use mqtypes::status::{Element, IdManager};

use super::{action, port_state, write_end};
use crate::harness::chance::Chance;
use crate::reader::Reader;

pub const FRAME: u8 = 0;
pub const PORT: u8 = 1;
pub const PASS: u8 = 2;
pub const SUBSCRIBE: u8 = 3;
pub const UNSUBSCRIBE: u8 = 4;
pub const COMMAND: u8 = 5;
pub const WRITTEN: u8 = 6;
pub const ECHO: u8 = 7;
pub const READ: u8 = 8;
pub const RESTART: u8 = 9;
pub const SERIAL: u8 = 10;
pub const REQUEST: u8 = 11;
pub const LOST: u8 = 12;
const OPERATIONS: u8 = 13;

/// Ports that frames come through.
pub const PORTS: [&str; 4] = ["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyUSB2", "/dev/ttyUSB3"];

/// Queues that may be named as subscribers; the last two must be refused.
pub const REPLIES: [&str; 5] = ["tap-1", "ui-proxy", "tap-2", "eventbus", "tap-../x"];

/// Where wanted roles are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// On a disk that takes them.
    Takes,
    /// On one that does not.
    Refuses,
}

/// Something happens.
#[derive(Debug)]
pub enum Step<'a> {
    /// A frame came, `age` ago.
    Frame { port: &'static str, generation: Generation, age: Duration, payload: &'a [u8] },
    /// A port reports, so many frames with a fault among the rest.
    Port { port: &'static str, generation: Generation, state: PortState, faults: u64 },
    /// Time passes.
    Pass(Duration),
    /// Somebody subscribes.
    Subscribe { reply: &'static str, topics: Vec<Topic>, lease_ms: u32 },
    /// Somebody has enough.
    Unsubscribe(&'static str),
    /// A person wants something, within so many seconds.
    Command { reply: &'static str, target: Target, action: Action, seconds: u64 },
    /// `serial-bridge` tells how a frame to a mote ended.
    Written { end: WriteEnd, which: u8 },
    /// The mote answers an echo, with so many wrong bytes.
    Echo { wrong: u8 },
    /// A subscriber reads all that waits for it.
    Read(&'static str),
    /// `serial-bridge` and the subscribers restart.
    Restart,
    /// Frames were lost on the way.
    Lost(u64),
    /// Anything that `serial-bridge` could say.
    Serial(&'a [u8]),
    /// Anything that a member of the group could ask for.
    Request(&'a [u8]),
}

/// A script that is being read.
pub struct Script<'a>(Reader<'a>);

impl<'a> Script<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self(Reader::new(input))
    }

    /// Comes first.
    pub fn disk(&mut self) -> Disk {
        if self.0.u8() % 2 == 1 { Disk::Takes } else { Disk::Refuses }
    }

    pub fn step(&mut self) -> Option<Step<'a>> {
        if self.0.is_at_end() {
            return None;
        }
        Some(match self.0.u8() % OPERATIONS {
            FRAME => {
                let (port, generation, age) = (self.port(), self.generation(), Duration::from_millis(self.0.u8().into()));
                let length = usize::from(self.0.u8());
                Step::Frame { port, generation, age, payload: self.0.bytes(length) }
            }
            PORT => {
                let (port, generation) = (self.port(), self.generation());
                Step::Port { port, generation, state: port_state(self.0.u8()), faults: self.number() }
            }
            PASS => Step::Pass(Duration::from_millis(1 << (self.0.u8() % 24))),
            SUBSCRIBE => {
                let (reply, topics) = (self.reply(), self.0.u16());
                let every = Topic::ALL.into_iter().chain(Topic::BY_NAME);
                let topics = every.enumerate().filter(|(at, _)| topics >> at & 1 == 1).map(|(_, topic)| topic).collect();
                Step::Subscribe { reply, topics, lease_ms: u32::try_from(self.number().saturating_mul(1000)).unwrap_or(u32::MAX) }
            }
            UNSUBSCRIBE => Step::Unsubscribe(self.reply()),
            COMMAND => {
                let (target, number, seconds) = (self.target(), self.0.u8(), self.number());
                let action = action(number, self.0.u8(), self.0.u8());
                Step::Command { reply: REPLIES[usize::from(number >> 4) % REPLIES.len()], target, action, seconds }
            }
            WRITTEN => Step::Written { end: write_end(self.0.u8()), which: self.0.u8() },
            ECHO => Step::Echo { wrong: self.0.u8() % 3 },
            READ => Step::Read(self.reply()),
            RESTART => Step::Restart,
            LOST => Step::Lost(self.number()),
            SERIAL => Step::Serial(self.message()),
            _request => Step::Request(self.message()),
        })
    }

    /// Mostly a small number, but a very large one too.
    fn number(&mut self) -> u64 {
        match self.0.u8() {
            255 => u64::MAX,
            254 => u64::MAX / 2 + 1,
            253 => u64::from(u32::MAX),
            bits @ 245.. => 1 << (bits & 0x3f),
            small => small.into(),
        }
    }

    fn port(&mut self) -> &'static str {
        PORTS[usize::from(self.0.u8()) % PORTS.len()]
    }

    fn reply(&mut self) -> &'static str {
        REPLIES[usize::from(self.0.u8()) % REPLIES.len()]
    }

    fn generation(&mut self) -> Generation {
        // Mostly the first; now and then one around it, or far off.
        Generation(match self.0.u8() {
            near @ ..8 => near.into(),
            255 => u32::MAX,
            _usual => 1,
        })
    }

    /// A mote of the recordings, or a port.
    fn target(&mut self) -> Target {
        match self.0.u8() {
            mote @ ..16 => Target::Mote(eui(mote)),
            port => Target::Port(PortName(PORTS[usize::from(port) % PORTS.len()].to_owned())),
        }
    }

    fn message(&mut self) -> &'a [u8] {
        let length = usize::from(self.0.u16());
        self.0.bytes(length % (MAX_MESSAGE + 1))
    }
}

/// A script without steps; with every other number, wanted roles are kept.
pub fn begin(number: usize) -> Vec<u8> {
    vec![(number % 2) as u8]
}

/// Adds a frame to a script.
pub fn frame(mut script: Vec<u8>, port: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len().min(255);
    script.extend([FRAME, port, 1, 0, length as u8]);
    script.extend_from_slice(&payload[..length]);
    script
}

/// Adds a message of the bus to a script; `operation` is [`SERIAL`] or [`REQUEST`].
pub fn message(mut script: Vec<u8>, operation: u8, message: &[u8]) -> Vec<u8> {
    script.push(operation);
    script.extend((message.len() as u16).to_le_bytes());
    script.extend_from_slice(message);
    script
}

/// Adds a step that is whole, or repairs the head of a message of the bus.
pub fn repair(input: &mut Vec<u8>, chance: &mut Chance) {
    if let Some(at) = input.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)
        && let Some(version) = input.get_mut(at + MAGIC.len())
    {
        *version = CURRENT;
    }
    let step: &[u8] = match chance.below(10) {
        0 => &[PORT, chance.byte(), chance.byte() % 4, chance.byte(), chance.byte()],
        1 => &[PASS, chance.byte()],
        2 => &[SUBSCRIBE, chance.byte() % 3, chance.byte(), chance.byte(), chance.byte()],
        3 => &[COMMAND, chance.byte() % 32, chance.byte(), chance.byte(), chance.byte() % 8, chance.byte()],
        4 => &[COMMAND, 1, chance.byte(), 30, 2, 8, WRITTEN, chance.byte(), 0, ECHO, chance.byte()],
        5 => &[WRITTEN, chance.byte(), chance.byte(), ECHO, chance.byte()],
        6 => &[READ, chance.byte() % 3],
        7 => &[LOST, chance.byte()],
        8 => return *input = a_mote_tells(std::mem::take(input), chance),
        _packet => return *input = a_packet_comes(std::mem::take(input), chance),
    };
    input.extend_from_slice(step);
}

/// The payload in which mote `number` tells its addresses.
pub fn named(number: u8) -> Vec<u8> {
    let id = IdManager { is_dag_root: true, pan_id: 0xcafe, id16: number.into(), eui64: eui(number), prefix: DEFAULT_PREFIX };
    Frame::Status(StatusFrame { id16: number.into(), element: Element::IdManager(id) }).emit()
}

fn eui(number: u8) -> Eui64 {
    Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, number])
}

/// A mote says who it is, or that it has booted.
fn a_mote_tells(script: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    let (port, mote) = (chance.byte() % 4, 1 + chance.byte() % 4);
    if chance.once_in(3) {
        return frame(script, port, &[b'U', 0, mote, 1, 0x4f, 0, 0, 0, 0]);
    }
    frame(script, port, &named(mote))
}

/// A root that is known passes on what a mote tells: its parents, or what it injects.
fn a_packet_comes(script: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    let [mote, hop, parent] = [(); 3].map(|()| 1 + chance.byte() % 8);
    let [source, root, parent] = [mote, 1, parent].map(|number| address::of(DEFAULT_PREFIX, eui(number)));
    let (protocol, message) = if chance.once_in(2) {
        let dao = Dao::to_parent(chance.byte(), parent).emit();
        (Packet::ICMPV6, Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &dao }.emit(source, root))
    } else {
        let numbers: Vec<u8> = (0..19).map(|_| chance.byte()).collect();
        let payload = [b"uinject".as_slice(), &numbers].concat();
        (Packet::UDP, Udp { source_port: Uinject::PORT, destination_port: Uinject::PORT, payload: &payload }.emit(source, root))
    };
    let lowpan = Packet { rpi: Some(Rpi::up(256)), ..Packet::new(source, root, protocol, message) }.emit(DEFAULT_PREFIX);
    let mesh = MeshData { destination: eui(1), source: eui(hop), lowpan: &lowpan };
    let data = DataFrame::from_mesh(1, Asn(chance.number() & 0xff_ffff), mesh);
    frame(frame(script, 0, &named(1)), 0, &Frame::Data(data).emit())
}
