//! What comes up through a root: the DODAG, motes without a cable, packets, and who is told of them.

use std::time::Duration;

use lowpan::{Dao, Icmpv6, Packet, Rpi, address};
use mqtypes::broker::{Notification, Request, Subscribe, Topic};
use mqtypes::command::{Action, Command, Target};
use mqtypes::ids::{Asn, BootId, Eui64, PortName, RequestId};
use mqtypes::mono::Mono;
use mqtypes::mote::{Link, Source};
use mqtypes::serial::{PortCounters, PortReport, PortState, SerialNotification, WriteEnd, WriteReport};

use crate::stage::{START, Stage, TAP, play, report};
use eventbus::frame::{DataFrame, Frame, MeshData};
use eventbus::network::DEFAULT_PREFIX;

const ROOT: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1]);
const FAR: Eui64 = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 9]);

fn id_manager(eui: Eui64) -> Vec<u8> {
    let mut frame = vec![b'S', eui.0[6], eui.0[7], 1, 1, 0xfe, 0xca, eui.0[6], eui.0[7]];
    frame.extend(eui.0);
    frame.extend([0xbb, 0xbb, 0, 0, 0, 0, 0, 0]);
    frame
}

/// A root on `usb0`, seen by a subscriber of these topics.
fn with_root(topics: &[Topic]) -> Stage {
    let mut stage = Stage::subscribed(topics);
    stage.serial(START, SerialNotification::Port(report("usb0", PortCounters::default())));
    stage.frame(START, "usb0", id_manager(ROOT));
    stage.told();
    stage
}

/// What the root hands to its line when a DAO of `mote` has come up to it.
fn dao_frame(mote: Eui64) -> Vec<u8> {
    let [from, to] = [mote, ROOT].map(|eui| address::of(DEFAULT_PREFIX, eui));
    let dao = Dao { dodag: Some(to), ..Dao::to_parent(1, to) };
    let message = Icmpv6 { kind: Icmpv6::RPL, code: Dao::CODE, body: &dao.emit() }.emit(from, to);
    let packet = Packet { rpi: Some(Rpi::up(0x0300)), ..Packet::new(from, to, Packet::ICMPV6, message) };
    let mesh = MeshData { destination: ROOT, source: mote, lowpan: &packet.emit(DEFAULT_PREFIX) };
    Frame::Data(DataFrame::from_mesh(ROOT.id16(), Asn(70_000), mesh)).emit()
}

fn entries(stage: &mut Stage) -> Vec<(Source, Option<PortName>, Link)> {
    let of_far = |told| match told {
        Notification::Mote(entry) if entry.mote == Some(FAR) => Some((entry.source, entry.port, entry.link)),
        _other => None,
    };
    stage.told().into_iter().filter_map(of_far).collect()
}

#[test]
fn a_dao_puts_a_mote_without_a_cable_into_dag_and_inventory() {
    let mut stage = with_root(&[Topic::Inventory, Topic::Dag, Topic::Counts]);
    stage.frame(START, "usb0", dao_frame(FAR));
    let told = stage.told();
    let dag = told.iter().find_map(|told| if let Notification::Dag(entry) = told { Some(entry) } else { None });
    let dag = dag.expect("told");
    assert_eq!((dag.mote, dag.root, &dag.parents[..], dag.hops), (FAR, ROOT, &[ROOT][..], Some(1)));
    let counted = |signal: &str| told.iter().any(|told| matches!(told, Notification::Count(count) if count.signal == signal));
    assert!(counted("fromMote.data") && counted("fromMote.data.dao"), "{told:?}");
    let entry = told.iter().find_map(|told| if let Notification::Mote(entry) = told { Some(entry) } else { None });
    assert_eq!(entry.map(|entry| (entry.source, entry.mote, entry.link)), Some((Source::Dao, Some(FAR), Link::Up)));
}

