//! One value of every variant of every enum that crosses a queue.
//!
//! They are fixed for ever, since golden lines were made from them. Their numbers have all the widths that the encoding
//! tells apart. A new variant does not compile until it has a sample here.

use mqtypes::broker::{Notification, Request, StatusReport, Subscribe, SummaryReport, Topic};
use mqtypes::command::{Action, Command, CommandOutcome, EchoFigures, OutcomeState, RoundTrip, Target};
use mqtypes::count::Count;
use mqtypes::envelope::{Envelope, Sender};
use mqtypes::health::{Dropped, ProcessHealth};
use mqtypes::ids::{Asn, BootId, Eui64, Generation, PortName, RequestId, Who, WriteId};
use mqtypes::log::{Coded, MoteLog, Severity};
use mqtypes::mesh::{DagEntry, MoteData, UinjectLayout, UinjectReport};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::serial::{
    Direction, FaultCount, FrameFault, FrameToMote, LineBytes, PortCounters, PortReport, PortState, ReceivedFrame, SerialCommand,
    SerialNotification, WriteEnd, WriteReport,
};
use mqtypes::status::{
    Address, Backoff, Element, IdManager, IsSync, MacStats, Msf, MyDagRank, NeighborsRow, OutputBuffer, ParentLink, Prr, QueueEntry,
    QueueFill, ScheduleRow, Summary, TableFill,
};
use mqtypes::wake::ProxyRequest;

/// The envelope of the golden messages.
pub const HEAD: Envelope = Envelope { sender: Sender::Eventbus, boot: BootId(0x0102_0304), seq: 300, sent: Mono(86_400_000_000) };

const MOTE: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
const OTHER: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
const HEARD: Mono = Mono(1_234_567_890);

/// A value of every variant, each with the variant's name.
pub trait Samples: Sized {
    fn samples() -> Vec<(&'static str, Self)>;
}

macro_rules! samples {
    ($enum:ident { $($variant:ident => $value:expr),+ $(,)? }) => {
        impl Samples for $enum {
            fn samples() -> Vec<(&'static str, Self)> {
                fn variant(value: &$enum) -> &'static str {
                    match value { $($enum::$variant { .. } => stringify!($variant)),+ }
                }
                let samples = vec![$((stringify!($variant), $value)),+];
                for (name, value) in &samples {
                    assert_eq!(*name, variant(value));
                }
                samples
            }
        }
    };
}

samples!(Sender {
    SerialBridge => Self::SerialBridge,
    Eventbus => Self::Eventbus,
    UiProxy => Self::UiProxy,
    Tool => Self::Tool,
});

samples!(ProxyRequest {
    Wake => Self::Wake { port: Some(8000) },
    TellHealth => Self::TellHealth { reply: "tap-4711".to_owned() },
});

samples!(SerialCommand {
    Write => Self::Write(FrameToMote {
        id: WriteId(70_000),
        port: port(),
        generation: Generation(2),
        deadline: Mono(1_235_567_890),
        payload: vec![0x53, 0x00, 0x7e, 0xfb, 0xff],
    }),
    ReportPorts => Self::ReportPorts,
    ReportHealth => Self::ReportHealth,
    PassBytes => Self::PassBytes { until: Mono(1_244_567_890) },
});

samples!(SerialNotification {
    Port => Self::Port(port_report()),
    Frame => Self::Frame(ReceivedFrame {
        port: port(),
        generation: Generation(2),
        heard: HEARD,
        payload: vec![0x55, 0x00, 0x01, 0x01, 0x4f, 0, 0, 0, 0],
    }),
    Write => Self::Write(write_report()),
    Health => Self::Health(health()),
    Lost => Self::Lost { frames: 5_000_000_000 },
    Bytes => Self::Bytes(line_bytes()),
});

samples!(Direction {
    Rx => Self::Rx,
    Tx => Self::Tx,
});

