//! Meshes in virtual time, with hosts that listen on every port.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use data_encoding::HEXLOWER;
use eventbus::frame::{Frame, HostFrame, LogFrame, RootAction, SetRoot};
use framing::flow::{Heard, Unescape};
use framing::hdlc::{Decoder, encode};
use lowpan::{Dao, Fragment, Icmpv6, Link, Packet, Reassembly, RplMessage, Udp, Uinject, address};
use mqtypes::log::Severity;
use mqtypes::status::{Element, NeighborsRow};

const PREFIX: [u8; 8] = [0xbb, 0xbb, 0, 0, 0, 0, 0, 0];

/// A mesh, and a host that listens on every port.
struct Scene {
    network: Network,
    now: Mono,
    lines: Vec<(Unescape, Decoder)>,
    heard: Vec<(Mono, usize, Frame)>,
}

impl Scene {
    fn new(motes: u16, seed: u64) -> Self {
        let flow = FlowControl::EverySlot;
        Self::of(Kit { cabled: motes, mesh: 0, seed, flow, first_asn: Asn(0), wander: 5 })
    }

    /// Motes with and without cables, and without flow control, which is quicker.
    fn mesh(cabled: u16, mesh: u16, wander: u8) -> Self {
        Self::of(Kit { cabled, mesh, seed: 1, flow: FlowControl::Silent, first_asn: Asn(0), wander })
    }

    fn of(kit: Kit) -> Self {
        let mut network = Network::new(kit, Plan::default());
        let now = Mono(0);
        (0..usize::from(kit.cabled)).for_each(|port| network.handle_reader(now, port, Reader::Came));
        let lines = (0..kit.cabled).map(|_| (Unescape::default(), Decoder::new())).collect();
        Self { network, now, lines, heard: Vec::new() }
    }

    fn type_in(&mut self, line: &str) -> Vec<String> {
        self.network.handle_line(self.now, line);
        std::iter::from_fn(|| self.network.poll_remark()).collect()
    }

    fn run(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(at) = self.network.poll_timeout(self.now).filter(|at| *at <= end) {
            self.now = at;
            self.network.handle_timeout(at);
            for port in 0..self.lines.len() {
                self.listen(port);
            }
        }
        self.now = end;
    }

    fn listen(&mut self, port: usize) {
        while let Some(bytes) = self.network.poll_output(self.now, port) {
            let (unescape, decoder) = &mut self.lines[port];
            for byte in bytes {
                if let Some(Heard::Data(byte)) = unescape.push(byte)
                    && let Some(ended) = decoder.push(byte)
                {
                    let payload = ended.expect("a mote's frames are right");
                    self.heard.push((self.now, port, Frame::parse(&payload).expect("a mote's frames can be read")));
                }
            }
        }
    }

    fn set_root(&mut self, port: usize, action: RootAction) {
        let command = HostFrame::SetRoot(SetRoot { action, prefix: PREFIX, key_index: 1, key: [7; 16] });
        self.network.handle_bytes(self.now, port, &encode(&command.emit().expect("short")));
    }

    /// What a mote said last, of those things that `find` finds.
    fn last<T>(&self, port: usize, find: impl Fn(&Element) -> Option<T>) -> T {
        let of_port = self.heard.iter().rev().filter(|(_, from, _)| *from == port);
        let found = of_port.filter_map(|(_, _, frame)| match frame {
            Frame::Status(status) => find(&status.element),
            _other => None,
        });
        found.take(1).next().expect("it was told")
    }

    fn is_sync(&self, port: usize) -> bool {
        self.last(port, |element| if let Element::IsSync(each) = element { Some(each.is_sync) } else { None })
    }

    fn rank(&self, port: usize) -> u16 {
        self.last(port, |element| if let Element::MyDagRank(each) = element { Some(each.rank) } else { None })
    }
}

#[test]
fn the_others_synchronise_and_join_once_one_is_root() {
    let mut scene = Scene::new(5, 1);
    scene.run(Duration::from_secs(10));
    assert!((0..5).all(|port| !scene.is_sync(port)));
    scene.set_root(0, RootAction::Yes);
    scene.run(Duration::from_secs(90));
    for port in 0..5 {
        assert!(scene.is_sync(port), "mote {}", port + 1);
        let id = scene.last(port, |element| if let Element::IdManager(id) = element { Some(*id) } else { None });
        assert_eq!((id.is_dag_root, id.prefix), (port == 0, PREFIX));
    }
    assert_eq!(scene.rank(0), 256);
    let near = scene.rank(1);
    assert!((512..0x0b00).contains(&near), "{near}");
    assert!(scene.rank(2) > near, "mote 3 stands two hops away");
}

