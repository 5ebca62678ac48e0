//! The mesh with virtual time, and over what genuine motes sent.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use lowpan::address::{Address, LINK_LOCAL};
use lowpan::{Dao, Rpi, fragments};
use mqtypes::mesh::UinjectLayout;
use mqtypes::mote::{Link as MoteLink, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];
const ROOT: Eui64 = eui(1);
const AGE: u64 = OLD_AFTER.as_secs();

const fn eui(number: u16) -> Eui64 {
    let [high, low] = number.to_be_bytes();
    Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, high, low])
}

fn global(number: u16) -> Address {
    address::of(PREFIX, eui(number))
}

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000)
}

fn packet(from: Address, next_header: u8, message: impl Fn(Address, Address) -> Vec<u8>) -> Vec<u8> {
    let to = address::of(PREFIX, ROOT);
    Packet { rpi: Some(Rpi::up(0x0b00)), ..Packet::new(from, to, next_header, message(from, to)) }.emit(PREFIX)
}

fn dao(from: u16, parents: &[u16]) -> Vec<u8> {
    let options = parents.iter().flat_map(|parent| Dao::to_parent(1, global(*parent)).options).collect();
    let body = Dao { dodag: Some(global(1)), options, ..Dao::to_parent(1, global(1)) }.emit();
    let message = Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &body };
    packet(global(from), Packet::ICMPV6, |from, to| message.emit(from, to))
}

fn echo_reply(from: Address) -> Vec<u8> {
    let message = Icmpv6 { kind: Icmpv6::ECHO_REPLY, code: 0, body: &[0, 1, 0, 1] };
    packet(from, Packet::ICMPV6, |from, to| message.emit(from, to))
}

fn uinject(from: u16, counter: u16, sent: u64) -> Vec<u8> {
    let layout = UinjectLayout::NameFirst;
    let told = Uinject { layout, counter, asn: Asn(sent), tx_cells: 0, rx_cells: 0, id16: from, tics_on: 1, tics_total: 9 };
    let (source_port, destination_port, payload) = (Uinject::PORT, Uinject::PORT, &told.emit()[..]);
    let message = Udp { source_port, destination_port, payload };
    packet(global(from), Packet::UDP, |from, to| message.emit(from, to))
}

fn mesh() -> Mesh {
    Mesh::new(PREFIX)
}

fn hear(mesh: &mut Mesh, seconds: u64, lowpan: &[u8]) -> PacketKind {
    mesh.handle_packet(at(seconds), ROOT, Asn(seconds * 100), eui(2), lowpan)
}

fn parents(mesh: &Mesh, number: u16) -> Option<(Vec<Eui64>, Option<u8>)> {
    mesh.dag(eui(number)).map(|entry| (entry.parents, entry.hops))
}

#[test]
fn each_dao_replaces_its_motes_parents() {
    let mut mesh = mesh();
    assert_eq!(hear(&mut mesh, 10, &dao(3, &[1, 4])), PacketKind::Dao);
    assert_eq!(parents(&mesh, 3), Some((vec![eui(1), eui(4)], Some(1))));
    hear(&mut mesh, 20, &dao(3, &[4]));
    assert_eq!(parents(&mesh, 3), Some((vec![eui(4)], None)));
    let entry = mesh.dag(eui(3)).expect("heard");
    assert_eq!((entry.root, entry.address, entry.packets), (ROOT, global(3), 2));
    assert_eq!((entry.dao_heard, entry.last_packet), (Some(at(20)), at(20)));
}

#[test]
fn hops_follow_first_parents_and_change_for_those_below_too() {
    let mut mesh = mesh();
    for (child, parent) in [(2, 1), (3, 2), (4, 3)] {
        hear(&mut mesh, 10, &dao(child, &[parent]));
    }
    assert_eq!([2, 3, 4].map(|mote| mesh.dag(eui(mote)).and_then(|entry| entry.hops)), [Some(1), Some(2), Some(3)]);
    mesh.take_changes();
    hear(&mut mesh, 20, &dao(3, &[1]));
    assert_eq!(mesh.dag(eui(4)).and_then(|entry| entry.hops), Some(2));
    assert_eq!(mesh.take_changes(), BTreeSet::from([MeshChange::Dag(eui(3)), MeshChange::Dag(eui(4))]));
}

#[test]
fn a_circle_and_a_dead_end_have_no_hops() {
    let mut mesh = mesh();
    for (child, parent) in [(2, 3), (3, 2), (4, 4), (5, 9), (6, 5)] {
        hear(&mut mesh, 10, &dao(child, &[parent]));
    }
    assert!([2, 3, 4, 5, 6].iter().all(|mote| mesh.dag(eui(*mote)).is_some_and(|entry| entry.hops.is_none())));
}

