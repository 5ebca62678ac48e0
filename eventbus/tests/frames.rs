//! One documented frame of every family and every element, in both directions.
//!
//! Mote `4c01` throughout. The bytes were made by the firmware's own structs; they are right, and the code has to follow.

use data_encoding::{HEXLOWER, Specification};
use eventbus::frame::{
    DataFrame, Frame, FrameError, HostFrame, LogFrame, MAX_ECHO, MAX_LOWPAN, MeshData, PrintfFrame, RootAction, SetRoot, SniffedFrame,
    StatusFrame,
};
use mqtypes::ids::{Asn, Eui64};
use mqtypes::log::Severity;
use mqtypes::status::{
    Address, Backoff, Element, IdManager, IsSync, MacStats, Msf, MyDagRank, NeighborsRow, OutputBuffer, QueueEntry, ScheduleRow,
};

const ID: u16 = 0x4c01;
const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0x4c, 0x01]);
const MOTE_2: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 2]);
const NOBODY: Address = Address { kind: 0, bytes: [0; 16] };

fn bytes(hex: &str) -> Vec<u8> {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdef");
    specification.ignore.push(' ');
    specification.encoding().expect("valid").decode(hex.as_bytes()).expect("hex")
}

fn check(hex: &str, frame: &Frame) {
    let payload = bytes(hex);
    assert_eq!(Frame::parse(&payload).as_ref(), Ok(frame), "reading {hex}");
    assert_eq!(HEXLOWER.encode(&frame.emit()), HEXLOWER.encode(&payload), "writing {frame:?}");
}

fn check_element(body: &str, element: Element) {
    check(&format!("53 4c 01 {body}"), &Frame::Status(StatusFrame { id16: ID, element }));
}

fn check_log(hex: &str, severity: Severity, [component, code]: [u8; 2], [arg1, arg2]: [u16; 2]) {
    check(hex, &Frame::Log(LogFrame { severity, id16: ID, component, code, arg1, arg2 }));
}

fn check_host(hex: &str, frame: &HostFrame) {
    let payload = bytes(hex);
    assert_eq!(HostFrame::parse(&payload).as_ref(), Ok(frame), "reading {hex}");
    assert_eq!(frame.emit().as_ref(), Ok(&payload), "writing {frame:?}");
}

fn address_of(eui64: Eui64) -> Address {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&eui64.0);
    Address { kind: 2, bytes }
}

#[test]
fn elements_of_a_few_bytes() {
    check_element("00 01", Element::IsSync(IsSync { is_sync: true }));
    check_element("02 00 01", Element::MyDagRank(MyDagRank { rank: 256 }));
    check_element("03 13 07 12 07", Element::OutputBuffer(OutputBuffer { index_write: 0x0713, index_read: 0x0712 }));
    check_element("04 00 01 00 12 13", Element::Asn(Asn(0x1_1312)));
    check_element("07 01 00", Element::Backoff(Backoff { exponent: 1, backoff: 0 }));
    check_element("0a e8 03", Element::KaPeriod(1000));
    check_element("0b 00 00 00 f0 01", Element::Joined(Asn(0x1f0)));
    check_element("0c 0c 00", Element::Msf(Msf { num_cells_used_tx: 12, num_cells_used_rx: 0 }));
}

#[test]
fn the_five_bytes_of_an_asn_are_in_two_orders() {
    check_element("04 05 03 04 01 02", Element::Asn(Asn(0x05_0403_0201)));
    let body = Vec::new();
    check("44 4c 01 01 02 03 04 05", &Frame::Data(DataFrame { id16: ID, asn: Asn(0x05_0403_0201), body }));
}

#[test]
fn id_manager() {
    check_element(
        "01 01 fe ca 4c 01 14 15 92 cc 00 00 4c 01 bb bb 00 00 00 00 00 00",
        Element::IdManager(IdManager { is_dag_root: true, pan_id: 0xcafe, id16: ID, eui64: ROOT, prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0] }),
    );
}

