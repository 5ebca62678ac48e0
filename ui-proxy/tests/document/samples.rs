//! One of everything that the router can say. The matches make sure that nothing new is forgotten.

use std::iter::successors;

use bus::moment::Moment;
use mqtypes::command::{EchoFigures, OutcomeState, RoundTrip};
use mqtypes::count::Count;
use mqtypes::envelope::Sender;
use mqtypes::health::{Dropped, ProcessHealth};
use mqtypes::ids::{Asn, BootId, Eui64, Generation, PortName, Who};
use mqtypes::log::{Coded, MoteLog, Severity};
use mqtypes::mesh::{DagEntry, MoteData, UinjectLayout, UinjectReport};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::serial::{FaultCount, FrameFault, PortCounters, PortReport, PortState};
use mqtypes::status::{
    Address, Backoff, Element, IdManager, IsSync, MacStats, Msf, MyDagRank, NeighborsRow, OutputBuffer, ParentLink, Prr, QueueEntry,
    QueueFill, ScheduleRow, Summary, TableFill,
};
use ui_proxy::identity::Lbr;
use ui_proxy::message::{Message, Outcome, Part};
use ui_proxy::request::{Fault, HostId};
use ui_proxy::session::mote_status::{Reading, Value};

/// When all of it is said.
pub const NOW: Moment = Moment { mono: Mono(900_000_000), unix_ms: 1_760_000_900_000 };

const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
const CHILD: [u8; 8] = [0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2];
const BOOT: BootId = BootId(0x51c0_ffee);
const ONLY_PAGE: Part = Part { n: 1, of: 1, snapshot: 1 };

/// So many milliseconds ago.
fn ago(milliseconds: u64) -> Mono {
    Mono(NOW.mono.0 - milliseconds * 1000)
}

fn port() -> PortName {
    PortName("/dev/ttyUSB0".to_owned())
}

fn who() -> Who {
    Who { mote: Some(ROOT), port: Some(port()) }
}

/// Who says it.
pub fn lbr() -> Lbr {
    Lbr {
        id: "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(),
        name: "roof".to_owned(),
        hostname: "lbr-01".to_owned(),
        version: "0.1.0",
        boot: BootId(0x9d3a_11c7),
    }
}

/// The messages after the handshake: of each kind one, then those that have other fields.
pub fn messages() -> Vec<Message> {
    let kinds = successors(Some(inventory()), next_kind);
    let change = Message::Status { who: who(), part: None, readings: vec![reading(Element::Asn(Asn(7_654_321)))] };
    let unknown_latency = UinjectReport { layout: UinjectLayout::NameLast, latencies: 0, ..uinject() };
    let sources = Message::Uinject { boot: BOOT, part: None, sources: vec![unknown_latency] };
    let counts = Message::Counts { boot: BOOT, part: None, counts: vec![count("fromMote.status", 13)] };
    let nameless = Message::Error(Fault::new("invalid-json", "invalid JSON: EOF while parsing an object at line 1 column 1"));
    kinds.chain([change, sources, counts, Message::Outcome(echo_outcome()), nameless]).collect()
}

fn next_kind(message: &Message) -> Option<Message> {
    Some(match message {
        Message::Inventory { .. } => Message::Dag { part: ONLY_PAGE, motes: dag() },
        Message::Dag { .. } => {
            let readings = vec![reading(Element::IsSync(IsSync { is_sync: true })), reading(Element::ScheduleRow(schedule_row()))];
            Message::Status { who: who(), part: Some(ONLY_PAGE), readings }
        }
        Message::Status { .. } => Message::Uinject { boot: BOOT, part: Some(ONLY_PAGE), sources: vec![uinject()] },
        Message::Uinject { .. } => {
            let counts = vec![count("fromMote.error", 3), count("fromMote.status", 12)];
            Message::Counts { boot: BOOT, part: Some(ONLY_PAGE), counts }
        }
        Message::Counts { .. } => Message::Log(log()),
        Message::Log(_) => Message::Data(packet()),
        Message::Data(_) => Message::Gap([("mote-data".to_owned(), 3), ("mote-log".to_owned(), 41)].into()),
        Message::Gap(_) => Message::Outcome(outcome()),
        Message::Outcome(_) => Message::Health { part: None, processes: vec![health()], ports: vec![port_report()] },
        Message::Health { .. } => {
            let text = "`ui-evnet` is no type of this link's version".to_owned();
            Message::Error(Fault { code: "unknown-type", text, id: Some(HostId::Number(18.into())) })
        }
        Message::Error(_) => return None,
    })
}