samples!(PortState {
    Down => Self::Down { cause: "no such file".to_owned() },
    Probing => Self::Probing,
    Up => Self::Up,
    Fault => Self::Fault { cause: "it fails again and again".to_owned() },
});

samples!(FrameFault {
    BadCrc => Self::BadCrc,
    TooShort => Self::TooShort,
    TooLong => Self::TooLong,
    EscapeAtEnd => Self::EscapeAtEnd,
});

samples!(WriteEnd {
    Written => Self::Written,
    NoSuchPort => Self::NoSuchPort,
    PortDown => Self::PortDown,
    Busy => Self::Busy,
    BadLength => Self::BadLength,
    Expired => Self::Expired,
});

samples!(Request {
    Subscribe => Self::Subscribe(subscribe()),
    Unsubscribe => Self::Unsubscribe { reply: "tap-4711".to_owned() },
    Command => Self::Command(command()),
    AskHealth => Self::AskHealth,
});

samples!(Topic {
    Inventory => Self::Inventory,
    Status => Self::Status,
    Counts => Self::Counts,
    Logs => Self::Logs,
    Health => Self::Health,
    Ports => Self::Ports,
    Data => Self::Data,
    Dag => Self::Dag,
    Uinject => Self::Uinject,
    Bytes => Self::Bytes,
});

samples!(Target {
    Mote => Self::Mote(MOTE),
    Port => Self::Port(port()),
});

samples!(Action {
    ToggleDagroot => Self::ToggleDagroot,
    SetDagroot => Self::SetDagroot { on: true },
    Reset => Self::Reset,
    Echo => Self::Echo { count: 1000, size: 196 },
});

samples!(OutcomeState {
    Accepted => Self::Accepted,
    Sent => Self::Sent,
    Confirmed => Self::Confirmed,
    TimedOut => Self::TimedOut,
    Refused => Self::Refused,
    Failed => Self::Failed,
});

samples!(Notification {
    SnapshotBegin => Self::SnapshotBegin,
    SnapshotEnd => Self::SnapshotEnd,
    Mote => Self::Mote(mote_entry()),
    MoteGone => Self::MoteGone(who()),
    Status => status(Element::IsSync(IsSync { is_sync: true })),
    Count => Self::Count(Count {
        sender: "mote_connector@/dev/ttyUSB0".to_owned(),
        signal: "fromMote.status".to_owned(),
        num: 70_000,
    }),
    Log => Self::Log(mote_log()),
    Outcome => Self::Outcome(outcome()),
    Health => Self::Health(health()),
    Gap => Self::Gap { dropped: vec![Dropped { reason: "log".to_owned(), count: 17 }] },
    Started => Self::Started,
    Summary => Self::Summary(SummaryReport {
        who: who(),
        heard: HEARD,
        summary: Summary {
            parent: Some(ParentLink { mote: OTHER, rssi: -63, prr: Prr { acked: 19, sent: 20 } }),
            neighbors: TableFill { used: 4, heard: 30, of: Some(30) },
            schedule: TableFill { used: 7, heard: 256, of: None },
            queue: Some(QueueFill { used: 2, of: 20 }),
        },
    }),
    Port => Self::Port(port_report()),
    Data => Self::Data(MoteData {
        who: who(),
        heard: HEARD,
        asn: Asn(0x1234),
        destination: MOTE,
        source: OTHER,
        lowpan: vec![0xf1, 0x83, 0x05, 0x08, 0x7a, 0x55],
    }),
    Dag => Self::Dag(dag_entry()),
    DagGone => Self::DagGone(OTHER),
    Uinject => Self::Uinject(uinject_report()),
    Bytes => Self::Bytes(line_bytes()),
});

samples!(Source {
    Serial => Self::Serial,
    Dao => Self::Dao,
});

samples!(Link {
    Probing => Self::Probing,
    Up => Self::Up,
    Silent => Self::Silent,
    Down => Self::Down,
    Fault => Self::Fault,
});

