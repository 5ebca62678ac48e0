//! Recording D: motes boot, and are told their wanted role again.

use std::time::Duration;

use eventbus::network::DEFAULT_PREFIX;
use mqtypes::broker::{Notification, Request, Topic};
use mqtypes::command::{Action, Command, Target};
use mqtypes::ids::{Eui64, PortName, RequestId};
use mqtypes::mono::Mono;
use mqtypes::serial::{PortCounters, SerialNotification, WriteEnd, WriteReport};
use mqtypes::status::Summary;

use crate::stage::{KEY, START, Stage, TAP, play, recording, report};

/// `booted` of the component OPENWSN, behind the mote's address.
const BOOTED: [u8; 6] = [0x01, 0x4f, 0, 0, 0, 0];

fn boots(stage: &Stage) -> Vec<u32> {
    let model = stage.hub.model();
    let entry = |number| model.by_port(&PortName(format!("mote{number}"))).and_then(|index| model.entry(index));
    (1..=5).map(|number| entry(number).expect("known").boots).collect()
}

fn is_boot(frame: &[u8]) -> bool {
    frame.get(3..).is_some_and(|rest| rest == BOOTED)
}

#[test]
fn every_boot_is_counted_once() {
    let mut stage = Stage::new();
    play(&mut stage, "D");
    let mut told = [0; 5];
    for (_, port, frame, _) in recording("D") {
        let number: usize = port.trim_start_matches("mote").parse().expect("a number");
        told[number - 1] += u32::from(frame.is_some_and(|frame| is_boot(&frame)));
    }
    assert_eq!((boots(&stage), told), (told.to_vec(), [3, 1, 2, 1, 4]));
}

#[test]
fn a_boot_that_nobody_heard_is_noticed_by_the_asn_of_a_mote_that_was_synchronised() {
    let mut stage = Stage::new();
    for (at, port, frame, _) in recording("D") {
        if let Some(frame) = frame.filter(|frame| !is_boot(frame)) {
            stage.frame(at, &port, frame);
        }
    }
    // A first start shows nothing that could go back, nor does mote 5's at 22.9 s, when there is no network yet.
    assert_eq!(boots(&stage), [2, 0, 1, 0, 2]);
}

#[test]
fn what_was_told_before_a_boot_is_of_an_earlier_life() {
    let mut stage = Stage::subscribed(&[Topic::Inventory, Topic::Status]);
    let is_of_mote1 = |frame: &Option<Vec<u8>>| frame.as_ref().is_some_and(|frame| is_boot(frame) && frame[1..3] == [0, 1]);
    let boot = recording("D").into_iter().rfind(|(_, _, frame, _)| is_of_mote1(frame)).map(|(at, ..)| at).expect("it boots");
    play(&mut stage, "D");
    let told = stage.told();
    let entry = told.iter().find_map(|told| match told {
        Notification::Mote(entry) if entry.port == Some(PortName("mote1".to_owned())) => Some(entry),
        _other => None,
    });
    assert_eq!(entry.and_then(|entry| entry.booted), Some(boot));
    let summary = told.iter().find_map(|told| match told {
        Notification::Summary(report) if report.who.port == Some(PortName("mote1".to_owned())) => Some(report.summary),
        _other => None,
    });
    let summary = summary.expect("told");
    assert_eq!((summary.neighbors.of, summary.schedule.of), (Some(30), Some(21)));
    assert_eq!((summary.neighbors.heard, summary.schedule.heard), (30, 21), "44 s after the boot all rows are told again");
}

#[test]
fn the_wanted_role_is_sent_again_after_each_boot() {
    let mut stage = Stage::new();
    stage.serial(START, SerialNotification::Port(report("mote1", PortCounters::default())));
    let mote: Eui64 = "141592cc00000001".parse().expect("valid");
    let (mut sent, mut boots) = (Vec::new(), Vec::new());
    let mut is_wanted = false;
    for (at, port, frame, _) in recording("D") {
        let Some(frame) = frame.filter(|_| port == "mote1") else { continue };
        if is_boot(&frame) {
            boots.push(at);
        }
        stage.frame(at, &port, frame);
        if !is_wanted && stage.hub.model().by_eui(mote).is_some() {
            is_wanted = true;
            let deadline = at.after(Duration::from_secs(30));
            let action = Action::SetDagroot { on: true };
            let command = Command { id: RequestId(1), reply: TAP.to_owned(), deadline, target: Target::Mote(mote), action };
            stage.request(at, Request::Command(command));
        }
        stage.hub.handle_timeout(at);
        while let Some(frame) = stage.hub.poll_write() {
            let wanted = [&b"RY"[..], &DEFAULT_PREFIX, &[1], &KEY].concat();
            assert_eq!(frame.payload, wanted, "the wanted role and nothing else, with the network's prefix and key");
            stage.serial(at, SerialNotification::Write(WriteReport { id: frame.id, end: WriteEnd::Written }));
            sent.push(at);
        }
    }
    let is_sent_after = |boot: &Mono| sent.iter().any(|at| *boot <= *at && *at <= boot.after(Duration::from_millis(100)));
    // The first start comes before anybody wants a role.
    assert_eq!(boots.iter().map(is_sent_after).collect::<Vec<_>>(), [false, true, true]);
}

/// A status frame of mote 1 with this element.
fn status(element: u8, body: &[u8]) -> Vec<u8> {
    [&[b'S', 0, 1, element][..], body].concat()
}

fn mac_stats(losses: u8) -> Vec<u8> {
    status(5, &[&[0, 0, 127, 0, 0x81, 0xff, losses][..], &[0; 8]].concat())
}

#[test]
fn a_mote_that_was_plugged_in_anew_has_booted_though_its_port_opened_too_late_to_hear_it() {
    let mut stage = Stage::subscribed(&[Topic::Inventory, Topic::Status]);
    let eui = [0x14, 0x15, 0x92, 0xcc, 0, 0, 0, 1];
    let root = status(1, &[&[1, 0xfe, 0xca, 0, 1][..], &eui, &[0xbb, 0xbb, 0, 0, 0, 0, 0, 0]].concat());
    let before = [root, status(0, &[1]), status(4, &[0, 1, 0, 9, 9]), mac_stats(2), status(0, &[1])];
    let after = [status(0, &[0]), status(4, &[0, 0, 0, 9, 0]), mac_stats(0)];
    for (frame, at) in before.into_iter().chain(after).zip(1..) {
        stage.frame(START.after(Duration::from_millis(100 * at)), "mote1", frame);
    }
    let told = stage.told();
    let entry = told.iter().find_map(|told| if let Notification::Mote(entry) = told { Some(entry) } else { None });
    let entry = entry.expect("told");
    assert_eq!((entry.boots, entry.dagroot), (1, None), "nor is its role known any more");
    assert!(told.iter().any(|told| matches!(told, Notification::Summary(report) if report.summary == Summary::default())), "{told:?}");
}