fn outcome() -> Outcome {
    let detail = "the mote reports that it is DAG root".to_owned();
    Outcome { id: HostId::Text("b-17".to_owned()), state: OutcomeState::Confirmed, detail, echo: None }
}

fn echo_outcome() -> Outcome {
    let round_trip = Some(RoundTrip { least_us: 4_100, mean_us: 5_035, most_us: 9_300 });
    let echo = Some(EchoFigures { sent: 100, ok: 99, corrupted: 0, timed_out: 1, round_trip });
    let detail = "sent 100, ok 99, corrupted 0, timed out 1, round trip 4.1/5.0/9.3 ms (least/mean/most)".to_owned();
    Outcome { id: HostId::Text("b-20".to_owned()), state: OutcomeState::Confirmed, detail, echo }
}

fn dag() -> Vec<DagEntry> {
    let child = DagEntry {
        mote: Eui64(CHILD),
        root: ROOT,
        parents: vec![ROOT],
        dao_heard: Some(ago(42_000)),
        hops: Some(1),
        address: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2],
        last_packet: ago(1_500),
        packets: 118,
    };
    let grandchild = DagEntry {
        mote: Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 3]),
        parents: vec![],
        dao_heard: None,
        hops: None,
        address: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 3],
        packets: 2,
        ..child.clone()
    };
    vec![child, grandchild]
}

fn uinject() -> UinjectReport {
    UinjectReport {
        mote: Eui64(CHILD),
        heard: ago(1_500),
        layout: UinjectLayout::NameFirst,
        counter: 119,
        received: 114,
        expected: 120,
        latency: Some(38),
        latency_sum: 4_617,
        latencies: 114,
        tx_cells: 12,
        rx_cells: 1,
        tics_on: 2_048,
        tics_total: 65_536,
    }
}

fn packet() -> MoteData {
    MoteData {
        who: who(),
        heard: ago(25),
        asn: Asn(7_654_318),
        destination: ROOT,
        source: Eui64(CHILD),
        lowpan: vec![0xf1, 0x83, 0x05, 0x08, 0x7a, 0x55],
    }
}

fn port_report() -> PortReport {
    PortReport {
        port: port(),
        generation: Generation(2),
        state: PortState::Up,
        since: ago(600_000),
        baud: 115_200,
        counters: PortCounters {
            rx_bytes: 451_207,
            rx_frames: 11_840,
            tx_bytes: 180,
            tx_frames: 12,
            noise_bytes: 31,
            stalls: 4,
            forced_resumes: 0,
            openings: 2,
            faults: vec![FaultCount { fault: FrameFault::BadCrc, count: 3 }],
        },
    }
}

fn inventory() -> Message {
    let up = MoteEntry {
        source: Source::Serial,
        port: Some(port()),
        link: Link::Up,
        cause: String::new(),
        since: ago(600_000),
        baud: 115_200,
        mote: Some(ROOT),
        id16: Some(1),
        dagroot: Some(true),
        last_heard: Some(ago(40)),
        first_heard: Some(ago(600_000)),
        boots: 1,
        booted: Some(ago(590_000)),
    };
    let down = MoteEntry {
        port: Some(PortName("/dev/ttyUSB1".to_owned())),
        link: Link::Down,
        cause: "not there; it is opened when it appears".to_owned(),
        baud: 0,
        mote: None,
        id16: None,
        dagroot: None,
        last_heard: None,
        first_heard: None,
        boots: 0,
        booted: None,
        ..up.clone()
    };
    let wireless = MoteEntry {
        source: Source::Dao,
        port: None,
        since: ago(300_000),
        baud: 0,
        mote: Some(Eui64(CHILD)),
        id16: Some(2),
        dagroot: None,
        last_heard: Some(ago(1_500)),
        first_heard: Some(ago(90_000)),
        boots: 0,
        booted: None,
        ..up.clone()
    };
    Message::Inventory { part: ONLY_PAGE, motes: vec![up, down, wireless] }
}

fn count(signal: &str, num: u64) -> Count {
    Count { sender: "mote_connector@/dev/ttyUSB0".to_owned(), signal: signal.to_owned(), num }
}

fn log() -> MoteLog {
    MoteLog {
        who: who(),
        heard: ago(25),
        severity: Severity::Warning,
        component: Coded { code: 9, name: "IEEE802154E".to_owned() },
        error: Coded { code: 49, name: "LARGE_TIMECORRECTION".to_owned() },
        args: [-7, 1],
        text: "large time correction of -7 ticks (loc 1)".to_owned(),
    }
}

