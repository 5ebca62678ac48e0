//! A synthetic OpenWSN mote, seen through its serial port: what firmware 1.25 says and does there, with plausible values.
//!
//! It is deterministic: the same seed, times and bytes give the same output. It must not say what a genuine mote could not;
//! the first round of its reports equals that of recording A, byte for byte. What a real mesh does on the air is reduced to
//! [`Air`]: beacons, and a few frames between neighbours.

mod air;
mod downlink;
mod host;
mod join;
mod line;
mod msf;
mod neighbors;
mod packet;
mod parent;
mod radio;
mod report;
mod schedule;
mod sixtop;
mod slots;
#[cfg(test)]
mod tests;
mod trouble;
mod uplink;

use std::collections::VecDeque;
use std::time::Duration;

use eventbus::frame::{Frame, LogFrame, StatusFrame};
use mqtypes::ids::{Asn, Eui64};
use mqtypes::log::Severity;
use mqtypes::mono::Mono;
use mqtypes::status::{Backoff, Element, IdManager, IsSync, Msf, MyDagRank, OutputBuffer, QueueEntry};

pub use air::{Air, Beacon, Cargo};
pub use line::FlowControl;
pub use packet::Packet;
pub use sixtop::{Answer, Cell, Sixtop};
pub use slots::{Epoch, LARGEST_ASN};

use super::random::Random;
use super::receiver::{Input, Receiver};
use downlink::Downlink;
use join::Progress;
use line::{Line, Slot};
use msf::Usage;
use neighbors::{NO_RANK, Neighbors, ROOT_RANK};
use radio::{Duty, Radio};
use report::{Item, Report};
use schedule::{Schedule, Way};
use slots::slot_offset;
use uplink::{Uplink, is_due};

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

/// A packet of the host that waits for the MAC.
const BRIDGED: QueueEntry = QueueEntry { creator: 0x11, owner: 0x0a };

/// What a mote is, whatever happens to it.
#[derive(Debug, Clone, Copy)]
pub struct Board {
    /// Its address.
    pub eui64: Eui64,
    /// How it treats the host at its cable; none for a mote without a cable, which reports to nobody.
    pub serial: Option<FlowControl>,
    /// What chance starts from, together with the address.
    pub seed: u64,
    /// The number with which it counts slots when it becomes root.
    pub first_asn: Asn,
}

/// A mote. What is behind [`Memory`] is lost in a reset.
#[derive(Debug)]
pub struct Mote {
    board: Board,
    /// That of the board.
    eui64: Eui64,
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
    /// Counted from the boot until there is a network.
    epoch: Epoch,
    rank: u16,
    prefix: [u8; 8],
    /// The root whose network this is; the mote itself until it knows one.
    root: Eui64,
    /// When the secure join ended; 0 when it has not.
    joined: Asn,
    progress: Progress,
    neighbors: Neighbors,
    schedule: Schedule,
    radio: Radio,
    usage: Usage,
    uplink: Uplink,
    downlink: Downlink,
    /// None when nobody is there to be told.
    next_status: Option<Mono>,
    /// When the next beacon goes out; none when this mote has nothing to announce.
    next_beacon: Option<Mono>,
    /// When the mote boots, having logged something critical.
    reboots_at: Option<Mono>,
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
    pub const PACKETFUNCTIONS: u8 = 0x05;
    pub const IEEE802154E: u8 = 0x09;
    pub const SIXTOP: u8 = 0x0c;
    pub const SCHEDULE: u8 = 0x0e;
    pub const MSF: u8 = 0x10;
    pub const OPENBRIDGE: u8 = 0x11;
    pub const FRAG: u8 = 0x13;
    pub const FORWARDING: u8 = 0x14;
    pub const CJOIN: u8 = 0x1d;
}

/// The messages that are logged, as `ERR_*`.
mod code {
    pub const JOINED: u8 = 0x01;
    pub const JOIN_REQUEST: u8 = 0x02;
    pub const FORWARDING_PACKET_DROPPED: u8 = 0x17;
    pub const FRAG_FRAGMENTING: u8 = 0x1e;
    pub const DUPLICATE_SLOT: u8 = 0x20;
    pub const SIXTOP_RETURNCODE: u8 = 0x25;
    pub const SIXTOP_REQUEST: u8 = 0x26;
    pub const TX_CELL_USAGE: u8 = 0x2b;
    pub const RX_CELL_USAGE: u8 = 0x2c;
    pub const DESYNCHRONIZED: u8 = 0x2f;
    pub const SYNCHRONIZED: u8 = 0x30;
    pub const LARGE_TIMECORRECTION: u8 = 0x31;
    pub const WRONG_STATE_IN_STARTSLOT: u8 = 0x33;
    pub const NO_FREE_PACKET_BUFFER: u8 = 0x46;
    pub const NO_FREE_TIMER_OR_QUEUE_ENTRY: u8 = 0x47;
    pub const BOOTED: u8 = 0x4f;
    pub const MAXRETRIES_REACHED: u8 = 0x50;
    pub const COPY_TO_SPKT: u8 = 0x54;
    pub const COPY_TO_BPKT: u8 = 0x55;
}