#[test]
fn what_is_not_told_again_is_believed_for_900_seconds() {
    let mut mesh = mesh();
    hear(&mut mesh, 0, &dao(2, &[1]));
    hear(&mut mesh, 100, &dao(3, &[2]));
    hear(&mut mesh, 500, &echo_reply(global(2)));
    mesh.take_changes();

    assert_eq!(mesh.poll_timeout(), Some(at(AGE)));
    mesh.handle_timeout(Mono(at(AGE).0 - 1));
    assert!(mesh.take_changes().is_empty());
    mesh.handle_timeout(at(AGE));
    assert_eq!((parents(&mesh, 2), parents(&mesh, 3)), (Some((vec![], None)), Some((vec![eui(2)], None))));
    assert_eq!(mesh.take_changes(), BTreeSet::from([MeshChange::Dag(eui(2)), MeshChange::Dag(eui(3))]));

    assert_eq!(mesh.poll_timeout(), Some(at(100 + AGE)));
    mesh.handle_timeout(at(100 + AGE));
    assert_eq!(mesh.take_changes(), BTreeSet::from([MeshChange::Entry(eui(3)), MeshChange::DagGone(eui(3))]));
    mesh.handle_timeout(at(500 + AGE));
    assert_eq!((mesh.poll_timeout(), parents(&mesh, 2), parents(&mesh, 3)), (None, None, None));
}

#[test]
fn a_mote_without_a_cable_is_up_silent_and_up_again() {
    let mut mesh = mesh();
    let link = |mesh: &Mesh| mesh.entry(eui(2)).map(|entry| (entry.link, entry.since, entry.last_heard));
    assert_eq!(link(&mesh), None);
    hear(&mut mesh, 10, &echo_reply(global(2)));
    assert!(mesh.take_changes().contains(&MeshChange::Entry(eui(2))));
    assert_eq!(mesh.entry(eui(2)).map(|entry| (entry.source, entry.port, entry.dagroot)), Some((Source::Dao, None, None)));
    hear(&mut mesh, 20, &dao(2, &[1]));
    assert!(!mesh.take_changes().contains(&MeshChange::Entry(eui(2))));
    assert_eq!(link(&mesh), Some((MoteLink::Up, at(10), Some(at(20)))));
    assert_eq!(mesh.entry(eui(2)).and_then(|entry| entry.dagroot), Some(false));

    mesh.handle_timeout(at(20 + AGE + 5));
    assert_eq!(link(&mesh), Some((MoteLink::Silent, at(20 + AGE), Some(at(20)))));
    hear(&mut mesh, 2000, &dao(2, &[1]));
    assert_eq!(link(&mesh), Some((MoteLink::Up, at(2000), Some(at(2000)))));
    assert_eq!(parents(&mesh, 2), Some((vec![ROOT], Some(1))));
    let changes = mesh.take_changes();
    assert!(changes.contains(&MeshChange::Dag(eui(2))) && !changes.contains(&MeshChange::DagGone(eui(2))));
}

#[test]
fn a_mote_may_move_to_another_root() {
    let mut mesh = mesh();
    let other = eui(9);
    hear(&mut mesh, 10, &dao(2, &[1]));
    hear(&mut mesh, 10, &dao(3, &[2]));
    mesh.handle_packet(at(20), other, Asn(2000), eui(2), &dao(2, &[9]));
    assert_eq!(mesh.dag(eui(2)).map(|entry| (entry.root, entry.hops)), Some((other, Some(1))));
    // The other one's last packet came through the first root, to which its parent leads no more.
    assert_eq!(mesh.dag(eui(3)).map(|entry| (entry.root, entry.hops)), Some((ROOT, None)));
    mesh.handle_packet(at(30), other, Asn(3000), eui(2), &echo_reply(global(3)));
    assert_eq!(mesh.dag(eui(3)).map(|entry| (entry.root, entry.hops)), Some((other, Some(2))));
}

#[test]
fn a_packet_in_fragments_counts_once_it_is_whole() {
    let mut mesh = mesh();
    let long = dao(2, &[1, 3, 4]);
    let [first, last] = &fragments(&long, 7)[..] else { panic!("two fragments") };
    assert_eq!(hear(&mut mesh, 10, last), PacketKind::Fragment);
    assert_eq!((mesh.motes().count(), mesh.poll_timeout()), (0, Some(at(70))));
    assert_eq!(hear(&mut mesh, 11, first), PacketKind::Dao);
    assert_eq!(parents(&mesh, 2), Some((vec![eui(1), eui(3), eui(4)], Some(1))));

    hear(&mut mesh, 20, first);
    mesh.handle_timeout(at(80));
    assert_eq!(mesh.tally().of("mesh-packet-incomplete"), 1);
}