fn health() -> ProcessHealth {
    ProcessHealth {
        process: Sender::Eventbus,
        pid: 411,
        uptime_ms: 900_300,
        rss_kib: 1460,
        cpu_ms: 820,
        inbox_depth: 0,
        inbox_max: 10,
        dropped: vec![Dropped { reason: "eventbus.foreign".to_owned(), count: 2 }],
    }
}

fn reading(element: Element) -> Reading {
    Reading { value: Value::Element(element), heard: ago(700) }
}

/// Of each element one value, then those that have other fields.
pub fn elements() -> Vec<Reading> {
    let kinds = successors(Some(Element::IsSync(IsSync { is_sync: true })), next_element);
    let of_old_firmware = Element::NeighborsRow(NeighborsRow { in_blacklist: Some(false), ..neighbors_row() });
    let summary = Reading { value: Value::Summary(summary()), heard: ago(700) };
    kinds.chain([of_old_firmware]).map(into_reading).chain([summary]).collect()
}

/// The queue is told by row.
fn into_reading(element: Element) -> Reading {
    match element {
        Element::Queue(entries) => Reading { value: Value::QueueRow { row: 0, entry: entries[0] }, heard: ago(700) },
        other => reading(other),
    }
}

fn next_element(element: &Element) -> Option<Element> {
    Some(match element {
        Element::IsSync(_) => Element::IdManager(id_manager()),
        Element::IdManager(_) => Element::MyDagRank(MyDagRank { rank: 256 }),
        Element::MyDagRank(_) => Element::OutputBuffer(OutputBuffer { index_write: 1811, index_read: 1811 }),
        Element::OutputBuffer(_) => Element::Asn(Asn(7_654_321)),
        Element::Asn(_) => Element::MacStats(mac_stats()),
        Element::MacStats(_) => Element::ScheduleRow(schedule_row()),
        Element::ScheduleRow(_) => Element::Backoff(Backoff { exponent: 1, backoff: 0 }),
        Element::Backoff(_) => Element::Queue(vec![QueueEntry { creator: 12, owner: 10 }]),
        Element::Queue(_) => Element::NeighborsRow(neighbors_row()),
        Element::NeighborsRow(_) => Element::KaPeriod(1000),
        Element::KaPeriod(_) => Element::Joined(Asn(496)),
        Element::Joined(_) => Element::Msf(Msf { num_cells_used_tx: 12, num_cells_used_rx: 0 }),
        Element::Msf(_) => Element::Unknown { element: 13, body: vec![0x01, 0xff] },
        Element::Unknown { .. } => return None,
    })
}

fn summary() -> Summary {
    Summary {
        parent: Some(ParentLink { mote: Eui64(CHILD), rssi: -63, prr: Prr { acked: 19, sent: 20 } }),
        neighbors: TableFill { used: 4, heard: 30, of: Some(30) },
        schedule: TableFill { used: 7, heard: 61, of: None },
        queue: Some(QueueFill { used: 2, of: 20 }),
    }
}

fn id_manager() -> IdManager {
    IdManager { is_dag_root: true, pan_id: 0xcafe, id16: 1, eui64: ROOT, prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0] }
}

fn mac_stats() -> MacStats {
    MacStats {
        num_sync_pkt: 3,
        num_sync_ack: 17,
        min_correction: -4,
        max_correction: 5,
        num_de_sync: 0,
        num_tics_on: 2048,
        num_tics_total: 65_536,
    }
}

fn schedule_row() -> ScheduleRow {
    ScheduleRow {
        row: 0,
        slot_offset: 0,
        cell_type: 3,
        shared: true,
        channel_offset: 0,
        neighbor: Address { kind: 6, bytes: [0; 16] },
        num_rx: 7,
        num_tx: 10,
        num_tx_ack: 9,
        last_used_asn: Asn(7_654_220),
    }
}

fn neighbors_row() -> NeighborsRow {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&CHILD);
    NeighborsRow {
        row: 2,
        used: true,
        insecure: false,
        parent_preference: 0,
        stable_neighbor: true,
        switch_stability_counter: 0,
        addr: Address { kind: 2, bytes },
        dag_rank: 512,
        rssi: -63,
        num_rx: 40,
        num_tx: 20,
        num_tx_ack: 19,
        num_wraps: 0,
        asn: Asn(7_654_119),
        join_prio: 2,
        f6p_no_res: false,
        in_blacklist: None,
        sixtop_seq_num: 3,
        backoff_exponent: 1,
        backoff: 0,
    }
}