#[test]
fn a_mote_that_gets_a_cable_and_loses_it_is_shown_once_at_any_time() {
    let mut stage = with_root(&[Topic::Inventory]);
    stage.frame(START, "usb0", dao_frame(FAR));
    assert_eq!(entries(&mut stage), [(Source::Dao, None, Link::Up)]);
    let port = Some(PortName("usb1".to_owned()));
    stage.serial(START, SerialNotification::Port(report("usb1", PortCounters::default())));
    stage.frame(START, "usb1", id_manager(FAR));
    let told = stage.told();
    assert!(told.iter().any(|told| matches!(told, Notification::MoteGone(who) if who.mote == Some(FAR) && who.port.is_none())), "{told:?}");
    assert!(told.iter().any(|told| matches!(told, Notification::Mote(entry) if entry.mote == Some(FAR) && entry.port == port)));
    stage.frame(START, "usb0", dao_frame(FAR));
    assert_eq!(entries(&mut stage), [], "the cable's entry stands");
    let other = Eui64([0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 3]);
    stage.frame(START, "usb1", id_manager(other));
    assert_eq!(entries(&mut stage), [(Source::Serial, None, Link::Down)], "another mote has its port now");
    stage.frame(START.after(Duration::from_secs(1)), "usb0", dao_frame(FAR));
    assert_eq!(entries(&mut stage), [(Source::Dao, None, Link::Up)], "and it is heard all the same");
}

#[test]
fn a_mote_that_is_heard_after_its_cable_was_pulled_was_deployed() {
    let mut stage = with_root(&[Topic::Inventory]);
    stage.serial(START, SerialNotification::Port(report("usb1", PortCounters::default())));
    stage.frame(START, "usb1", id_manager(FAR));
    stage.frame(START, "usb0", dao_frame(FAR));
    let port = Some(PortName("usb1".to_owned()));
    let pulled = START.after(Duration::from_secs(9));
    let state = PortState::Down { cause: "unplugged".to_owned() };
    let down = PortReport { state, since: pulled, ..report("usb1", PortCounters::default()) };
    stage.told();
    stage.serial(pulled, SerialNotification::Port(down));
    assert_eq!(entries(&mut stage), [(Source::Serial, port.clone(), Link::Down)], "it may have lost its power too");
    stage.frame(pulled.after(Duration::from_mins(1)), "usb0", dao_frame(FAR));
    let told = stage.told();
    assert!(told.iter().any(|told| matches!(told, Notification::MoteGone(who) if who.port == port)), "{told:?}");
    assert!(told.iter().any(|told| matches!(told, Notification::Mote(entry) if (entry.source, entry.link) == (Source::Dao, Link::Up))));
}

#[test]
fn a_mote_whose_port_is_not_there_any_more_when_serial_bridge_restarts_was_deployed() {
    let mut stage = with_root(&[Topic::Inventory]);
    stage.serial(START, SerialNotification::Port(report("usb1", PortCounters::default())));
    stage.frame(START, "usb1", id_manager(FAR));
    stage.told();
    let port = Some(PortName("usb1".to_owned()));
    let restarted = START.after(Duration::from_secs(9));
    stage.bridge = BootId(77);
    stage.serial(restarted, SerialNotification::Port(report("usb0", PortCounters::default())));
    assert_eq!(entries(&mut stage), [(Source::Serial, port, Link::Down)]);
    stage.frame(restarted.after(Duration::from_mins(1)), "usb0", dao_frame(FAR));
    assert_eq!(entries(&mut stage), [(Source::Dao, None, Link::Up)]);
}

#[test]
fn a_packet_of_an_echos_length_is_no_echo() {
    let mut stage = with_root(&[Topic::Dag]);
    let dao = dao_frame(FAR);
    let deadline = START.after(Duration::from_secs(30));
    let action = Action::Echo { count: 1, size: u8::try_from(dao.len() - 8).expect("short") };
    let command = Command { id: RequestId(1), reply: TAP.to_owned(), deadline, target: Target::Mote(ROOT), action };
    stage.request(START, Request::Command(command));
    let sent = stage.hub.poll_write().expect("sent");
    stage.serial(START, SerialNotification::Write(WriteReport { id: sent.id, end: WriteEnd::Written }));
    stage.frame(START.after(Duration::from_millis(1)), "usb0", dao);
    let answer = [&[b'D', 0, 1, 0, 0, 0, 0, 0][..], &sent.payload[1..]].concat();
    stage.frame(START.after(Duration::from_millis(5)), "usb0", answer);
    let told = stage.told();
    assert!(told.iter().any(|told| matches!(told, Notification::Dag(entry) if entry.mote == FAR)), "{told:?}");
    let figures = told.iter().find_map(|told| if let Notification::Outcome(outcome) = told { outcome.echo } else { None });
    assert_eq!(figures.map(|figures| (figures.ok, figures.corrupted)), Some((1, 0)));
}