#[test]
fn who_has_no_address_of_a_mote_is_not_kept() {
    let mut mesh = mesh();
    let elsewhere = address::of([0xcc, 0xcc, 0, 0, 0, 0, 0, 0], eui(2));
    let router = address::of(PREFIX, Eui64([0, 0, 0, 0, 0, 0, 0, 1]));
    for from in [[0; 16], elsewhere, router, global(1)] {
        assert_eq!(hear(&mut mesh, 10, &echo_reply(from)), PacketKind::Icmpv6);
    }
    assert_eq!((mesh.motes().count(), mesh.poll_timeout()), (0, None));
    hear(&mut mesh, 10, &echo_reply(address::of(LINK_LOCAL, eui(5))));
    assert_eq!(mesh.motes().collect::<Vec<_>>(), [eui(5)]);
}

#[test]
fn packets_are_counted_by_what_they_are() {
    let mut mesh = mesh();
    let join = Udp { source_port: 5683, destination_port: 5683, payload: &[0x51, 2] };
    let dio = Icmpv6 { kind: Icmpv6::RPL, code: 1, body: &[] };
    assert_eq!(hear(&mut mesh, 1, &packet(global(2), Packet::UDP, |from, to| join.emit(from, to))), PacketKind::Udp);
    assert_eq!(hear(&mut mesh, 1, &packet(global(2), Packet::ICMPV6, |from, to| dio.emit(from, to))), PacketKind::Rpl);
    assert_eq!(hear(&mut mesh, 1, &packet(global(2), 59, |_, _| vec![])), PacketKind::Other);
    assert_eq!(hear(&mut mesh, 1, &uinject(2, 0, 50)), PacketKind::Uinject);
    let mut damaged = dao(2, &[1]);
    damaged[30] ^= 1;
    assert_eq!(hear(&mut mesh, 1, &damaged), PacketKind::Unreadable("bad-checksum"));
    assert_eq!(hear(&mut mesh, 1, &[0x12; 40]), PacketKind::Unreadable("unknown-dispatch"));
    assert_eq!(mesh.dag(eui(2)).map(|entry| (entry.packets, entry.parents)), Some((4, vec![])));
}

#[test]
fn uinject_is_told_per_mote() {
    let mut mesh = mesh();
    hear(&mut mesh, 10, &uinject(2, 7, 960));
    hear(&mut mesh, 11, &uinject(3, 1, 1000));
    mesh.take_changes();
    hear(&mut mesh, 80, &uinject(2, 9, 7900));
    assert_eq!(mesh.take_changes(), BTreeSet::from([MeshChange::Dag(eui(2)), MeshChange::Uinject(eui(2))]));
    let report = mesh.uinject(eui(2)).expect("told");
    assert_eq!((report.mote, report.counter, report.received, report.expected), (eui(2), 9, 2, 3));
    assert_eq!((report.latency, report.latency_sum, report.latencies), (Some(100), 140, 2));
    assert_eq!(mesh.uinject(eui(3)).map(|report| report.latency), Some(Some(100)));
    assert_eq!(mesh.uinject(eui(4)), None);
}

#[test]
fn endless_addresses_do_not_grow_it_and_the_oldest_goes_first() {
    let mut mesh = mesh();
    hear(&mut mesh, 0, &uinject(2, 1, 0));
    hear(&mut mesh, 0, &dao(3, &[2]));
    let many = MOST_MOTES as u16;
    for number in 0..many {
        hear(&mut mesh, 1 + u64::from(number), &dao(1000 + number, &[1]));
        hear(&mut mesh, 1 + u64::from(number), &dao(3, &[2]));
    }
    assert_eq!((mesh.motes().count(), mesh.tally().of("mesh-mote-forgotten")), (MOST_MOTES, 2));
    assert_eq!((mesh.entry(eui(2)), mesh.uinject(eui(2)), mesh.entry(eui(1000))), (None, None, None));
    assert!(mesh.entry(eui(3)).is_some());
    let changes = mesh.take_changes();
    assert!(changes.is_superset(&BTreeSet::from([MeshChange::Entry(eui(2)), MeshChange::DagGone(eui(2)), MeshChange::Uinject(eui(2))])));
    let endless: Vec<u16> = (1..=40).collect();
    for fragment in fragments(&dao(4, &endless), 1) {
        hear(&mut mesh, 2000, &fragment);
    }
    assert_eq!(mesh.dag(eui(4)).map(|entry| entry.parents.len()), Some(8));
}