samples!(Severity {
    Verbose => Self::Verbose,
    Info => Self::Info,
    Warning => Self::Warning,
    Success => Self::Success,
    Error => Self::Error,
    Critical => Self::Critical,
    Printf => Self::Printf,
});

samples!(Element {
    IsSync => Self::IsSync(IsSync { is_sync: true }),
    IdManager => Self::IdManager(IdManager {
        is_dag_root: true,
        pan_id: 0xcafe,
        id16: 1,
        eui64: MOTE,
        prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0],
    }),
    MyDagRank => Self::MyDagRank(MyDagRank { rank: 256 }),
    OutputBuffer => Self::OutputBuffer(OutputBuffer { index_write: 65_535, index_read: 250 }),
    Asn => Self::Asn(Asn(0x01_0203_0405)),
    MacStats => Self::MacStats(MacStats {
        num_sync_pkt: 3,
        num_sync_ack: 255,
        min_correction: -127,
        max_correction: 127,
        num_de_sync: 0,
        num_tics_on: 15_744,
        num_tics_total: 0x7fff_ffff,
    }),
    ScheduleRow => Self::ScheduleRow(ScheduleRow {
        row: 5,
        slot_offset: 300,
        cell_type: 1,
        shared: false,
        channel_offset: 11,
        neighbor: address(),
        num_rx: 0,
        num_tx: 20,
        num_tx_ack: 19,
        last_used_asn: Asn(0x1_0002),
    }),
    Backoff => Self::Backoff(Backoff { exponent: 5, backoff: 31 }),
    Queue => Self::Queue(vec![QueueEntry { creator: 0x0c, owner: 0x0a }, QueueEntry { creator: 0, owner: 0 }]),
    NeighborsRow => Self::NeighborsRow(neighbors_row()),
    KaPeriod => Self::KaPeriod(1000),
    Joined => Self::Joined(Asn(0x1f0)),
    Msf => Self::Msf(Msf { num_cells_used_tx: 12, num_cells_used_rx: 32 }),
    Unknown => Self::Unknown { element: 13, body: vec![1, 251, 255] },
});

samples!(UinjectLayout {
    NameFirst => Self::NameFirst,
    NameLast => Self::NameLast,
});

pub fn dag_entry() -> DagEntry {
    DagEntry {
        mote: OTHER,
        root: MOTE,
        parents: vec![MOTE],
        dao_heard: Some(HEARD),
        hops: Some(1),
        address: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2],
        last_packet: HEARD,
        packets: 70_000,
    }
}

pub fn uinject_report() -> UinjectReport {
    UinjectReport {
        mote: OTHER,
        heard: HEARD,
        layout: UinjectLayout::NameFirst,
        counter: 300,
        received: 299,
        expected: 301,
        latency: Some(40),
        latency_sum: 12_000,
        latencies: 299,
        tx_cells: 12,
        rx_cells: 32,
        tics_on: 15_744,
        tics_total: 0x7fff_ffff,
    }
}

pub fn port_report() -> PortReport {
    PortReport {
        port: port(),
        generation: Generation(2),
        state: PortState::Up,
        since: Mono(1_000_000),
        baud: 115_200,
        counters: PortCounters {
            rx_bytes: 5_000_000_000,
            rx_frames: 70_000,
            tx_bytes: 251,
            tx_frames: 3,
            noise_bytes: 300,
            stalls: 251,
            forced_resumes: 1,
            openings: 2,
            faults: vec![FaultCount { fault: FrameFault::BadCrc, count: 8 }],
        },
    }
}

pub fn line_bytes() -> LineBytes {
    LineBytes {
        port: port(),
        generation: Generation(2),
        direction: Direction::Rx,
        at: HEARD,
        offset: 5_000_000_000,
        bytes: vec![0x7e, 0x55, 0x00, 0x01, 0x12, 0xee, 0xfb],
    }
}