#[test]
fn tables_fill_with_neighbours_and_cells_and_counters_advance() {
    let mut scene = Scene::new(5, 2);
    scene.set_root(0, RootAction::Toggle);
    scene.run(Duration::from_secs(100));
    let rows = |scene: &Scene| -> Vec<_> {
        let told = scene.heard.iter().filter_map(|(_, port, frame)| match frame {
            Frame::Status(status) if *port == 1 => Some(&status.element),
            _other => None,
        });
        told.filter_map(|element| if let Element::NeighborsRow(row) = element { Some(*row) } else { None }).filter(|row| row.used).collect()
    };
    let told = rows(&scene);
    let parent = told.iter().rfind(|row| row.parent_preference == 1).expect("mote 2 has a parent");
    assert_eq!((parent.addr.eui64(), parent.dag_rank, parent.stable_neighbor), (Some(eui64(1)), 256, true));
    let earlier = told.iter().find(|row| row.row == parent.row).expect("told before");
    assert!(parent.num_rx > earlier.num_rx && parent.num_tx > earlier.num_tx && parent.asn > earlier.asn);
    assert!((-70..=-40).contains(&parent.rssi) && parent.rssi != 0);
    let cells: Vec<_> = (0..21).map(|row| schedule_row(&scene, 1, row)).collect();
    assert_eq!([cells[0], cells[1], cells[2]], [2, 3, 1], "its own cell, the minimal cell, one to its parent");
    assert!(schedule_row(&scene, 0, 2) == 2, "the root receives");
}

fn schedule_row(scene: &Scene, port: usize, wanted: u8) -> u8 {
    scene.last(port, |element| if let Element::ScheduleRow(row) = element { (row.row == wanted).then_some(row.cell_type) } else { None })
}

#[test]
fn without_its_root_a_mesh_falls_apart_and_forms_again_around_another() {
    let mut scene = Scene::new(5, 3);
    scene.set_root(0, RootAction::Yes);
    scene.run(Duration::from_mins(1));
    scene.set_root(0, RootAction::No);
    scene.run(Duration::from_secs(20));
    assert!((0..5).all(|port| !scene.is_sync(port)));
    scene.set_root(4, RootAction::Yes);
    scene.run(Duration::from_mins(1));
    assert!((0..5).all(|port| scene.is_sync(port)));
}

#[test]
fn the_same_seed_and_the_same_host_give_the_same_bytes_and_another_seed_does_not() {
    let play = |seed| {
        let mut scene = Scene::of(Kit { cabled: 3, mesh: 3, seed, flow: FlowControl::EverySlot, first_asn: Asn(0), wander: 35 });
        scene.set_root(0, RootAction::Yes);
        scene.run(Duration::from_secs(40));
        scene.type_in("critical 2");
        scene.run(Duration::from_mins(2));
        scene.heard.iter().map(|(at, port, frame)| (*at, *port, HEXLOWER.encode(&frame.emit()))).collect::<Vec<_>>()
    };
    let played = play(7);
    assert!(played == play(7) && played != play(8));
}

#[test]
fn a_mote_is_off_until_its_port_is_opened_and_lives_on_unheard() {
    let kit = Kit { cabled: 2, mesh: 1, seed: 1, flow: FlowControl::EverySlot, first_asn: Asn(0), wander: 5 };
    let mut network = Network::new(kit, Plan::default());
    assert_eq!((network.ports().len(), network.poll_timeout(Mono(0)), network.poll_output(Mono(0), 0)), (2, None, None));
    network.handle_reader(Mono(0), 0, Reader::Came);
    assert!(network.poll_output(Mono(0), 0).is_some_and(|bytes| bytes.starts_with(&[0x7e, 0x55])), "booted");
    assert!(network.mote(2).is_some(), "those without a cable were waiting for that");
    network.handle_reader(Mono(0), 0, Reader::Left);
    while let Some(at) = network.poll_timeout(Mono(0)).filter(|at| *at < Mono(5_000_000)) {
        network.handle_timeout(at);
    }
    assert!(network.mote(1).is_none());
    let due = network.mote(0).expect("on").poll_timeout();
    assert!(due >= Some(Mono(5_000_000)));
    assert_eq!(network.poll_output(Mono(5_000_000), 0), None, "nothing was kept");
}

