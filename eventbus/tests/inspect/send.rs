//! What becomes of a command, by what is printed and by the exit code. Nobody plays `serial-bridge` here: nothing reaches a mote.

use std::process::Command;

use crate::stage::{INSPECT, Stage, id_manager, json, port, text};

const MOTE: &str = "141592cc00000001";

fn with_a_mote(test: &str) -> Stage {
    let stage = Stage::with_eventbus(test);
    stage.say(&port());
    stage.say(&id_manager());
    stage.tap(&["--json", "--topic", "inventory"]).wait_for(|told| told["mote"]["mote"] == MOTE);
    stage
}

#[test]
fn a_command_for_an_unknown_mote_is_refused_by_whoever_knows_first() {
    let stage = with_a_mote("io1");
    let output = stage.run(&["send", "reset-mote", "141592cc00000009"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stdout), "reset-mote 141592cc00000009: refused (unknown-mote: nothing is known of 141592cc00000009)\n");
    let output = stage.run(&["send", "reset-mote", "0009"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(3), ""));
    assert!(text(&output.stderr).contains("`0009` is no mote that is known"), "{}", text(&output.stderr));
}

#[test]
fn a_command_that_does_not_end_in_time_is_told_as_such() {
    let stage = with_a_mote("io2");
    let output = stage.run(&["send", "set-dagroot", "0001", "off", "--deadline", "1"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.starts_with("set-dagroot 0001: accepted\nset-dagroot 0001: timed out ("), "{said}");
}

#[test]
fn without_waiting_a_command_ends_when_it_is_accepted() {
    let stage = with_a_mote("io3");
    let output = stage.run(&["send", "reset", "0001", "--no-wait", "--json"]);
    assert_eq!((output.status.code(), &json(&output.stdout)["state"]), (Some(0), &"accepted".into()));
}

#[test]
fn a_command_fails_when_eventbus_does_and_is_not_sent_again() {
    let mut stage = with_a_mote("io4");
    let args = ["send", "reset-mote", "0001", "--instance", &stage.instance];
    let child = Command::new(INSPECT).args(args).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let mut child = child.expect("started");
    let mut line = String::new();
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("piped"));
    std::io::BufRead::read_line(&mut lines, &mut line).expect("text");
    assert_eq!(line, "reset-mote 0001: accepted\n");
    stage.kill_eventbus();
    let output = child.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("reset-mote 0001: failed (restarted: "), "{}", text(&output.stderr));
}

#[test]
fn without_eventbus_nothing_is_sent() {
    let output = Stage::new("io5").run(&["send", "reset-mote", "0001"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(text(&output.stderr).contains("eventbus is not running"));
}