#[test]
fn figures_of_ports_are_told_when_they_are_fresh_and_not_in_a_snapshot() {
    let mut stage = with_root(&[Topic::Inventory]);
    let wish = Subscribe { reply: TAP.to_owned(), topics: vec![Topic::Ports, Topic::Health], lease_ms: 30_000 };
    stage.request(START.after(Duration::from_hours(1)), Request::Subscribe(wish));
    assert_eq!(stage.told(), [Notification::SnapshotBegin, Notification::SnapshotEnd]);
    stage.serial(START, SerialNotification::Port(report("usb0", PortCounters::default())));
    assert!(matches!(&stage.told()[..], [Notification::Port(_)]));
}

#[test]
fn what_is_not_told_again_is_believed_for_a_quarter_of_an_hour() {
    let mut stage = with_root(&[Topic::Inventory, Topic::Dag]);
    stage.frame(START, "usb0", dao_frame(FAR));
    stage.told();
    let old = START.after(Duration::from_mins(15));
    while let Some(at) = stage.hub.poll_timeout().filter(|at| *at <= old) {
        stage.hub.handle_timeout(at);
    }
    let told = stage.told();
    assert!(told.contains(&Notification::DagGone(FAR)), "{told:?}");
    let is_silent =
        |told: &Notification| matches!(told, Notification::Mote(entry) if entry.mote == Some(FAR) && entry.link == Link::Silent);
    assert!(told.iter().any(is_silent), "{told:?}");
}

#[test]
fn packets_go_to_those_who_asked_for_them() {
    let is_packet = |told: &Notification| matches!(told, Notification::Data(data) if data.source == FAR && data.asn == Asn(70_000));
    let mut stage = with_root(&[Topic::Data]);
    stage.frame(START, "usb0", dao_frame(FAR));
    assert!(stage.told().iter().any(is_packet));
    let mut stage = with_root(&[Topic::Dag]);
    stage.frame(START, "usb0", dao_frame(FAR));
    assert!(!stage.told().iter().any(is_packet));
}

#[test]
fn a_data_frame_that_names_no_root_is_no_packet() {
    let mut stage = with_root(&[Topic::Data, Topic::Counts]);
    let late_echo = Frame::Data(DataFrame { id16: ROOT.id16(), asn: Asn(1), body: (0..60).collect() });
    stage.frame(START, "usb0", late_echo.emit());
    let told = stage.told();
    assert!(told.iter().any(|told| matches!(told, Notification::Count(count) if count.signal == "fromMote.data.stray")), "{told:?}");
    assert!(!told.iter().any(|told| matches!(told, Notification::Data(_))));
}

#[test]
fn a_dao_that_lost_its_end_moves_nobody() {
    let mut stage = Stage::new();
    // DAOs of mote 4 lost their last ten bytes on the way, and with them the parent's address. Their checksum is wrong.
    play(&mut stage, "D");
    let mesh = stage.hub.mesh();
    let edges = |entry: mqtypes::mesh::DagEntry| {
        let edge = |parent: &Eui64| format!("{:04X}>{:04X}", entry.mote.id16(), parent.id16());
        entry.parents.iter().map(edge).collect::<Vec<_>>()
    };
    let mut edges: Vec<_> = mesh.motes().filter_map(|eui| mesh.dag(eui)).flat_map(edges).collect();
    edges.sort();
    assert_eq!(edges, ["0002>0001", "0003>0002", "0004>0002"]);
}

#[test]
fn an_idle_mesh_wakes_nobody() {
    let stage = with_root(&[Topic::Dag]);
    assert_eq!(stage.hub.mesh().poll_timeout(), None::<Mono>);
}
