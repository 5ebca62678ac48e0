//! Every frame of the recordings, held against what OpenVisualizer's own parsers made of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use data_encoding::HEXLOWER;
use eventbus::frame::{DataFrame, Frame, LogFrame, StatusFrame};
use flate2::read::GzDecoder;
use mqtypes::ids::Asn;
use mqtypes::status::{Address, Element, IdManager, MacStats, NeighborsRow, ScheduleRow};
use serde_json::{Map, Value, json};

type Fields = Map<String, Value>;

#[test]
fn recording_a_is_read_as_its_oracle_reads_it() {
    check("A", 2_201, 0);
}

#[test]
fn recording_b_is_read_as_its_oracle_reads_it() {
    check("B", 34_574, 0);
}

#[test]
fn recording_d_is_read_as_its_oracle_reads_it() {
    check("D", 31_042, 8);
}

fn check(recording: &str, valid: usize, invalid: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/data/{recording}.oracle.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut seen_valid, mut seen_invalid) = (0, 0);
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let opinion: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        match opinion["frame_hex"].as_str() {
            Some(hex) => {
                check_frame(&HEXLOWER.decode(hex.as_bytes()).expect("hex"), &opinion);
                seen_valid += 1;
            }
            None => seen_invalid += 1,
        }
    }
    assert_eq!((seen_valid, seen_invalid), (valid, invalid));
}

fn check_frame(payload: &[u8], opinion: &Value) {
    let frame = Frame::parse(payload).unwrap_or_else(|error| panic!("{error}: {opinion}"));
    assert_eq!(HEXLOWER.encode(&frame.emit()), HEXLOWER.encode(payload), "{frame:?}");
    assert_eq!(Some(kind(&frame)), opinion["kind"].as_str(), "{frame:?}");
    let expected = opinion["fields"].as_object().expect("fields").clone();
    match &frame {
        Frame::Status(status) => check_status(status, opinion["element"].as_str(), expected),
        Frame::Log(log) => check_log(*log, opinion["element"].as_str(), &expected),
        Frame::Data(data) => check_data(data, &expected),
        Frame::Printf(printf) => assert_eq!(json!(little_endian(printf.asn)), expected["asn_le_bytes"], "{frame:?}"),
        Frame::Sniffed(_) | Frame::LegacyAck { .. } | Frame::LegacyRequest => panic!("not in the recordings: {frame:?}"),
    }
}

fn kind(frame: &Frame) -> &'static str {
    match frame {
        Frame::Status(_) => "status",
        Frame::Log(log) => log.severity.name(),
        Frame::Data(_) => "data",
        Frame::Printf(_) => "printf",
        Frame::Sniffed(_) => "sniffed",
        Frame::LegacyAck { .. } | Frame::LegacyRequest => "legacy",
    }
}

fn check_status(status: &StatusFrame, element: Option<&str>, mut expected: Fields) {
    // Read with its bytes swapped, and so undone before the comparison.
    let swapped = expected.remove("moteId_le").and_then(|id| id.as_u64());
    assert_eq!(Some(u64::from(status.id16.swap_bytes())), swapped);
    let (name, fields) = as_openvisualizer_names_them(&status.element);
    assert_eq!(Some(name), element);
    assert_eq!(fields, expected, "{status:?}");
}

fn check_log(log: LogFrame, component: Option<&str>, expected: &Fields) {
    let fields = json!({
        "moteId": log.id16, "component": log.component, "code": log.code,
        // The oracle takes every first argument as signed.
        "arg1": log.arg1.cast_signed(), "arg2": log.arg2,
    });
    assert_eq!(&fields, &Value::Object(expected.clone()));
    let described = log.describe();
    assert_eq!(Some(described.component.name.as_str()), component);
    assert_ne!(described.error.name, "unknown", "{log:?}");
}

fn check_data(data: &DataFrame, expected: &Fields) {
    let part = |name: &str| HEXLOWER.decode(expected[name].as_str().expect("text").as_bytes()).expect("hex");
    assert_eq!(json!(little_endian(data.asn)), expected["asn_le_bytes"]);
    assert_eq!(json!(format!("{:04x}", data.id16)), expected["moteId"]);
    assert_eq!(data.body, [part("dest"), part("source"), part("payload")].concat());
    match data.mesh() {
        Some(mesh) => {
            assert_eq!(mesh.destination.0.to_vec(), part("dest"));
            assert_eq!(mesh.source.0.to_vec(), part("source"));
            assert_eq!(mesh.lowpan, part("payload"));
        }
        None => assert!(part("source").len() < 8, "{data:?}"),
    }
}

