//! What `mq-inspect drain` takes, and what it leaves alone.

use std::process::Command;

use bus::queue::{OwnedQueue, PeerQueue, glance};
use mqtypes::queues::{EVENTBUS, TAP};

use crate::stage::{INSPECT, Stage, booted, id_manager, port, text};

fn waiting(stage: &Stage) -> usize {
    glance(&stage.name(EVENTBUS.spec.name)).expect("there").waiting
}

/// A set whose `eventbus` was killed, with three messages for it.
fn orphaned(test: &str) -> Stage {
    let mut stage = Stage::with_eventbus(test);
    stage.kill_eventbus();
    for notification in [port(), id_manager(), booted()] {
        stage.say(&notification);
    }
    stage
}

#[test]
fn what_waits_for_nobody_is_taken_and_printed() {
    let stage = orphaned("id1");
    let output = stage.run(&["drain", "eventbus", "--yes"]);
    let lines: Vec<_> = text(&output.stdout).lines().map(|line| line.split_once("Z ").expect("a time").1).collect();
    assert_eq!((output.status.code(), waiting(&stage), lines.len()), (Some(0), 0, 3));
    assert!(lines[0].starts_with("serial-bridge port     /dev/ttyUSB0: up, 115200 baud"), "{}", lines[0]);
    assert!(lines[2].starts_with("serial-bridge frame    /dev/ttyUSB0: 9 bytes 4900"), "{}", lines[2]);
    assert!(text(&output.stderr).ends_with("eventbus: messages taken: 3\n"), "{}", text(&output.stderr));
    let again = stage.run(&["drain", "eventbus", "--yes"]);
    assert!(again.status.success() && text(&again.stderr).ends_with("nothing is in it\n"));
}

#[test]
fn nothing_is_taken_when_nobody_can_be_asked() {
    let stage = orphaned("id2");
    let output = stage.run(&["drain", "eventbus"]);
    assert_eq!((output.status.code(), text(&output.stdout), waiting(&stage)), (Some(1), "", 3));
    assert!(text(&output.stderr).contains("say --yes to take 3 messages out for good"), "{}", text(&output.stderr));
}

#[test]
fn a_living_readers_queue_is_left_alone_unless_forced() {
    let stage = Stage::new("id3");
    let tap = OwnedQueue::open_named(&stage.name("tap-live"), &TAP.spec).expect("made");
    PeerQueue::open(tap.name()).expect("there").send(b"not a message at all").expect("room");
    let output = stage.run(&["drain", "tap-live", "--yes"]);
    assert_eq!((output.status.code(), tap.depth().expect("known")), (Some(1), 1));
    assert!(text(&output.stderr).contains(" reads it; ") && text(&output.stderr).contains("--force"), "{}", text(&output.stderr));
    let output = stage.run(&["drain", "tap-live", "--yes", "--force"]);
    let left = tap.depth().expect("known");
    bus::queue::unlink(tap.name()).expect("there");
    assert_eq!((output.status.code(), left), (Some(0), 0));
    assert!(text(&output.stdout).starts_with("unreadable, 20 bytes: foreign bytes"), "{}", text(&output.stdout));
}

#[test]
fn what_nobody_reads_any_more_is_not_taken() {
    let stage = orphaned("id4");
    let script = "{ sleep 0.2; \"$0\" drain eventbus --yes --instance \"$1\"; } | true";
    let output = Command::new("sh").args(["-c", script, INSPECT, &stage.instance]).output().expect("run");
    assert!(output.status.success());
    assert_eq!(waiting(&stage), 2, "one message is lost to find out that nobody reads");
}

#[test]
fn a_queue_that_is_not_there_is_named() {
    let output = Stage::new("id5").run(&["drain", "eventbus", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(".eventbus: not there; `mq-inspect list` shows"), "{}", text(&output.stderr));
}