/// What a border router makes of the frames of a root.
#[derive(Default)]
struct Mesh {
    parents: BTreeMap<u16, Vec<u16>>,
    daos: Vec<(Mono, u16)>,
    latencies: Vec<u64>,
    counters: BTreeMap<u16, Vec<u16>>,
    joins: usize,
}

impl Mesh {
    fn of(scene: &Scene, port: usize) -> Self {
        let mut mesh = Self::default();
        let mut reassembly = Reassembly::default();
        for (at, _, frame) in scene.heard.iter().filter(|(_, from, _)| *from == port) {
            if let Frame::Data(data) = frame {
                let heard = data.mesh().expect("two addresses");
                assert_eq!(heard.destination, scene.network.places[port].eui64);
                let link = Link { source: heard.source, destination: heard.destination };
                let whole = match Fragment::parse(heard.lowpan).expect("a fragment or a packet") {
                    Some(fragment) => reassembly.handle_fragment(*at, link, &fragment).expect("right fragments"),
                    None => Some(heard.lowpan.to_vec()),
                };
                if let Some(whole) = whole {
                    mesh.take(*at, data.asn, &Packet::parse(&whole, link, PREFIX).expect("a packet"));
                }
            }
        }
        mesh
    }

    fn take(&mut self, at: Mono, asn: Asn, packet: &Packet) {
        packet.check().expect("a right checksum");
        let source = address::interface(packet.source).id16();
        if packet.next_header == Packet::ICMPV6 {
            let icmpv6 = Icmpv6::parse(&packet.payload).expect("ICMPv6");
            let Ok(RplMessage::Dao(dao)) = RplMessage::parse(icmpv6.code, icmpv6.body) else { panic!("{icmpv6:?} is no DAO") };
            self.take_dao(at, source, &dao);
            return;
        }
        let udp = Udp::parse(&packet.payload).expect("UDP");
        match Uinject::parse(udp.payload) {
            Some(figures) => {
                assert_eq!(figures.id16, source);
                self.latencies.push(asn.0 - figures.asn.0);
                self.counters.entry(source).or_default().push(figures.counter);
            }
            None => self.joins += usize::from(udp.destination_port == 5_683),
        }
    }

    fn take_dao(&mut self, at: Mono, source: u16, dao: &Dao) {
        let parent = dao.parents().map(|parent| address::interface(parent).id16()).next().expect("one parent");
        let parents = self.parents.entry(source).or_default();
        if parents.last() != Some(&parent) {
            parents.push(parent);
        }
        self.daos.push((at, source));
    }
}

