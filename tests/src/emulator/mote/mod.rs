//! A synthetic OpenWSN mote, seen through its serial port: what firmware 1.25 says and does there, with plausible values.
//!
//! It is deterministic: the same seed, times and bytes give the same output. It must not say what a genuine mote could not;
//! the first round of its reports equals that of recording A, byte for byte. What a real mesh does on the air is reduced to
//! [`Air`]: beacons, and a few frames between neighbours.

mod air;
mod host;
mod line;
mod neighbors;
mod radio;
mod report;
mod schedule;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use eventbus::frame::{Frame, LogFrame, StatusFrame};
use mqtypes::ids::{Asn, Eui64};
use mqtypes::log::Severity;
use mqtypes::mono::Mono;
use mqtypes::status::{Backoff, Element, IdManager, IsSync, Msf, MyDagRank, OutputBuffer, QueueEntry};

pub use air::{Air, Beacon};
pub use line::FlowControl;

use super::random::Random;
use super::receiver::{Input, Receiver};
use air::Progress;
use line::{Line, Slot};
use neighbors::{NO_RANK, Neighbors, ROOT_RANK};
use radio::{Duty, Radio};
use report::{Item, Report};
use schedule::{Schedule, Way};
use slots::{slot_offset, slot_start, slots_since};

/// `STATUSPRINT_PERIOD`.
const STATUS_PERIOD: Duration = Duration::from_millis(100);

/// The first status is told in the tenth slot.
const FIRST_STATUS: Duration = Duration::from_millis(99);

/// The PAN of firmware and OpenVisualizer (`PANID_DEFINED`).
const PAN_ID: u16 = 0xcafe;

/// What stands for a prefix before one was learnt.
const LINK_LOCAL: [u8; 8] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0];

/// `MAXKAPERIOD`.
const KA_PERIOD: u16 = 1000;

/// `QUEUELENGTH`.
const QUEUE_LENGTH: usize = 20;

/// A beacon, and a DIO, that wait for the MAC: creator and owner as `COMPONENT_*`.
const WAITING: [QueueEntry; 2] = [QueueEntry { creator: 0x0c, owner: 0x0a }, QueueEntry { creator: 0x18, owner: 0x0a }];

/// A mote. What is behind [`Memory`] is lost in a reset.
#[derive(Debug)]
pub struct Mote {
    eui64: Eui64,
    flow: FlowControl,
    random: Random,
    memory: Memory,
    /// What the host has sent and nobody has looked at.
    inputs: VecDeque<Input>,
}

#[derive(Debug)]
struct Memory {
    line: Line,
    receiver: Receiver,
    report: Report,
    standing: Standing,
    /// When slot 0 was; the boot until there is a network.
    asn_zero: Mono,
    rank: u16,
    prefix: [u8; 8],
    /// When the secure join ended; 0 when it has not.
    joined: Asn,
    progress: Progress,
    neighbors: Neighbors,
    schedule: Schedule,
    radio: Radio,
    next_status: Mono,
    /// When the next beacon goes out; none when this mote has nothing to announce.
    next_beacon: Option<Mono>,
    /// When the next frame goes to the parent.
    next_uplink: Option<Mono>,
    /// Frames on the air that nobody has fetched.
    air: VecDeque<Air>,
}

/// How a mote stands to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It listens for a beacon.
    Searching,
    /// It is the DAG root, and the network's clock.
    Root,
    /// It keeps time with a neighbour.
    Following {
        source: Eui64,
        /// How fresh the root's time is that has come through to here.
        fresh: Mono,
    },
}

/// The components that log, as `COMPONENT_*`.
mod component {
    pub const OPENWSN: u8 = 0x01;
    pub const IEEE802154E: u8 = 0x09;
    pub const SIXTOP: u8 = 0x0c;
    pub const SCHEDULE: u8 = 0x0e;
    pub const CJOIN: u8 = 0x1d;
}

/// The messages that are logged, as `ERR_*`.
mod code {
    pub const JOINED: u8 = 0x01;
    pub const JOIN_REQUEST: u8 = 0x02;
    pub const DUPLICATE_SLOT: u8 = 0x20;
    pub const SIXTOP_RETURNCODE: u8 = 0x25;
    pub const SIXTOP_REQUEST: u8 = 0x26;
    pub const DESYNCHRONIZED: u8 = 0x2f;
    pub const SYNCHRONIZED: u8 = 0x30;
    pub const WRONG_STATE_IN_STARTSLOT: u8 = 0x33;
    pub const BOOTED: u8 = 0x4f;
}

impl Mote {
    /// Switches a mote on.
    pub fn boot(now: Mono, eui64: Eui64, flow: FlowControl, seed: u64) -> Self {
        let random = Random::new(seed ^ u64::from_be_bytes(eui64.0));
        let mut mote = Self { eui64, flow, random, memory: Memory::at_boot(now, eui64, flow), inputs: VecDeque::new() };
        mote.log(now, Severity::Success, component::OPENWSN, code::BOOTED, [0, 0]);
        mote
    }

    /// Its address.
    pub fn eui64(&self) -> Eui64 {
        self.eui64
    }

    /// Frames for the host that found no room in the output ring since the last boot.
    pub fn lost(&self) -> u64 {
        self.memory.line.lost()
    }

