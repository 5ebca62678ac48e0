//! What `mq-inspect motes` and `mq-inspect show` tell of the motes.

use std::process::Command;

use crate::stage::{INSPECT, PORT, Stage, id_manager, json, port, text};

const MOTE: &str = "141592cc00000001";

fn with_a_mote(test: &str) -> Stage {
    let stage = Stage::with_eventbus(test);
    stage.say(&port());
    stage.say(&id_manager());
    stage.tap(&["--json", "--topic", "status"]).wait_for(|told| told["status"]["who"]["mote"] == MOTE);
    stage
}

#[test]
fn motes_tells_each_with_its_port_and_role() {
    let stage = with_a_mote("im1");
    let output = stage.run(&["motes"]);
    let table = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(table.lines().count() == 2 && table.contains(&format!("{MOTE}  {PORT}  up    root")) && !table.contains('\x1b'), "{table}");
    let told = json(&stage.run(&["motes", "--json"]).stdout);
    assert_eq!((&told["motes"][0]["mote"], &told["motes"][0]["dagroot"]), (&MOTE.into(), &true.into()));
}

#[test]
fn show_finds_a_mote_by_any_of_its_names_and_tells_the_age_of_what_it_knows() {
    let stage = with_a_mote("im2");
    for name in [MOTE, "0001", PORT, "ttyUSB0"] {
        let output = stage.run(&["show", name]);
        let sheet = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(sheet.starts_with(&format!("{MOTE} on {PORT}: up for ")) && sheet.contains("ago  DAG root, 141592cc00000001"), "{sheet}");
    }
    let told = json(&stage.run(&["show", "0001", "--json"]).stdout);
    assert_eq!(told["elements"][0]["element"]["IdManager"]["is_dag_root"], true);
    let table = stage.run(&["show", "0001", "neighbors"]);
    assert!(text(&table.stdout).ends_with("No row that is in use was told yet.\n"));
}

#[test]
fn a_mote_that_is_not_there_is_told_with_those_that_are() {
    let stage = with_a_mote("im3");
    let output = stage.run(&["show", "0002"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert_eq!(text(&output.stderr), format!("mq-inspect: `0002` is no mote that is known; known are: {MOTE} on {PORT}\n"));
}

#[test]
fn without_motes_or_without_eventbus_the_way_out_is_said() {
    let mut stage = Stage::with_eventbus("im4");
    let output = stage.run(&["motes"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(text(&output.stderr).contains("no mote is known; `mq-inspect stats` shows whether"), "{}", text(&output.stderr));
    stage.kill_eventbus();
    for args in [&["motes"][..], &["show", "0001"], &["motes", "--watch"]] {
        let output = stage.run(args);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
        assert!(text(&output.stderr).contains("eventbus is not running"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_them_quietly() {
    let stage = with_a_mote("im5");
    for task in ["motes", "motes --watch --interval 1", "show 0001", "show 0001 --watch --interval 1", "stats", "top --interval 1"] {
        let script = format!("{{ \"$0\" {task} --instance \"$1\"; echo \"$?\" >&2; }} | head -n 1");
        let output = Command::new("sh").args(["-c", &script, INSPECT, &stage.instance]).output().expect("run");
        assert_eq!((text(&output.stderr), text(&output.stdout).lines().count()), ("0\n", 1), "{task}");
    }
}
