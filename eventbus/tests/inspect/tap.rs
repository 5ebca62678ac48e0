//! What `mq-inspect tap` prints, and how it ends.

use std::process::Command;

use bus::queue::{self, PeerQueue};
use mqtypes::codec::Packer;
use nix::sys::signal::Signal;

use crate::stage::{INSPECT, PORT, Stage, Tap, booted, envelope, id_manager, port, text, until};

#[test]
fn tap_prints_what_motes_say_as_json() {
    let stage = Stage::with_eventbus("it1");
    let mut tap = stage.tap(&["--json", "--topic", "inventory,status,counts,logs"]);
    let snapshot = tap.wait_for_snapshot();
    assert_eq!(snapshot["sender"], "eventbus");
    stage.say(&port());
    stage.say(&id_manager());
    let named = tap.wait_for(|told| told["mote"]["mote"] == "141592cc00000001");
    assert_eq!(named["notification"]["mote"]["port"], PORT);
    stage.say(&booted());
    let log = tap.wait_for(|told| told.get("log").is_some());
    assert_eq!(log["notification"]["log"]["error"]["name"], "BOOTED");
    assert!(log["seq"].as_u64() >= snapshot["seq"].as_u64() && log["time"].as_u64() >= snapshot["time"].as_u64());
    tap.signal(Signal::SIGTERM);
    assert_eq!((tap.exit_code(), tap.complaints()), (Some(0), String::new()));
}

#[test]
fn tap_prints_what_is_known_of_one_mote_as_text() {
    let stage = Stage::with_eventbus("it2");
    stage.say(&port());
    stage.say(&id_manager());
    let args = ["tap", "--topic", "status", "--mote", "141592cc00000001", "--count", "1", "--for", "20"];
    let output = stage.run(&args);
    let lines: Vec<_> = text(&output.stdout).lines().map(|line| line.split_once("Z ").expect("a time").1).collect();
    let words = "DAG root, 141592cc00000001 (0001), PAN cafe, prefix bbbb::/64";
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines, ["eventbus snapshot begins".to_owned(), format!("eventbus status   141592cc00000001 IdManager: {words}")]);
}

#[test]
fn tap_says_when_there_is_nobody_to_subscribe_with() {
    let mut stage = Stage::new("it3");
    let output = stage.run(&["tap"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(text(&output.stderr).contains("eventbus is not running"), "{}", text(&output.stderr));
    stage.start_eventbus();
    stage.kill_eventbus();
    let output = stage.run(&["tap"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("nobody reads it"), "{}", text(&output.stderr));
}

#[test]
fn tap_follows_eventbus_over_a_restart() {
    let mut stage = Stage::with_eventbus("it4");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    let before = tap.wait_for_snapshot();
    stage.kill_eventbus();
    stage.start_eventbus();
    let after = tap.wait_for_snapshot();
    assert_ne!(before["boot"], after["boot"]);
    stage.say(&port());
    stage.say(&booted());
    tap.wait_for(|told| told.get("log").is_some());
    tap.signal(Signal::SIGINT);
    assert_eq!(tap.exit_code(), Some(0));
    let complaints = tap.complaints();
    assert!(complaints.contains("eventbus has restarted") && !complaints.contains("never came"), "{complaints}");
}

#[test]
fn tap_ends_when_its_reader_has_read_enough() {
    let stage = Stage::with_eventbus("it5");
    let mut tap = stage.tap(&["--topic", "logs"]);
    assert!(tap.line().ends_with("eventbus snapshot begins"));
    tap.stop_reading();
    assert_eq!((tap.exit_code(), tap.complaints()), (Some(0), String::new()));
    let output =
        Command::new("sh").args(["-c", "\"$0\" list --instance \"$1\" | head -n 1", INSPECT, &stage.instance]).output().expect("run");
    assert_eq!((text(&output.stderr), text(&output.stdout).lines().count()), ("", 1));
}

/// Gives a tap that is not read more logs than it has room for; returns a message full of them.
fn flood(stage: &Stage, tap: &Tap) -> Vec<u8> {
    let mut buffer = [0; 8192];
    let mut logs = Packer::new(&mut buffer, &envelope()).expect("fits");
    while logs.push(&booted()).is_ok() {}
    until("the tap stops reading", || {
        stage.send(logs.bytes());
        queue::glance(&tap.name).is_ok_and(|glance| glance.waiting == glance.depth)
    });
    logs.bytes().to_vec()
}

#[test]
fn tap_can_be_stopped_while_its_reader_does_not_read() {
    let stage = Stage::with_eventbus("it6");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    stage.say(&port());
    flood(&stage, &tap);
    tap.signal(Signal::SIGTERM);
    assert_eq!(tap.exit_code(), Some(0));
}

#[test]
fn tap_tells_of_what_was_dropped_because_it_was_slow() {
    let stage = Stage::with_eventbus("it7");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    stage.say(&port());
    let logs = flood(&stage, &tap);
    for _message in 0..20 {
        stage.send(&logs);
    }
    let gap = tap.wait_for(|told| told.get("gap").is_some());
    assert_eq!(gap["notification"]["gap"]["dropped"][0]["reason"], "mote-log");
}

#[test]
fn tap_passes_over_foreign_bytes_and_says_so() {
    let stage = Stage::with_eventbus("it8");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    PeerQueue::open(&tap.name).expect("there").send(b"not a message at all").expect("room");
    stage.say(&port());
    stage.say(&booted());
    tap.wait_for(|told| told.get("log").is_some());
    tap.signal(Signal::SIGHUP);
    assert_eq!(tap.exit_code(), Some(0));
    let complaints = tap.complaints();
    assert!(complaints.contains("passed over: 1 (foreign)"), "{complaints}");
}

#[test]
fn tap_ends_when_its_queue_was_removed() {
    let stage = Stage::with_eventbus("it9");
    let mut tap = stage.tap(&["--json", "--topic", "logs"]);
    tap.wait_for_snapshot();
    queue::unlink(&tap.name).expect("there");
    assert_eq!(tap.exit_code(), Some(69));
    let complaints = tap.complaints();
    assert!(complaints.contains("was removed by somebody else"), "{complaints}");
}
