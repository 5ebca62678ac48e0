//! What `mq-inspect list` shows.

use std::process::Child;

use bus::queue::{self, OwnedQueue, PeerQueue};
use mqtypes::queues::{ALL, EVENTBUS, TAP};

use crate::stage::{Stage, json, row, text};

#[test]
fn list_says_what_is_there_and_what_is_missing() {
    let stage = Stage::with_eventbus("il1");
    let list = stage.list();
    let inbox = row(&list, "eventbus");
    assert_eq!((&inbox["standing"], &inbox["holder"]["process"]), (&"held".into(), &"eventbus".into()));
    let pid = stage.eventbus.as_ref().map(Child::id);
    assert_eq!(inbox["holder"]["pid"].as_u64(), pid.map(u64::from));
    assert_eq!((&inbox["waiting"], &inbox["depth"], &inbox["size"]), (&0.into(), &10.into(), &8192.into()));
    assert_eq!((&inbox["mode"], &inbox["bytes"]), (&"0600".into(), &0.into()));
    assert_eq!(row(&list, "serial-bridge")["standing"], "missing");
    let output = stage.run(&["list"]);
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(table.contains("not there: its owner is not running (serial-bridge)") && !table.contains('\x1b'), "{table}");
}

#[test]
fn list_of_a_router_that_is_not_there_says_so_and_fails() {
    let stage = Stage::new("il2");
    let output = stage.run(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout).matches("not there").count(), ALL.len());
}

#[test]
fn list_shows_queues_without_a_reader_and_takes_nothing_from_them() {
    let mut stage = Stage::with_eventbus("il3");
    stage.kill_eventbus();
    PeerQueue::open(&stage.name(EVENTBUS.spec.name)).expect("there").send(b"not a message at all").expect("room");
    for _look in 0..2 {
        let inbox = row(&stage.list(), "eventbus");
        assert_eq!((&inbox["standing"], &inbox["waiting"], &inbox["bytes"]), (&"orphan".into(), &1.into(), &20.into()));
    }
    let output = stage.run(&["list"]);
    assert!(text(&output.stdout).contains("nobody: its owner is not running (eventbus)"));
}

#[test]
fn list_shows_a_queue_whose_name_was_removed_while_it_was_open() {
    let stage = Stage::with_eventbus("il4");
    queue::unlink(&stage.name(EVENTBUS.spec.name)).expect("there");
    let inbox = row(&stage.list(), "eventbus");
    assert_eq!((&inbox["standing"], &inbox["open_in"][0]["process"]), (&"unlinked".into(), &"eventbus".into()));
}

#[test]
fn list_finds_taps_that_are_open_and_with_a_mounted_file_system_those_left_over() {
    let stage = Stage::new("il5");
    let name = stage.name("tap-left");
    let tap = OwnedQueue::open_named(&name, &TAP.spec).expect("made");
    assert_eq!(row(&stage.list(), "tap-left")["standing"], "held");
    drop(tap);
    PeerQueue::open(&name).expect("there").send(b"twelve bytes").expect("room");
    let bare = stage.list();
    // Where systemd runs, the file system is mounted anyway.
    assert_eq!(row(&bare, "tap-left").is_null(), bare["mounted_at"].is_null());
    if let Some(output) = stage.run_with_mount(&["list", "--json"]) {
        let left = row(&json(&output.stdout), "tap-left");
        assert_eq!((&left["standing"], &left["waiting"], &left["bytes"]), (&"orphan".into(), &1.into(), &12.into()));
    }
    queue::unlink(&name).expect("there");
}