#[test]
fn what_motes_without_a_cable_send_comes_up_through_the_root_and_only_there() {
    let mut scene = Scene::mesh(1, 3, 0);
    scene.run(Duration::from_secs(10));
    scene.set_root(0, RootAction::Yes);
    scene.run(Duration::from_mins(10));
    let mesh = Mesh::of(&scene, 0);
    assert_eq!(mesh.parents.keys().copied().collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!([2, 3, 4].map(|mote| mesh.parents[&mote].clone()), [vec![1], vec![2], vec![3]], "a chain");
    assert_eq!((mesh.joins, mesh.counters.len()), (3, 3));
    assert!(mesh.latencies.iter().all(|slots| *slots < 3_000) && mesh.latencies.iter().any(|slots| *slots > 100), "{:?}", mesh.latencies);
    for (mote, counters) in &mesh.counters {
        assert!(counters.len() > 2 && counters.windows(2).all(|pair| pair[1] > pair[0]), "{mote}: {counters:?}");
    }
    let (from, daos) = (scene.heard.len(), mesh.daos.len());
    scene.set_root(0, RootAction::No);
    scene.run(Duration::from_mins(3));
    assert!(daos > 15 && scene.heard[from..].iter().all(|(_, _, frame)| !matches!(frame, Frame::Data(_))), "{daos}");
}

#[test]
fn a_mote_that_dies_is_heard_no_more_and_its_children_find_another_parent_or_wait_for_it() {
    let mut scene = Scene::mesh(1, 3, 0);
    scene.set_root(0, RootAction::Yes);
    scene.run(Duration::from_mins(4));
    assert_eq!(scene.type_in("off 3"), ["did 240.000 off 3"]);
    assert_eq!(scene.type_in("move 4 1 1"), ["did 240.000 move 4 1 1"]);
    let died = scene.now;
    scene.run(Duration::from_mins(6));
    let mesh = Mesh::of(&scene, 0);
    let last = |mote| mesh.daos.iter().rfind(|(_, source)| *source == mote).map(|(at, _)| *at).expect("it told its parent");
    assert!(last(3) <= died.after(Duration::from_secs(10)) && last(4) > died.after(Duration::from_mins(4)));
    assert!(matches!(mesh.parents[&4].last(), Some(1 | 2)), "{:?}", mesh.parents);
    scene.type_in("on 3");
    scene.run(Duration::from_mins(4));
    assert!(Mesh::of(&scene, 0).daos.iter().any(|(at, source)| *source == 3 && *at > died.after(Duration::from_mins(6))));
}

#[test]
fn a_better_parent_is_preferred_and_whoever_is_gone_loses_its_row() {
    // Mote 3 stands behind mote 2; then it is carried to the root, and far away from mote 2.
    let mut scene = Scene::mesh(3, 0, 0);
    scene.type_in("move 3 2 0");
    scene.set_root(0, RootAction::Yes);
    scene.run(Duration::from_mins(3));
    let parent = |scene: &Scene| scene.network.mote(2).expect("on").describe(scene.now);
    assert!(parent(&scene).starts_with("follows mote 2, joined"), "{}", parent(&scene));
    scene.type_in("move 3 -1 0");
    let from = scene.heard.len();
    scene.run(Duration::from_mins(3));
    assert!(parent(&scene).starts_with("follows mote 1, joined"), "{}", parent(&scene));
    let rows: Vec<NeighborsRow> = scene.heard[from..].iter().filter_map(|(_, port, frame)| neighbor(*port, frame)).collect();
    let of_mote_2 = |row: &&NeighborsRow| row.addr.bytes[..8] == eui64(2).0;
    let (first, last) = (rows.iter().find(of_mote_2).expect("told"), rows.iter().rfind(of_mote_2).expect("told"));
    assert!(first.used && !last.used && last.addr.kind == 0, "{first:?} {last:?}");
    assert!(rows.iter().any(|row| row.addr.eui64() == Some(eui64(1)) && row.parent_preference == 1));
}

fn neighbor(port: usize, frame: &Frame) -> Option<NeighborsRow> {
    match frame {
        Frame::Status(status) if port == 2 => match &status.element {
            Element::NeighborsRow(row) => Some(*row),
            _other => None,
        },
        _other => None,
    }
}

/// What happens in the hour, by minute.
const HOUR: [(u64, &str); 6] = [(20, "boot 2"), (25, "critical 3"), (30, "off 8"), (35, "on 8"), (40, "print 2 hello"), (45, "boot 1")];

/// What is logged in it, as component and code.
const LOGGED: [(u8, u8); 14] = [
    (0x01, 0x4f),
    (0x05, 0x54),
    (0x05, 0x55),
    (0x09, 0x2f),
    (0x09, 0x30),
    (0x09, 0x31),
    (0x09, 0x33),
    (0x0c, 0x25),
    (0x0c, 0x26),
    (0x10, 0x2b),
    (0x10, 0x2c),
    (0x13, 0x1e),
    (0x1d, 0x01),
    (0x1d, 0x02),
];

/// The frames of an hour of a restless mesh in which things go wrong.
fn restless_hour() -> Scene {
    let mut scene = Scene::mesh(5, 4, 35);
    scene.set_root(0, RootAction::Yes);
    for minute in 0..60 {
        HOUR.iter().filter(|(at, _)| *at == minute).for_each(|(_, command)| drop(scene.type_in(command)));
        if minute == 46 {
            scene.set_root(0, RootAction::Yes);
        }
        scene.run(Duration::from_mins(1));
    }
    scene
}

#[test]
fn in_an_hour_of_a_restless_mesh_everything_happens_and_can_be_read() {
    let scene = restless_hour();
    let logs: Vec<&LogFrame> = scene.heard.iter().filter_map(|(_, _, frame)| log(frame)).collect();
    let missing: Vec<_> = LOGGED.iter().filter(|wanted| !logs.iter().any(|log| (log.component, log.code) == **wanted)).collect();
    assert!(missing.is_empty(), "{missing:02x?}");
    let severities: BTreeSet<Severity> = logs.iter().map(|log| log.severity).collect();
    assert_eq!(severities.len(), 6, "{severities:?}");
    let answers: BTreeSet<u16> = logs.iter().filter(|log| log.code == 0x25).map(|log| log.arg1).collect();
    assert!(answers.len() > 1, "cells are not always granted: {answers:?}");

    let statuses = scene.heard.iter().filter_map(|(_, _, frame)| if let Frame::Status(status) = frame { Some(status) } else { None });
    let (mut elements, mut wraps, mut changes) = (BTreeSet::new(), false, BTreeMap::<_, BTreeSet<Eui64>>::new());
    for status in statuses {
        elements.insert(Frame::Status(status.clone()).emit()[3]);
        if let Element::NeighborsRow(row) = &status.element {
            wraps |= row.num_wraps > 0;
            changes.entry((status.id16, row.row)).or_default().extend(row.addr.eui64());
        }
    }
    assert_eq!(elements, (0..13).collect());
    assert!(wraps, "counters are halved");
    assert!(changes.values().any(|neighbors| neighbors.len() > 1), "rows are used again");

    let mesh = Mesh::of(&scene, 0);
    assert_eq!(mesh.parents.len(), 8);
    assert!(mesh.parents.values().any(|parents| parents.len() > 1), "{:?}", mesh.parents);
    assert!(mesh.counters.len() == 8 && mesh.joins >= 8, "{} {}", mesh.counters.len(), mesh.joins);
}

fn log(frame: &Frame) -> Option<&LogFrame> {
    if let Frame::Log(log) = frame { Some(log) } else { None }
}

#[test]
fn what_is_typed_is_done_or_refused_with_the_reason() {
    let mut scene = Scene::mesh(1, 1, 0);
    assert_eq!(scene.type_in("boot 2"), ["did 0.000 boot 2"]);
    assert_eq!(scene.type_in(" # nothing"), [""; 0]);
    assert_eq!(scene.type_in("dance 2"), ["what? `dance` is no command; `help` lists them"]);
    assert_eq!(scene.type_in("boot 3"), ["what? there is no mote 3: the last one is 2"]);
    assert_eq!(scene.type_in("unplug 2"), ["did not 0.000 unplug 2: mote 2 has no cable"]);
    assert_eq!(scene.type_in("replug 1"), ["did not 0.000 replug 1: mote 1 is plugged in"]);
    assert_eq!(scene.type_in("on 1"), ["did not 0.000 on 1: mote 1 is on already"]);
    scene.type_in("off 1");
    assert_eq!(scene.type_in("noise 1 10"), ["did not 0.000 noise 1 10: mote 1 is off"]);
    let status = scene.type_in("status");
    assert_eq!((status.len(), status[0].as_str()), (3, "mote 1: cable, off"));
    assert!(status[1].starts_with("mote 2: no cable, searching, not joined, rank 65535, slot 0, 0 neighbours"), "{status:?}");
    scene.type_in("+5 on 1");
    scene.run(Duration::from_secs(6));
    assert_eq!(scene.network.poll_remark(), Some("did 5.000 on 1".to_owned()));
}

#[test]
fn a_plug_is_pulled_and_comes_back_under_another_name_while_the_mote_lives_on() {
    let mut scene = Scene::mesh(1, 0, 0);
    scene.type_in("unplug 1");
    assert_eq!((scene.network.poll_plug(), scene.network.poll_plug()), (Some(Plug::Out(0)), None));
    scene.network.handle_reader(scene.now, 0, Reader::Left);
    scene.run(Duration::from_secs(5));
    scene.type_in("replug 1 other");
    assert_eq!(scene.network.poll_plug(), Some(Plug::In(0, "other".to_owned())));
    scene.network.handle_reader(scene.now, 0, Reader::Came);
    let from = scene.heard.len();
    scene.run(Duration::from_secs(5));
    assert!(scene.heard.len() > from + 40);
    assert!(scene.heard[from..].iter().all(|(_, _, frame)| log(frame).is_none()), "it did not boot");
}

#[test]
fn faults_by_chance_leave_a_mesh_that_lives() {
    let kit = Kit { cabled: 3, mesh: 3, seed: 5, flow: FlowControl::EverySlot, first_asn: Asn(0), wander: 20 };
    let mut network = Network::new(kit, Plan::default().with_faults(30.0, 5, 3, 6));
    let mut now = Mono(0);
    (0..3).for_each(|port| network.handle_reader(now, port, Reader::Came));
    let (mut remarks, mut bytes) = (0, 0);
    while let Some(at) = network.poll_timeout(now).filter(|at| *at <= Mono(600_000_000)) {
        now = at;
        network.handle_timeout(at);
        bytes += (0..3).filter_map(|port| network.poll_output(at, port)).map(|bytes| bytes.len()).sum::<usize>();
        while let Some(remark) = network.poll_remark() {
            assert!(remark.starts_with("did "), "{remark}");
            remarks += 1;
        }
    }
    assert!(remarks > 200 && bytes > 300_000, "{remarks} {bytes}");
}