proptest! {
    #[test]
    fn any_bytes_leave_it_within_its_bounds(packets in vec((vec(any::<u8>(), 0..60), any::<u16>()), 0..40)) {
        let mut mesh = mesh();
        for ((lowpan, pause), count) in packets.iter().zip(1..) {
            let now = at(u64::from(*pause));
            let beginnings = [&[][..], &[0xf1], &[0xf1, 0x83, 5, 0x0b, 0x7a, 0x77], &[0xc0, 0x40]];
            mesh.handle_packet(now, ROOT, Asn(0), eui(2), &[beginnings[usize::from(pause % 4)], lowpan].concat());
            mesh.handle_timeout(now);
            prop_assert!(mesh.motes().count() <= count);
            prop_assert!(mesh.poll_timeout().is_none_or(|at| at > now));
        }
    }
}

#[test]
fn the_dag_of_recording_b_is_openvisualizers() {
    let (mesh, kinds) = replay("B");
    assert_eq!(edges(&mesh), final_edges("B"));
    assert_eq!([2, 3, 4, 5].map(|mote| mesh.dag(eui(mote)).and_then(|entry| entry.hops)), [Some(1), Some(2), Some(1), Some(1)]);
    assert_eq!(
        kinds,
        BTreeMap::from([(PacketKind::Dao, 34), (PacketKind::Uinject, 21), (PacketKind::Udp, 4), (PacketKind::Fragment, 15),])
    );
    let report = mesh.uinject(eui(2)).expect("it injected");
    let mean = report.latency_sum / u64::from(report.latencies);
    assert!(report.received <= report.expected && (1..500).contains(&mean), "{report:?}");
}

#[test]
fn the_dag_of_recording_d_is_openvisualizers_but_for_a_dao_without_its_end() {
    let (mesh, kinds) = replay("D");
    let mut expected = final_edges("D");
    // Its last DAO lost its end on the way. OpenVisualizer takes it, and with it a parent without an address.
    assert!(expected.remove(&("0004".to_owned(), String::new())));
    expected.insert(("0004".to_owned(), "0002".to_owned()));
    assert_eq!(edges(&mesh), expected);
    assert_eq!(kinds.get(&PacketKind::Unreadable("bad-checksum")), Some(&2));
    assert_eq!(kinds.get(&PacketKind::Dao), Some(&15));
    assert_eq!(mesh.uinject(eui(4)).map(|report| (report.counter, report.received, report.expected)), Some((2, 3, 3)));
}

fn data_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(name)
}

/// Hands every data frame of a recording to a mesh, as the mote on its port being a root.
fn replay(recording: &str) -> (Mesh, BTreeMap<PacketKind, u32>) {
    let path = data_file(&format!("{recording}.oracle.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut mesh, mut kinds) = (mesh(), BTreeMap::new());
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let line = line.expect("text");
        if !line.contains("\"data\"") {
            continue;
        }
        let frame: Value = serde_json::from_str(&line).expect("JSON");
        let hex = |name: &str| {
            let text = frame["fields"][name].as_str().expect("text");
            data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex")
        };
        if frame["kind"] != "data" || hex("source").len() < 8 {
            continue;
        }
        let [source, destination] = ["source", "dest"].map(|name| Eui64(hex(name).try_into().expect("eight bytes")));
        let port = frame["port"].as_str().and_then(|port| port.strip_prefix("mote")?.parse().ok()).expect("a port");
        let asn = hex("asn_le_bytes").iter().rfold(0, |asn, byte| asn << 8 | u64::from(*byte));
        let heard = Mono((frame["t"].as_f64().expect("a number") * 1e6) as u64);
        mesh.handle_timeout(heard);
        if destination != eui(port) {
            // An echo of the serial line, which names no root.
            continue;
        }
        let kind = mesh.handle_packet(heard, eui(port), Asn(asn), source, &hex("payload"));
        *kinds.entry(kind).or_default() += 1;
    }
    (mesh, kinds)
}

/// Child and parent by their 16-bit addresses.
fn edges(mesh: &Mesh) -> BTreeSet<(String, String)> {
    let entries = mesh.motes().filter_map(|mote| mesh.dag(mote));
    let pairs = entries.flat_map(|entry| entry.parents.into_iter().map(move |parent| (entry.mote, parent)));
    pairs.map(|(child, parent)| (format!("{:04x}", child.id16()), format!("{:04x}", parent.id16()))).collect()
}

fn final_edges(recording: &str) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(data_file(&format!("{recording}.final.json"))).expect("there");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    let name = |edge: &Value, end: &str| edge[end].as_str().expect("text").to_owned();
    told["dag"][1].as_array().expect("edges").iter().map(|edge| (name(edge, "u"), name(edge, "v"))).collect()
}