fn as_openvisualizer_names_them(element: &Element) -> (&'static str, Fields) {
    let (name, fields) = match element {
        Element::IsSync(each) => ("IsSync", json!({"isSync": u8::from(each.is_sync)})),
        Element::IdManager(each) => ("IdManager", id_manager(each)),
        Element::MyDagRank(each) => ("MyDagRank", json!({"myDAGrank": each.rank})),
        Element::OutputBuffer(each) => ("OutputBuffer", json!({"index_write": each.index_write, "index_read": each.index_read})),
        Element::Asn(each) => ("Asn", Value::Object(asn("asn", *each).collect())),
        Element::MacStats(each) => ("MacStats", mac_stats(each)),
        Element::ScheduleRow(each) => ("ScheduleRow", schedule_row(each)),
        Element::Backoff(each) => ("Backoff", json!({"backoffExponent": each.exponent, "backoff": each.backoff})),
        Element::Queue(entries) => {
            let entry = |(at, entry): (usize, &mqtypes::status::QueueEntry)| {
                [(format!("creator_{at}"), json!(entry.creator)), (format!("owner_{at}"), json!(entry.owner))]
            };
            ("QueueRow", Value::Object(entries.iter().enumerate().flat_map(entry).collect()))
        }
        Element::NeighborsRow(each) => ("NeighborsRow", neighbors_row(each)),
        Element::KaPeriod(slots) => ("kaPeriod", json!({"kaPeriod": slots})),
        Element::Joined(each) => ("Joined", Value::Object(asn("joinedAsn", *each).collect())),
        Element::Msf(each) => ("MSF", json!({"numCellsUsed_tx": each.num_cells_used_tx, "numCellsUsed_rx": each.num_cells_used_rx})),
        Element::Unknown { .. } => panic!("not in the recordings: {element:?}"),
    };
    let Value::Object(fields) = fields else { panic!("{fields} is no object") };
    (name, fields)
}

fn id_manager(id: &IdManager) -> Value {
    let mut fields = Fields::new();
    fields.insert("isDAGroot".to_owned(), json!(u8::from(id.is_dag_root)));
    fields.extend(numbered("myPANID", &id.pan_id.to_le_bytes()));
    fields.extend(numbered("my16bID", &id.id16.to_be_bytes()));
    fields.extend(numbered("my64bID", &id.eui64.0));
    fields.extend(numbered("myPrefix", &id.prefix));
    Value::Object(fields)
}

fn mac_stats(stats: &MacStats) -> Value {
    json!({
        "numSyncPkt": stats.num_sync_pkt, "numSyncAck": stats.num_sync_ack,
        "minCorrection": stats.min_correction, "maxCorrection": stats.max_correction,
        "numDeSync": stats.num_de_sync, "numTicsOn": stats.num_tics_on, "numTicsTotal": stats.num_tics_total,
    })
}

fn schedule_row(row: &ScheduleRow) -> Value {
    let Value::Object(mut fields) = json!({
        "row": row.row, "slotOffset": row.slot_offset, "type": row.cell_type, "shared": u8::from(row.shared),
        "channelOffset": row.channel_offset, "numRx": row.num_rx, "numTx": row.num_tx, "numTxACK": row.num_tx_ack,
    }) else {
        unreachable!("an object was written")
    };
    fields.extend(address("neighbor", &row.neighbor));
    fields.extend(asn("lastUsedAsn", row.last_used_asn));
    Value::Object(fields)
}

fn neighbors_row(row: &NeighborsRow) -> Value {
    let Value::Object(mut fields) = json!({
        "row": row.row, "used": u8::from(row.used), "insecure": u8::from(row.insecure), "parentPreference": row.parent_preference,
        "stableNeighbor": u8::from(row.stable_neighbor), "switchStabilityCounter": row.switch_stability_counter,
        "DAGrank": row.dag_rank, "rssi": row.rssi, "numRx": row.num_rx, "numTx": row.num_tx, "numTxACK": row.num_tx_ack,
        "numWraps": row.num_wraps, "joinPrio": row.join_prio, "f6PNORES": u8::from(row.f6p_no_res),
        "sixtopSeqNum": row.sixtop_seq_num, "backoffExponent": row.backoff_exponent, "backoff": row.backoff,
    }) else {
        unreachable!("an object was written")
    };
    assert_eq!(row.in_blacklist, None);
    fields.extend(address("addr", &row.addr));
    fields.extend(asn("asn", row.asn));
    Value::Object(fields)
}

fn numbered(name: &str, bytes: &[u8]) -> impl Iterator<Item = (String, Value)> {
    bytes.iter().enumerate().map(move |(at, byte)| (format!("{name}_{at}"), json!(byte)))
}

fn asn(name: &str, Asn(slots): Asn) -> impl Iterator<Item = (String, Value)> {
    [("4", slots >> 32), ("2_3", slots >> 16 & 0xffff), ("0_1", slots & 0xffff)]
        .map(|(part, value)| (format!("{name}_{part}"), json!(value)))
        .into_iter()
}

/// The oracle reads the sixteen bytes as two little-endian halves.
fn address(name: &str, address: &Address) -> impl Iterator<Item = (String, Value)> {
    let half = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| address.bytes[at + byte]));
    [("type", u64::from(address.kind)), ("bodyH", half(0)), ("bodyL", half(8))]
        .map(|(part, value)| (format!("{name}_{part}"), json!(value)))
        .into_iter()
}

fn little_endian(Asn(slots): Asn) -> String {
    HEXLOWER.encode(&slots.to_le_bytes()[..5])
}