#[test]
fn mac_stats() {
    check_element(
        "05 03 11 fc ff 05 00 00 e8 03 00 00 00 00 01 00",
        Element::MacStats(MacStats {
            num_sync_pkt: 3,
            num_sync_ack: 17,
            min_correction: -4,
            max_correction: 5,
            num_de_sync: 0,
            num_tics_on: 1000,
            num_tics_total: 65536,
        }),
    );
}

#[test]
fn schedule_rows() {
    let minimal = ScheduleRow {
        row: 0,
        slot_offset: 0,
        cell_type: 3,
        shared: true,
        channel_offset: 0,
        neighbor: Address { kind: 6, ..NOBODY },
        num_rx: 7,
        num_tx: 9,
        num_tx_ack: 8,
        last_used_asn: Asn(0x1234),
    };
    check_element(
        "06 00 00 00 03 01 00 06 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 07 09 08 00 00 00 34 12",
        Element::ScheduleRow(minimal),
    );
    let negotiated = ScheduleRow {
        row: 5,
        slot_offset: 37,
        cell_type: 1,
        shared: false,
        channel_offset: 11,
        neighbor: address_of(MOTE_2),
        num_rx: 0,
        num_tx: 20,
        num_tx_ack: 19,
        last_used_asn: Asn(0x1_0002),
    };
    check_element(
        "06 05 25 00 01 00 0b 02 14 15 92 cc 00 00 00 02 00 00 00 00 00 00 00 00 00 14 13 00 01 00 02 00",
        Element::ScheduleRow(negotiated),
    );
    assert_eq!(negotiated.neighbor.eui64(), Some(MOTE_2));
}

#[test]
fn a_queue_has_as_many_entries_as_its_length_says() {
    let waiting = [QueueEntry { creator: 0x0c, owner: 0x0a }, QueueEntry { creator: 0x18, owner: 0x0a }];
    for entries in [20, 10, 5] {
        let mut queue = waiting.to_vec();
        queue.resize(entries, QueueEntry { creator: 0, owner: 0 });
        check_element(&format!("08 0c 0a 18 0a {}", "00 00 ".repeat(entries - 2)), Element::Queue(queue));
    }
}

fn neighbor() -> NeighborsRow {
    NeighborsRow {
        row: 2,
        used: true,
        insecure: false,
        parent_preference: 1,
        stable_neighbor: true,
        switch_stability_counter: 0,
        addr: address_of(MOTE_2),
        dag_rank: 0x0200,
        rssi: -63,
        num_rx: 40,
        num_tx: 20,
        num_tx_ack: 19,
        num_wraps: 0,
        asn: Asn(0x1_0002),
        join_prio: 0,
        f6p_no_res: false,
        in_blacklist: None,
        sixtop_seq_num: 3,
        backoff_exponent: 1,
        backoff: 0,
    }
}

#[test]
fn neighbor_rows_of_current_and_legacy_firmware() {
    check_element(
        "09 02 01 00 01 01 00 02 14 15 92 cc 00 00 00 02 00 00 00 00 00 00 00 00 00 02 c1 28 14 13 00 00 01 00 02 00 00 00 03 01 00",
        Element::NeighborsRow(neighbor()),
    );
    check_element(
        "09 02 01 00 01 01 00 02 14 15 92 cc 00 00 00 02 00 00 00 00 00 00 00 00 00 02 c1 28 14 13 00 00 01 00 02 00 00 00 01 03 01 00",
        Element::NeighborsRow(NeighborsRow { in_blacklist: Some(true), ..neighbor() }),
    );
}