impl Mote {
    /// Switches a mote on.
    pub fn boot(now: Mono, board: Board) -> Self {
        let mut random = Random::new(board.seed ^ u64::from_be_bytes(board.eui64.0));
        let memory = Memory::at_boot(now, &board, &mut random);
        let mut mote = Self { board, eui64: board.eui64, random, memory, inputs: VecDeque::new() };
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
        if is_due(self.memory.reboots_at, now) {
            self.reset(now);
        }
        let slot = self.slot(now);
        self.memory.line.handle_timeout(now, slot);
        if is_due(self.memory.next_status, now) {
            self.report(now);
        }
        if is_due(self.silence_ends(), now) {
            self.desynchronise(now);
        }
        if is_due(self.memory.progress.due(), now) {
            self.advance(now);
        }
        if is_due(self.memory.next_beacon, now) {
            self.send_beacon(now);
        }
        if is_due(self.memory.usage.poll_timeout(), now) {
            self.tell_usage(now);
        }
        self.handle_uplink_timeout(now);
    }

    /// When [`Self::handle_timeout`] is due; never for a mote without a cable that has nothing to say to anybody.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let memory = &self.memory;
        let line = [memory.line.poll_timeout(), memory.next_status, memory.reboots_at];
        let air = [memory.next_beacon, memory.progress.due(), self.silence_ends(), memory.uplink.poll_timeout()];
        line.into_iter().chain(air).chain([memory.usage.poll_timeout()]).flatten().min()
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
        self.memory.epoch.asn(now)
    }

    /// The minimal cell is used; what else happens is too little to matter to the serial line.
    fn slot(&self, now: Mono) -> Slot {
        match self.memory.standing {
            Standing::Root | Standing::Following { .. } if slot_offset(self.asn(now)) == 0 => Slot::Active,
            Standing::Root | Standing::Following { .. } | Standing::Searching => Slot::Idle,
        }
    }

    fn report(&mut self, now: Mono) {
        // Whoever comes too late by turns does not make up for them.
        let next = self.memory.next_status.map(|at| at.after(STATUS_PERIOD)).filter(|next| *next > now);
        self.memory.next_status = Some(next.unwrap_or(now.after(STATUS_PERIOD)));
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
            Item::Queue => Element::Queue(self.queue(now)),
            Item::NeighborsRow(row) => Element::NeighborsRow(memory.neighbors.row(row)),
            Item::KaPeriod => Element::KaPeriod(KA_PERIOD),
            Item::Joined => Element::Joined(memory.joined),
            Item::Msf => Element::Msf(memory.usage.last()),
        }
    }

    fn id_manager(&self) -> IdManager {
        let Memory { standing, prefix, .. } = self.memory;
        IdManager { is_dag_root: standing == Standing::Root, pan_id: PAN_ID, id16: self.eui64.id16(), eui64: self.eui64, prefix }
    }

    /// What waits to go up or down, and a beacon or a DIO now and then.
    fn queue(&mut self, now: Mono) -> Vec<QueueEntry> {
        let mut queue: Vec<QueueEntry> = self.memory.uplink.queue_entries(self.eui64).collect();
        queue.extend(std::iter::repeat_n(BRIDGED, self.memory.downlink.waiting(now)));
        if self.memory.next_beacon.is_some() && self.random.once_in(6) {
            queue.push(WAITING[self.random.between(0, 1) as usize]);
        }
        queue.resize(QUEUE_LENGTH, QueueEntry { creator: 0, owner: 0 });
        queue
    }

    fn tell_usage(&mut self, now: Mono) {
        let cells = [Way::Out, Way::In].map(|way| self.memory.schedule.count(way));
        let Msf { num_cells_used_tx: sent, num_cells_used_rx: heard } = self.memory.usage.end_window(now, cells);
        self.log(now, Severity::Verbose, component::MSF, code::TX_CELL_USAGE, [sent.into(), 0]);
        self.log(now, Severity::Verbose, component::MSF, code::RX_CELL_USAGE, [heard.into(), 0]);
    }

    fn log(&mut self, now: Mono, severity: Severity, component: u8, code: u8, args: [u16; 2]) {
        let frame = self.log_frame(severity, component, code, args);
        self.send(now, &frame);
    }

    fn log_frame(&self, severity: Severity, component: u8, code: u8, [arg1, arg2]: [u16; 2]) -> Frame {
        Frame::Log(LogFrame { severity, id16: self.eui64.id16(), component, code, arg1, arg2 })
    }

    fn send(&mut self, now: Mono, frame: &Frame) {
        self.memory.line.send(now, &frame.emit());
    }
}

impl Memory {
    fn at_boot(now: Mono, board: &Board, random: &mut Random) -> Self {
        Self {
            line: Line::new(now, board.serial.unwrap_or(FlowControl::Silent)),
            receiver: Receiver::default(),
            report: Report::default(),
            standing: Standing::Searching,
            epoch: Epoch::new(now, Asn(0)),
            rank: NO_RANK,
            prefix: LINK_LOCAL,
            root: board.eui64,
            joined: Asn(0),
            progress: Progress::Resting,
            neighbors: Neighbors::new(),
            schedule: Schedule::new(board.eui64.id16()),
            radio: Radio::new(now),
            usage: Usage::new(),
            uplink: Uplink::new(random),
            downlink: Downlink::default(),
            next_status: board.serial.map(|_| now.after(FIRST_STATUS)),
            next_beacon: None,
            reboots_at: None,
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
