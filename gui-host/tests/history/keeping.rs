//! What is kept, where, and what happens when it cannot be.

use std::fs;

use serde_json::json;

use crate::{
    program::{Program, command},
    router::Router,
    stage::{MOTE, PARENT, Place, charts, router_says, values, wait_until},
    viewer::Viewer,
};

#[test]
fn a_restarted_host_still_knows_what_was() {
    let place = Place::new();
    let mut first = place.start();
    let router = router_says(&first, 512);
    let answer = charts(&first, |answer| !values(answer, "rank").is_empty() && !values(answer, "prr").is_empty());
    assert_eq!((values(&answer, "rank"), values(&answer, "prr"), values(&answer, "rssi")), (vec![512.0], vec![90.0], vec![-63.0]));
    assert_eq!(answer["step_ms"], 1000);
    drop(router);
    assert!(first.terminate().success());

    let second = place.start();
    let answer = charts(&second, |_| true);
    assert_eq!((values(&answer, "rank"), values(&answer, "prr")), (vec![512.0], vec![90.0]));
    assert_eq!(answer["kept"], json!({"from": "database", "lost": 0}));
    let kinds: Vec<_> = answer["marks"].as_array().unwrap().iter().map(|mark| mark["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["boot", "parent"]);

    // The same mote tells the same again, and another rank.
    let _router = router_says(&second, 768);
    let answer = charts(&second, |answer| values(answer, "rank").len() == 2);
    assert_eq!(values(&answer, "rank"), [512.0, 768.0]);
    let parents = answer["marks"].as_array().unwrap().iter().filter(|mark| mark["text"] == PARENT);
    assert!(parents.count() >= 1);
}

#[test]
fn a_killed_host_leaves_a_whole_database() {
    let place = Place::new();
    let mut program = place.start();
    let _router = router_says(&program, 512);
    // Written every few seconds.
    wait_until(|| printed(&place).contains("\"rank\""));
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    assert!(printed(&place).contains("\"rank\""));
    let again = place.start();
    let answer = charts(&again, |_| true);
    assert_eq!((values(&answer, "rank"), &answer["kept"]["from"]), (vec![512.0], &json!("database")));
}

/// What the command line exports at the moment; nothing while there is no file.
fn printed(place: &Place) -> String {
    let output = command(&["history", "export", "--format", "jsonl", "--history", place.path().to_str().unwrap()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn without_history_the_last_minutes_are_there_all_the_same() {
    let program = Program::start(&["--no-history"]);
    let _router = router_says(&program, 512);
    let answer = charts(&program, |answer| !values(answer, "rank").is_empty());
    assert_eq!(answer["kept"], json!({"from": "memory", "lost": 0}));
    let mut viewer = Viewer::admitted(&program);
    let refused = viewer.ask("history.export", &json!({"format": "csv"}));
    assert_eq!(refused["error"]["code"], -32005);
    assert!(refused["error"]["message"].as_str().unwrap().contains("--no-history"));
}

#[test]
fn a_file_that_cannot_be_used_is_told_and_the_host_goes_on() {
    let check = |place: &Place, words: &str, from: &str| {
        let program = place.start();
        let line = program.error_line("history: ");
        assert!(line.contains("history.sqlite") && line.contains(words) && line.ends_with("the host goes on without history"), "{line}");
        let _router = router_says(&program, 512);
        let answer = charts(&program, |answer| !values(answer, "rank").is_empty());
        assert_eq!(answer["kept"]["from"], from);
        assert!(answer["kept"]["trouble"].as_str().unwrap().contains(words), "{answer}");
    };
    let damaged = Place::new();
    fs::write(damaged.path(), "no database ".repeat(1000)).unwrap();
    check(&damaged, "damaged", "memory");
    assert_eq!(fs::read_to_string(damaged.path()).unwrap(), "no database ".repeat(1000));

    let newer = Place::new();
    assert!(newer.start().terminate().success());
    rusqlite::Connection::open(newer.path()).unwrap().execute_batch("PRAGMA user_version = 7").unwrap();
    check(&newer, "a newer gui-host wrote it (version 7", "memory");

    let locked = Place::new();
    assert!(locked.start().terminate().success());
    let other = rusqlite::Connection::open(locked.path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // What was written before can be read all the same.
    check(&locked, "locked", "database");

    let folder = Place::new();
    fs::create_dir(folder.path()).unwrap();
    check(&folder, "cannot be opened", "memory");
}

#[test]
fn a_file_that_is_damaged_while_the_host_runs_ends_history_alone() {
    let place = Place::new();
    let program = place.start();
    let router = router_says(&program, 512);
    charts(&program, |answer| !values(answer, "rank").is_empty());
    let garbage = vec![0x55; 64 * 1024];
    for name in ["history.sqlite", "history.sqlite-wal", "history.sqlite-shm"] {
        fs::write(place.folder().join(name), &garbage).unwrap();
    }
    drop(router);
    let line = program.error_line("history: ");
    assert!(line.contains("the host goes on without history"), "{line}");
    let _router = Router::admitted(program.link_port, "b");
    let answer = charts(&program, |_| true);
    assert_eq!(values(&answer, "rank"), [512.0]);
}

#[test]
fn a_question_about_a_router_that_nobody_knows_is_answered_with_nothing() {
    let place = Place::new();
    let program = place.start();
    let mut viewer = Viewer::admitted(&program);
    let answer = viewer.ask("history", &json!({"lbr": "nobody"}));
    assert_eq!(answer["result"]["series"], json!({"status_rate": [], "data_rate": [], "error_rate": []}));
    let answer = viewer.ask("history", &json!({"lbr": "nobody", "mote": MOTE, "from": 0, "step_ms": 1}));
    assert!(answer["result"]["step_ms"].as_u64().unwrap() > 1_000_000);
}