    /// What was due by now happens.
    pub fn handle_timeout(&mut self, now: Mono) {
        let slot = self.slot(now);
        self.memory.line.handle_timeout(now, slot);
        if self.memory.next_status <= now {
            self.report(now);
        }
        self.handle_air_timeout(now);
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Mono {
        let memory = &self.memory;
        let others = [memory.line.poll_timeout(), memory.next_beacon, memory.next_uplink, memory.progress.due(), self.silence_ends()];
        others.into_iter().flatten().fold(memory.next_status, Mono::min)
    }

    /// What has gone over the wire to the host since it was last asked for.
    pub fn poll_output(&mut self) -> Option<Vec<u8>> {
        self.memory.line.poll_output()
    }

    /// What came from the host, frame by frame.
    pub fn poll_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    /// Slots since the network began, or since the boot.
    fn asn(&self, now: Mono) -> Asn {
        Asn(slots_since(self.memory.asn_zero, now))
    }

    /// The minimal cell is used; what else happens is too little to matter to the serial line.
    fn slot(&self, now: Mono) -> Slot {
        match self.memory.standing {
            Standing::Root | Standing::Following { .. } if slot_offset(self.asn(now)) == 0 => Slot::Active,
            Standing::Root | Standing::Following { .. } | Standing::Searching => Slot::Idle,
        }
    }

    fn report(&mut self, now: Mono) {
        self.memory.next_status = self.memory.next_status.after(STATUS_PERIOD);
        if self.memory.next_status <= now {
            self.memory.next_status = now.after(STATUS_PERIOD);
        }
        if self.memory.line.is_idle(now) {
            let item = self.memory.report.next();
            let element = self.element(now, item);
            self.send(now, &Frame::Status(StatusFrame { id16: self.eui64.id16(), element }));
        }
    }

    fn element(&mut self, now: Mono, item: Item) -> Element {
        self.memory.radio.count(now, duty(self.memory.standing));
        let memory = &self.memory;
        match item {
            Item::IsSync => Element::IsSync(IsSync { is_sync: memory.standing != Standing::Searching }),
            Item::IdManager => Element::IdManager(self.id_manager()),
            Item::MyDagRank => Element::MyDagRank(MyDagRank { rank: memory.rank }),
            Item::OutputBuffer => {
                let index = memory.line.written();
                Element::OutputBuffer(OutputBuffer { index_write: index, index_read: index })
            }
            Item::Asn => Element::Asn(self.asn(now)),
            Item::MacStats => Element::MacStats(memory.radio.stats()),
            Item::ScheduleRow(row) => Element::ScheduleRow(memory.schedule.row(row)),
            Item::Backoff => Element::Backoff(Backoff { exponent: 1, backoff: 0 }),
            Item::Queue => Element::Queue(self.queue()),
            Item::NeighborsRow(row) => Element::NeighborsRow(memory.neighbors.row(row)),
            Item::KaPeriod => Element::KaPeriod(KA_PERIOD),
            Item::Joined => Element::Joined(memory.joined),
            Item::Msf => Element::Msf(self.msf()),
        }
    }

    fn id_manager(&self) -> IdManager {
        let Memory { standing, prefix, .. } = self.memory;
        IdManager { is_dag_root: standing == Standing::Root, pan_id: PAN_ID, id16: self.eui64.id16(), eui64: self.eui64, prefix }
    }

    /// Empty but for a beacon or a DIO now and then.
    fn queue(&mut self) -> Vec<QueueEntry> {
        let mut queue = vec![QueueEntry { creator: 0, owner: 0 }; QUEUE_LENGTH];
        if self.memory.next_beacon.is_some() && self.random.once_in(6) {
            queue[0] = WAITING[self.random.between(0, 1) as usize];
        }
        queue
    }

    fn msf(&mut self) -> Msf {
        let mut used = |way| match self.memory.schedule.count(way) {
            0 => 0,
            cells => self.random.between(1, 3) as u8 * cells,
        };
        Msf { num_cells_used_tx: used(Way::Out), num_cells_used_rx: used(Way::In).min(32) }
    }

    fn log(&mut self, now: Mono, severity: Severity, component: u8, code: u8, [arg1, arg2]: [u16; 2]) {
        self.send(now, &Frame::Log(LogFrame { severity, id16: self.eui64.id16(), component, code, arg1, arg2 }));
    }

    fn send(&mut self, now: Mono, frame: &Frame) {
        self.memory.line.send(now, &frame.emit());
    }
}

impl Memory {
    fn at_boot(now: Mono, eui64: Eui64, flow: FlowControl) -> Self {
        Self {
            line: Line::new(now, flow),
            receiver: Receiver::default(),
            report: Report::default(),
            standing: Standing::Searching,
            asn_zero: slot_start(now),
            rank: NO_RANK,
            prefix: LINK_LOCAL,
            joined: Asn(0),
            progress: Progress::Resting,
            neighbors: Neighbors::new(),
            schedule: Schedule::new(eui64.id16()),
            radio: Radio::new(now),
            next_status: now.after(FIRST_STATUS),
            next_beacon: None,
            next_uplink: None,
            air: VecDeque::new(),
        }
    }
}

fn duty(standing: Standing) -> Duty {
    match standing {
        Standing::Searching => Duty::Listening,
        Standing::Root | Standing::Following { .. } => Duty::Scheduled,
    }
}