#[test]
fn what_is_no_known_element_keeps_its_number_and_its_bytes() {
    let unknown = |element: u8, body: &str| Element::Unknown { element, body: bytes(body) };
    check_element("0d 01 02 03", unknown(13, "01 02 03"));
    check_element("ff", unknown(255, ""));
    check_element("00", unknown(0, ""));
    check_element("00 01 01", unknown(0, "01 01"));
    check_element("08 0c 0a 18", unknown(8, "0c 0a 18"));
    for len in [30, 32] {
        check_element(&format!("06 {}", "00".repeat(len)), unknown(6, &"00".repeat(len)));
    }
    for len in [39, 42] {
        check_element(&format!("09 {}", "00".repeat(len)), unknown(9, &"00".repeat(len)));
    }
}

#[test]
fn a_flag_is_true_unless_it_is_zero() {
    let synchronised = Frame::Status(StatusFrame { id16: ID, element: Element::IsSync(IsSync { is_sync: true }) });
    assert_eq!(Frame::parse(&bytes("53 4c 01 00 02")), Ok(synchronised));
}

#[test]
fn logs_of_every_severity() {
    check_log("55 4c 01 01 4f 00 00 00 00", Severity::Success, [0x01, 0x4f], [0, 0]);
    check_log("57 4c 01 09 31 ff f9 00 01", Severity::Warning, [0x09, 0x31], [0xfff9, 1]);
    check_log("55 4c 01 0c 25 00 00 00 07", Severity::Success, [0x0c, 0x25], [0, 7]);
    check_log("45 4c 01 04 42 00 00 00 00", Severity::Error, [0x04, 0x42], [0, 0]);
    check_log("43 4c 01 0d 21 00 1e 00 00", Severity::Critical, [0x0d, 0x21], [30, 0]);
    check_log("49 4c 01 1d 02 00 00 00 00", Severity::Info, [0x1d, 0x02], [0, 0]);
    check_log("56 4c 01 10 2b 00 05 00 00", Severity::Verbose, [0x10, 0x2b], [5, 0]);
}

#[test]
fn data_from_the_mesh_and_the_reply_to_an_echo() {
    let lowpan = bytes("f1 83 05 08 7a 55");
    let mesh = MeshData { destination: ROOT, source: MOTE_2, lowpan: &lowpan };
    let packet = DataFrame::from_mesh(ID, Asn(0x1234), mesh);
    assert_eq!(packet.mesh(), Some(mesh));
    check("44 4c 01 34 12 00 00 00 14 15 92 cc 00 00 4c 01 14 15 92 cc 00 00 00 02 f1 83 05 08 7a 55", &Frame::Data(packet));

    let echo = DataFrame { id16: ID, asn: Asn(0x1234), body: bytes("aa bb cc") };
    assert_eq!(echo.mesh(), None);
    check("44 4c 01 34 12 00 00 00 aa bb cc", &Frame::Data(echo));
}

#[test]
fn sixteen_bytes_of_data_hold_two_addresses_and_fifteen_do_not() {
    let of_length = |len| DataFrame { id16: ID, asn: Asn(0), body: vec![7; len] };
    assert_eq!(of_length(16).mesh().map(|mesh| mesh.lowpan.len()), Some(0));
    assert_eq!(of_length(15).mesh(), None);
}

#[test]
fn printf_sniffed_and_legacy_frames() {
    check("46 4c 01 34 12 00 00 00 68 69", &Frame::Printf(PrintfFrame { id16: ID, asn: Asn(0x1234), text: b"hi".to_vec() }));
    check("50 4c 01 02 00 01 00 00 14", &Frame::Sniffed(SniffedFrame { id16: ID, frame: bytes("02 00 01 00 00"), channel: 20 }));
    check("41 4c 01", &Frame::LegacyAck { id16: ID });
    check("52", &Frame::LegacyRequest);
}