pub fn write_report() -> WriteReport {
    WriteReport { id: WriteId(70_000), end: WriteEnd::Written }
}

pub fn health() -> ProcessHealth {
    ProcessHealth {
        process: Sender::SerialBridge,
        pid: 4711,
        uptime_ms: 3_600_000,
        rss_kib: 612,
        cpu_ms: 250,
        inbox_depth: 0,
        inbox_max: 10,
        dropped: vec![Dropped { reason: "foreign".to_owned(), count: 1 }],
    }
}

pub fn subscribe() -> Subscribe {
    Subscribe { reply: "tap-4711".to_owned(), topics: vec![Topic::Inventory, Topic::Logs], lease_ms: 30_000 }
}

pub fn command() -> Command {
    Command {
        id: RequestId(42),
        reply: "ui-proxy".to_owned(),
        deadline: Mono(1_264_567_890),
        target: Target::Mote(MOTE),
        action: Action::ToggleDagroot,
    }
}

pub fn outcome() -> CommandOutcome {
    CommandOutcome {
        id: RequestId(42),
        state: OutcomeState::Refused,
        detail: "busy: another role command is on its way".to_owned(),
        echo: None,
    }
}

pub fn echo_outcome() -> CommandOutcome {
    let round_trip = Some(RoundTrip { least_us: 3_500, mean_us: 4_700, most_us: 70_000 });
    let echo = Some(EchoFigures { sent: 1000, ok: 998, corrupted: 1, timed_out: 1, round_trip });
    CommandOutcome { id: RequestId(42), state: OutcomeState::Confirmed, detail: String::new(), echo }
}

pub fn mote_entry() -> MoteEntry {
    MoteEntry {
        source: Source::Serial,
        port: Some(port()),
        link: Link::Up,
        cause: String::new(),
        since: Mono(1_000_000),
        baud: 115_200,
        mote: Some(MOTE),
        id16: Some(1),
        dagroot: Some(true),
        last_heard: Some(HEARD),
        first_heard: Some(Mono(1_050_000)),
        boots: 300,
        booted: Some(Mono(1_100_000)),
    }
}

pub fn unnamed_mote_entry() -> MoteEntry {
    MoteEntry {
        link: Link::Probing,
        baud: 0,
        mote: None,
        id16: None,
        dagroot: None,
        last_heard: None,
        first_heard: None,
        boots: 0,
        booted: None,
        ..mote_entry()
    }
}

pub fn status(element: Element) -> Notification {
    Notification::Status(StatusReport { who: who(), heard: HEARD, element })
}

pub fn neighbors_row() -> NeighborsRow {
    NeighborsRow {
        row: 2,
        used: true,
        insecure: false,
        parent_preference: 1,
        stable_neighbor: true,
        switch_stability_counter: 0,
        addr: address(),
        dag_rank: 65_535,
        rssi: -63,
        num_rx: 40,
        num_tx: 20,
        num_tx_ack: 19,
        num_wraps: 0,
        asn: Asn(0x1_0002),
        join_prio: 255,
        f6p_no_res: false,
        in_blacklist: None,
        sixtop_seq_num: 3,
        backoff_exponent: 1,
        backoff: 0,
    }
}

pub fn mote_log() -> MoteLog {
    MoteLog {
        who: who(),
        heard: HEARD,
        severity: Severity::Warning,
        component: Coded { code: 9, name: "IEEE802154E".to_owned() },
        error: Coded { code: 0x31, name: "LARGE_TIMECORRECTION".to_owned() },
        args: [-7, 65_535],
        text: "large time correction of -7 ticks (loc 1)".to_owned(),
    }
}

fn port() -> PortName {
    PortName("/dev/ttyUSB0".to_owned())
}

fn who() -> Who {
    Who { mote: Some(MOTE), port: Some(port()) }
}

fn address() -> Address {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&[0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
    Address { kind: 2, bytes }
}
