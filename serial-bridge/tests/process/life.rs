//! Devices that come, go, return, and have several names.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use framing::hdlc;
use mqtypes::ids::{Generation, PortName};
use mqtypes::serial::{PortState, SerialCommand, SerialNotification};

use crate::health;
use crate::soak::asked;
use crate::stage::{Mote, Stage, newest_report};

fn is_down(state: &PortState, words: &str) -> bool {
    matches!(state, PortState::Down { cause } if cause.contains(words))
}

fn ports_told(stage: &Stage) -> Vec<PortName> {
    let mut names: Vec<_> = stage
        .said
        .iter()
        .filter_map(|notification| if let SerialNotification::Port(report) = notification { Some(report.port.clone()) } else { None })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn a_port_whose_link_vanishes_is_lost_and_returns_with_it() {
    let (mut stage, mut mote, port) = Stage::with_mote("link");
    let link = stage.directory.path().join("mote");
    let target = fs::read_link(&link).expect("a link");
    fs::remove_file(&link).expect("removed");
    stage.wait_for_state(&port, |state| is_down(state, "its node is gone"));
    symlink(&target, &link).expect("link");
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!((up.generation, up.counters.openings), (Generation(2), 2));
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
}

#[test]
fn a_link_that_is_turned_to_another_device_is_followed() {
    let (mut stage, mut old, port) = Stage::with_mote("turned");
    let (mut new, path) = Mote::new();
    let directory = stage.directory.path();
    symlink(path, directory.join("new")).expect("link");
    fs::rename(directory.join("new"), directory.join("mote")).expect("renamed over the old one");
    stage.wait_for_state(&port, |state| is_down(state, "another device"));
    let up = stage.wait_for_state(&port, |state| *state == PortState::Up);
    assert_eq!(up.generation, Generation(2));
    old.say(&hdlc::encode(b"Sold"));
    new.say(&hdlc::encode(b"Snew"));
    assert_eq!(stage.wait_for_frames(1), [b"Snew"]);
}

#[test]
fn directories_may_come_later_than_the_ports_in_them() {
    let mut stage = Stage::start("later", |directory| vec![directory.path().join("serial/by-id/mote")]);
    let port = stage.port("serial/by-id/mote");
    stage.wait_for_state(&port, |state| is_down(state, "not there"));
    let (_mote, path) = Mote::new();
    fs::create_dir(stage.directory.path().join("serial")).expect("made");
    fs::create_dir(stage.directory.path().join("serial/by-id")).expect("made");
    symlink(path, stage.directory.path().join("serial/by-id/mote")).expect("link");
    stage.wait_for_state(&port, |state| *state == PortState::Up);
}

#[test]
fn a_pattern_takes_what_is_there_what_comes_and_nothing_else() {
    let (_first, first) = Mote::new();
    let (_second, second) = Mote::new();
    let mut stage = Stage::start_with("pattern", |directory| {
        let nodes = directory.path().join("nodes");
        fs::create_dir(&nodes).expect("made");
        symlink(&first, nodes.join("ttyUSB0")).expect("link");
        symlink(&first, nodes.join("other")).expect("link");
        fs::write(nodes.join("ttyUSB-file"), "").expect("written");
        fs::create_dir(nodes.join("ttyUSB-directory")).expect("made");
        vec![format!("{}/ttyUSB*", nodes.display()), format!("{}/later/tty*", directory.path().display())]
    });
    let ports = ["nodes/ttyUSB0", "nodes/ttyUSB1", "later/ttyACM0"].map(|name| stage.port(name));
    stage.wait_for_state(&ports[0], |state| *state == PortState::Up);
    symlink(&second, stage.directory.path().join("nodes/ttyUSB1")).expect("link");
    stage.wait_for_state(&ports[1], |state| *state == PortState::Up);
    let (_third, third) = Mote::new();
    fs::create_dir(stage.directory.path().join("later")).expect("made");
    symlink(&third, stage.directory.path().join("later/ttyACM0")).expect("link");
    stage.wait_for_state(&ports[2], |state| *state == PortState::Up);
    let mut expect = ports.to_vec();
    expect.sort();
    assert_eq!(ports_told(&stage), expect);
}

#[test]
fn a_start_without_any_port_is_noticed() {
    let mut stage = Stage::start_with("portless", |directory| vec![format!("{}/tty*", directory.path().display())]);
    stage.wait_for("a word of it", |said| (!said.is_empty()).then_some(()));
    assert!(matches!(stage.said[..], [SerialNotification::Health(_)]), "{:?}", stage.said);
}

#[test]
fn a_device_with_two_names_is_open_under_the_one_that_was_named_whichever_came_first() {
    let (mut mote, path) = Mote::new();
    let mut stage = Stage::start_with("names", |directory| {
        let directory = directory.path().display();
        vec![format!("{directory}/tty*"), format!("{directory}/by-id")]
    });
    let (found, named) = (stage.port("ttyUSB0"), stage.port("by-id"));
    symlink(&path, &found.0).expect("link");
    stage.wait_for_state(&found, |state| *state == PortState::Up);
    symlink(&path, &named.0).expect("link");
    stage.wait_for_state(&named, |state| *state == PortState::Up);
    stage.wait_for_state(&found, |state| is_down(state, &format!("the same device as {named}")));
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
    // The other name may have it when the one that was named is gone.
    fs::remove_file(&named.0).expect("removed");
    stage.wait_for_state(&found, |state| *state == PortState::Up);
}

#[test]
fn a_name_that_gave_way_to_one_that_cannot_be_opened_is_opened_again() {
    let (_mote, path) = Mote::new();
    let mut stage = Stage::start_with("gave-way", |directory| {
        let directory = directory.path().display();
        vec![format!("{directory}/tty*"), format!("{directory}/by-id")]
    });
    let (found, named) = (stage.port("ttyUSB0"), stage.port("by-id"));
    symlink(&path, &found.0).expect("link");
    stage.wait_for_state(&found, |state| *state == PortState::Up);
    stage.limit_descriptors(1);
    symlink(&path, &named.0).expect("link");
    stage.wait_for_state(&named, |state| matches!(state, PortState::Fault { .. }));
    stage.limit_descriptors(256);
    fs::remove_file(&named.0).expect("removed");
    stage.wait_for_state(&found, |state| *state == PortState::Up);
}

#[test]
fn what_a_person_puts_right_is_noticed_by_that() {
    let (_mote, path) = Mote::new();
    let mut stage = Stage::start_with("attributes", |directory| {
        let link = directory.path().join("mote");
        fs::write(&link, "not a device yet").expect("written");
        vec![link.display().to_string()]
    });
    let port = stage.port("mote");
    stage.wait_for_state(&port, |state| matches!(state, PortState::Fault { .. }));
    fs::remove_file(&port.0).expect("removed");
    stage.wait_for_state(&port, |state| is_down(state, "not there"));
    symlink(&path, &port.0).expect("link");
    stage.wait_for_state(&port, |state| *state == PortState::Up);
}

#[test]
fn a_pattern_that_matches_thousands_of_names_costs_only_itself() {
    let (_many, many) = Mote::new();
    let (mut mote, path) = Mote::new();
    let mut stage = Stage::start_with("thousands", |directory| {
        for number in 0..1500 {
            symlink(&many, directory.path().join(format!("tty-{number}"))).expect("link");
        }
        symlink(&path, directory.path().join("mote")).expect("link");
        vec![format!("{}/tty-*", directory.path().display()), format!("{}/mote", directory.path().display())]
    });
    let port = stage.port("mote");
    stage.wait_for_state(&port, |state| *state == PortState::Up);
    mote.say(&hdlc::encode(b"S"));
    stage.wait_for_frames(1);
    stage.ask(&SerialCommand::ReportPorts);
    stage.wait_for("a thousand ports", |said| {
        let is_same =
            |said: &&SerialNotification| matches!(said, SerialNotification::Port(report) if is_down(&report.state, "the same device as"));
        (said.iter().filter(is_same).count() >= 1023).then_some(())
    });
    let dropped = health(&mut stage).dropped.into_iter().find(|dropped| dropped.reason == "ports-refused");
    assert_eq!((ports_told(&stage).len(), dropped.map(|dropped| dropped.count)), (1025, Some(476)));
}

#[test]
fn a_hundred_absent_ports_and_patterns_cost_no_wake_up() {
    let mut stage = Stage::start_with("absent", |directory| {
        let directory = directory.path().display();
        let paths = (0..100).map(|number| format!("{directory}/nowhere-{}/mote-{number}", number % 3));
        paths.chain([format!("{directory}/tty*"), format!("{directory}/by-id/*")]).collect()
    });
    for number in [0, 99] {
        let port = stage.port(&format!("nowhere-{}/mote-{number}", number % 3));
        stage.wait_for_state(&port, |state| is_down(state, "not there"));
    }
    std::thread::sleep(Duration::from_millis(300));
    let span = Duration::from_secs(asked("LBR_IDLE_SECONDS", 3) as u64);
    assert_eq!(stage.wake_ups(span), 0, "{}", stage.log());
    let (_mote, path) = Mote::new();
    fs::create_dir(stage.directory.path().join("nowhere-0")).expect("made");
    let port = stage.port("nowhere-0/mote-99");
    symlink(path, &port.0).expect("link");
    stage.wait_for("the port", |said| newest_report(said, &port).filter(|report| report.state == PortState::Up));
}