#[test]
fn frames_that_are_none_say_why() {
    let truncated = |need, got| FrameError::Truncated { need, got };
    let cases = [
        ("", FrameError::Empty, "empty"),
        ("00", FrameError::UnknownType(0), "unknown-type"),
        ("53 4c 01", truncated(4, 3), "truncated"),
        ("44 4c 01 34 12 00 00", truncated(8, 7), "truncated"),
        ("46 4c 01 34", truncated(8, 4), "truncated"),
        ("45 4c 01 04 42 00 00 00", truncated(9, 8), "truncated"),
        ("50 4c 01", truncated(4, 3), "truncated"),
        ("41 4c", truncated(3, 2), "truncated"),
        ("45 4c 01 04 42 00 00 00 00 00", FrameError::TooLong { most: 9, got: 10 }, "too-long"),
        ("52 00", FrameError::TooLong { most: 1, got: 2 }, "too-long"),
    ];
    for (hex, error, reason) in cases {
        assert_eq!(Frame::parse(&bytes(hex)), Err(error), "{hex}");
        assert_eq!(error.reason(), reason);
    }
}

fn set_root(action: RootAction) -> HostFrame {
    let key = std::array::from_fn(|at| 0x10 + u8::try_from(at).expect("sixteen"));
    HostFrame::SetRoot(SetRoot { action, prefix: [0xbb, 0xbb, 0, 0, 0, 0, 0, 0], key_index: 1, key })
}

#[test]
fn frames_to_a_mote() {
    let rest = "bb bb 00 00 00 00 00 00 01 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f";
    check_host(&format!("52 54 {rest}"), &set_root(RootAction::Toggle));
    check_host(&format!("52 59 {rest}"), &set_root(RootAction::Yes));
    check_host(&format!("52 4e {rest}"), &set_root(RootAction::No));
    check_host("53 00 01 02 03 04 05 06 07 08 09", &HostFrame::Echo((0..10).collect()));
    check_host("51", &HostFrame::Reset);
    let lowpan = "f1 7a 55 3a 00 00 00 00 00 00 00 01 14 15 92 cc 00 00 00 02 80 00 12 34 00 01 00 01";
    check_host(&format!("44 14 15 92 cc 00 00 00 02 {lowpan}"), &HostFrame::Data { next_hop: MOTE_2, lowpan: bytes(lowpan) });
}

#[test]
fn a_mote_refuses_what_does_not_fit() {
    let too_long = |most, got| FrameError::TooLong { most, got };
    let cases = [
        (bytes(""), FrameError::Empty),
        (bytes("43 00 01 05"), FrameError::UnknownType(b'C')),
        (bytes(&"52".repeat(26)), FrameError::Truncated { need: 27, got: 26 }),
        (bytes(&"52".repeat(28)), too_long(27, 28)),
        (bytes(&"52".repeat(27)), FrameError::UnknownAction(0x52)),
        (bytes("44 01 02 03"), FrameError::Truncated { need: 9, got: 4 }),
        (vec![b'D'; 9 + MAX_LOWPAN + 1], too_long(MAX_LOWPAN, MAX_LOWPAN + 1)),
        (vec![b'S'; 198], too_long(197, 198)),
    ];
    for (payload, error) in cases {
        assert_eq!(HostFrame::parse(&payload), Err(error), "{payload:02x?}");
    }
}

#[test]
fn the_longest_frames_to_a_mote_can_be_sent_and_no_longer_ones() {
    let data = |len| HostFrame::Data { next_hop: MOTE_2, lowpan: vec![0; len] }.emit().map(|payload| payload.len());
    let echo = |len| HostFrame::Echo(vec![0; len]).emit().map(|payload| payload.len());
    assert_eq!([data(118), echo(196)], [Ok(127), Ok(197)]);
    assert_eq!(data(119), Err(FrameError::TooLong { most: MAX_LOWPAN, got: 119 }));
    assert_eq!(echo(197), Err(FrameError::TooLong { most: MAX_ECHO, got: 197 }));
}

#[test]
fn a_debug_print_does_not_tell_the_networks_key() {
    let shown = format!("{:?}", set_root(RootAction::Yes));
    assert!(shown.contains("Yes") && !shown.contains("key"), "{shown}");
}
