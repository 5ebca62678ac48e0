//! One of everything that the router can say. The matches make sure that nothing new is forgotten.

use std::iter::successors;

use bus::moment::Moment;
use mqtypes::command::OutcomeState;
use mqtypes::count::Count;
use mqtypes::envelope::Sender;
use mqtypes::health::{Dropped, ProcessHealth};
use mqtypes::ids::{Asn, BootId, Eui64, PortName, Who};
use mqtypes::log::{Coded, MoteLog, Severity};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, MoteEntry, Source};
use mqtypes::status::{
    Address, Backoff, Element, IdManager, IsSync, MacStats, Msf, MyDagRank, NeighborsRow, OutputBuffer, QueueEntry, ScheduleRow,
};
use ui_proxy::identity::Lbr;
use ui_proxy::message::{Message, Part};
use ui_proxy::request::{Fault, HostId};
use ui_proxy::session::mote_status::{Reading, Value};

/// When all of it is said.
pub const NOW: Moment = Moment { mono: Mono(900_000_000), unix_ms: 1_760_000_900_000 };

const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
const CHILD: [u8; 8] = [0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2];
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
    let counts = Message::Counts { boot: BootId(0x51c0_ffee), part: None, counts: vec![count("fromMote.status", 13)] };
    let nameless = Message::Error(Fault::new("invalid-json", "invalid JSON: EOF while parsing an object at line 1 column 1"));
    kinds.chain([change, counts, nameless]).collect()
}

fn next_kind(message: &Message) -> Option<Message> {
    match message {
        Message::Inventory { .. } => {
            let readings = vec![reading(Element::IsSync(IsSync { is_sync: true })), reading(Element::ScheduleRow(schedule_row()))];
            Some(Message::Status { who: who(), part: Some(ONLY_PAGE), readings })
        }
        Message::Status { .. } => {
            let counts = vec![count("fromMote.error", 3), count("fromMote.status", 12)];
            Some(Message::Counts { boot: BootId(0x51c0_ffee), part: Some(ONLY_PAGE), counts })
        }
        Message::Counts { .. } => Some(Message::Log(log())),
        Message::Log(_) => Some(Message::Gap([("mote-log".to_owned(), 41)].into())),
        Message::Gap(_) => {
            let detail = "the mote reports that it is DAG root".to_owned();
            Some(Message::Outcome { id: HostId::Text("b-17".to_owned()), state: OutcomeState::Confirmed, detail })
        }
        Message::Outcome { .. } => Some(Message::Health(vec![health()])),
        Message::Health(_) => {
            let text = "`ui-evnet` is no type of this link's version".to_owned();
            Some(Message::Error(Fault { code: "unknown-type", text, id: Some(HostId::Number(18.into())) }))
        }
        Message::Error(_) => None,
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
        ..up.clone()
    };
    Message::Inventory { part: ONLY_PAGE, motes: vec![up, down] }
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
    kinds.chain([of_old_firmware]).map(into_reading).collect()
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
        num_tx: 9,
        num_tx_ack: 8,
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
